"""One example of each layer, for tests of what holds for all: add a new layer here."""

from cynn.layers import (
    Activation,
    BatchNorm,
    Clip,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Rescale,
    Residual,
    Scale,
)
from networks import Case

COLUMNS = 18
"""The numbers in a row that each takes: more than a panel of float32 holds."""

# Their derivatives are continuous, or nearly everywhere, so that finite differences hold.
EXAMPLES = [
    Activation("gelu"),
    BatchNorm(0.9, 0.1),
    Clip([c / 9 - 2 for c in range(COLUMNS)], 2.0),
    Dense(5, "tanh"),
    Dropout(0.3),
    Embedding([7, 2], [3, 2], units=3),
    Flatten(),
    LayerNorm(0.1),
    MemberAffine(1, "tanh"),
    MemberDense(5, 1),
    Members(1),
    Normalize([c / 9 - 1 for c in range(COLUMNS)], [c / 9 + 1 for c in range(COLUMNS)]),
    ParametricActivation("selu"),
    PeriodicEmbedding([3, *range(17, 5, -1)], frequencies=4, units=3, sigma=0.5),
    PiecewiseLinearEmbedding(
        [4, *range(17, 13, -1)],
        [[-1, 1], [-0.5, 0, 0.25], [-2, -1, 1, 2], [0, 0.5], [-1, -0.5, 0, 0.5, 1]],
        units=3,
    ),
    Rescale(0.5, 0.25),
    Residual([Dense(5, "silu"), Dense(COLUMNS)]),
    Scale(),
]

by_layer = {"argnames": "layer", "argvalues": EXAMPLES, "ids": lambda one: type(one).__name__}
"""For `pytest.mark.parametrize`."""


def _cases(layer):
    """Return networks with the layer as the first step, between others, and as the last."""
    step, end = layer.step(), ("dense", 3, "softmax")
    if step is None:  # it computes nothing
        return
    name, wide = type(layer).__name__, ("dense", COLUMNS, "tanh")
    yield Case(f"{name} first", (step, end), "softmax_cross_entropy", inputs=COLUMNS)
    yield Case(f"{name} between", (wide, step, end), "softmax_cross_entropy")
    yield Case(f"{name} last", (wide, step), "mean_squared_error")


CASES = [case for layer in EXAMPLES for case in _cases(layer)]

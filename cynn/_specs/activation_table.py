"""The activations: one entry for each, in the order of their numbers in the C interface.

What is said of an activation in more than one place is said here: which first weights suit it, what
it is in ONNX, what scikit-learn calls it. A new one goes to the end, as numbers that were published
do not change; the tests name each place that lacks it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .aliases import SYNONYMS


class ActivationEntry(NamedTuple):
    """What is known of an activation beside its arithmetic.

    Attributes
    ----------
    first_weights : str
        The initializer of ``kernel_initializer="auto"``.
    operator : str
        ONNX's operator, empty where there is none.
    attributes : mapping of str to object
        The attributes of that operator.
    opset : int
        The first version of ONNX's operators that has it, where that is later than the others'.
    gate : tuple of str
        Of one that is x times a function of x: the activations that make this function, one after
        the other. So it is written where ONNX has no operator, and read where a file has none.
    sklearn : str
        scikit-learn's name for it, empty where it has none.
    c : str
        What it makes of the number ``v`` in C99, by functions of ``math.h`` and numbers of double;
        empty where it is of whole rows.
    """

    first_weights: str
    operator: str = ""
    attributes: Mapping[str, Any] = MappingProxyType({})
    opset: int = 0
    gate: tuple[str, ...] = ()
    sklearn: str = ""
    c: str = ""


GLOROT, HE, LECUN = "glorot_uniform", "he_uniform", "lecun_uniform"

TABLE = {
    "identity": ActivationEntry(GLOROT, "Identity", sklearn="identity", c="v"),
    "relu": ActivationEntry(HE, "Relu", sklearn="relu", c="v < 0 ? 0 : v"),
    "leaky_relu": ActivationEntry(HE, "LeakyRelu", {"alpha": 0.01}, c="v < 0 ? 0.01 * v : v"),
    "sigmoid": ActivationEntry(GLOROT, "Sigmoid", sklearn="logistic", c="1 / (1 + exp(-v))"),
    "tanh": ActivationEntry(GLOROT, "Tanh", sklearn="tanh", c="tanh(v)"),
    "softmax": ActivationEntry(GLOROT, "Softmax", {"axis": -1}, sklearn="softmax"),
    "elu": ActivationEntry(HE, "Elu", {"alpha": 1.0}, c="v < 0 ? expm1(v) : v"),
    "selu": ActivationEntry(
        LECUN,
        "Selu",
        {"alpha": 1.67326319217681884766, "gamma": 1.05070102214813232422},
        c="1.0507009873554805 * (v < 0 ? 1.6732632423543772 * expm1(v) : v)",
    ),
    "softplus": ActivationEntry(GLOROT, "Softplus", c="(v < 0 ? 0 : v) + log1p(exp(-fabs(v)))"),
    "hard_sigmoid": ActivationEntry(
        GLOROT,
        "HardSigmoid",
        {"alpha": 1 / 6, "beta": 0.5},
        c="v < -3 ? 0 : v > 3 ? 1 : v / 6 + 0.5",
    ),
    "silu": ActivationEntry(HE, gate=("sigmoid",), c="v / (1 + exp(-v))"),
    "gelu": ActivationEntry(
        HE, "Gelu", {"approximate": "none"}, 20, c="0.5 * v * (1 + erf(0.7071067811865476 * v))"
    ),
    "gelu_tanh": ActivationEntry(
        HE,
        "Gelu",
        {"approximate": "tanh"},
        20,
        c="0.5 * v * (1 + tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)))",
    ),
    "mish": ActivationEntry(
        HE,
        "Mish",
        {},
        18,
        gate=("softplus", "tanh"),
        c="v * tanh((v < 0 ? 0 : v) + log1p(exp(-fabs(v))))",
    ),
    "exponential": ActivationEntry(GLOROT, "Exp", sklearn="exp", c="exp(v)"),
}
"""The entries by name; the place of a name is its number."""

ACTIVATIONS = tuple(TABLE)
"""The activations that the kernels know, by name."""

FROM_SKLEARN = {entry.sklearn: name for name, entry in TABLE.items() if entry.sklearn}
FROM_SKLEARN |= SYNONYMS["activation"]
"""The names here of those that scikit-learn has, by its names, and of other libraries' words."""

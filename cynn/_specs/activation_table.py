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
    """

    first_weights: str
    operator: str = ""
    attributes: Mapping[str, Any] = MappingProxyType({})
    opset: int = 0
    gate: tuple[str, ...] = ()
    sklearn: str = ""


GLOROT, HE, LECUN = "glorot_uniform", "he_uniform", "lecun_uniform"

TABLE = {
    "identity": ActivationEntry(GLOROT, "Identity", sklearn="identity"),
    "relu": ActivationEntry(HE, "Relu", sklearn="relu"),
    "leaky_relu": ActivationEntry(HE, "LeakyRelu", {"alpha": 0.01}),
    "sigmoid": ActivationEntry(GLOROT, "Sigmoid", sklearn="logistic"),
    "tanh": ActivationEntry(GLOROT, "Tanh", sklearn="tanh"),
    "softmax": ActivationEntry(GLOROT, "Softmax", {"axis": -1}, sklearn="softmax"),
    "elu": ActivationEntry(HE, "Elu", {"alpha": 1.0}),
    "selu": ActivationEntry(
        LECUN, "Selu", {"alpha": 1.67326319217681884766, "gamma": 1.05070102214813232422}
    ),
    "softplus": ActivationEntry(GLOROT, "Softplus"),
    "hard_sigmoid": ActivationEntry(GLOROT, "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "silu": ActivationEntry(HE, gate=("sigmoid",)),
    "gelu": ActivationEntry(HE, "Gelu", {"approximate": "none"}, 20),
    "gelu_tanh": ActivationEntry(HE, "Gelu", {"approximate": "tanh"}, 20),
    "mish": ActivationEntry(HE, "Mish", {}, 18, gate=("softplus", "tanh")),
    "exponential": ActivationEntry(GLOROT, "Exp", sklearn="exp"),
}
"""The entries by name; the place of a name is its number."""

ACTIVATIONS = tuple(TABLE)
"""The activations that the kernels know, by name."""

FROM_SKLEARN = {entry.sklearn: name for name, entry in TABLE.items() if entry.sklearn}
FROM_SKLEARN |= SYNONYMS["activation"]
"""The names here of those that scikit-learn has, by its names, and of other libraries' words."""

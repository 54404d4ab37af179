"""The activations by name, and the ways back through them."""

from . import activations, smooth
from .softmax import softmax, softmax_backward

_FUNCTIONS = (
    vars(activations)
    | vars(smooth)
    | {
        "softmax": softmax,
        "softmax_backward": softmax_backward,
    }
)

FORWARD = {name: _FUNCTIONS[name] for name in activations.ACTIVATIONS}
"""The activation of each name."""

BACKWARD = {name: _FUNCTIONS[f"{name}_backward"] for name in activations.ACTIVATIONS}
"""The way back through the activation of each name."""

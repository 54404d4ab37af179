"""The activations by name, and the ways back through them.

A function with a ``_backward`` of its name beside it is an activation. They are numbered as they
stand: those of `activations`, then `softmax`, then those of `smooth`, where a new one is the last.
"""

import inspect

from . import activations, smooth, softmax

_FUNCTIONS = vars(activations) | vars(softmax) | vars(smooth)

FORWARD = {name: f for name, f in _FUNCTIONS.items() if f"{name}_backward" in _FUNCTIONS}
"""The activation of each name."""

BACKWARD = {name: _FUNCTIONS[f"{name}_backward"] for name in FORWARD}
"""The way back through the activation of each name."""

ACTIVATIONS = tuple(FORWARD)

FROM_INPUT = tuple(
    name for name in ACTIVATIONS if "x" in inspect.signature(BACKWARD[name]).parameters
)
"""The activations whose way back takes what went in."""


def known(activation: str) -> str:
    """Return the name of an activation back, or refuse it.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"steps: activation must be one of {ACTIVATIONS}, got {activation!r}")
    return activation

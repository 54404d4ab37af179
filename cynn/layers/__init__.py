"""Layers: what a network is made of, in order.

A layer here is a declaration; the network that the model builds from it does the arithmetic. Shapes
are those of one row, without the batch axis.
"""

from typing import Any

from .._specs import spec
from .._specs.spec import ACTIVATIONS
from ._activation import Activation
from ._dense import Dense
from ._dropout import Dropout
from ._flatten import Flatten
from ._layer import Layer
from ._normalization import BatchNorm, LayerNorm
from ._residual import Residual
from ._scaling import LEAST_STD, Normalize, Rescale
from ._stack import input_sizes, output_shapes, state_shapes, weight_shapes

__all__ = [
    "ACTIVATIONS",
    "LAYERS",
    "LEAST_STD",
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNorm",
    "Normalize",
    "Rescale",
    "Residual",
    "from_dict",
    "input_sizes",
    "output_shapes",
    "state_shapes",
    "weight_shapes",
]

LAYERS = (
    Activation, BatchNorm, Dense, Dropout, Flatten, LayerNorm, Normalize, Rescale, Residual,
)  # fmt: skip
"""The layers that a file may name."""


def from_dict(data: dict[str, Any]) -> Layer:
    """Return a layer from its ``to_dict()``.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments; it may come from a file.

    Returns
    -------
    Layer
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If it is no dictionary, or names an unknown class or an argument that is unknown, missing or
        invalid.

    Examples
    --------
    >>> from_dict(Dense(128, "relu").to_dict())
    Dense(128, 'relu')
    """
    return spec.from_dict(data, LAYERS)

"""Layers: what a network is made of, in order.

A layer here is a declaration; the network that the model builds from it does the arithmetic. Shapes
are those of one row, without the batch axis.
"""

# One layer or kin a file. Imports `_specs`, `activations` and `initializers`; imported from
# `_model` upwards.

from typing import TYPE_CHECKING, Any

from .._specs import spec
from .._specs.activation_table import ACTIVATIONS
from .._specs.names import missing_from
from ..schedules import SCHEDULES
from . import (
    _activation,
    _dense,
    _dropout,
    _embedding,
    _flatten,
    _layer,
    _members,
    _normalization,
    _piecewise,
    _residual,
    _scaling,
    _stack,
)
from ._activation import *
from ._dense import *
from ._dropout import *
from ._embedding import *
from ._flatten import *
from ._layer import *
from ._members import *
from ._normalization import *
from ._piecewise import *
from ._residual import *
from ._scaling import *
from ._stack import *

# A layer is named once, in the `__all__` of its file.
__all__ = [
    "ACTIVATIONS",
    "LAYERS",
    "from_dict",
    *_activation.__all__,
    *_dense.__all__,
    *_dropout.__all__,
    *_embedding.__all__,
    *_flatten.__all__,
    *_layer.__all__,
    *_members.__all__,
    *_normalization.__all__,
    *_piecewise.__all__,
    *_residual.__all__,
    *_scaling.__all__,
    *_stack.__all__,
]

LAYERS = tuple(
    sorted(spec.subclasses_in(globals(), _layer.Layer), key=lambda layer: layer.__name__)
)
"""The layers that a file may name."""

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__, "activation", "Activation({!r})".format)


def from_dict(data: dict[str, Any]) -> _layer.Layer:
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
    return spec.from_dict(data, LAYERS, inner=SCHEDULES)

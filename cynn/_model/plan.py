"""What a network is told of the layers: its steps, and what its loss finds at their end."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from .._data.inputs import Converted, row_array
from .._data.sparse import SparseInput


def checked_layers(given: Any) -> tuple[layers.Layer, ...]:
    """Return the layers of a model, or say what is wrong with them."""
    if isinstance(given, layers.Layer) or not isinstance(given, Iterable):
        raise TypeError(f"layers must be a list of layers, got {given!r}")
    found = tuple(given)
    if not found:
        raise ValueError("layers must hold at least one layer, got none")
    for i, layer in enumerate(found):
        if not isinstance(layer, layers.Layer):
            raise TypeError(f"layers[{i}] must be a layer such as Dense(10), got {layer!r}")
    return found


def steps_of(given: Sequence[layers.Layer]) -> tuple[list[tuple[Any, ...]], float, float]:
    """Return the network's steps, and the scale and the offset that its input is taken in with."""
    steps = [step for layer in given if (step := layer.step()) is not None]
    scale, offset = 1.0, 0.0
    # A rescaling at the head costs nothing: the rows are converted on the way in anyhow.
    while steps and steps[0][0] == "rescale":
        _, factor, shift = steps.pop(0)
        scale, offset = scale * factor, offset * factor + shift
    return steps or [("activation", "identity")], scale, offset


def last_activation(given: Sequence[layers.Layer]) -> str:
    """Return the activation in front of the loss; identity for a user-defined one."""
    for layer in reversed(given):
        if isinstance(layer, layers.Dense | layers.Activation):
            return layer.activation if isinstance(layer.activation, str) else "identity"
        if layer.step() is not None:
            break
    return "identity"


def ends_in_function(given: Sequence[layers.Layer]) -> bool:
    """Return whether nobody knows what kind of numbers the last layer gives."""
    return not isinstance(getattr(given[-1], "activation", ""), str)


def can_skip_zeros(given: Sequence[layers.Layer]) -> bool:
    """Return whether a zero in x is a zero in front of a dense layer."""
    steps, _, offset = steps_of(given)
    return offset == 0 and steps[0][0] == "dense"


def rows(
    given: Sequence[layers.Layer], name: str, x: Any, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any] | SparseInput | Converted:
    """Return the rows of `x` for these layers; see `cynn._data.inputs.row_array`.

    Raises
    ------
    TypeError, ValueError
        Also if they are sparse, and the layers need every number.
    """
    found = row_array(name, x, dtype, shape, flattens(given))
    if isinstance(found, SparseInput) and not can_skip_zeros(given):
        raise ValueError(
            f"{name} must be dense unless the first layer is Dense, without a Rescale with an "
            f"offset before it, got a sparse matrix: pass {name}.toarray()"
        )
    return found


def flattens(given: Sequence[layers.Layer]) -> bool:
    """Return whether rows of any shape are taken."""
    return isinstance(given[0], layers.Flatten)

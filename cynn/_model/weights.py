"""A model's weights: one flat array for the network, arrays by layer for people."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, integer

Shapes = Sequence[tuple[int, ...]]


def checked_arrays(
    name: str, values: Any, shapes: Shapes, dtype: np.dtype[Any]
) -> list[NDArray[Any]]:
    """Return an array for each of the shapes, in that dtype.

    Raises
    ------
    TypeError, ValueError
        If one is missing, too many, or of another shape.
    """
    if not isinstance(values, tuple | list):
        raise TypeError(f"{name} must be a list of arrays, got {type(values).__name__}")
    if len(values) != len(shapes):
        raise ValueError(f"{name} must hold {len(shapes)} arrays, got {len(values)}")
    taken = []
    for i, (value, size) in enumerate(zip(values, shapes, strict=True)):
        value = array(f"{name}[{i}]", value)
        if value.shape != size:
            raise ValueError(f"{name}[{i}] must have shape {size}, got {value.shape}")
        taken.append(value.astype(dtype))
    return taken


def shaped(flat: NDArray[Any], shapes: Shapes) -> list[NDArray[Any]]:
    """Cut a flat array into arrays of these shapes.

    Examples
    --------
    >>> [part.tolist() for part in shaped(np.arange(6), [(2, 2), (2,)])]
    [[[0, 1], [2, 3]], [4, 5]]
    """
    arrays, start = [], 0
    for size in shapes:
        arrays.append(flat[start : start + math.prod(size)].reshape(size))
        start += math.prod(size)
    return arrays


def flat(weights: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Lay arrays one after the other."""
    empty = np.empty(0, dtype)
    return np.concatenate([empty, *(w.astype(dtype).ravel() for w in weights)])


def named_state(
    network: Any, names: dict[str, tuple[int, ...]], dtype: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    """Return copies of the optimizer's state: each slot by weight, then the steps."""
    state: dict[str, NDArray[Any]] = {}
    for slot in network.slot_names:
        numbers = np.empty(network.n_params, dtype)
        network.get_slot(slot, numbers)
        parts = shaped(numbers, list(names.values()))
        state |= {f"state.{slot}.{name}": part for name, part in zip(names, parts, strict=True)}
    return state | {"state.updates": np.array(network.updates, np.int64)}


def set_state(network: Any, state: Any, shapes: Shapes, dtype: np.dtype[Any]) -> None:
    """Take the same as a list, with or without the steps.

    Raises
    ------
    TypeError, ValueError
        If an array is missing, too many, or of another shape; nothing is changed then.
    """
    slots = network.slot_names
    if not isinstance(state, tuple | list):
        raise TypeError(f"state must be a list of arrays, got {type(state).__name__}")
    count, updates = len(slots) * len(shapes), 0
    if len(state) == count + 1 and np.ndim(state[-1]) == 0:
        *state, last = state
        updates = integer("the last of state", np.asarray(last)[()], 0)
    taken = checked_arrays("state", state, list(shapes) * len(slots), dtype)
    held = np.empty(network.n_params, dtype)
    for i, slot in enumerate(slots):
        part = flat(taken[i * len(shapes) : (i + 1) * len(shapes)], dtype)
        network.get_slot(slot, held)
        if not np.array_equal(part, held):  # a slot that is not used takes no memory
            network.set_slot(slot, part)
    network.updates = updates

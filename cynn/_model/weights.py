"""A model's weights: one flat array for the network, arrays by layer for people."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, integer, number

Shapes = Sequence[tuple[int, ...]]


def checked_arrays(
    name: str, given: Any, shapes: Shapes, dtype: np.dtype[Any]
) -> list[NDArray[Any]]:
    """Return an array for each of the shapes, in that dtype.

    Raises
    ------
    TypeError, ValueError
        If one is missing, too many, or of another shape.
    """
    if not isinstance(given, tuple | list):
        raise TypeError(f"{name} must be a list of arrays, got {type(given).__name__}")
    if len(given) != len(shapes):
        raise ValueError(f"{name} must hold {len(shapes)} arrays, got {len(given)}")
    taken = []
    for i, (value, size) in enumerate(zip(given, shapes, strict=True)):
        found = array(f"{name}[{i}]", value)
        if found.shape != size:
            raise ValueError(f"{name}[{i}] must have shape {size}, got {found.shape}")
        taken.append(found.astype(dtype))
    return taken


def shaped(flat: NDArray[Any], shapes: Shapes) -> list[NDArray[Any]]:
    """Cut a flat array into arrays of these shapes.

    Examples
    --------
    >>> [part.tolist() for part in shaped(np.arange(6), [(2, 2), (2,)])]
    [[[0, 1], [2, 3]], [4, 5]]
    """
    found, start = [], 0
    for size in shapes:
        found.append(flat[start : start + math.prod(size)].reshape(size))
        start += math.prod(size)
    return found


def flat(weights: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Lay arrays one after the other."""
    empty = np.empty(0, dtype)
    return np.concatenate([empty, *(w.astype(dtype).ravel() for w in weights)])


def named_state(
    network: Any, names: dict[str, tuple[int, ...]], dtype: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    """Return copies of the optimizer's state: each slot by weight, the scalars, then the steps."""
    found: dict[str, NDArray[Any]] = {}
    for slot in network.slot_names:
        numbers = np.empty(network.n_params, dtype)
        network.get_slot(slot, numbers)
        parts = shaped(numbers, list(names.values()))
        found |= {f"state.{slot}.{name}": part for name, part in zip(names, parts, strict=True)}
    scalars = network.scalars | {"updates": np.int64(network.updates)}
    return found | {f"state.{name}": np.array(value) for name, value in scalars.items()}


def set_state(
    network: Any, given: Any, shapes: Shapes, dtype: np.dtype[Any], first: Mapping[str, float]
) -> None:
    """Take the same as a list, with its end or without: then the scalars are those of the `first`.

    Raises
    ------
    TypeError, ValueError
        If an array is missing, too many, or of another shape; nothing is changed then.
    """
    slots = network.slot_names
    if not isinstance(given, tuple | list):
        raise TypeError(f"state must be a list of arrays, got {type(given).__name__}")
    count, updates, scalars = len(slots) * len(shapes), 0, dict(first)
    if len(given) == count + len(scalars) + 1 and np.ndim(given[-1]) == 0:
        *given, last = given
        updates = integer("the last of state", np.asarray(last)[()], 0)
        for i, name in enumerate(scalars, count):
            scalars[name] = number(f"state[{i}]", np.asarray(given[i])[()])
        given = given[:count]
    taken = checked_arrays("state", given, list(shapes) * len(slots), dtype)
    held = np.empty(network.n_params, dtype)
    for i, slot in enumerate(slots):
        part = flat(taken[i * len(shapes) : (i + 1) * len(shapes)], dtype)
        network.get_slot(slot, held)
        if not np.array_equal(part, held):  # a slot that is not used takes no memory
            network.set_slot(slot, part)
    network.scalars, network.updates = scalars, updates

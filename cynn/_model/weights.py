"""A model's weights: one flat array for the network, arrays by layer for people."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, integer, number

Shapes = Sequence[tuple[int, ...]]


def checked_arrays(
    name: str, arrays: Any, shapes: Shapes, dtype: np.dtype[Any]
) -> list[NDArray[Any]]:
    """Return an array for each of the shapes, in that dtype.

    Raises
    ------
    TypeError, ValueError
        If one is missing, too many, or of another shape.
    """
    if not isinstance(arrays, tuple | list):
        raise TypeError(f"{name} must be a list of arrays, got {type(arrays).__name__}")
    if len(arrays) != len(shapes):
        raise ValueError(f"{name} must hold {len(shapes)} arrays, got {len(arrays)}")
    checked = []
    for i, (value, shape) in enumerate(zip(arrays, shapes, strict=True)):
        numbers = array(f"{name}[{i}]", value)
        if numbers.shape != shape:
            raise ValueError(f"{name}[{i}] must have shape {shape}, got {numbers.shape}")
        with np.errstate(over="ignore"):
            converted = numbers.astype(dtype)
        if numbers.dtype.kind == "f" and numbers.dtype.itemsize > dtype.itemsize:
            overflowed = np.isinf(converted) & np.isfinite(numbers)
            if overflowed.any():
                raise ValueError(
                    f"{name}[{i}] must hold numbers that {dtype} holds, got "
                    f"{numbers[overflowed][0]!s}"
                )
        checked.append(converted)
    return checked


def shaped(flat: NDArray[Any], shapes: Shapes) -> list[NDArray[Any]]:
    """Cut a flat array into arrays of these shapes.

    Examples
    --------
    >>> [part.tolist() for part in shaped(np.arange(6), [(2, 2), (2,)])]
    [[[0, 1], [2, 3]], [4, 5]]
    """
    arrays, start = [], 0
    for shape in shapes:
        arrays.append(flat[start : start + math.prod(shape)].reshape(shape))
        start += math.prod(shape)
    return arrays


def flat(weights: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Lay arrays one after the other."""
    empty = np.empty(0, dtype)
    return np.concatenate([empty, *(w.astype(dtype).ravel() for w in weights)])


def named_state(
    network: Any, names: dict[str, tuple[int, ...]], dtype: np.dtype[Any]
) -> dict[str, NDArray[Any]]:
    """Return copies of the optimizer's state: each slot by weight, the scalars, then the steps."""
    state: dict[str, NDArray[Any]] = {}
    for slot in network.slot_names:
        numbers = np.empty(network.n_params, dtype)
        network.get_slot(slot, numbers)
        parts = shaped(numbers, list(names.values()))
        state |= {f"state.{slot}.{name}": part for name, part in zip(names, parts, strict=True)}
    scalars = network.scalars | {"updates": np.int64(network.updates)}
    return state | {f"state.{name}": np.array(value) for name, value in scalars.items()}


def set_state(
    network: Any, state: Any, shapes: Shapes, dtype: np.dtype[Any], first: Mapping[str, float]
) -> None:
    """Take the same as a list, with its end or without: then the scalars are those of the `first`.

    Raises
    ------
    TypeError, ValueError
        If an array is missing, too many, or of another shape; nothing is changed then.
    """
    slots = network.slot_names
    if not isinstance(state, tuple | list):
        raise TypeError(f"state must be a list of arrays, got {type(state).__name__}")
    count, updates, scalars = len(slots) * len(shapes), 0, dict(first)
    if len(state) == count + len(scalars) + 1 and np.ndim(state[-1]) == 0:
        updates = integer("the last of state", np.asarray(state[-1])[()], 0)
        for i, name in enumerate(scalars, count):
            scalars[name] = number(f"state[{i}]", np.asarray(state[i])[()])
        state = state[:count]
    arrays = checked_arrays("state", state, list(shapes) * len(slots), dtype)
    current = np.empty(network.n_params, dtype)
    for i, slot in enumerate(slots):
        part = flat(arrays[i * len(shapes) : (i + 1) * len(shapes)], dtype)
        network.get_slot(slot, current)
        if not np.array_equal(part, current):  # a slot that is not used takes no memory
            network.set_slot(slot, part)
    network.scalars, network.updates = scalars, updates

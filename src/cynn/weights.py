"""A model's weights: one flat array for the network, arrays by layer for people."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import array

Shapes = Sequence[tuple[int, ...]]


def checked_arrays(
    name: str, given: Any, shapes: Shapes, dtype: np.dtype[Any]
) -> list[NDArray[Any]]:
    """Give an array for each of the shapes, in that dtype.

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

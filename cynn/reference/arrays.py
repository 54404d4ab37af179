"""Matrices and vectors: what the other files take, and how they read it.

A matrix is a list of rows, or anything that works like one (a NumPy array does): ``x[i][j]`` is the
number in row ``i`` and column ``j``. Results are written into an ``out`` that the caller made, as
the compiled kernels do, for which making room again and again would cost more than the arithmetic.
"""

from typing import Any, Protocol

Rows = list[list[float]]
"""A matrix made here."""

Flat = list[float]
"""A vector made here."""


class Vector(Protocol):
    """Numbers in a line: ``len(v)`` of them, each read as ``v[i]``."""

    def __len__(self) -> int:
        """Count the numbers."""

    def __getitem__(self, index: int, /) -> Any:
        """Read one of them."""


class MutableVector(Vector, Protocol):
    """A vector that is also written to: ``v[i] = number``."""

    def __setitem__(self, index: int, value: Any, /) -> None:
        """Write one of them."""


class Matrix(Protocol):
    """Numbers in rows: ``len(x)`` rows, the number in row i and column j is ``x[i][j]``."""

    def __len__(self) -> int:
        """Count the rows."""

    def __getitem__(self, index: int, /) -> Any:
        """Read one row."""


def zeros(n_rows: int, n_columns: int) -> Rows:
    """Make a matrix of zeros, every row its own list.

    Examples
    --------
    >>> zeros(2, 3)
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return [[0.0] * n_columns for _ in range(n_rows)]


def rows(x: Any) -> Rows:
    """Copy a matrix into lists of Python floats (64 bits, whatever the element type was).

    Examples
    --------
    >>> rows([(1, 2), (3, 4)])
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return [[float(value) for value in row] for row in _as_list(x)]


def numbers(v: Any) -> Flat:
    """Copy a vector into a list of Python floats.

    Examples
    --------
    >>> numbers((1, 2))
    [1.0, 2.0]
    """
    return [float(value) for value in _as_list(v)]


def _as_list(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


def write_rows(source: Rows, to: Any, first: int) -> None:
    """Write rows into those of an array, from row `first` on."""
    for i, row in enumerate(source):
        for j, value in enumerate(row):
            to[first + i][j] = value

"""What layers share that embed columns: which they embed, and where each column's numbers come."""

from __future__ import annotations  # naming numpy.random would load it

from collections.abc import Sequence

import numpy as np

from .._specs.validation import integer, shown
from ._layer import Layer, one_axis

MOST_UNITS = 1 << 20


class ColumnEmbedding(Layer):
    """What embeddings share: which columns are embedded, and where their numbers come."""

    columns: tuple[int, ...] | None
    _has_one_array = True

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape with the numbers of each embedded column; see `Layer.output_shape`."""
        (n_inputs,) = one_axis(self, input_shape)
        return (len(self.sources(n_inputs)),)

    def sources(self, n_inputs: int) -> list[int]:
        """Return which column of the input each column of the output comes of.

        Parameters
        ----------
        n_inputs : int
            The numbers in one row of the input.

        Returns
        -------
        list of int
            A number of a column for each number in one row of the output.

        Raises
        ------
        TypeError, ValueError
            If `n_inputs` is not such a number, or `columns` names one that is not there.

        Examples
        --------
        >>> from cynn.layers import Embedding, PeriodicEmbedding
        >>> Embedding([0], [3], units=2).sources(3)
        [1, 2, 0, 0]
        >>> PeriodicEmbedding(units=3).sources(2)
        [0, 1, 0, 0, 1, 1]
        """
        embedded = self._embedded(n_inputs)
        among = set() if self._keeps_input() else set(embedded)
        staying = [column for column in range(n_inputs) if column not in among]
        return staying + [column for column in embedded for _ in range(self._learned())]

    def _embedded(self, n_inputs: int) -> Sequence[int]:
        width = integer("n_inputs", n_inputs)
        columns = range(width) if self.columns is None else self.columns
        if max(columns) >= width:
            raise ValueError(
                f"columns of {self!r:.100} must be below the {width} of a row, got {max(columns)}"
            )
        return columns

    def _keeps_input(self) -> bool:
        """Return whether embedded columns stay too."""
        return False

    def _learned(self) -> int:
        """Return how many numbers an embedded column gives beside itself."""
        raise NotImplementedError(f"{type(self).__name__} must define _learned")


def whole_numbers(name: str, value: object, low: int) -> tuple[int, ...]:
    """Return a list of whole numbers, at least one, none below `low`, as a tuple.

    Examples
    --------
    >>> whole_numbers("sizes", [3, 2], 1)
    (3, 2)
    """
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, tuple | list | range):
        raise TypeError(f"{name} must be a list of whole numbers, got {shown(value)}")
    if not value:
        raise ValueError(f"{name} must hold at least one number, got none")
    return tuple(integer(f"{name}[{i}]", each, low) for i, each in enumerate(value))


def distinct_columns(name: str, value: object) -> tuple[int, ...]:
    """Return numbers of columns, from 0, each once, as a tuple.

    Examples
    --------
    >>> distinct_columns("columns", [0, 0])
    Traceback (most recent call last):
    ValueError: columns must name each column once, got 0 twice
    """
    columns = whole_numbers(name, value, 0)
    seen: set[int] = set()
    for column in columns:
        if column in seen:
            raise ValueError(f"{name} must name each column once, got {column} twice")
        seen.add(column)
    return columns


def bounded_units(name: str, value: object, low: int) -> int:
    """Return how many numbers stand for a column, from `low` to 2^20.

    Examples
    --------
    >>> bounded_units("units", 4, 1)
    4
    """
    units = integer(name, value, low)
    if units > MOST_UNITS:
        raise ValueError(f"{name} must be at most {MOST_UNITS}, got {units}")
    return units

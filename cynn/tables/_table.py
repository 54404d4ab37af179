"""A table: columns by name, and what was left aside when its file was read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Table(dict[str, NDArray[Any]]):
    """The columns of a file by name.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        The columns by name.
    index : iterable of str, optional
        Those of them that are the index of a data frame, not data: `TableEncoder.fit` leaves them
        out unless they are named.
    rows : ndarray of int, shape (n,), optional
        The number of each row in the file, from 1; by default they are counted.
    skipped : iterable of str, optional
        For each row of the file that was skipped a text that says why.

    Attributes
    ----------
    index : frozenset of str
        Columns that are the index of a data frame.
    rows : ndarray of int, shape (n,)
        The number of each row in the file.
    skipped : tuple of str
        What was skipped, and why.

    See Also
    --------
    read : Read a table from a file.

    Examples
    --------
    >>> table = Table({"id": np.array([7, 9]), "size": np.array([1.5, 2.0])}, index=["id"])
    >>> table["size"].tolist(), table.index, table.rows.tolist()
    ([1.5, 2.0], frozenset({'id'}), [1, 2])
    """

    def __init__(
        self,
        columns: Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]] = (),
        *,
        index: Iterable[str] = (),
        rows: NDArray[np.intp] | None = None,
        skipped: Iterable[str] = (),
    ) -> None:
        super().__init__(columns)
        self.index = frozenset(index)
        n = len(next(iter(self.values()), ()))
        self.rows = np.arange(1, n + 1) if rows is None else rows
        self.skipped = tuple(skipped)

    def take(self, rows: NDArray[Any]) -> "Table":
        """Return some of the rows, which keep their numbers.

        Parameters
        ----------
        rows : ndarray of int or bool
            Which, by their places in this table.

        Returns
        -------
        Table
            The same columns.

        Examples
        --------
        >>> Table({"size": np.array([1.5, 2.0, 4.0])}).take(np.array([0, 2])).rows
        array([1, 3])
        """
        columns = {name: values[rows] for name, values in self.items()}
        return Table(columns, index=self.index, rows=self.rows[rows], skipped=self.skipped)


@contextmanager
def renumbered(rows: NDArray[np.intp]) -> Iterator[None]:
    """For the place of a row in an error put its number in the whole table, from 1."""

    def number(place: re.Match[str]) -> str:
        at = int(place[0])
        return str(rows[at - 1] if at <= len(rows) else at)

    try:
        yield
    except ValueError as error:
        message = re.sub(r"(?<= in row )\d+|(?<=, row )\d+(?= the first)", number, str(error))
        raise ValueError(message) from error


def named(names: Iterable[str], columns: Iterable[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return columns by name; of those without one the first."""
    table: dict[str, NDArray[Any]] = {}
    for name, values in zip(names, columns, strict=True):
        if name and name in table:
            raise ValueError(f"its columns must have different names, got {name!r:.100} twice")
        table.setdefault(name, values)
    return table

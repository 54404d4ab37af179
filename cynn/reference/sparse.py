"""Rows that are mostly zeros, written down without them."""

from .arrays import Rows, Vector, numbers
from .checks import require_shape


class SparseRows:
    """Compressed sparse rows: the numbers that are not zero, and where they stand.

    The plain network fills the zeros in again. The compiled ones never multiply by them, so that
    for them a zero times infinity is zero.

    Parameters
    ----------
    values : vector
        The numbers, row after row.
    columns : vector of int, as long
        The column of each; those of a row ascend.
    starts : vector of int
        Row i has the values from ``starts[i]`` up to ``starts[i + 1]``.
    n_columns : int
        The numbers in a row, zeros included.

    Raises
    ------
    ValueError
        If an index leads out of the vectors or the columns, or a row's columns do not ascend.

    Examples
    --------
    >>> SparseRows([5.0, 7.0], [1, 0], [0, 1, 1, 2], n_columns=3).tolist()
    [[0.0, 5.0, 0.0], [0.0, 0.0, 0.0], [7.0, 0.0, 0.0]]
    """

    def __init__(self, values: Vector, columns: Vector, starts: Vector, n_columns: int) -> None:
        self._values, self.n_columns = numbers(values), int(n_columns)
        self._columns = [int(columns[i]) for i in range(len(columns))]
        self._starts = [int(starts[i]) for i in range(len(starts))]
        require_shape("SparseRows", "columns", columns, (len(self._values),))
        if not self._starts or self._starts[0] != 0:
            raise ValueError("SparseRows: starts must begin with 0")
        for start, end in zip(self._starts, self._starts[1:], strict=False):
            if not start <= end <= len(self._values):
                raise ValueError(
                    f"SparseRows: starts must ascend to {len(self._values)} at most, got {start}, "
                    f"{end}"
                )
            if self._columns[start:end] != sorted(set(self._columns[start:end])):
                raise ValueError("SparseRows: columns must ascend within a row")
        for column in self._columns:
            if not 0 <= column < self.n_columns:
                raise ValueError(
                    f"SparseRows: columns must be from 0 to {self.n_columns - 1}, got {column}"
                )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._starts) - 1

    def __getitem__(self, i: int) -> list[float]:
        """Return one row in full."""
        row = [0.0] * self.n_columns
        for k in range(self._starts[i], self._starts[i + 1]):
            row[self._columns[k]] = self._values[k]
        return row

    @property
    def shape(self) -> tuple[int, int]:
        """The rows and the columns."""
        return len(self), self.n_columns

    def tolist(self) -> Rows:
        """Return all rows in full.

        Returns
        -------
        list of list of float
            One list for each row, zeros included.
        """
        return [self[i] for i in range(len(self))]

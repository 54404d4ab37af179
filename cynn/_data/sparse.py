"""Sparse rows: SciPy's matrices as the network reads them, and when dense rows are better read so.

Where the first layer is dense, its cost is that of the numbers that are not zero.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

DENSITY = 0.3
"""Rows with at most this part of non-zeros are read as sparse ones by ``sparse="auto"``."""

SAMPLE = 1000  # rows that are looked at to measure it


def is_sparse(x: Any) -> bool:
    """Return whether `x` is a SciPy sparse matrix or array, without loading SciPy."""
    scipy_sparse = sys.modules.get("scipy.sparse")
    return scipy_sparse is not None and bool(scipy_sparse.issparse(x))


class SparseInput:
    """Rows of a sparse matrix, of which some can be taken as of an array.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    matrix : scipy.sparse matrix or array, shape (n, columns)
        Any format; it is converted to CSR.
    dtype : dtype
        The network's type.

    Raises
    ------
    TypeError, ValueError
        If it holds no real numbers, has another number of axes than two, or says that numbers
        stand where it has no row or no column.
    """

    def __init__(self, name: str, matrix: Any, dtype: np.dtype[Any]) -> None:
        if matrix.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold numbers, got dtype {matrix.dtype}")
        if matrix.ndim != 2 or matrix.shape[1] == 0 or matrix.shape[1] >= 2**31:
            raise ValueError(f"{name} must have shape (n, columns), got {matrix.shape}")
        _expect_within(name, matrix)  # SciPy writes wherever they say
        rows = matrix.tocsr()
        _expect_within(name, rows)
        rows = rows.astype(dtype, copy=False)
        if not rows.has_canonical_format:  # numbers that share a place add up
            rows = rows.copy()
            rows.sum_duplicates()
        self._take(rows, dtype)

    def _take(self, rows: Any, dtype: np.dtype[Any]) -> None:
        """Hold rows that need no more checks."""
        self._matrix = rows
        self.shape: tuple[int, int] = rows.shape
        self.dtype = dtype
        self._read: Any = None  # the rows as kernels read them

    @property
    def values(self) -> NDArray[Any]:
        """The numbers that are stored."""
        stored: NDArray[Any] = self._matrix.data
        return stored

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> "SparseInput":
        """Take some rows, by a slice or by their numbers."""
        taken = SparseInput.__new__(SparseInput)
        taken._take(self._matrix[rows], self.dtype)
        return taken

    def dense(self) -> NDArray[Any]:
        """Return the rows as an array, of the network's type: for a few of them."""
        rows: NDArray[Any] = self._matrix.toarray()
        return rows

    def read_by(self, network: Any) -> Any:
        """Return the rows as the kernels of that network read them.

        The indices are copied: they are checked once and must not change afterwards.
        """
        kernels = sys.modules[type(network).__module__]
        if type(self._read) is not kernels.SparseRows:
            matrix = self._matrix
            self._read = kernels.SparseRows(
                np.ascontiguousarray(matrix.data),
                matrix.indices.astype(np.int32),
                matrix.indptr.astype(np.int64),
                matrix.shape[1],
            )
        return self._read


def _expect_within(name: str, matrix: Any) -> None:
    """Refuse numbers that stand outside of the matrix: it believes what it is made of.

    Raises
    ------
    ValueError
        If it is so.
    """
    if matrix.format in ("csr", "csc", "bsr"):
        block = matrix.blocksize if matrix.format == "bsr" else (1, 1)
        lines, across = (int(n) // size for n, size in zip(matrix.shape, block, strict=True))
        if matrix.format == "csc":
            lines, across = across, lines
        starts, stored = np.asarray(matrix.indptr), len(matrix.data)
        ascend = starts.shape == (lines + 1,) and starts.dtype.kind in "iu" and starts[0] == 0
        if not (ascend and (starts[:-1] <= starts[1:]).all() and starts[-1] <= stored):
            raise ValueError(
                f"{name} must have an indptr of {lines + 1} numbers that ascend from 0 to at most "
                f"{stored}, the numbers that are stored, got another: make the matrix anew"
            )
        _expect_places(name, "indices", matrix.indices, across, stored)
    elif matrix.format == "coo":
        for axis, (places, size) in enumerate(zip(matrix.coords, matrix.shape, strict=True)):
            _expect_places(name, f"coords[{axis}]", places, size, len(matrix.data))


def _expect_places(name: str, kind: str, places: Any, size: int, stored: int) -> None:
    """Refuse what are not as many whole numbers from 0 to below `size`."""
    places = np.asarray(places)
    if places.shape != (stored,) or places.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must have {stored} whole numbers as its {kind}, got {places.dtype} of shape "
            f"{places.shape}"
        )
    if stored and not (places.min() >= 0 and places.max() < size):
        outside = places[(places < 0) | (places >= size)][0]
        raise ValueError(f"{name} must have {kind} from 0 to {size - 1}, got {outside}")


def mostly_zeros(x: NDArray[Any]) -> bool:
    """Return whether at most `DENSITY` of the numbers are not zero, by a sample of the rows."""
    sample = x[:: max(1, len(x) // SAMPLE)]
    return bool(np.count_nonzero(sample) <= DENSITY * sample.size)

"""Read a table from a file: CSV, Parquet or npz."""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]

DELIMITERS = (",", ";", "\t")


def read(path: str | os.PathLike[str]) -> Table:
    """Read a table from a CSV, Parquet or npz file.

    Parameters
    ----------
    path : path-like
        A file whose name ends in ``.csv`` (UTF-8, the names in the first line, separated by commas,
        semicolons or tabs), ``.parquet`` (needs pyarrow), or ``.npz`` (arrays of one length; the
        columns of a matrix ``x`` become ``x.0``, ``x.1`` and so on).

    Returns
    -------
    dict of str to ndarray, shape (n,)
        The columns by name. Those of a CSV file are texts, as they stand there. Columns without a
        name lie under ``""``, the first of them.

    Raises
    ------
    ValueError
        If the file is not such a table, or has no rows.
    OSError
        If it cannot be read.
    ImportError
        If it is Parquet and pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "table.npz")
    ...     np.savez(path, size=[1.5, 2.0], x=[[1, 2], [3, 4]])
    ...     read(path)
    {'size': array([1.5, 2. ]), 'x.0': array([1, 3]), 'x.1': array([2, 4])}
    """
    ending = Path(path).suffix.lower()
    if ending not in READERS:
        raise ValueError(
            f"{path} must end in {', '.join(READERS)} to be read as a table, got {ending!r}"
        )
    with open(path, "rb"):  # the plain reason first, if there is one: missing, a folder, forbidden
        pass
    try:
        table = READERS[ending](path)
        sizes = {len(values) for values in table.values()}
        if len(sizes) > 1:
            raise ValueError(f"its columns must have one length, got {sorted(sizes)}")
        if sizes in (set(), {0}):
            raise ValueError("it must have at least one row, got none")
    except (OSError, ImportError, MemoryError):
        raise
    except Exception as error:  # of a damaged file libraries raise what their decoders raise
        raise ValueError(f"{path}: {error}") from error
    return table


def _read_csv(path: str | os.PathLike[str]) -> Table:
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            n_fields = {d: len(next(_lines(file, d), [])) for d in DELIMITERS}
            lines = _lines(file, max(DELIMITERS, key=n_fields.__getitem__))
            names = [name.strip() for name in next(lines, [])]
            rows = []
            for row in lines:
                if row and len(row) != len(names):
                    raise ValueError(
                        f"line {lines.line_num} must have {len(names)} fields, as the first, got "
                        f"{len(row)}"
                    )
                if row:
                    rows.append(row)
        except UnicodeDecodeError as error:
            raise ValueError(f"it must be in UTF-8, got other bytes: {error.reason}") from error
    columns = [np.array(values, object) for values in zip(*rows, strict=True)]
    return _named(names, columns) if rows else {}


def _lines(file: Any, delimiter: str) -> Any:
    file.seek(0)
    return csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)


def _read_parquet(path: str | os.PathLike[str]) -> Table:
    try:
        from pyarrow import parquet, types
    except ImportError as error:
        wanted = "pip install 'cynn-learn[tables]'"
        raise ImportError(f"reading Parquet needs pyarrow: {wanted}") from error
    with open(path, "rb") as file:
        table = parquet.read_table(file)
    columns = []
    for column in table.columns:
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if types.is_decimal(column.type):
            column = column.cast("float64")
        columns.append(column.to_numpy())
    return _named(table.column_names, columns)


def _read_npz(path: str | os.PathLike[str]) -> Table:
    import zipfile  # four milliseconds, which ``import cynn`` need not wait for

    if not zipfile.is_zipfile(path):
        raise ValueError("it must be an npz file, got another")
    with np.load(path, allow_pickle=False) as arrays:
        names: list[str] = []
        columns: list[NDArray[Any]] = []
        for name in arrays.files:
            array = arrays[name]
            if array.ndim not in (1, 2):
                raise ValueError(
                    f"its array {name!r} must have shape (n,) or (n, k), got {array.shape}"
                )
            if array.ndim == 1:
                names.append(name)
                columns.append(array)
            else:
                names += [f"{name}.{i}" for i in range(array.shape[1])]
                columns += list(array.T)
    return _named(names, columns)


def _named(names: list[str], columns: list[NDArray[Any]]) -> Table:
    table: Table = {}
    for name, values in zip(names, columns, strict=True):
        if name and name in table:
            raise ValueError(f"its columns must have different names, got {name!r:.100} twice")
        table.setdefault(name, values)
    return table


READERS: dict[str, Callable[[Any], Table]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}

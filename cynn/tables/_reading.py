"""Read a table from a file: text, Parquet or npz."""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from .._data.npy import read_npz
from .._runtime.input_files import MAX_BYTES, Bounded, open_regular
from .._specs.validation import flag, integer
from ._csv import codec, read_text
from ._parquet import read_parquet
from ._table import Table, named

STANDARD_INPUT = "-"


class _Settings(NamedTuple):
    """What was asked of a reader."""

    encoding: str
    skip_bad_rows: bool
    max_bytes: int


def read(
    path: str | os.PathLike[str],
    *,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Table:
    """Read a table from a text, Parquet or npz file.

    Parameters
    ----------
    path : path-like
        A file whose name ends in ``.csv``, ``.tsv``, ``.csv.gz`` or ``.tsv.gz`` (text, the names in
        the first line), ``.parquet`` (needs pyarrow), or ``.npz`` (arrays of one length; the
        columns of a matrix ``x`` become ``x.0``, ``x.1`` and so on). ``"-"`` is the standard input,
        whose kind is told by its first bytes.
    encoding : str, default "utf-8"
        How a text says characters: a name that Python's ``codecs`` know.
    skip_bad_rows : bool, default False
        Whether rows of a text that have more or fewer fields than the first line are left out; the
        table's ``skipped`` names them.
    max_bytes : int, default 2**30
        What the data may take once they are unpacked, checked before memory is: the characters
        of a text, with 8 bytes for each field; the columns of a Parquet or npz file.

    Returns
    -------
    Table
        A dict of the columns by name, arrays of shape (n,). Those of a text are texts, as they
        stand there. Columns without a name lie under ``""``, the first of them.

    Raises
    ------
    ValueError
        If the file is not such a table, is damaged, is larger than `max_bytes`, is no regular file,
        or has no rows.
    TypeError
        If an argument is not as described.
    OSError
        If it cannot be read.
    ImportError
        If it is Parquet and pyarrow is not installed.

    See Also
    --------
    rows_with : The rows that have a value in a column.
    TableEncoder : From a table to the rows of a network.

    Notes
    -----
    What stands between the fields of a text, a comma, a semicolon, a tab or a bar, is elected by
    the first rows: that by which most of them have as many fields as the first line. Before it
    there may be Excel's line ``sep=;``. A name with ``.tsv`` says that it is the tab. Whether a
    text is packed is told by its first bytes. In a Parquet file that pandas wrote the index
    without a name is left out, and one with a name is named by the table's ``index``.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "table.npz")
    ...     np.savez(path, size=[1.5, 2.0], x=[[1, 2], [3, 4]])
    ...     read(path)
    {'size': array([1.5, 2. ]), 'x.0': array([1, 3]), 'x.1': array([2, 4])}
    """
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"path must be a string or a path of one, got {name!r:.100}")
    codec(encoding)
    settings = _Settings(
        encoding, flag("skip_bad_rows", skip_bad_rows), integer("max_bytes", max_bytes)
    )
    reader = _read_by_first_bytes if name == STANDARD_INPUT else _reader(name)
    if reader is None:
        raise ValueError(
            f"{name} must end in {', '.join(READERS)} to be read as a table, or be '-' for the "
            f"standard input, got {os.path.splitext(name)[1]!r}"
        )
    with _opened(name, settings.max_bytes) as file:
        try:
            table = reader(file, settings)
            sizes = {len(values) for values in table.values()}
            if len(sizes) > 1:
                raise ValueError(f"its columns must have one length, got {sorted(sizes)}")
            if sizes in (set(), {0}):
                raise ValueError("it must have at least one row, got none")
        except ImportError:
            raise
        except MemoryError as error:
            raise MemoryError(f"{name}: there is not enough memory to read it") from error
        except Exception as error:  # of a damaged file libraries raise what their decoders raise
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # of the disk, not of what stands there, such as a place before the beginning
            message = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{name}: {message}") from error
    return table


def _reader(name: str) -> "Reader | None":
    """Return what reads the files with the ending of a name."""
    return next((READERS[end] for end in READERS if name.lower().endswith(end)), None)


Reader = Callable[[BinaryIO, _Settings], Table]


@contextmanager
def _opened(name: str, max_bytes: int) -> Iterator[BinaryIO]:
    """Open a file, or the standard input, which stays open."""
    if name != STANDARD_INPUT:
        with open_regular(name) as file:
            yield file
        return
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise ValueError("the standard input must be open to read a table from it, got none")
    yield io.BufferedReader(Bounded(stream, max_bytes))


def _read_by_first_bytes(file: Any, settings: _Settings) -> Table:
    ending = {b"PAR1": ".parquet", b"PK\3\4": ".npz"}.get(file.peek(4)[:4])
    if ending is None:
        return READERS[".csv"](file, settings)
    return READERS[ending](io.BytesIO(file.read()), settings)


def _read_npz(file: BinaryIO, settings: _Settings) -> Table:
    names: list[str] = []
    columns: list[Any] = []
    for name, array in read_npz(file, settings.max_bytes):
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
    return Table(named(names, columns))


def _read_text(delimiter: str | None) -> Reader:
    return lambda file, settings: read_text(file, *settings, delimiter)


READERS: dict[str, Reader] = {
    ".csv": _read_text(None),
    ".tsv": _read_text("\t"),
    ".csv.gz": _read_text(None),
    ".tsv.gz": _read_text("\t"),
    ".parquet": lambda file, settings: read_parquet(file, settings.max_bytes),
    ".npz": _read_npz,
}

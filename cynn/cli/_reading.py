"""How the commands read a table: the options, what they read, and what is left aside."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import tables
from .._runtime.input_files import MAX_BYTES
from ..tables import Table, TableEncoder
from ..tables._csv import codec
from ..tables._reading import STANDARD_INPUT
from ..tables._rows import encodable
from ..tables._table import renumbered
from ._arguments import whole

FILES = "a .csv or .tsv file (also .gz), .parquet or .npz, or '-' for the standard input"
"""What a table may be, for the help."""

OPTIONS = ("encoding", "skip_bad_rows", "max_bytes")
"""The options, by the names under which they are kept."""

FEW = 5
"""How many of the rows that are left out are named."""


def add_options(table_options: Any, command: Any = None) -> None:
    """Declare how tables are read; to `command` what says how other files are read too."""
    table_options.add_argument(
        "--encoding",
        type=_encoding,
        metavar="NAME",
        help="how the text of a table says characters, such as latin-1 (default: utf-8)",
    )
    table_options.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="leave out rows of a table that have too many or too few fields or, where a model is "
        "used, what is no number in a column of numbers; by default they are an error",
    )
    (command or table_options).add_argument(
        "--max-bytes",
        type=whole,
        metavar="N",
        help=f"the most memory for the data that a file unpacks to (default: {MAX_BYTES:,})",
    )


def _encoding(text: str) -> str:
    try:
        codec(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("encoding ")) from None
    return text


def expect_not_read(option: str, path: str, read: Iterable[str]) -> None:
    """Refuse to write over a file that the command reads.

    Raises
    ------
    ValueError
        If `path` is one of these files, under any name.
    """
    for other in read:
        if os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other):
            raise ValueError(f"{option} must be another file than what is read, got {path}")


def read(path: str, options: argparse.Namespace, comm: Any = None) -> Table:
    """Read a table as the options say, and say which rows were skipped."""
    if path == STANDARD_INPUT and comm is not None and comm.Get_size() > 1:
        raise ValueError("TABLE must be a file that all ranks can read, got the standard input")
    settings = {name: value for name in OPTIONS if (value := getattr(options, name)) is not None}
    table = tables.read(path, **settings)
    _say_skipped(path, table.skipped)
    return table


def with_target(path: str, table: Table, name: str, decimal: str | None = None) -> NDArray[np.intp]:
    """Return the rows that have the target, and say how many have not."""
    rows = tables.rows_with(table, name, decimal)
    if n_missing := len(table.rows) - len(rows):
        first = np.setdiff1d(np.arange(len(table.rows)), rows)[0]
        count = f"{n_missing:,} of {len(table.rows):,} rows"
        place = f"row {table.rows[first]} the first"
        _say(f"{path}: {count} are left out, {place}: they have no value in {name!r}")
    return rows


@contextmanager
def placed(path: str, rows: NDArray[np.intp]) -> Iterator[None]:
    """Name the file in an error, and for the place of a row its number there."""
    try:
        with renumbered(rows):
            yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def encoded(
    path: str, table: Table, encoder: TableEncoder, dtype: Any, options: argparse.Namespace
) -> tuple[NDArray[Any], Table]:
    """Return the rows of a table as a model takes them, and the table of these rows.

    With ``--skip-bad-rows`` those with cells that it cannot take are left out, with a line.
    """
    if options.skip_bad_rows:
        rows, faults = encodable(table, encoder)
        if not len(rows):
            raise ValueError(f"it must have a row that can be used, got none: {faults[0]}")
        if faults:
            _say_skipped(path, faults)
            table = table.take(rows)
    return encoder.encode(table, dtype), table


def _say_skipped(path: str, faults: Sequence[str]) -> None:
    for fault in faults[:FEW]:
        _say(f"{path}: skipped: {fault}")
    if len(faults) > FEW:
        _say(f"{path}: {len(faults):,} rows are skipped in all")


def _say(line: str) -> None:
    print(line, file=sys.stderr)

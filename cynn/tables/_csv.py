"""Tables as text: fields between commas, semicolons, tabs or bars, plain or packed with gzip."""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .._runtime.input_files import Bounded, expect_size
from ._table import Table, named

DELIMITERS = ("\t", ";", "|", ",")
"""What may stand between fields; where the rows do not decide, the first of these."""

GZIP = b"\x1f\x8b"

# The rows that vote on the delimiter, or fewer where they are long.
_MOST_LINES = 200
_MOST_CHARACTERS = 1 << 20

_CHUNK = 1 << 20  # bytes unpacked at once
_BLOCK = 1 << 16  # fields that are put into columns at once
_FIELD = 8  # bytes of a field's place in its column; what the field itself takes comes on top
_COLUMN = 256  # and of a column

# Excel's first line, also as it is written back with the fields of the other lines.
_SEPARATOR = r'(?i)"?sep=([^\w\s"]|\t)"?\1*'


class Unclosed(ValueError):
    """A quote that is never closed: of what lies behind it nothing is known."""


def read_text(
    stream: BinaryIO, encoding: str, skip_bad_rows: bool, max_bytes: int, delimiter: str | None
) -> Table:
    """Read a table from text; see `read`.

    Parameters
    ----------
    stream : BinaryIO
        The bytes.
    encoding : str
        How they say characters.
    skip_bad_rows : bool
        Whether rows with more or fewer fields than the first are left out.
    max_bytes : int
        The most characters, with 8 for each field, that there may be.
    delimiter : str or None
        What stands between fields; None: the rows vote.

    Returns
    -------
    Table
        All fields are texts.
    """
    known = codec(encoding)
    if stream.seekable():
        _expect_size(stream, max_bytes)
    data: Any = io.BufferedReader(Bounded(stream, max_bytes))
    if data.peek(2)[:2] == GZIP:
        data = _unpacked(data, max_bytes)
    try:
        with io.TextIOWrapper(data, known, newline="") as lines:
            return _read_lines(lines, skip_bad_rows, max_bytes, delimiter)
    except UnicodeError as error:
        raise ValueError(f"it must be in {encoding}, got {_other(error)}") from error


def _unpacked(stream: Any, max_bytes: int) -> io.BufferedReader:
    import gzip  # a millisecond, which ``import cynn`` need not wait for

    unpacked: Any = gzip.GzipFile(fileobj=stream)
    return io.BufferedReader(Bounded(unpacked, max_bytes), _CHUNK)


def _expect_size(file: BinaryIO, max_bytes: int) -> None:
    """Raise where a file holds more than it may, before any of it is made a table."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(2) == GZIP:
        file.seek(0)
        data = _unpacked(file, max_bytes)
        while data.read(_CHUNK):
            pass
    else:
        expect_size("its text", size, max_bytes)
    file.seek(0)


def codec(encoding: str) -> str:
    """Return the name of an encoding of texts that Python knows, or raise."""
    if not isinstance(encoding, str):
        raise TypeError(f"encoding must be a string, got {encoding!r:.100}")
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # not of texts, as "zip" is: LookupError
    except (LookupError, ValueError):
        raise ValueError(
            "encoding must be one that Python knows, such as 'utf-8' or 'latin-1', got "
            f"{encoding!r:.100}"
        ) from None
    return name


def _other(error: UnicodeError) -> str:
    """Say what came that is not in the encoding, and what to do."""
    advice = "name the encoding (--encoding), such as latin-1, or cp1252 of Windows"
    if not isinstance(error, UnicodeDecodeError):
        return f"another ({error}): {advice}"
    for name, *marks in (
        ("utf-32", codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),  # one begins with that of utf-16
        ("utf-16", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    ):
        if error.object.startswith(tuple(marks)):
            advice = f"name the encoding (--encoding), which seems to be {name}"
            break
    return f"the byte {error.object[error.start]:#04x}: {advice}"


def _read_lines(
    lines: Iterable[str], skip_bad_rows: bool, max_bytes: int, delimiter: str | None
) -> Table:
    source = iter(lines)
    sample = list(_first(source))
    n_before = 0
    if sample:
        sample[0] = sample[0].removeprefix("\ufeff")
        if separator := re.fullmatch(_SEPARATOR, sample[0].rstrip("\r\n")):
            delimiter, n_before = separator[1], 1
            del sample[0]
    if delimiter is None:
        delimiter = _elected(sample, max_bytes)
    records = _records(itertools.chain(sample, source), delimiter, max_bytes)
    names = [name.strip() for name in _header(records)]
    if any("\0" in name for name in names):
        raise ValueError(
            "its first line must hold names, got zero bytes: if the file is in utf-16, "
            "name that encoding (--encoding)"
        )
    expect_size("its columns", _COLUMN * len(names), max_bytes)
    skipped: dict[int, str] = {}  # by the row's number, from 0

    def whole() -> Iterator[list[str]]:
        for row, (line, fields) in enumerate(records):
            if isinstance(fields, ValueError):
                message = f"line {line + n_before} {fields}"
            elif len(fields) != len(names):
                message = (
                    f"line {line + n_before} must have {len(names)} fields, as the first, got "
                    f"{len(fields)}"
                )
            else:
                yield fields
                continue
            if not skip_bad_rows or isinstance(fields, Unclosed):
                raise ValueError(message)
            skipped[row] = message

    columns = _columns(whole(), len(names))
    n = columns.shape[1]
    if skipped and not n:
        raise ValueError(f"its rows must have {len(names)} fields, got none that has: {skipped[0]}")
    rows = np.delete(np.arange(1, n + len(skipped) + 1), list(skipped))
    return Table(named(names, columns), rows=rows, skipped=skipped.values())


def _columns(rows: Iterator[list[str]], n_columns: int) -> NDArray[Any]:
    """Return columns of texts, an array of shape (n_columns, n); a block of rows at a time.

    A row costs less in a block than in a list of its own.
    """
    blocks: list[NDArray[Any]] = []
    n_rows = max(1, _BLOCK // max(1, n_columns))
    while block := list(itertools.islice(rows, n_rows)):
        blocks.append(np.array(block, object))
    columns = np.empty((n_columns, sum(map(len, blocks))), object)
    end = columns.shape[1]
    while blocks:
        part = blocks.pop()
        columns[:, end - len(part) : end] = part.T
        end -= len(part)
    return columns


def _first(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines that vote."""
    n_characters = 0
    for line in itertools.islice(lines, _MOST_LINES):
        yield line
        n_characters += len(line)
        if n_characters > _MOST_CHARACTERS:
            return


def _elected(sample: list[str], max_bytes: int) -> str:
    """Return the delimiter by which most rows have as many fields as the first."""

    def votes(delimiter: str) -> tuple[bool, int, int]:
        records = _records(sample, delimiter, max_bytes)
        n_fields = [len(fields) for _, fields in records if not isinstance(fields, ValueError)]
        first, rest = (n_fields[0], n_fields[1:]) if n_fields else (0, [])
        divides = first > 1 and (not rest or max(rest) > 1)
        return divides, sum(n == first for n in rest), first

    return max(DELIMITERS, key=votes)


def _header(records: Iterator[tuple[int, list[str] | ValueError]]) -> list[str]:
    line, fields = next(records, (0, []))
    if isinstance(fields, ValueError):
        message = f"line {line} {fields}"
        raise ValueError(message)
    return fields


def _records(
    lines: Iterable[str], delimiter: str, max_bytes: int
) -> Iterator[tuple[int, list[str] | ValueError]]:
    """Yield the number of each record's last line and its fields, or the error that they are.

    Empty lines are no records. Python's csv reads no field that is longer than a limit which all
    threads of a process share: what it gives up on is read here. It gets no more lines than these
    and their fields may take.
    """
    number = size = 0
    record: list[str] = []  # the lines that csv has taken of this one

    def taken() -> Iterator[str]:
        nonlocal number, size
        for line in lines:
            number += 1
            size += len(line) + _FIELD * (line.count(delimiter) + 1)
            if size > max_bytes:
                expect_size("its text", size, max_bytes)
            record.append(line)
            yield line

    source = taken()
    while True:
        try:
            for fields in csv.reader(
                source, delimiter=delimiter, skipinitialspace=True, strict=True
            ):
                if fields:
                    yield number, fields
                record.clear()
            return
        except csv.Error:
            given_up = itertools.chain(record[:], source)
            try:
                parsed: list[str] | ValueError = _fields(given_up, delimiter)
            except ValueError as error:
                parsed = error
        yield number, parsed
        record.clear()


def _fields(lines: Iterator[str], delimiter: str) -> list[str]:
    """Return the fields of one record, as csv does that is strict and skips spaces before them."""
    fields = []
    line, at = next(lines), 0
    while True:
        while line.startswith(" ", at):
            at += 1
        if line.startswith('"', at):
            parts = []
            at += 1
            while True:
                end = line.find('"', at)
                while end < 0:  # it goes on in the next line
                    parts.append(line[at:])
                    line, at = next(lines, ""), 0
                    if not line:
                        raise Unclosed("must close the quotes it opens, got the end of the file")
                    end = line.find('"')
                parts.append(line[at:end])
                at = end + 1
                if not line.startswith('"', at):
                    break
                parts.append('"')  # two quotes are one
                at += 1
            field = "".join(parts)
            if line[at : at + 1] not in (delimiter, "\r", "\n", ""):
                raise ValueError(
                    f"must have {delimiter!r} after a quoted field, got {line[at : at + 10]!r}"
                )
        else:
            end = line.find(delimiter, at)
            field = line[at:].rstrip("\r\n") if end < 0 else line[at:end]
            at = len(line) if end < 0 else end
        fields.append(field)
        if not line.startswith(delimiter, at):
            return fields
        at += 1

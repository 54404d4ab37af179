"""The commands on tables that are trained: evaluate, predict."""

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import tables
from .._runtime import atomic_files
from .._specs.names import near
from .._specs.validation import listed
from ..ensemble import Ensemble
from ..tables import Classes, Coded, Table, TableEncoder
from ..tables._targets import column as named_column
from ..tables._targets import different
from . import _measures, _reading


def print_unseen(encoder: TableEncoder, table: Any, file: Any) -> None:
    """Print a line for each categorical column with values that were not in the training set.

    Of an embedded one these are no others than those that were too rare there.
    """
    embedded = {column.name for column in encoder.columns if isinstance(column, Coded)}
    for name, counts in encoder.unseen(table).items():
        few = ", ".join(f"{word!r:.40} ({n:,})" for word, n in list(counts.items())[:5])
        more = ", ..." if len(counts) > 5 else ""
        total = sum(counts.values())
        rows = "row holds a value" if total == 1 else "rows hold values"
        seen = "rare or not seen" if name in embedded else "not seen"
        print(f"column {name!r}: {total:,} {rows} {seen} in training: {few}{more}", file=file)


def evaluate(model: Ensemble, encoder: TableEncoder, options: argparse.Namespace) -> None:
    """Measure a model on a table that has its target."""
    if options.table is None:
        raise ValueError(
            f"a table must be given to evaluate {options.model}, which was trained on one, got none"
        )
    table, outputs = _outputs(model, encoder, options.table, options, sys.stdout)
    target = encoder.target
    with _reading.placed(options.table, table.rows):
        if target.name not in table:
            raise ValueError(
                f"table must have the target column {target.name!r}, got {listed(table)}"
                f"{near(target.name, table)}"
            )
        rows = _reading.with_target(options.table, table, target.name)
        if not len(rows):
            raise ValueError(f"target {target.name!r} must have a value in some row, got none")
    with _reading.placed(options.table, table.rows[rows]):
        known = _measures.plain_targets(target, table[target.name][rows])
    measured = _measures.Measured(target, known)
    y, outputs = measured.known, measured.outputs(outputs[rows])
    _measures.print_table(f"{options.table}: {len(y):,} rows", measured.target, y, outputs, y)


def predict(model: Ensemble, encoder: TableEncoder, options: argparse.Namespace) -> None:
    """Write the predictions for the rows of a table, as CSV."""
    if len(options.files) != 1:
        raise ValueError(
            f"FILE must be one table for {options.model}, got {len(options.files)} files"
        )
    if options.output is not None:
        _reading.expect_not_read("--output", options.output, [options.model, *options.files])
        atomic_files.try_to_write(options.output)
    target = encoder.target
    if options.probabilities and not isinstance(target, Classes):
        raise ValueError(
            f"--probabilities must go with classification, got regression of {target.name!r}: "
            "leave it out"
        )
    labels = target.labels if options.probabilities and isinstance(target, Classes) else ()
    header = different((*target.header, *(f"probability of {label}" for label in labels)))
    for i, name in enumerate(options.id):
        if name in header:
            raise ValueError(
                f"--id must name other columns than those of the prediction, got {name!r:.100}"
            )
        if name in options.id[:i]:
            raise ValueError(f"--id must name each column once, got {name!r:.100} twice")
    table, outputs = _outputs(model, encoder, options.files[0], options, sys.stderr)
    columns = [[name, *_as_read(table, name, options.files[0])] for name in options.id]
    answers = [header, *target.as_text(outputs)]
    if labels:
        rows = [tuple(f"{p:.6g}" for p in row) for row in outputs.tolist()]
        answers[1:] = [a + b for a, b in zip(answers[1:], rows, strict=True)]
    text = _csv_of([*kept, *answer] for *kept, answer in zip(*columns, answers, strict=True))
    if options.output is not None:
        atomic_files.replace(options.output, text.encode())
        print(f"written to {options.output}")
    elif sys.stdout is not None:
        sys.stdout.write(text)


def _csv_of(rows: Iterable[Iterable[str]]) -> str:
    """Return rows as a text in which any field can be read again.

    Python's csv quotes the characters that end its lines: both, though the lines end in one.
    """
    lines: list[str] = []
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")
    for row in rows:
        writer.writerow(row)
        lines.append(line.getvalue().removesuffix("\r\n"))
        line.seek(0)
        line.truncate()
    return "".join(f"{each}\n" for each in lines)


def _as_read(table: Table, name: str, path: str) -> list[str]:
    """Return the values of a column as they stand in a file."""
    try:
        values = named_column(table, name)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if values.dtype.kind == "V":
        raise ValueError(
            f"{path}: column {name!r:.100} of --id must hold values, got lists or such"
        )
    if values.dtype.kind == "O":
        return ["" if value is None or value != value else str(value) for value in values.tolist()]
    words = np.datetime_as_string(values) if values.dtype.kind == "M" else values.astype(str)
    present = values == values  # neither NaN nor NaT
    return [word if there else "" for word, there in zip(words.tolist(), present, strict=True)]


def read(path: str, options: argparse.Namespace, missing: Iterable[str], comm: Any = None) -> Table:
    """Read a table, with nothing in place of what the options call missing."""
    table = _reading.read(path, options, comm)
    table.update(tables.mark_missing(table, missing))
    return table


def _outputs(
    model: Ensemble, encoder: TableEncoder, path: str, options: argparse.Namespace, file: Any
) -> tuple[Table, NDArray[Any]]:
    """Return a table and its outputs; what was not seen in training is printed to a file."""
    table = read(path, options, (*encoder.missing, *options.missing))
    try:
        x, table = _reading.encoded(path, table, encoder, model.dtype, options)
        outputs = model.predict(x)
        print_unseen(encoder, table, file)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return table, outputs

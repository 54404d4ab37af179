"""The commands on tables: train, evaluate, predict."""

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _backend, tables
from .._runtime import atomic_files
from .._specs.names import near
from .._specs.validation import listed
from ..callbacks import EarlyStopping
from ..layers import Dense
from ..model import Model
from ..plots import _folder
from ..preprocessing import train_validation_split
from ..tables import Classes, Table, TableEncoder, Target
from ..tables._targets import column as named_column
from ..tables._targets import different
from . import _checkpoints, _measures, _reading, _train_model

EPOCHS = 100
LEARNING_RATE = 0.01


def train(options: argparse.Namespace, comm: Any) -> int:
    """Train a network on a table, measure it and save it."""
    if options.target is None:
        raise ValueError(
            "--target COLUMN must be given for a table, got none: the column to predict"
        )
    if "optimizer" in options:  # of what cannot be, before the table is read
        _train_model.optimizer(options, LEARNING_RATE)
    _train_model.try_to_save(options)
    _train_model.note_slow_target()
    pictures = None if options.plots is None else _folder.prepare(options.plots)
    table = _at_most(
        options.rows, _read(options.table, options, options.missing, comm), options.seed
    )
    with _reading.placed(options.table, table.rows):
        labelled = _reading.with_target(options.table, table, options.target, options.decimal)
    with _reading.placed(options.table, table.rows[labelled]):
        values = table | {options.target: table[options.target][labelled]}
        target = tables.target_of(values, options.target, options.task, options.decimal)
        is_quantity = target.task == "regression"
        if options.class_weight is not None and is_quantity:
            raise ValueError(
                f"--class-weight must go with classification, got regression of {target.name!r}: "
                "leave it out"
            )
        y = target.encode(values[target.name])
    with _reading.placed(options.table, table.rows):
        parts = _parts(y, target, options)
        encoder = TableEncoder.fit(
            table,
            target,
            rows=labelled[parts["training"]],
            categorical=options.categorical,
            ignore=options.ignore,
            missing=options.missing,
            decimal=options.decimal,
        )
        x = encoder.encode(table, options.dtype)
        x = x if len(labelled) == len(x) else x[labelled]
    model = Model(
        [*_train_model.hidden_layers(options), Dense(target.n_outputs, target.activation)],
        dtype=options.dtype,
        seed=options.seed,
    )
    default = "adam" if is_quantity else "sgd"
    optimizer = _train_model.optimizer(options, LEARNING_RATE, default)
    model.compile(optimizer, target.loss, [target.metric])
    model.build(encoder.width)
    _introduce(encoder, parts, options, comm)
    if "validation" in parts:
        print_unseen(encoder, table.take(labelled[parts["validation"]]), sys.stdout)
    model.table = encoder
    model.training = _checkpoints.record(options, "table", x, y, *parts.values(), comm=comm)
    model = _train_model.resumed(model, options, comm)
    model.table = encoder
    rows, held_out = parts["training"], parts.get("validation")
    extra: dict[str, Any] = {"class_weight": options.class_weight}
    if held_out is not None:  # the best epoch is kept, also where none is too many
        epochs = vars(options).get("epochs", EPOCHS)
        patience = epochs if options.patience is None else options.patience
        extra["validation_data"] = x[held_out], y[held_out]
        extra["callbacks"] = [EarlyStopping("val_loss", patience)]
    status = _train_model.fit(model, x[rows], y[rows], options, EPOCHS, "rows", comm, **extra)
    if comm is not None and comm.Get_rank() > 0:
        return status
    _train_model.save(model, options)
    if status:
        _train_model.note_saved(options)
        return status
    _train_model.note_slow_measuring(len(y))
    known = y[rows]
    if held_out is not None:
        print(f"training:   {_measures.of_table(target, known, model.predict(x[rows]))}")
    part, rows = list(parts.items())[-1]
    outputs = model.predict(x[rows])
    _measures.print_table(part, target, y[rows], outputs, known, width=11)
    _train_model.note_saved(options)
    if pictures is not None:  # of the rows not trained on, if there are any: they came last
        written = _folder.write(pictures, model, _folder.of_table(target, y[rows], outputs))
        print(f"plots in {pictures}: {', '.join(written)}")
    return status


def _at_most(n: int | None, table: Table, seed: int) -> Table:
    """Return so many rows of a table, drawn at random, in their order."""
    n_rows = len(table.rows)
    if n is None or n >= n_rows:
        return table
    return table.take(np.sort(np.random.default_rng(seed).permutation(n_rows)[:n]))


def _parts(
    y: NDArray[Any], target: Target, options: argparse.Namespace
) -> dict[str, NDArray[np.intp]]:
    """Return the rows to train on and, unless there is to be none, those to validate on."""
    rows = np.arange(len(y))
    if options.validation == 0:
        return {"training": rows}
    stratify = y if target.task == "classification" else None
    try:
        cut = train_validation_split(
            rows, fraction=options.validation, seed=options.seed, stratify=stratify
        )
    except ValueError as error:
        message = str(error).removeprefix("fraction ")
        raise ValueError(f"--validation {message}: 0 holds no rows out") from error
    return dict(zip(("training", "validation"), cut, strict=True))


def _introduce(
    encoder: TableEncoder,
    parts: dict[str, NDArray[np.intp]],
    options: argparse.Namespace,
    comm: Any,
) -> None:
    """Print what is trained on what, and what of the table is not used."""
    for column in encoder.left_out:
        print(f"column {column.name!r} is ignored: {column.why}")
    kinds = Counter(type(column).__name__.lower() for column in encoder.columns)
    target = encoder.target
    widths = [encoder.width, *options.hidden, target.n_outputs]
    print(
        f"{options.table}: "
        + ", ".join(f"{len(rows):,} rows for {part}" for part, rows in parts.items())
        + "; columns: "
        + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        + f"; {target.task} of {target.name!r}; network {'-'.join(map(str, widths))}, "
        f"{options.dtype}, target {_backend.target()}, {_train_model.workers(comm)}"
    )


def print_unseen(encoder: TableEncoder, table: Any, file: Any) -> None:
    """Print a line for each categorical column with values that were not in the training set."""
    for name, counts in encoder.unseen(table).items():
        few = ", ".join(f"{word!r:.40} ({n:,})" for word, n in list(counts.items())[:5])
        more = ", ..." if len(counts) > 5 else ""
        total = sum(counts.values())
        rows = "row holds a value" if total == 1 else "rows hold values"
        print(f"column {name!r}: {total:,} {rows} not seen in training: {few}{more}", file=file)


def evaluate(model: Model, encoder: TableEncoder, options: argparse.Namespace) -> None:
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
        y, outputs = target.encode(table[target.name][rows]), outputs[rows]
    _measures.print_table(f"{options.table}: {len(y):,} rows", target, y, outputs, y)


def predict(model: Model, encoder: TableEncoder, options: argparse.Namespace) -> None:
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


def _read(
    path: str, options: argparse.Namespace, missing: Iterable[str], comm: Any = None
) -> Table:
    """Read a table, with nothing in place of what the options call missing."""
    table = _reading.read(path, options, comm)
    table.update(tables.mark_missing(table, missing))
    return table


def _outputs(
    model: Model, encoder: TableEncoder, path: str, options: argparse.Namespace, file: Any
) -> tuple[Table, NDArray[Any]]:
    """Return a table and its outputs; what was not seen in training is printed to a file."""
    table = _read(path, options, (*encoder.missing, *options.missing))
    try:
        x, table = _reading.encoded(path, table, encoder, model.dtype, options)
        outputs = model.predict(x)
        print_unseen(encoder, table, file)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return table, outputs

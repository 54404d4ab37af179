"""The commands on tables: train, evaluate, predict."""

import argparse
import csv
import io
import sys
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _backend, tables
from .._runtime import atomic_files
from ..callbacks import EarlyStopping
from ..layers import Dense
from ..model import Model
from ..plots import _folder
from ..preprocessing import train_validation_split
from ..tables import TableEncoder, Target
from . import _train_model

EPOCHS = 100
LEARNING_RATE = 0.01


def train(options: argparse.Namespace, comm: Any) -> int:
    """Train a network on a table, measure it and save it."""
    if options.target is None:
        raise ValueError(
            "--target COLUMN must be given for a table, got none: the column to predict"
        )
    if options.data is not None:
        raise ValueError(
            f"either a table or --data must be given, got both {options.table} and {options.data}"
        )
    if options.patience is not None and options.validation == 0:
        raise ValueError("--validation must be above 0 for --patience, got 0")
    optimizer = _train_model.optimizer(options, LEARNING_RATE)
    _train_model.try_to_save(options)
    pictures = None if options.plots is None else _folder.prepare(options.plots)
    table = tables.read(options.table)
    try:
        target = tables.target_of(table, options.target, options.task)
        y = target.encode(table[target.name])
        parts = _parts(y, target, options)
        encoder = TableEncoder.fit(
            table,
            target,
            rows=parts["training"],
            categorical=options.categorical,
            ignore=options.ignore,
        )
        x = encoder.encode(table, options.dtype)
    except ValueError as error:
        raise ValueError(f"{options.table}: {error}") from error
    model = Model(
        [*_train_model.hidden_layers(options), Dense(target.n_outputs, target.activation)],
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(optimizer, target.loss, [target.metric])
    model.build(encoder.width)
    _introduce(encoder, parts, options, comm)
    model = _train_model.resumed(model, options, comm)
    model.table = encoder
    rows, held_out = parts["training"], parts.get("validation")
    extra: dict[str, Any] = {}
    if held_out is not None:
        extra["validation_data"] = x[held_out], y[held_out]
    if options.patience is not None:
        extra["callbacks"] = [EarlyStopping("val_loss", options.patience)]
    status = _train_model.fit(model, x[rows], y[rows], options, EPOCHS, "rows", comm, **extra)
    if comm is not None and comm.Get_rank() > 0:
        return status
    for part, rows in parts.items():
        outputs = model.predict(x[rows])
        print(f"{part + ':':11} {_measured(target, y[rows], outputs)}")
    _train_model.save(model, options)
    if pictures is not None:  # of the rows not trained on, if there are any: they came last
        written = _folder.write(pictures, model, _folder.of_table(target, y[rows], outputs))
        print(f"plots in {pictures}: {', '.join(written)}")
    return status


def _parts(
    y: NDArray[Any], target: Target, options: argparse.Namespace
) -> dict[str, NDArray[np.intp]]:
    """Return the rows to train on and, unless there is to be none, those to validate on."""
    rows = np.arange(len(y))
    if options.validation == 0:
        return {"training": rows}
    stratify = y if target.task == "classification" else None
    cut = train_validation_split(
        rows, fraction=options.validation, seed=options.seed, stratify=stratify
    )
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


def _measured(target: Target, y: NDArray[Any], outputs: NDArray[Any]) -> str:
    if not np.isfinite(outputs).all():
        return "outputs are NaN: the training has diverged; try a lower --learning-rate"
    measures = target.measure(y, outputs)
    return "  ".join(f"{name} {value:.4g}" for name, value in measures.items())


def evaluate(model: Model, encoder: TableEncoder, options: argparse.Namespace) -> None:
    """Measure a model on a table that has its target."""
    if options.table is None or options.data is not None:
        raise ValueError(
            f"a table must be given to evaluate {options.model}, which was trained on one, got none"
        )
    table, outputs = _outputs(model, encoder, options.table)
    target = encoder.target
    try:
        if target.name not in table:
            raise ValueError(
                f"table must have the target column {target.name!r}, got {', '.join(table):.200}"
            )
        y = target.encode(table[target.name])
    except ValueError as error:
        raise ValueError(f"{options.table}: {error}") from error
    print(f"{options.table}: {len(y):,} rows: {_measured(target, y, outputs)}")


def predict(model: Model, encoder: TableEncoder, options: argparse.Namespace) -> None:
    """Write the predictions for the rows of a table, as CSV."""
    if len(options.files) != 1:
        raise ValueError(
            f"FILE must be one table for {options.model}, got {len(options.files)} files"
        )
    if options.output is not None:
        atomic_files.try_to_write(options.output)
    _, outputs = _outputs(model, encoder, options.files[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(encoder.target.header)
    writer.writerows(encoder.target.as_text(outputs))
    if options.output is not None:
        atomic_files.replace(options.output, text.getvalue().encode())
        print(f"written to {options.output}")
    elif sys.stdout is not None:
        sys.stdout.write(text.getvalue())


def _outputs(model: Model, encoder: TableEncoder, path: str) -> tuple[Any, NDArray[Any]]:
    table = tables.read(path)
    try:
        return table, model.predict(encoder.encode(table, model.dtype))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error

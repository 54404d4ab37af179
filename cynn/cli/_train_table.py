"""``cynn train TABLE``: from the rows of a table to a network, its measures and its file."""

import argparse
import sys
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _backend, tables
from ..ensemble import Ensemble
from ..model import Model
from ..plots import _folder
from ..preprocessing import train_validation_split
from ..tables import Table, TableEncoder, Target
from . import _checkpoints, _measures, _models, _reading, _report, _table, _train_model
from ._mlp import MLP
from ._models import Data
from ._tabular import Tabular

KINDS = {
    "Coded": "categorical (embedded)",
    "Dates": "of dates",
    "QuantileNumeric": "numeric (by quantiles)",
}
"""What columns are called that are not called as their class is."""


def train(options: argparse.Namespace, comm: Any) -> int:
    """Train a network on a table, measure it and save it."""
    if options.target is None:
        raise ValueError(
            "--target COLUMN must be given for a table, got none: the column to predict"
        )
    kind = MLP(options) if options.model == _models.MLP else Tabular(options, comm)
    _train_model.try_to_save(options)
    _train_model.note_slow_target()
    pictures = None if options.plots is None else _folder.prepare(options.plots)
    _report.prepare(options, comm)
    data, last = _read(options, kind.recipe, comm)
    kind.expect(data)
    _introduce(data, kind.title, options, comm)
    if "validation" in data.parts:
        _table.print_unseen(data.encoder, last, sys.stdout)
    data = kind.with_target(data)
    trained: Model | Ensemble
    if isinstance(kind, Tabular) and options.members > 1:
        note = _record(data, options, comm)
        trained, status = kind.ensemble(data, note), 0
    else:
        trained, status = _trained(kind, data, options, comm)
    if comm is not None and comm.Get_rank() > 0:
        return status
    _train_model.save(trained, options)
    if status:
        _train_model.note_saved(options)
        return status
    _train_model.note_slow_measuring(len(data.y))
    measured, outputs = _measure(trained, data)
    part = list(data.parts)[-1]  # the rows not trained on, if there are any
    _train_model.note_saved(options)
    if pictures is not None:
        y = measured.of(data.y[data.parts[part]])
        drawn = _folder.of_table(measured.target, y, outputs[part])
        first = trained.members[0] if isinstance(trained, Ensemble) else trained
        print(f"plots in {pictures}: {', '.join(_folder.write(pictures, first, drawn))}")
    if options.report is not None:
        _report.of_table(options, trained, data, last, measured, outputs)
    return status


def _read(options: argparse.Namespace, recipe: str, comm: Any) -> tuple[Data, Table]:
    """Read the table, whose rows say what its columns and its target are; and its last part."""
    table = _at_most(
        options.rows, _table.read(options.table, options, options.missing, comm), options.seed
    )
    with _reading.placed(options.table, table.rows):
        labelled = _reading.with_target(options.table, table, options.target, options.decimal)
    with _reading.placed(options.table, table.rows[labelled]):
        values = table | {options.target: table[options.target][labelled]}
        target = tables.target_of(values, options.target, options.task, options.decimal)
        if options.class_weight is not None and target.task == "regression":
            raise ValueError(
                f"--class-weight must go with classification, got regression of {target.name!r}: "
                "leave it out"
            )
        y = _measures.plain_targets(target, values[target.name])
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
            recipe=recipe,
        )
        x = encoder.encode(table, options.dtype)
    last = table  # where nobody looks at it
    if "validation" in parts or options.report is not None:
        last = table.take(labelled[list(parts.values())[-1]])
    return Data(encoder, x if len(labelled) == len(x) else x[labelled], y, parts), last


def _trained(
    kind: MLP | Tabular, data: Data, options: argparse.Namespace, comm: Any
) -> tuple[Model, int]:
    """Return one network that is trained, and the exit status."""
    model = kind.model(data)
    model.build(data.encoder.width)
    model.training = _record(data, options, comm)
    model = _train_model.resumed(model, options, comm)
    model.table = data.encoder
    rows, held_out = data.rows("training"), data.rows("validation")
    assert rows is not None
    settings = kind.fit_settings(data) | {"class_weight": options.class_weight}
    if held_out is not None:
        settings["validation_data"] = held_out.x, held_out.y
    status = _train_model.fit(model, rows.x, rows.y, options, "rows", comm, **settings)
    return model, status


def _record(data: Data, options: argparse.Namespace, comm: Any) -> dict[str, Any]:
    arrays = data.x, data.encoded, *data.parts.values()
    return _checkpoints.record(options, "table", *arrays, comm=comm)


def _measure(
    trained: Model | Ensemble, data: Data
) -> tuple[_measures.Measured, dict[str, NDArray[Any]]]:
    """Print how good a model is; return what it says of each part of the rows."""
    known = data.y[data.parts["training"]]
    measured = _measures.Measured(data.encoder.target, known)
    *seen, (part, rows) = data.parts.items()
    outputs = {}
    for name, places in seen:
        outputs[name] = measured.outputs(trained.predict(data.x[places]))
        print(f"{name}:   {_measures.of_table(measured.target, measured.known, outputs[name])}")
    outputs[part] = measured.outputs(trained.predict(data.x[rows]))
    y = measured.of(data.y[rows])
    _measures.print_table(part, measured.target, y, outputs[part], measured.known, width=11)
    return measured, outputs


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


def _introduce(data: Data, title: str, options: argparse.Namespace, comm: Any) -> None:
    """Print what is trained on what, and what of the table is not used."""
    encoder, target = data.encoder, data.encoder.target
    for column in encoder.left_out:
        print(f"column {column.name!r} is ignored: {column.why}")
    classes = (type(column).__name__ for column in encoder.columns)
    kinds = Counter(KINDS.get(name, name.lower()) for name in classes)
    widths = "-".join(map(str, [encoder.width, *options.hidden, target.n_outputs]))
    members = f"{options.members} members, " if options.members > 1 else ""
    print(
        f"{options.table}: "
        + ", ".join(f"{len(rows):,} rows for {part}" for part, rows in data.parts.items())
        + "; columns: "
        + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        + f"; {target.task} of {target.name!r}; {members}{title} {widths}, "
        f"{options.dtype}, target {_backend.target()}, {_train_model.workers(comm)}"
    )

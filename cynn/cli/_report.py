"""``cynn train --report FILE``: what the page says of a training by the command."""

import argparse
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runtime import atomic_files
from ..ensemble import Ensemble
from ..model import Model
from ..plots._images import as_images
from ..report import _contents
from ..report._contents import Classified, Contents, Predicted, Rows
from ..report._pictures import expect_matplotlib
from ..report._write import outputs_of, write_page
from ..tables import Classes, Quantity, Table
from ..tables._reading import STANDARD_INPUT
from . import _measures
from ._measures import Measured
from ._models import Data
from ._reading import expect_not_read


def prepare(options: argparse.Namespace, comm: Any) -> None:
    """Raise what writing the page would, before the training; note how many ranks there are.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If another file of the command has that name.
    OSError
        If it cannot be written.
    """
    path = options.report
    if path is None:
        return
    expect_matplotlib()
    expect_not_read("--report", path, [options.table] if "table" in options else [])
    for flag, other in (("--save", options.save), ("--checkpoint", options.checkpoint)):
        if other is not None and os.path.realpath(other) == os.path.realpath(path):
            raise ValueError(f"--report must be another file than {flag}, got {path}")
    atomic_files.try_to_write(path)
    if comm is not None:
        options.command = f"mpiexec -n {comm.Get_size()} {options.command}"


def of_images(
    options: argparse.Namespace,
    model: Model,
    name: str,
    rows: dict[str, tuple[NDArray[Any], NDArray[Any]]],
    measures: dict[str, dict[str, float]],
    outputs: NDArray[Any],
) -> None:
    """Write the page on a network of images.

    Parameters
    ----------
    options : Namespace
        What the command was told.
    model : Model
        Trained.
    name : str
        What the data are called.
    rows : dict of str to (x, y)
        Images and labels, of the training and last of the test.
    measures : dict of str to dict of str to float
        By the rows, how good the network is on them; and a constant answer.
    outputs : ndarray, shape (n, k)
        What the network says of the test images.
    """
    x, y = rows["test"]
    shape = " x ".join(map(str, x.shape[1:]))
    facts = [("data", name), *((f"{part} images", f"{len(of[0]):,}") for part, of in rows.items())]
    facts += [("an image", f"{shape} pixels, {x.dtype}"), ("target", f"{outputs.shape[1]} classes")]
    if options.rows is not None:
        facts.append(("of these", f"the first {options.rows:,} at most"))
    answers: Classified | None = None
    if _contents.wholly_finite(outputs):
        labels = [str(i) for i in range(outputs.shape[1])]
        images = as_images(x, None) if x.ndim < 5 else None
        beside = Rows(np.arange(len(x)), "test images count from 0", images)
        answers = Classified(y.astype(np.int64), outputs, labels, beside)
    _write(options, (model,), name, "test images", answers, facts, measures)


def of_table(
    options: argparse.Namespace,
    trained: Model | Ensemble,
    data: Data,
    table: Table,
    measured: Measured,
    outputs: dict[str, NDArray[Any]],
) -> None:
    """Write the page on a network of a table.

    Parameters
    ----------
    options : Namespace
        What the command was told.
    trained : Model or Ensemble
        What was trained.
    data : Data
        The rows, as the network takes them.
    table : Table
        Those of the last part, as the file has them.
    measured : Measured
        How it is measured.
    outputs : dict of str to ndarray
        By the part of the rows, what the network says, in the units of `measured`.
    """
    encoder, target = data.encoder, measured.target
    is_file = options.table != STANDARD_INPUT
    name = os.path.basename(options.table) if is_file else "standard input"
    facts: list[tuple[str, object]] = [("table", options.table if is_file else name)]
    facts += [(f"rows for {part}", f"{len(rows):,}") for part, rows in data.parts.items()]
    if "validation" in data.parts:
        drawn = "each class its share, " if target.task == "classification" else ""
        facts.append(("split", f"drawn at random, {drawn}with seed {options.seed}"))
    facts.append(("target", _contents.of_target(encoder.target)))
    facts.append(("columns", f"{len(encoder.columns):,}, as {encoder.width:,} inputs"))
    measures = {
        f"{part} rows": _measures.measure(target, measured.of(data.y[data.parts[part]]), said)
        for part, said in outputs.items()
    }
    *_, (part, said) = outputs.items()
    y = measured.of(data.y[data.parts[part]])
    constant, answer = _measures.constant(target, len(y), measured.known)
    measures[f"always {answer}"] = _measures.measure(target, y, constant)
    columns = {column.name: table[column.name] for column in encoder.columns}
    beside = Rows(table.rows, "rows count from 1, as in the file", columns=columns)
    answers: Classified | Predicted | None = None
    if _contents.wholly_finite(said) and isinstance(target, Classes):
        answers = Classified(y, said, target.labels, beside)
    elif _contents.wholly_finite(said) and isinstance(target, Quantity):
        answers = Predicted(target.decode(y), target.middle(said), target.name, beside)
    models = trained.members if isinstance(trained, Ensemble) else (trained,)
    _write(options, models, name, f"{part} rows", answers, facts, measures)


def _write(
    options: argparse.Namespace,
    models: tuple[Model, ...],
    name: str,
    part: str,
    answers: Classified | Predicted | None,
    facts: list[Any],
    measures: dict[str, dict[str, float]],
) -> None:
    encoder = models[0].table
    seeds = [str(options.seed)]
    if len(models) > 1:
        seeds.append(f"the members' are {', '.join(str(model.seed) for model in models)}")
    contents = Contents(
        title=f"Training report: {name}",
        models=models,
        part=part,
        seed="; ".join(seeds),
        data=facts,
        measures=measures,
        columns=[] if encoder is None else _contents.of_columns(encoder),
        answers=answers,
        missing="" if answers is not None else _contents.DIVERGED,
        history=models[0].history,
        training=_contents.of_training(models),
        inputs=None if encoder is None else _contents.inputs_of(encoder),
        outputs=outputs_of(models[0], answers),
        command=options.command,
    )
    write_page(options.report, contents)
    print(f"report in {options.report}")

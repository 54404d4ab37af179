"""What a checkpoint knows of the data it was trained on: it is resumed with no other."""

import argparse
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Model
from ..tables import TableEncoder

OPTIONS = ("model", "rows", "seed", "validation", "class_weight", "batch_size")
"""The options that say which network learns, on which rows, how much each counts, and how many are
in a step.

A training that is resumed has the same, and the same of what the model and its encoder keep
themselves: layers, optimizer, columns, target. Free are the options that say how long to train
(--epochs, --patience), with how many threads, and what to write.
"""


def record(
    options: argparse.Namespace, data: str, *arrays: NDArray[Any], comm: Any = None
) -> dict[str, str | int | float]:
    """Return what is noted of a training in its files.

    Parameters
    ----------
    options : Namespace
        What the command was told.
    data : str
        What the data are called.
    *arrays : ndarray
        All rows and targets, as the network gets them, and which of them are in which set: a
        checksum of them is noted.
    comm : optional
        The communicator of several ranks: a step has the rows of all, and their number may change.
    """
    checksum = hashlib.sha256()
    for array in arrays:
        checksum.update(f"{array.dtype.str} {array.shape} ".encode())
        checksum.update(np.ascontiguousarray(array).data)
    chosen = {name: getattr(options, name) for name in OPTIONS}
    if comm is not None and isinstance(chosen["batch_size"], int):
        chosen["batch_size"] *= comm.Get_size()
    given = {name: value for name, value in chosen.items() if value is not None}
    return {"data": data, **given, "checksum": checksum.hexdigest()}


def expect_same_data(model: Model, checkpoint: Model, path: str) -> None:
    """Raise a ValueError that names what a checkpoint was trained on, if the model is of another.

    Parameters
    ----------
    model, checkpoint : Model
        What is to be trained, and what was: each with its `training` and its `table`.
    path : str
        The checkpoint's.
    """
    new, saved = model.training, checkpoint.training
    if not saved:
        raise ValueError(
            f"{path} must say what it was trained on for --resume, got a model that does not: "
            "only checkpoints of this version of 'cynn train' do, begin with another --checkpoint"
        )
    if (model.table is None) != (checkpoint.table is None):
        kinds = ["images" if each.table is None else "a table" for each in (checkpoint, model)]
        _refuse("data", path, *kinds)
    for name in OPTIONS:
        if saved.get(name) != new.get(name):
            values = (_shown(each.get(name)) for each in (saved, new))
            _refuse(f"--{name.replace('_', '-')}", path, *values)
    if model.dtype != checkpoint.dtype:
        _refuse("--dtype", path, checkpoint.dtype, model.dtype)
    if model.table is not None and checkpoint.table is not None:
        _expect_same_table(model.table, checkpoint.table, path)
    if saved.get("checksum") != new["checksum"]:
        if saved.get("data") != new["data"]:
            _refuse("data", path, saved.get("data"), new["data"])
        raise ValueError(
            f"data must have the rows that {path} was trained on, got other values: resume with "
            "the data of the first training"
        )


def _expect_same_table(new: TableEncoder, saved: TableEncoder, path: str) -> None:
    """Name the first thing in which two tables differ; the target first, as it chooses the rows."""
    if new.target != saved.target:
        _refuse("target", path, repr(saved.target), repr(new.target))
    names = [[column.name for column in each.columns] for each in (saved, new)]
    if names[0] != names[1]:
        _refuse("columns", path, *map(repr, names))
    if new.missing != saved.missing:
        _refuse("--missing", path, *map(repr, (saved.missing, new.missing)))
    for old, column in zip(saved.columns, new.columns, strict=True):
        if old != column:
            _refuse(f"column {column.name!r:.100}", path, repr(old), repr(column))


def _shown(value: object) -> str:
    return "left out" if value is None else str(value)


def _refuse(name: str, path: str, saved: object, new: object) -> None:
    raise ValueError(
        f"{name} must be {saved!s:.300}, as in {path}, got {new!s:.300}: resume with the data and "
        "the options of the first training"
    )

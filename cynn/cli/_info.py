"""``cynn info``: version, targets, threads and folders; or what a model file holds."""

import argparse
import os
import sys
from typing import Any

import numpy as np

from .. import _backend, datasets
from .._model import summary
from .._runtime.threads import get_num_threads
from .._version import VERSION
from ..model import Model
from ..tables import Categorical, Classes, Column, Numeric, Quantity, TableEncoder
from . import _checkpoints

TOLD = ("data", *_checkpoints.OPTIONS)
"""What is told of a training, in this order."""

MOST_COLUMNS = 50
"""Columns of a table that are listed one by one."""


def add(commands: Any) -> None:
    """Declare the command."""
    info = commands.add_parser(
        "info", help="version, targets, threads and folders; or what a model file holds"
    )
    info.add_argument("model", nargs="?", metavar="MODEL", help="a model file to describe")
    info.set_defaults(run=_info)


def _info(options: argparse.Namespace) -> None:
    if options.model is not None:
        _describe(Model.load(options.model), options.model)
        return
    print(f"cynn {VERSION}, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    print(f"target in use:     {_backend.target()}")
    print(f"targets available: {', '.join(_backend.available_targets())}")
    print(f"threads:           {get_num_threads()}")
    print(f"cache folder:      {datasets.cache_folder()}")


def _describe(model: Model, path: str) -> None:
    """Print what a model is, and what it was trained on."""
    print(f"{path}: a cynn model of {os.path.getsize(path):,} bytes\n")
    print(summary.table(model.layers, model.input_shape))
    shape = "x".join(map(str, model.input_shape or ()))
    print(f"\ninput:     {shape} numbers a row, computed in {model.dtype}")
    print(f"loss:      {model.loss if model.loss is not None else 'none: not compiled'}")
    print(f"optimizer: {model.optimizer if model.optimizer is not None else 'none: not compiled'}")
    print(f"metrics:   {', '.join(metric.name for metric in model.metrics) or 'none'}")
    print(f"epochs:    {model.epochs}, seed {model.seed}")
    if model.training:
        noted = [f"{name} {model.training[name]}" for name in TOLD if name in model.training]
        if "checksum" in model.training:
            noted.append(f"checksum {str(model.training['checksum'])[:12]}")
        print(f"trained:   {', '.join(noted)}")
    if model.table is not None:
        _describe_table(model.table)


def _describe_table(encoder: TableEncoder) -> None:
    """Print the target and the columns of a table."""
    target = encoder.target
    if isinstance(target, Classes):
        print(f"target:    {target.name!r}, one of {len(target.labels)}: {_some(target.labels)}")
    elif isinstance(target, Quantity):
        parts = "" if target.quantiles is None else f"; its quantiles {_some(target.quantiles)}"
        print(f"target:    {target.name!r}, {_of_number(target)}{parts}")
    print(f"columns:   {len(encoder.columns):,}, as {encoder.width:,} inputs")
    for each in encoder.columns[:MOST_COLUMNS]:
        print(f"  {each.name!r}: {_of_column(each)}")
    if len(encoder.columns) > MOST_COLUMNS:
        print(f"  and {len(encoder.columns) - MOST_COLUMNS:,} more")
    for left_out in encoder.left_out[:MOST_COLUMNS]:
        print(f"  {left_out.name!r}: ignored, {left_out.why}")


def _of_column(each: Column) -> str:
    if isinstance(each, Numeric):
        return _of_number(each)
    if isinstance(each, Categorical):
        return f"one of {len(each.categories):,}: {_some(each.categories)}"
    return type(each).__name__.lower()


def _of_number(each: Numeric | Quantity) -> str:
    return f"a number: mean {each.mean:.4g}, deviation {each.std:.4g}"


def _some(words: Any) -> str:
    """Return the first few of many words."""
    return ", ".join(repr(word)[:40] for word in words[:8]) + (", ..." if len(words) > 8 else "")

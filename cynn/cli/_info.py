"""``cynn info``: version, targets, threads and folders; or what a model file holds."""

import argparse
import os
import sys
from typing import Any

import numpy as np

from .. import _backend, datasets
from .._runtime.threads import get_num_threads
from .._tabular.networks import NETWORKS
from .._version import VERSION
from ..ensemble import Ensemble
from ..tables import Classes, Quantity, TableEncoder
from ..tables._words import of_column, of_number, some
from . import _checkpoints

TOLD = ("data", *_checkpoints.OPTIONS)
"""What is told of a training, in this order."""

ESTIMATORS = {name for network in NETWORKS.values() for name in network.estimators}
"""What a file may say that it is of; any other text may do harm to a terminal."""

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
        _describe(Ensemble.load(options.model), options.model)
        return
    print(f"cynn {VERSION}, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    print(f"target in use:     {_backend.target()}")
    print(f"targets available: {', '.join(_backend.available_targets())}")
    print(f"threads:           {get_num_threads()}")
    print(f"cache folder:      {datasets.cache_folder()}")


def _describe(models: Ensemble, path: str) -> None:
    """Print what a model is, and what it was trained on."""
    model, n = models.members[0], len(models.members)
    kind = str(models.notes.get("estimator"))
    what = f"a cynn {kind if kind in ESTIMATORS else 'model'}"
    if n > 1:
        what += f" of {n} models, whose predictions are averaged,"
    print(f"{path}: {what} of {os.path.getsize(path):,} bytes\n")
    models.summary()
    shape = "x".join(map(str, model.input_shape or ()))
    print(f"\ninput:     {shape} numbers a row, computed in {model.dtype}")
    if n == 1:
        print(f"loss:      {model.loss if model.loss is not None else 'none: not compiled'}")
        optimizer = model.optimizer if model.optimizer is not None else "none: not compiled"
        print(f"optimizer: {optimizer}")
        print(f"metrics:   {', '.join(metric.name for metric in model.metrics) or 'none'}")
        print(f"epochs:    {model.epochs}, seed {model.seed}")
    else:
        print(f"members:   {n}, each of these layers")
        print(f"epochs:    {model.epochs} of each")
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
        print(f"target:    {target.name!r}, one of {len(target.labels)}: {some(target.labels)}")
    elif isinstance(target, Quantity):
        parts = "" if target.quantiles is None else f"; its quantiles {some(target.quantiles)}"
        print(f"target:    {target.name!r}, {of_number(target)}{parts}")
    print(f"columns:   {len(encoder.columns):,}, as {encoder.width:,} inputs")
    for each in encoder.columns[:MOST_COLUMNS]:
        print(f"  {each.name!r}: {of_column(each)}")
    if len(encoder.columns) > MOST_COLUMNS:
        print(f"  and {len(encoder.columns) - MOST_COLUMNS:,} more")
    for left_out in encoder.left_out[:MOST_COLUMNS]:
        print(f"  {left_out.name!r}: ignored, {left_out.why}")

"""``cynn predict``: the classes of images, or the target of a table."""

import argparse
from typing import Any

import numpy as np

from .._runtime.input_files import MAX_BYTES
from ..ensemble import Ensemble
from . import _reading, _table
from ._arguments import add_missing, names, whole
from ._images import read_images
from ._options import IMAGES, TABLE, OptionsFor, settle


def add(commands: Any) -> None:
    """Declare the command."""
    predict = commands.add_parser(
        "predict", help="predict the classes of images, or the target of a table"
    )
    predict.add_argument("model", metavar="MODEL", help="a model file, written by 'train --save'")
    predict.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="images: .npy, IDX or picture files (PNG, JPEG, ...); for a model trained on a table: "
        f"{_reading.FILES}",
    )
    table_options = OptionsFor(predict, TABLE)
    table_options.add_argument(
        "--output", metavar="FILE", help="write the CSV there, not to the terminal"
    )
    table_options.add_argument(
        "--id",
        type=names,
        default=(),
        metavar="COLUMN[,...]",
        help="columns of the table to keep before the prediction, as they are",
    )
    table_options.add_argument(
        "--probabilities",
        action="store_true",
        help="of classes: a column with the probability of each",
    )
    add_missing(table_options, " too")
    _reading.add_options(table_options, predict)
    predict.add_argument("--threads", type=whole, help="maximum number of threads")
    predict.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> None:
    model = Ensemble.load(options.model)
    settle(options, IMAGES if model.table is None else TABLE)
    if model.table is not None:
        _table.predict(model, model.table, options)
        return
    max_bytes = MAX_BYTES if options.max_bytes is None else options.max_bytes
    for path in options.files:
        try:
            predicted = model.predict(read_images(path, model.input_shape, max_bytes))
            if np.isnan(predicted).any():
                raise ValueError("outputs must be numbers, got NaN: the training has diverged")
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
        for i, row in enumerate(predicted):
            which = path if len(predicted) == 1 else f"{path}[{i}]"
            print(f"{which}: {int(row.argmax())} ({float(row.max()):.1%})")

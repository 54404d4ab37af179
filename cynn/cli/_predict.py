"""``cynn predict``: the classes of images, or the target of a table."""

import argparse
from typing import Any

from ..model import Model
from . import _table
from ._arguments import whole
from ._images import read_images


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
        "a .csv, .parquet or .npz file",
    )
    predict.add_argument(
        "--output", metavar="FILE", help="for a table: write the CSV there, not to the terminal"
    )
    predict.add_argument("--threads", type=whole, help="maximum number of threads")
    predict.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> None:
    model = Model.load(options.model)
    if model.table is not None:
        _table.predict(model, model.table, options)
        return
    if options.output is not None:
        raise ValueError("MODEL must be of a table for --output, got one of images")
    for path in options.files:
        try:
            predicted = model.predict(read_images(path, model.input_shape or ()))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
        for i, row in enumerate(predicted):
            which = path if len(predicted) == 1 else f"{path}[{i}]"
            print(f"{which}: {int(row.argmax())} ({float(row.max()):.1%})")

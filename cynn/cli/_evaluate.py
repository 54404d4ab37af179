"""``cynn evaluate``: measure a saved model."""

import argparse
from typing import Any

from ..model import Model
from . import _images, _table
from ._arguments import whole


def add(commands: Any) -> None:
    """Declare the command."""
    evaluate = commands.add_parser(
        "evaluate", help="evaluate a saved model on the test set, or on a table"
    )
    evaluate.add_argument("model", metavar="MODEL", help="a model file, written by 'train --save'")
    evaluate.add_argument(
        "table", nargs="?", metavar="TABLE", help="the table, for a model trained on one"
    )
    evaluate.add_argument("--data", metavar="NAME|DIR", help=_images.NAMES)
    evaluate.add_argument("--threads", type=whole, help="maximum number of threads")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    model = Model.load(options.model)
    if model.table is not None:
        _table.evaluate(model, model.table, options)
        return
    if options.table is not None:
        raise ValueError(
            f"TABLE must be left out for a model of images, got {options.table}: use --data"
        )
    name, (_, (x_test, y_test)) = _images.load(options.data)
    if model.loss is None:
        model.compile("sgd", "cross_entropy", ["accuracy"])
    measured = model.evaluate(x_test, y_test)
    text = "  ".join(f"{key} {value:.4f}" for key, value in measured.items())
    print(f"{name}: {len(x_test):,} test images: {text}")
    _images.print_confusion(y_test, model.predict(x_test))

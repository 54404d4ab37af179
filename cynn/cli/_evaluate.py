"""``cynn evaluate``: measure a saved model."""

import argparse
from typing import Any

from ..ensemble import Ensemble
from . import _images, _measures, _reading, _table, _train_model
from ._arguments import add_missing, whole
from ._options import IMAGES, TABLE, OptionsFor, settle


def add(commands: Any) -> None:
    """Declare the command."""
    evaluate = commands.add_parser(
        "evaluate", help="evaluate a saved model on the test set, or on a table"
    )
    evaluate.add_argument("model", metavar="MODEL", help="a model file, written by 'train --save'")
    evaluate.add_argument(
        "table",
        nargs="?",
        metavar="TABLE",
        help=f"for a model trained on a table: {_reading.FILES}",
    )
    OptionsFor(evaluate, IMAGES).add_argument("--data", metavar="NAME|DIR", help=_images.NAMES)
    table_options = OptionsFor(evaluate, TABLE)
    add_missing(table_options, " too")
    _reading.add_options(table_options)
    evaluate.add_argument("--threads", type=whole, help="maximum number of threads")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    models = Ensemble.load(options.model)
    model = models.members[0]
    settle(options, IMAGES if model.table is None else TABLE)
    if model.table is not None:
        _table.evaluate(models, model.table, options)
        return
    if options.table is not None:
        raise ValueError(
            f"TABLE must be left out for a model of images, got {options.table}: use --data"
        )
    name, (_, (x_test, y_test)) = _images.load(options.data)
    if model.loss is None:
        model.compile("sgd", "cross_entropy", ["accuracy"])
    _train_model.note_slow_measuring(len(x_test))
    outputs = models.predict(x_test)  # what does not fit is an error before a line
    if len(models.members) == 1:
        measured = model.evaluate(x_test, y_test)
    else:  # of the mean there is no loss
        measured = {"accuracy": float((outputs.argmax(axis=1) == y_test).mean())}
    _measures.print_images(f"{name}: {len(x_test):,} test images", measured)
    _measures.print_image_baseline(y_test, y_test)
    _measures.print_confusion(y_test, outputs)

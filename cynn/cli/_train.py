"""``cynn train``: train a network on images of digits, or on a table."""

import argparse
from typing import Any

import numpy as np

from .. import _backend, distributed
from .._specs.activation_table import ACTIVATIONS
from .._tabular.networks import NETWORKS
from ..ensemble import MOST_MEMBERS
from ..layers import Dense, Dropout, Flatten, Rescale
from ..model import Model
from ..optimizers import OPTIMIZERS, SGD
from ..plots import _folder
from ..tables._targets import TASKS
from . import (
    _checkpoints,
    _images,
    _measures,
    _mlp,
    _models,
    _reading,
    _report,
    _train_model,
    _train_table,
)
from ._arguments import (
    add_missing,
    fraction,
    names,
    number,
    seconds,
    sizes,
    up_to,
    whole,
    whole_or_zero,
)
from ._options import IMAGES, TABLE, OptionsFor, settle
from ._parser import named


def _defaults(name: str) -> str:
    """Return the defaults of an option for a help text: that of images, and what is another."""
    of = {
        kind: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for kind, value in ((kind, each[name]) for kind, each in _models.DEFAULTS.items())
    }
    others = (f"; for {kind} {value}" for kind, value in of.items() if value != of[IMAGES])
    return f"(default: {of[IMAGES]}{''.join(others)})"


def _of_networks(name: str) -> str:
    """Return the defaults of an option that are a matter of the networks for tables."""
    parts = []
    for model, network in NETWORKS.items():
        of_classes, of_numbers = (getattr(network.default(task), name) for task in TASKS)
        more = f", of numbers {of_numbers}" if of_numbers != of_classes else ""
        parts.append(f"for {model} {of_classes}{more}")
    return "; ".join(parts)


def _have(name: str) -> str:
    """Return the networks for tables that have an option."""
    return " and ".join(_models.SOME[name][1])


def add(commands: Any) -> None:
    """Declare the command."""
    train = commands.add_parser(
        "train",
        help="train a network on images of digits, or on a table",
        description="Train a network on MNIST (synthetic digits where it is not available) or on a "
        "table.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.add_argument(
        "table",
        nargs="?",
        metavar="TABLE",
        default=argparse.SUPPRESS,
        help=f"{_reading.FILES}; a column for each feature and the target",
    )
    table_options = OptionsFor(train, TABLE)
    table_options.add_argument(
        "--model",
        choices=_models.MODELS,
        help="the network: realmlp, whose defaults were tuned on many tables, mlp, plain dense "
        "layers, or tabm, many networks in one (default: the first of these that has all options "
        "given, such as mlp for "
        f"{', '.join(flag for flag, models in _models.SOME.values() if _models.MLP in models)})",
    )
    table_options.add_argument(
        "--members",
        type=up_to(MOST_MEMBERS),
        default=1,
        metavar="N",
        help=f"for {_have('members')}: so many networks, each of which chooses its best epoch by "
        "another part of the training rows; predictions are their mean",
    )
    table_options.add_argument(
        "--time-limit",
        type=seconds,
        metavar="SECONDS",
        help=f"for {_have('time_limit')}: plan no more epochs than that allows, reading the table "
        "included",
    )
    table_options.add_argument("--target", metavar="COLUMN", help="the column to predict")
    table_options.add_argument("--task", choices=TASKS, help="by default inferred from the target")
    table_options.add_argument(
        "--categorical",
        type=names,
        default=(),
        metavar="COLUMN[,...]",
        help="columns of numbers to treat as categories",
    )
    table_options.add_argument(
        "--ignore", type=names, default=(), metavar="COLUMN[,...]", help="columns to ignore"
    )
    add_missing(table_options)
    table_options.add_argument(
        "--decimal",
        choices=(".", ","),
        help="what stands before the decimals of numbers, where the columns do not tell it",
    )
    _reading.add_options(table_options)
    table_options.add_argument(
        "--validation",
        type=fraction,
        default=0.2,
        help="fraction of the rows in the validation set; 0 for none",
    )
    table_options.add_argument(
        "--patience",
        type=whole_or_zero,
        metavar="EPOCHS",
        help=f"for {_have('patience')}: stop after more epochs than that without a lower "
        "validation loss; the weights of the best epoch are kept with this option and without",
    )
    OptionsFor(train, IMAGES).add_argument(
        "--data", metavar="NAME|DIR", help=f"{_images.NAMES}; by default mnist if available"
    )
    train.add_argument(
        "--rows",
        type=whole,
        metavar="N",
        help="use at most so many, for a quick try: of a table by chance, of images the first",
    )
    train.add_argument(
        "--class-weight",
        choices=("balanced",),
        help="let each class count the same in the loss, however many rows it has; by default each "
        "row counts the same",
    )
    train.add_argument(
        "--hidden",
        type=sizes,
        default=argparse.SUPPRESS,
        metavar="N[,N...]",
        help=f"units of each hidden layer {_defaults('hidden')}",
    )
    train.add_argument(
        "--activation",
        type=named("activation", ACTIVATIONS),
        choices=ACTIVATIONS,
        default=argparse.SUPPRESS,
        help="activation of the hidden layers, for images and mlp (default: relu)",
    )
    train.add_argument(
        "--epochs",
        type=whole,
        default=argparse.SUPPRESS,
        help=f"passes over the training set {_defaults('epochs')}",
    )
    train.add_argument(
        "--batch-size",
        type=whole,
        default=argparse.SUPPRESS,
        help=f"rows in a mini-batch {_defaults('batch_size')}",
    )
    train.add_argument(
        "--dropout",
        type=number(Dropout),
        default=argparse.SUPPRESS,
        metavar="RATE",
        help="fraction of the hidden units dropped in each training step (default: 0; "
        f"{_of_networks('dropout')})",
    )
    train.add_argument(
        "--optimizer",
        type=named("optimizer", OPTIMIZERS),
        choices=OPTIMIZERS,
        default=argparse.SUPPRESS,
        help="optimizer, for images and mlp (default: adam for the regression of a table, "
        "otherwise sgd)",
    )
    train.add_argument(
        "--learning-rate",
        type=number(SGD),
        default=argparse.SUPPRESS,
        help="highest learning rate; of images and mlp it decays to 0 along a cosine (default: "
        f"{_images.LEARNING_RATE} for sgd, {_mlp.LEARNING_RATE} with mlp, also where --optimizer "
        f"is left out; otherwise the optimizer's own; {_of_networks('learning_rate')})",
    )
    train.add_argument(
        "--momentum",
        type=number(lambda m: SGD(momentum=m)),
        default=argparse.SUPPRESS,
        help="momentum of sgd and rmsprop, for images and mlp (default: "
        f"{_train_model.MOMENTUM}; for rmsprop 0)",
    )
    train.add_argument(
        "--weight-decay",
        type=number(lambda d: SGD(weight_decay=d)),
        default=argparse.SUPPRESS,
        help=f"weight decay (default: 0; for adamw 0.01; {_of_networks('weight_decay')})",
    )
    train.add_argument("--seed", type=whole_or_zero, default=0, help="random seed")
    train.add_argument(
        "--dtype", choices=("float32", "float64"), default="float32", help="floating-point type"
    )
    train.add_argument(
        "--threads", type=whole, help="maximum number of threads; by default all cores"
    )
    train.add_argument("--save", metavar="FILE", help="save the model there (safetensors)")
    train.add_argument("--checkpoint", metavar="FILE", help="save the model there after each epoch")
    train.add_argument(
        "--resume", action="store_true", help="resume from the checkpoint, if there is one"
    )
    train.add_argument("--plots", metavar="DIR", help="write plots there (needs matplotlib)")
    train.add_argument(
        "--report",
        metavar="FILE",
        help="write one HTML page on the data, the training and the mistakes (needs matplotlib)",
    )
    train.add_argument("--quiet", action="store_true", help="no line for each epoch")
    train.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> int:
    with distributed.job() as comm:
        return _train_here(options, comm)


def _train_here(options: argparse.Namespace, comm: Any) -> int:
    if "table" in options:
        _models.choose(options)
        settle(options, TABLE)
        return _train_table.train(options, comm)
    _models.give_defaults(options, IMAGES)
    settle(options, IMAGES, "name a table's file, or leave it out")
    return _train_on_images(options, comm)


def _train_on_images(options: argparse.Namespace, comm: Any) -> int:
    optimizer = _train_model.optimizer(options, _images.LEARNING_RATE)
    _train_model.try_to_save(options)
    _train_model.note_slow_target()
    pictures = None if options.plots is None else _folder.prepare(options.plots)
    _report.prepare(options, comm)
    name, ((x_train, y_train), (x_test, y_test)) = _train_model.in_turn(
        comm, lambda: _images.load(options.data, options.rows)
    )
    classes = max(10, int(y_train.max()) + 1)
    hidden = _train_model.hidden_layers(options)
    model = Model(
        [Flatten(), Rescale(1 / 255), *hidden, Dense(classes, "softmax")],
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(optimizer, "cross_entropy", ["accuracy"])
    model.build(x_train.shape[1:])
    widths = [int(np.prod(x_train.shape[1:])), *options.hidden, classes]
    print(
        f"{name}: {len(x_train):,} training images, {len(x_test):,} test images; "
        f"network {'-'.join(map(str, widths))}, {options.dtype}, "
        f"target {_backend.target()}, {_train_model.workers(comm)}"
    )
    title = name.partition(" in ")[0]  # the same files in another folder are the same data
    model.training = _checkpoints.record(options, title, x_train, y_train, comm=comm)
    model = _train_model.resumed(model, options, comm)
    status = _train_model.fit(
        model, x_train, y_train, options, "images", comm, class_weight=options.class_weight
    )
    if comm is not None and comm.Get_rank() > 0:
        return status
    _train_model.save(model, options)
    if status:
        _train_model.note_saved(options)
        return status
    rows = {"training": (x_train, y_train), "test": (x_test, y_test)}
    measures: dict[str, dict[str, float]] = {}
    for part, (x, y) in rows.items():
        _train_model.note_slow_measuring(len(x))
        measures[f"{part} images"] = measured = model.evaluate(x, y)
        _measures.print_images(part, measured)
    most_frequent, share = _measures.print_image_baseline(y_test, y_train)
    measures[f"always {most_frequent}"] = {"accuracy": share}
    outputs = model.predict(x_test)
    _measures.print_confusion(y_test, outputs)
    _train_model.note_saved(options)
    if pictures is not None:
        written = _folder.write(pictures, model, _folder.of_images(model, x_test, y_test))
        print(f"plots in {pictures}: {', '.join(written)}")
    if options.report is not None:
        _report.of_images(options, model, name, rows, measures, outputs)
    return status

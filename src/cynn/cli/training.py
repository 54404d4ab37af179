"""What a training of images and one of a table share."""

import argparse
import sys
import time
from typing import Any

from .. import storage
from ..layers import Dense
from ..model import Model
from ..optimizers import SGD
from ..schedules import Cosine
from .status import INTERRUPTED


def hidden_layers(options: argparse.Namespace) -> list[Dense]:
    """Give the layers that the options ask for."""
    return [Dense(units, options.activation) for units in options.hidden]


def optimizer(options: argparse.Namespace, learning_rate: float) -> SGD:
    """Give the optimizer that the options ask for; `learning_rate` where they say none."""
    return SGD(
        Cosine(vars(options).get("learning_rate", learning_rate)),
        options.momentum,
        nesterov=options.momentum > 0,
        weight_decay=options.weight_decay,
    )


def fit(
    model: Model, x: Any, y: Any, options: argparse.Namespace, epochs: int, rows: str, **more: Any
) -> int:
    """Train, say how fast, and give the exit status: after Ctrl-C the model is as it was then."""
    started, status = time.perf_counter(), 0
    try:
        model.fit(
            x,
            y,
            batch_size=options.batch_size,
            epochs=vars(options).get("epochs", epochs),
            verbose=0 if options.quiet else "auto",
            **more,
        )
    except KeyboardInterrupt:
        print(f"\ninterrupted in epoch {model.epochs + 1}; the network as it is:", file=sys.stderr)
        status = INTERRUPTED
    seconds = time.perf_counter() - started
    if model.epochs:
        rate = model.epochs * len(x) / seconds
        print(f"{model.epochs} epochs in {seconds:.2f} s: {rate:,.0f} {rows} a second")
    return status


def try_to_save(options: argparse.Namespace) -> None:
    """Raise what `save` would, before the training rather than after it."""
    if options.save is not None:
        storage.try_to_write(options.save)


def save(model: Model, options: argparse.Namespace) -> None:
    """Save the model where the options say."""
    if options.save is not None:
        model.save(options.save)
        print(f"saved to {options.save}")

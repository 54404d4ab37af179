"""What a training of images and one of a table share."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .._runtime import atomic_files
from .._runtime.threads import get_num_threads
from ..callbacks import Callback, ModelCheckpoint
from ..layers import Dense, Dropout, Layer
from ..model import Model
from ..optimizers import OPTIMIZERS, SGD, Optimizer, RMSprop
from ..schedules import Cosine
from ._status import INTERRUPTED

T = TypeVar("T")

MOMENTUM = 0.9


def hidden_layers(options: argparse.Namespace) -> list[Layer]:
    """Return the layers that the options ask for."""
    layers: list[Layer] = []
    for units in options.hidden:
        layers.append(Dense(units, options.activation))
        if options.dropout:
            layers.append(Dropout(options.dropout))
    return layers


def optimizer(options: argparse.Namespace, learning_rate: float) -> Optimizer:
    """Return the optimizer that the options ask for; `learning_rate` where they say none, for SGD.

    What else they do not say is the optimizer's own default.
    """
    kind = OPTIMIZERS[options.optimizer]
    settings = {
        name: vars(options)[name]
        for name in ("learning_rate", "momentum", "weight_decay")
        if name in options
    }
    if "momentum" in settings and kind not in (SGD, RMSprop):
        raise ValueError(
            f"--optimizer must be sgd or rmsprop for --momentum, got {options.optimizer}"
        )
    if kind is SGD:
        settings = {"learning_rate": learning_rate, "momentum": MOMENTUM} | settings
        settings["nesterov"] = settings["momentum"] > 0
    rate = settings.get("learning_rate", kind().learning_rate)
    return kind(**settings | {"learning_rate": Cosine(rate)})


def resumed(model: Model, options: argparse.Namespace, comm: Any) -> Model:
    """Return the model of the checkpoint where the options want to go on from one, else `model`.

    Of several ranks only the first reads it: a fit begins with what that one has.
    """
    if options.resume and options.checkpoint is None:
        raise ValueError("--checkpoint FILE must be given for --resume, got none")
    if not options.resume or (comm is not None and comm.Get_rank() > 0):
        return model
    if not os.path.exists(options.checkpoint):
        print(f"no checkpoint in {options.checkpoint} yet: training from the start")
        return model
    checkpoint = Model.load(options.checkpoint)
    for name in ("layers", "dtype", "optimizer", "loss", "input_shape"):
        new, saved = getattr(model, name), getattr(checkpoint, name)
        if repr(new) != repr(saved):
            raise ValueError(
                f"{name} must be {saved!r}, as in {options.checkpoint}, got {new!r}: resume with "
                "the options of the first training"
            )
    print(f"resuming from {options.checkpoint} after epoch {checkpoint.epochs}")
    return checkpoint


def fit(
    model: Model, x: Any, y: Any, options: argparse.Namespace, epochs: int, rows: str,
    comm: Any = None, callbacks: Sequence[Callback] = (), **extra: Any,
) -> int:  # fmt: skip
    """Train, say how fast, and give the exit status: after Ctrl-C the model is as it was then."""
    started, status = time.perf_counter(), 0
    first_epoch = model.epochs if comm is None else comm.bcast(model.epochs, 0)
    if options.checkpoint is not None:  # the last, so that it keeps what the others have counted
        callbacks = [*callbacks, ModelCheckpoint(options.checkpoint)]
    try:
        model.fit(
            x,
            y,
            batch_size=options.batch_size,
            epochs=vars(options).get("epochs", epochs),
            initial_epoch=first_epoch,
            callbacks=callbacks,
            verbose=0 if options.quiet else "auto",
            comm=comm,
            **extra,
        )
    except KeyboardInterrupt:
        print(f"\ninterrupted in epoch {model.epochs + 1}; the network so far:", file=sys.stderr)
        status = INTERRUPTED
    seconds = time.perf_counter() - started
    if n_done := model.epochs - first_epoch:
        rate = n_done * len(x) / seconds
        print(f"{n_done} epochs in {seconds:.2f} s: {rate:,.0f} {rows} a second")
    return status


def workers(comm: Any) -> str:
    """Say how many threads there are, and ranks."""
    ranks = "" if comm is None else f"ranks {comm.Get_size()} of "
    return f"{ranks}threads {get_num_threads()}"


def in_turn(comm: Any, load: Callable[[], T]) -> T:
    """Load data, on the first of several ranks before the others, which find what it fetched."""
    if comm is not None and comm.Get_rank() > 0:
        comm.bcast(None, 0)
    data = load()
    if comm is not None and comm.Get_rank() == 0:
        comm.bcast(None, 0)
    return data


def try_to_save(options: argparse.Namespace) -> None:
    """Raise what `save` would, before the training rather than after it."""
    for path in (options.save, options.checkpoint):
        if path is not None:
            atomic_files.try_to_write(path)


def save(model: Model, options: argparse.Namespace) -> None:
    """Save the model where the options say."""
    if options.save is not None:
        model.save(options.save)
        print(f"saved to {options.save}")

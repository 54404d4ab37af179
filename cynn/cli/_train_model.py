"""What a training of images and one of a table share."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import _backend
from .._runtime import atomic_files, safetensors_files
from .._runtime.interrupts import INTERRUPTED
from .._runtime.threads import get_num_threads
from ..callbacks import BestEpoch, Callback, EarlyStopping, ModelCheckpoint
from ..ensemble import Ensemble
from ..layers import Dense, Dropout, Layer
from ..model import Model
from ..optimizers import OPTIMIZERS, SGD, Optimizer, RMSprop
from ..schedules import Cosine
from . import _checkpoints
from ._reading import expect_not_read

T = TypeVar("T")

MOMENTUM = 0.9
LOOKED_AT = 1000  # rows after a training: is it better than a constant answer?
ROUNDING = 1e-6  # of a loss
REMEDY = "--learning-rate sets it; nothing is saved"  # where a training diverges


def hidden_layers(options: argparse.Namespace) -> list[Layer]:
    """Return the layers that the options ask for."""
    layers: list[Layer] = []
    activation = vars(options).get("activation", "relu")
    rate = vars(options).get("dropout", 0.0)
    for units in options.hidden:
        layers.append(Dense(units, activation))
        if rate:
            layers.append(Dropout(rate))
    return layers


def optimizer(options: argparse.Namespace, learning_rate: float, default: str = "sgd") -> Optimizer:
    """Return the optimizer that the options ask for, or the default one.

    `learning_rate` is that of the default one and of SGD, where the options say none. What else
    they do not say is the optimizer's own default.
    """
    name = vars(options).get("optimizer", default)
    kind = OPTIMIZERS[name]
    settings = {
        setting: vars(options)[setting]
        for setting in ("learning_rate", "momentum", "weight_decay")
        if setting in options
    }
    if "momentum" in settings and kind not in (SGD, RMSprop):
        raise ValueError(f"--optimizer must be sgd or rmsprop for --momentum, got {name}")
    if "optimizer" not in options:
        settings = {"learning_rate": learning_rate} | settings
    if kind is SGD:
        settings = {"learning_rate": learning_rate, "momentum": MOMENTUM} | settings
        settings["nesterov"] = settings["momentum"] > 0
    rate = settings.get("learning_rate", kind().learning_rate)
    return kind(**settings | {"learning_rate": Cosine(rate)})


def resumed(model: Model, options: argparse.Namespace, comm: Any) -> Model:
    """Return the model of the checkpoint where the options want to go on from one, else `model`.

    Of several ranks only the first reads it: a fit begins with what that one has.

    Raises
    ------
    ValueError
        If the checkpoint is one of other data, or of another model.
    """
    if not options.resume or (comm is not None and comm.Get_rank() > 0):
        return model
    if not os.path.exists(options.checkpoint):
        print(f"no checkpoint in {options.checkpoint} yet: training from the start")
        return model
    checkpoint = Model.load(options.checkpoint)
    _checkpoints.expect_same_data(model, checkpoint, options.checkpoint)
    for name in ("layers", "optimizer", "loss", "input_shape"):
        new, saved = getattr(model, name), getattr(checkpoint, name)
        if new != saved:
            raise ValueError(
                f"{name} must be {saved!r}, as in {options.checkpoint}, got {new!r}: resume with "
                "the options of the first training"
            )
    print(f"resuming from {options.checkpoint} after epoch {checkpoint.epochs}")
    return checkpoint


def fit(
    model: Model, x: Any, y: Any, options: argparse.Namespace, rows: str,
    comm: Any = None, callbacks: Sequence[Callback] = (), **extra: Any,
) -> int:  # fmt: skip
    """Train, say how fast, and give the exit status: after Ctrl-C the model is as it was then.

    Where callbacks know a best epoch, its weights are the model's, and it is named. What else is
    given goes to `Model.fit`, before what the options say.

    Raises
    ------
    FloatingPointError
        If the training diverges; the checkpoint is that of the last epoch before.
    """
    started, status = time.perf_counter(), 0
    first_epoch = model.epochs if comm is None else comm.bcast(model.epochs, 0)
    if options.checkpoint is not None:  # the last, so that it keeps what the others have counted
        callbacks = [*callbacks, ModelCheckpoint(options.checkpoint)]
    try:
        model.fit(
            x,
            y,
            initial_epoch=first_epoch,
            callbacks=callbacks,
            verbose=0 if options.quiet else "auto",
            comm=comm,
            **{"batch_size": options.batch_size, "epochs": options.epochs} | extra,
        )
    except KeyboardInterrupt:
        print(f"interrupted in epoch {model.epochs + 1}", file=sys.stderr)
        status = INTERRUPTED
        for callback in callbacks:
            if callback.model is not None:  # the fit had begun
                callback.on_train_end()  # which brings back the best weights
    except FloatingPointError as error:
        error.args = (f"{error}; {REMEDY}",)
        raise
    seconds = time.perf_counter() - started
    if n_done := model.epochs - first_epoch:
        rate = n_done * len(x) / seconds
        print(f"{n_done} epochs in {seconds:.2f} s: {rate:,.0f} {rows} a second")
        if not status and extra.get("class_weight") is None:  # else the loss is another
            _say_if_no_better(model, x, y)
    for callback in callbacks:
        if isinstance(callback, BestEpoch | EarlyStopping) and callback.best_epoch is not None:
            print(
                f"kept the weights of epoch {callback.best_epoch + 1} of {model.epochs}, "
                f"the best by {callback.monitor}: {callback.best:.4g}"
            )
    return status


def _say_if_no_better(model: Model, x: Any, y: NDArray[Any]) -> None:
    """Print a line where a constant answer has as low a loss: too long steps silence the units."""
    x, y = x[:LOOKED_AT], y[:LOOKED_AT]
    measured = model.evaluate(x, y)
    if y.dtype.kind != "f" and measured["accuracy"] > np.bincount(y).max() / len(y):
        return  # it is sure of itself, but not of the same for all
    smoothing = getattr(model.loss, "label_smoothing", 0.0)
    least = _loss_of_constant(y, model.predict(x[:1]).shape[-1], smoothing)
    if measured["loss"] >= least * (1 - ROUNDING):
        print(
            "the network is no better than the same outputs for all rows: its hidden units are "
            "dead, or its inputs say nothing yet; try a lower --learning-rate, or more --epochs"
        )


def _loss_of_constant(y: NDArray[Any], n_classes: int, smoothing: float) -> float:
    """Return the least loss on these rows of an answer that is the same for all.

    Of classes it is their frequencies, which smoothing brings together; of quantities the mean.
    """
    if y.dtype.kind == "f":
        return float(y.var(axis=0).mean())
    frequencies = np.bincount(y, minlength=n_classes) / len(y)
    frequencies = frequencies * (1 - smoothing) + smoothing / n_classes
    frequencies = frequencies[frequencies > 0]
    return float(-(frequencies * np.log(frequencies)).sum())


def note_slow_target() -> None:
    """Say what to expect of the reference, at once: an epoch may take it hours."""
    if _backend.target() == "reference":
        print(
            "target reference is plain Python, a thousand times slower than compiled targets: "
            "--rows 1000 --epochs 1 is a quick try"
        )


def note_slow_measuring(n: int) -> None:
    """Say, where it takes the reference long, what it does after the training."""
    if _backend.target() == "reference":
        print(f"measuring {n:,} rows")


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
    table = vars(options).get("table")
    for option, path in (("--save", options.save), ("--checkpoint", options.checkpoint)):
        if path is not None:
            safetensors_files.expect_name(path)
            expect_not_read(option, path, [] if table is None else [table])
            atomic_files.try_to_write(path)


def save(model: Model | Ensemble, options: argparse.Namespace) -> None:
    """Save the model where the options say, before it is measured: that may be interrupted."""
    if options.save is not None:
        model.save(options.save)


def note_saved(options: argparse.Namespace) -> None:
    """Say where the model is, below what it measures."""
    if options.save is not None:
        print(f"saved to {options.save}")

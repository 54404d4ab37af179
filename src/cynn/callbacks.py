"""Callbacks: code of your own between the epochs of a fit.

The hooks have Keras's names and arguments. There are none by batch: an epoch runs in compiled code
from end to end.
"""

import csv
import math
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from .checks import choice, flag, integer, number

Logs = Mapping[str, float]


class Callback:
    """Base of the callbacks: each hook does nothing until a subclass says what.

    Attributes
    ----------
    model : Model or None
        The model in training; None before `set_model`.
    writes_files : bool
        Whether only the first of several ranks is to call it; see `cynn.distributed`.

    Examples
    --------
    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch}: loss {logs['loss']}!")
    >>> Shout().on_epoch_end(0, {"loss": 0.25})
    epoch 0: loss 0.25!
    """

    model: Any = None
    writes_files: bool = False

    def set_model(self, model: Any) -> None:
        """Take the model, before training begins.

        Parameters
        ----------
        model : Model
            The model; the hooks find it as ``self.model``.
        """
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Act before the first epoch.

        Parameters
        ----------
        logs : mapping, optional
            Nothing yet.
        """

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Act after the last epoch.

        Parameters
        ----------
        logs : mapping, optional
            The last epoch's.
        """

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Act before an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        logs : mapping, optional
            Nothing yet.
        """

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Act after an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        logs : mapping, optional
            What was measured, by name: ``loss``, the metrics, and the same with ``val_`` before
            them where there is validation data.
        """


class History(Callback):
    """What was measured in each epoch; ``Model.fit`` gives one back.

    Attributes
    ----------
    epoch : list of int
        The epochs, counted from 0.
    history : dict of str to list of float
        By name, one value an epoch.

    Examples
    --------
    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.8})
    >>> history.on_epoch_end(1, {"loss": 0.25, "accuracy": 0.9})
    >>> history.history
    {'loss': [0.5, 0.25], 'accuracy': [0.8, 0.9]}
    >>> history
    <History of 2 epochs: loss, accuracy>
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before; see `Callback.on_train_begin`."""
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write down the epoch; see `Callback.on_epoch_end`."""
        self.epoch.append(int(epoch))
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table: a line for each epoch, a column for each name.

        Parameters
        ----------
        path : path
            Where to; what was there is replaced.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *self.history])
            writer.writerows(zip(self.epoch, *self.history.values(), strict=True))

    def __repr__(self) -> str:
        """Say how many epochs there were and what was measured."""
        epochs = "1 epoch" if len(self.epoch) == 1 else f"{len(self.epoch)} epochs"
        return f"<History of {epochs}: {', '.join(self.history) or 'nothing yet'}>"


class Watch(Callback):
    """Base of the callbacks that watch one number, and whether an epoch's is the best so far.

    What one has counted is in the model's file: put before `ModelCheckpoint` in the list of
    callbacks, it goes on in a resumed training as in one that never stopped. A `fit` from epoch 0
    begins anew.

    Parameters
    ----------
    monitor : str
        Its name in the logs, such as ``"val_loss"``.
    mode : {"auto", "min", "max"}
        What is better. "auto": more, where the name ends with that of a metric of which more is
        better (accuracy, precision, recall, f1, auc, r2); else less.
    min_delta : float
        By how much better it must be, at least 0.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be a name such as 'val_loss', got {monitor!r}")
        self.monitor = monitor
        self.mode = choice("mode", mode, ("auto", "min", "max"))
        wanted = "a finite number of at least 0"
        self.min_delta = number("min_delta", min_delta, wanted, lambda delta: delta >= 0)
        self.best = math.nan

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before, or go on with the one that is resumed."""
        self.best = float(self._kept().get("best", math.nan))

    @property
    def _key(self) -> str:
        return f"{type(self).__name__} {self.monitor}"

    def _kept(self) -> Mapping[str, float]:
        """Give what was kept for a training that is resumed; empty where none is."""
        found: Mapping[str, float] = self.model.callback_state.get(self._key, {})
        return found

    def _keep(self, **counts: float) -> None:
        """Keep that, and the best."""
        if math.isfinite(self.best):
            counts["best"] = self.best
        self.model.callback_state[self._key] = {k: float(count) for k, count in counts.items()}

    def improved(self, logs: Logs | None) -> bool:
        """Take note of an epoch's number, and say whether it is the best so far.

        Raises
        ------
        ValueError
            If the logs do not have it.
        """
        found = dict(logs or {})
        if self.monitor not in found:
            names = ", ".join(map(repr, found)) or "nothing"
            raise ValueError(f"monitor must be one of {names}, got {self.monitor!r}")
        value = float(found[self.monitor])
        more = self.mode == "max" or (self.mode == "auto" and self.monitor.endswith(MORE_IS_BETTER))
        gain = value - self.best if more else self.best - value
        if gain > self.min_delta or (math.isnan(self.best) and not math.isnan(value)):
            self.best = value
            return True
        return False


MORE_IS_BETTER = ("accuracy", "precision", "recall", "f1", "auc", "r2")
"""Ends of the names of metrics of which more is better."""


class EarlyStopping(Watch):
    """Ends a training that no longer gets better, and goes back to its best weights.

    What it has counted, and the best weights, are in files of the model until the training ends:
    put before `ModelCheckpoint` in the list of callbacks, it goes on in a resumed training as in
    one that never stopped. A `fit` from epoch 0 begins anew.

    Parameters
    ----------
    monitor : str, default "val_loss"
        What is watched.
    patience : int, default 0
        How many epochs in a row may be no better before the training ends.
    min_delta : float, default 0.0
        By how much better an epoch must be to count.
    mode : {"auto", "min", "max"}, default "auto"
        What is better; "auto" knows it by the name.
    restore_best_weights : bool, default True
        Whether the model has the weights of its best epoch at the end, also where it ended by
        itself. The optimizer's state is that of the last epoch.

    Attributes
    ----------
    best_epoch : int or None
        Counted from 0.
    stopped_epoch : int or None
        The epoch after which it ended the training.

    Examples
    --------
    >>> EarlyStopping("val_accuracy", patience=3).monitor
    'val_accuracy'
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = integer("patience", patience, 0)
        self.restore_best_weights = flag("restore_best_weights", restore_best_weights)
        self._start()

    def _start(self) -> None:
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before, or go on with the one that is resumed."""
        super().on_train_begin(logs)
        self._start()
        kept = self._kept()
        self._waited = int(kept.get("waited", 0))
        if "best_epoch" in kept:
            self.best_epoch = int(kept["best_epoch"])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the weights of the best epoch; ask for the end when patience is."""
        if self.improved(logs):
            self.best_epoch, self._waited = epoch, 0
            if self.restore_best_weights:
                self.model.callback_weights[self._key] = self.model.get_learned()
        else:
            self._waited += 1
            if self._waited > self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
        best = {} if self.best_epoch is None else {"best_epoch": self.best_epoch}
        self._keep(waited=self._waited, **best)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Give the model its best weights, and keep nothing: this training is over."""
        self.model.callback_state.pop(self._key, None)
        best = self.model.callback_weights.pop(self._key, None)
        if best is not None and self.restore_best_weights:
            self.model.set_learned(best)


class ReduceOnPlateau(Watch):
    """Lowers the learning rate when a training no longer gets better.

    After more than `patience` epochs in a row that were no better, ``model.rate_factor`` is
    multiplied by `factor`. Every later step's rate is the optimizer's, a number or a schedule's,
    times ``model.rate_factor``: a schedule keeps its shape.

    What it has counted is in the model's file: put before `ModelCheckpoint` in the list of
    callbacks, it goes on in a resumed training as in one that never stopped. A `fit` from epoch 0
    begins anew, at a factor of 1.

    Parameters
    ----------
    monitor : str, default "val_loss"
        What is watched.
    factor : float, default 0.1
        What the rate is multiplied by; above 0 and less than 1.
    patience : int, default 10
        How many epochs in a row may be no better before the rate is lowered.
    mode : {"auto", "min", "max"}, default "auto"
        What is better; "auto" knows it by the name.
    min_delta : float, default 1e-4
        By how much better an epoch must be to count.
    cooldown : int, default 0
        Epochs after each lowering in which nothing is counted.
    min_lr : float, default 0.0
        The rate of an epoch's last step is not lowered below it; a schedule may go there by itself.

    Attributes
    ----------
    reduced : list of int
        The epochs, counted from 0, after which the rate was lowered.

    References
    ----------
    The rule is that of ``ReduceLROnPlateau`` in PyTorch; in Keras's, the rate is lowered one epoch
    earlier, after `patience` epochs.

    Examples
    --------
    >>> ReduceOnPlateau("val_accuracy", factor=0.5, patience=3).monitor
    'val_accuracy'
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = number("factor", factor, "above 0 and less than 1", lambda f: 0 < f < 1)
        self.patience = integer("patience", patience, 0)
        self.cooldown = integer("cooldown", cooldown, 0)
        wanted = "a finite number of at least 0"
        self.min_lr = number("min_lr", min_lr, wanted, lambda rate: rate >= 0)
        self._start()

    def _start(self) -> None:
        self.reduced: list[int] = []
        self._waited = self._cooling = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before, or go on with the one that is resumed."""
        super().on_train_begin(logs)
        self._start()
        kept = self._kept()
        self._waited, self._cooling = int(kept.get("waited", 0)), int(kept.get("cooling", 0))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the epoch; lower the rate when patience is at its end."""
        better = self.improved(logs)
        if self._cooling:
            self._cooling, self._waited = self._cooling - 1, 0
        else:
            self._waited = 0 if better else self._waited + 1
            if self._waited > self.patience:
                self._reduce(epoch)
        self._keep(waited=self._waited, cooling=self._cooling)

    def _reduce(self, epoch: int) -> None:
        self._cooling, self._waited = self.cooldown, 0
        rate = self.model.learning_rate
        if rate > self.min_lr:
            self.model.rate_factor *= max(self.factor, self.min_lr / rate)
            self.reduced.append(epoch)


class ModelCheckpoint(Watch):
    """Saves the model every so many epochs, or minutes, or when it is the best so far.

    Each file is whole: it is written beside and renamed when it is done. A training goes on from
    one with ``Model.load(path)`` and ``fit(..., initial_epoch=model.epochs)``, and gives the bits
    of a training that never stopped.

    Parameters
    ----------
    path : path
        Where to; ``{epoch}`` (counted from 1) and names from the logs are filled in, as in
        ``"digits-{epoch:03}-{val_loss:.3f}.safetensors"``.
    every_epochs : int or None, default 1
        Save after so many epochs; None: not by epochs.
    every_minutes : float or None, default None
        Save after the first epoch that ends so long after the last save; above 0.
    monitor : str or None, default None
        Save only where this is the best so far; in a resumed training also of the epochs before.
    mode : {"auto", "min", "max"}, default "auto"
        What is better.

    Examples
    --------
    >>> ModelCheckpoint("best.safetensors", monitor="val_accuracy").monitor
    'val_accuracy'
    """

    writes_files = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        every_epochs: int | None = 1,
        every_minutes: float | None = None,
        monitor: str | None = None,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor or "", mode, 0.0)
        self.path = _path(path)
        self.every_epochs = None if every_epochs is None else integer("every_epochs", every_epochs)
        self.every_minutes: float | None = None
        if every_minutes is not None:
            wanted = "a finite number above 0"
            self.every_minutes = number("every_minutes", every_minutes, wanted, lambda m: m > 0)
        if self.every_epochs is None and self.every_minutes is None:
            raise ValueError("every_epochs and every_minutes must not both be None")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to count epochs and minutes."""
        super().on_train_begin(logs)
        self._epochs, self._saved = 0, time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if it is time and the model is good enough."""
        self._epochs += 1
        best = not self.monitor or self.improved(logs)
        if self.monitor:
            self._keep()
        minutes = (time.monotonic() - self._saved) / 60
        due = self.every_epochs is not None and self._epochs % self.every_epochs == 0
        if best and (due or (self.every_minutes is not None and minutes >= self.every_minutes)):
            self.model.save(self.path.format(epoch=epoch + 1, **(logs or {})))
            self._saved = time.monotonic()


class CSVLogger(Callback):
    """Writes a line for each epoch into a table, at once, so that it can be watched.

    Parameters
    ----------
    path : path
        Where to.
    append : bool, default False
        Whether to go on with what is there, as after a resumed training; its columns must be the
        same.

    Examples
    --------
    >>> CSVLogger("log.csv").append
    False
    """

    writes_files = True

    def __init__(self, path: str | os.PathLike[str], append: bool = False) -> None:
        self.path = _path(path)
        self.append = flag("append", append)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the table."""
        self._columns: list[str] | None = None
        if self.append and os.path.exists(self.path):
            with open(self.path, newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file), None)
        elif not self.append:
            open(self.path, "w", encoding="utf-8").close()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's line."""
        found = {"epoch": epoch, **(logs or {})}
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if self._columns is None:
                self._columns = list(found)
                writer.writerow(self._columns)
            if list(found) != self._columns:
                raise ValueError(
                    f"{self.path} has the columns {self._columns}, this epoch {list(found)}"
                )
            writer.writerow(found.values())


def get_all(given: Any) -> list[Callback]:
    """Give the callbacks of a list, or of None.

    Raises
    ------
    TypeError
        If it is no such list.
    """
    if isinstance(given, Callback) or not (given is None or isinstance(given, Iterable)):
        raise TypeError(f"callbacks must be a list of Callback objects, got {given!r}")
    found = list(given or ())
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks must hold Callback objects, got {callback!r}")
    return found


def _path(value: Any) -> str:
    if not isinstance(value, str | bytes | os.PathLike):
        raise TypeError(f"path must be a path, got {value!r}")
    return os.fsdecode(value)

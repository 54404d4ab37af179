"""Files of the model on the way, from which a training goes on."""

import os
import string
import time
from collections.abc import Mapping, Sequence

from .._runtime.atomic_files import try_to_write
from .._runtime.safetensors_files import expect_name
from .._specs.validation import integer, number
from ._callback import Callback, Logs, path_name
from ._history import CSVLogger
from ._monitor import Monitor


class ModelCheckpoint(Monitor):
    """Saves the model every so many epochs, or minutes, or when it is the best so far.

    Each file is whole: it is written beside and renamed when it is done. A training goes on from
    one with ``Model.load(path)`` and ``fit(..., initial_epoch=model.epochs)``, and gives the bits
    of a training that never stopped. So that a file has what the other callbacks of cynn counted,
    they are told of an epoch before, wherever they stand in the list.

    Parameters
    ----------
    path : path-like
        Where to; ``{epoch}`` (counted from 1) and names from the logs are filled in, as in
        ``"digits-{epoch:03}-{val_loss:.3f}.safetensors"``.
    every_epochs : int or None, default 1
        Save after each epoch whose number, counted from 1, this divides; None: not by epochs.
    every_minutes : float or None, default None
        Save after the first epoch that ends so long after the last save; above 0.
    monitor : str or None, default None
        Save only where this is the best so far; in a resumed training also of the epochs before.
    mode : {"auto", "min", "max"}, default "auto"
        What is better; "auto": less of a loss, and of a metric what its ``more_is_better`` says.

    Attributes
    ----------
    together : sequence of ModelCheckpoint
        Those that count an epoch before one of them saves it; `fit` sets it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, `path` ends as files of another format do, or both of
        `every_epochs` and `every_minutes` are None.

    See Also
    --------
    EarlyStopping : End a training that no longer improves.
    cynn.Model.save : Write one file, now.

    Examples
    --------
    >>> ModelCheckpoint("best.safetensors", monitor="val_accuracy").monitor
    'val_accuracy'
    """

    writes_files = True
    together: Sequence["ModelCheckpoint"] = ()

    def __init__(
        self,
        path: str | os.PathLike[str],
        every_epochs: int | None = 1,
        every_minutes: float | None = None,
        monitor: str | None = None,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor or "", mode, 0.0)
        self.path = path_name(path)
        expect_name(self.path)
        try:
            list(string.Formatter().parse(self.path))
        except ValueError as error:
            raise ValueError(
                f"path must be a format string such as 'at-{{epoch}}', got {path!r}: {error}"
            ) from None
        self.every_epochs = None if every_epochs is None else integer("every_epochs", every_epochs)
        self.every_minutes: float | None = None
        if every_minutes is not None:
            wanted = "a finite number above 0"
            self.every_minutes = number("every_minutes", every_minutes, wanted, lambda m: m > 0)
        if self.every_epochs is None and self.every_minutes is None:
            raise ValueError("every_epochs or every_minutes must be a number, got None for both")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the counts of epochs and minutes; raise early if nothing can be written.

        See `Callback.on_train_begin`.

        Raises
        ------
        OSError
            If no file can be written at `path`.
        """
        super().on_train_begin(logs)
        if "{" not in os.path.dirname(self.path):  # now, not after an epoch that may take hours
            try_to_write(self.path)
        self._counted, self._saved = -1, time.monotonic()

    def set_measures(self, measures: Mapping[str, bool | None], is_complete: bool) -> None:
        """Check the monitor and the fields of the path; see `Callback.set_measures`.

        Raises
        ------
        ValueError
            If one of them is none of what will be measured.
        """
        super().set_measures(measures, is_complete)
        if is_complete:
            self._filled({**dict.fromkeys(measures, 0.5), "epoch": 1})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save the model if it is time and it is good enough; see `Callback.on_epoch_end`.

        Raises
        ------
        ValueError
            If `path` names a value that `logs` lacks.
        OSError
            If the file cannot be written.
        """
        for checkpoint in self.together or (self,):
            checkpoint._count(epoch, logs)
        minutes = (time.monotonic() - self._saved) / 60
        due = self.every_epochs is not None and (epoch + 1) % self.every_epochs == 0
        if self._is_best and (
            due or (self.every_minutes is not None and minutes >= self.every_minutes)
        ):
            self.model.save(self._filled({**(logs or {}), "epoch": epoch + 1}))
            self._saved = time.monotonic()

    def _count(self, epoch: int, logs: Logs | None) -> None:
        """Take note of an epoch, once."""
        if self._counted != epoch:
            self._counted = epoch
            self._is_best = not self.monitor or self.improved(logs)
            if self.monitor:
                self._keep()

    def _filled(self, known: Mapping[str, float]) -> str:
        """Return the path with the epoch and what was measured in it."""
        try:
            return self.path.format(**known)
        except (LookupError, ValueError, AttributeError) as error:
            names = ", ".join(f"{{{name}}}" for name in known)
            raise ValueError(
                f"path must hold no fields but {names}, got {self.path!r}: {type(error).__name__}: "
                f"{error}"
            ) from None


def checkpoints_after(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return callbacks in the order in which they are told of an epoch.

    A `ModelCheckpoint` comes after all that a resumed training goes on from: what it saves has what
    they counted of the epoch. All others keep their order.

    Parameters
    ----------
    callbacks : sequence of Callback
        In the order of the user.

    Returns
    -------
    list of Callback
        The same.

    Examples
    --------
    >>> from cynn.callbacks import EarlyStopping
    >>> in_order = checkpoints_after([ModelCheckpoint("last"), EarlyStopping()])
    >>> [type(callback).__name__ for callback in in_order]
    ['EarlyStopping', 'ModelCheckpoint']
    """
    places = [i for i, callback in enumerate(callbacks) if _has_memory(callback)]
    end = 1 + max(places, default=-1)
    early = [each for each in callbacks[:end] if isinstance(each, ModelCheckpoint)]
    others = [each for each in callbacks[:end] if not isinstance(each, ModelCheckpoint)]
    for checkpoint in early:
        checkpoint.together = early
    return [*others, *early, *callbacks[end:]]


def _has_memory(callback: Callback) -> bool:
    """Return whether a resumed training goes on from what it noted of an epoch."""
    return isinstance(callback, CSVLogger) or (
        isinstance(callback, Monitor) and bool(callback.monitor)
    )

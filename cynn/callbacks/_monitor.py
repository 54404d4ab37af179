"""What the callbacks share that watch one number: which epoch is the best so far."""

import math
from collections.abc import Mapping

from .._specs.validation import choice, number
from ._callback import Callback, Logs

MORE_IS_BETTER = ("accuracy", "precision", "recall", "f1", "matthews_correlation", "auc", "r2")
"""Ends of the names of metrics of which more is better."""


class Monitor(Callback):
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
        better (accuracy, precision, recall, f1, matthews_correlation, auc, r2); else less.
    min_delta : float
        By how much better it must be, at least 0.

    Attributes
    ----------
    best : float
        The best value so far; NaN before the first.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> class Report(Monitor):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, self.improved(logs))
    >>> report = Report("val_loss", "auto", min_delta=0.0)
    >>> report.on_epoch_end(0, {"val_loss": 0.5})
    0 True
    >>> report.on_epoch_end(1, {"val_loss": 0.75})
    1 False
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
        """Forget the previous training, or continue the one that is resumed.

        See `Callback.on_train_begin`.
        """
        self.best = float(self._kept().get("best", math.nan))

    @property
    def _key(self) -> str:
        return f"{type(self).__name__} {self.monitor}"

    def _kept(self) -> Mapping[str, float]:
        """Return what was kept for a training that is resumed; empty where none is."""
        state: Mapping[str, float] = self.model.callback_state.get(self._key, {})
        return state

    def _keep(self, **counts: float) -> None:
        """Keep that, and the best."""
        if math.isfinite(self.best):
            counts["best"] = self.best
        self.model.callback_state[self._key] = {k: float(count) for k, count in counts.items()}

    def improved(self, logs: Logs | None) -> bool:
        """Take note of an epoch's value, and return whether it is the best so far.

        Parameters
        ----------
        logs : mapping of str to float, or None
            The values of the epoch, by name.

        Returns
        -------
        bool
            Whether the value is better than the best before it by more than `min_delta`; the first
            one is the best, unless it is NaN.

        Raises
        ------
        ValueError
            If `logs` lacks the value that is monitored.
        """
        measures = dict(logs or {})
        if self.monitor not in measures:
            names = ", ".join(map(repr, measures)) or "nothing"
            raise ValueError(f"monitor must be one of {names}, got {self.monitor!r}")
        value = float(measures[self.monitor])
        maximize = self.mode == "max" or (
            self.mode == "auto" and self.monitor.endswith(MORE_IS_BETTER)
        )
        gain = value - self.best if maximize else self.best - value
        if gain > self.min_delta or (math.isnan(self.best) and not math.isnan(value)):
            self.best = value
            return True
        return False

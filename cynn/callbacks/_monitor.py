"""What the callbacks share that watch one number: which epoch is the best so far."""

import math
from collections.abc import Mapping

from .. import metrics
from .._specs.names import near, synonym
from .._specs.validation import choice, number
from ._callback import Callback, Logs


class Monitor(Callback):
    """Base of the callbacks that watch one number, and whether an epoch's is the best so far.

    What one has counted is in the model's file, from which it goes on in a resumed training as in
    one that never stopped. Of two of one class and monitor, to which the same is better, each has
    its own memory, by their order in the list of callbacks. A `fit` from epoch 0 begins anew.

    Parameters
    ----------
    monitor : str
        Its name in the logs, such as ``"val_loss"``.
    mode : {"auto", "min", "max"}
        What is better. "auto": less of a loss, and of a metric what its ``more_is_better`` says;
        of anything else nothing is known, which is an error before the training.
    min_delta : float
        By how much better it must be, at least 0.

    Attributes
    ----------
    best : float
        The best value so far; NaN before the first.
    number : int
        Which it is, from 1, of those that are told apart by their order; `fit` sets it.

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

    number: int = 1

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be a name such as 'val_loss', got {monitor!r}")
        self.monitor = monitor
        self.mode = choice("mode", mode, ("auto", "min", "max"))
        wanted = "a finite number of at least 0"
        self.min_delta = number("min_delta", min_delta, wanted, lambda delta: delta >= 0)
        self.best = math.nan
        self._more_is_better: bool | None = None

    def set_measures(self, measures: Mapping[str, bool | None], is_complete: bool) -> None:
        """Learn which values are better; see `Callback.set_measures`.

        Raises
        ------
        ValueError
            If what is watched will not be measured, or nobody says what is better.
        """
        if not self.monitor:
            return
        if is_complete and self.monitor not in measures:
            raise self._not_measured(measures)
        self._more_is_better = self._direction(measures.get(self.monitor))

    def _not_measured(self, names: Mapping[str, object]) -> ValueError:
        """Return the error of a name that is none of those."""
        some = ", ".join(map(repr, names)) or "nothing"
        hint = self._hint(names)
        return ValueError(f"monitor must be one of {some}, got {self.monitor!r}{hint}")

    def _hint(self, names: Mapping[str, object]) -> str:
        """Return what is to be done about it, as the end of the message."""
        plain = self.monitor.removeprefix("val_")
        prefix = self.monitor[: -len(plain)] if plain else ""
        if prefix and not any(name.startswith(prefix) for name in names):
            return ": there are no rows to validate on, such as validation_data"
        meant = synonym("metric", plain, metrics.METRICS)
        if prefix + meant in names:
            return f": did you mean {prefix + meant!r}?"
        if metrics.more_is_better(plain) is not None and plain not in ("loss", "score"):
            return f": metrics=[{meant!r}] of Model.compile measures it"
        return near(self.monitor, names)

    def _direction(self, known: bool | None) -> bool:
        """Return whether more is better; `known` is what those that measure it say."""
        if self.mode != "auto":
            return self.mode == "max"
        more = metrics.more_is_better(self.monitor) if known is None else known
        if more is None:
            raise ValueError(
                f"mode must be 'min' or 'max' for {self.monitor!r}, of which nothing says whether "
                "more is better, got 'auto': a metric of your own says it by its more_is_better"
            )
        return more

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous training, or continue the one that is resumed.

        See `Callback.on_train_begin`.
        """
        kept = self._kept()
        self.best = float(kept.get("best", kept.get("infinite", 0.0) * math.inf))

    @property
    def key(self) -> str:
        """By which name its memory is in the model, and in its file."""
        direction = {True: " max", False: " min", None: ""}[self._more_is_better]
        number = f" {self.number}" if self.number > 1 else ""
        return f"{type(self).__name__} {self.monitor}{direction}{number}"

    def _kept(self) -> Mapping[str, float]:
        """Return what was kept for a training that is resumed; empty where none is."""
        state: Mapping[str, float] = self.model.callback_state.get(self.key, {})
        return state

    def _keep(self, **counts: float) -> None:
        """Keep that, and the best."""
        if math.isfinite(self.best):
            counts["best"] = self.best
        elif not math.isnan(self.best):  # a file holds finite numbers alone
            counts["infinite"] = math.copysign(1.0, self.best)
        self.model.callback_state[self.key] = {k: float(count) for k, count in counts.items()}

    def _keep_weights(self) -> None:
        """Keep the weights and the running statistics as they are now, also in files."""
        self.model.callback_weights[self.key] = self.model.get_learned()

    def _take_back(self, restore: bool) -> bool:
        """Forget what was kept for a resumed training; return whether weights were restored."""
        self.model.callback_state.pop(self.key, None)
        kept = self.model.callback_weights.pop(self.key, None)
        if kept is None or not restore:
            return False
        self.model.set_learned(kept)
        return True

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
            If `logs` lacks the value that is monitored, or nobody says what is better.
        """
        measures = dict(logs or {})
        if self.monitor not in measures:
            raise self._not_measured(measures)
        value = float(measures[self.monitor])
        gain = self._gain(value, self.best)
        if gain > self.min_delta or (math.isnan(self.best) and not math.isnan(value)):
            self.best = value
            return True
        return False

    def _gain(self, value: float, other: float) -> float:
        """Return by how much a value is better than another."""
        more = self._direction(None) if self._more_is_better is None else self._more_is_better
        return value - other if more else other - value

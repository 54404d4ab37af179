"""The end of a training that no longer gets better."""

import numpy as np

from .._specs.validation import flag, integer, number, shown
from ._callback import Logs
from ._monitor import Monitor


class EarlyStopping(Monitor):
    """Ends a training that no longer gets better, and goes back to its best weights.

    What it has counted, and the best weights, are in files of the model until the training ends: it
    goes on in a resumed training as in one that never stopped, and one that had ended trains no
    more. A `fit` from epoch 0 begins anew.

    Parameters
    ----------
    monitor : str, default "val_loss"
        What is watched.
    patience : int, default 0
        How many epochs in a row may be no better before the training ends: it ends after the
        epoch that is one too many. Keras's ends one earlier.
    min_delta : float, default 0.0
        By how much better an epoch must be to count.
    mode : {"auto", "min", "max"}, default "auto"
        What is better; "auto": less of a loss, and of a metric what its ``more_is_better`` says.
    restore_best_weights : bool, default True
        Whether the model has the weights of its best epoch at the end, also where it ended by
        itself. The optimizer's state is that of the last epoch.
    verbose : {0, 1}, default 0
        Whether to print, at the end, after which epoch it ended the training, and whose weights
        these are now; epochs are counted from 1 there, as in what `fit` prints.
    baseline : float, optional
        A value that an epoch must be better than as well, by more than `min_delta`, for the epochs
        without it to be counted anew. The best epoch is the best one also below it, and, as in
        Keras, no training ends with it.
    start_from_epoch : int, default 0
        Epochs before it, counted from 0, are neither watched nor counted.

    Attributes
    ----------
    best_epoch : int or None
        Counted from 0.
    stopped_epoch : int or None
        The epoch after which it ended the training.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    BestEpoch : Train all epochs, and go back to the best one.
    ReduceLROnPlateau : Lower the learning rate of a training that no longer improves.

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
        verbose: int = 0,
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = integer("patience", patience, 0)
        self.restore_best_weights = flag("restore_best_weights", restore_best_weights)
        if not np.isscalar(verbose) or verbose not in (0, 1):
            raise ValueError(f"verbose must be 0 or 1, got {shown(verbose)}")
        self.verbose = verbose
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, 0)
        self._start()

    def _start(self) -> None:
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous training, or continue the one that is resumed.

        See `Callback.on_train_begin`.
        """
        super().on_train_begin(logs)
        self._start()
        kept = self._kept()
        self._waited = int(kept.get("waited", 0))
        if "best_epoch" in kept:
            self.best_epoch = int(kept["best_epoch"])
        if kept:
            self._end_if_due(self.model.epochs - 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the weights of the best epoch; stop the training after too many that are no better.

        See `Callback.on_epoch_end`.
        """
        if epoch < self.start_from_epoch:
            return
        if self.improved(logs):
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep_weights()
        if self.best_epoch == epoch and self._beats_baseline():
            self._waited = 0
        else:
            self._waited += 1
        self._end_if_due(epoch)
        best = {} if self.best_epoch is None else {"best_epoch": self.best_epoch}
        self._keep(waited=self._waited, **best)

    def _beats_baseline(self) -> bool:
        return self.baseline is None or self._gain(self.best, self.baseline) > self.min_delta

    def _end_if_due(self, epoch: int) -> None:
        if self._waited > self.patience and self.best_epoch != epoch:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights, and drop what was kept for a resumed training.

        See `Callback.on_train_end`.
        """
        is_restored = self._take_back(self.restore_best_weights)
        if self.verbose and self.is_first_rank:
            print(self._outcome(is_restored))

    def _outcome(self, is_restored: bool) -> str:
        """Say when the training stopped, and where."""
        outcome = "early stopping: not needed"
        if self.stopped_epoch is not None:
            outcome = f"epoch {self.stopped_epoch + 1}: early stopping"
        if self.best_epoch is None:
            return f"{outcome}; {self.monitor} was never watched, or never a number"
        outcome += f"; {self.monitor} was best in epoch {self.best_epoch + 1}, {self.best:.4g}"
        return outcome + (": its weights are restored" if is_restored else "")

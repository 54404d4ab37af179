"""A lower learning rate for a training that no longer gets better."""

from .._specs.validation import integer, number
from ._callback import Logs
from ._monitor import Monitor


class ReduceLROnPlateau(Monitor):
    """Lowers the learning rate when a training no longer gets better.

    After more than `patience` epochs in a row that were no better, ``model.rate_factor`` is
    multiplied by `factor`. Every later step's rate is the optimizer's, a number or a schedule's,
    times ``model.rate_factor``: a schedule keeps its shape.

    What it has counted is in the model's file: it goes on in a resumed training as in one that
    never stopped. A `fit` from epoch 0 begins anew, at a factor of 1.

    Parameters
    ----------
    monitor : str, default "val_loss"
        What is watched.
    factor : float, default 0.1
        What the rate is multiplied by; above 0 and less than 1.
    patience : int, default 10
        How many epochs in a row may be no better before the rate is lowered.
    mode : {"auto", "min", "max"}, default "auto"
        What is better; "auto": less of a loss, and of a metric what its ``more_is_better`` says.
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

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    EarlyStopping : End a training that no longer improves.
    cynn.schedules : Learning rates that are known before the training.

    References
    ----------
    The rule is that of PyTorch's class of the same name; in Keras's, the rate is lowered one epoch
    earlier, after `patience` epochs.

    Examples
    --------
    >>> ReduceLROnPlateau("val_accuracy", factor=0.5, patience=3).monitor
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
        """Forget the previous training, or continue the one that is resumed.

        See `Callback.on_train_begin`.
        """
        super().on_train_begin(logs)
        self._start()
        kept = self._kept()
        self._waited, self._cooling = int(kept.get("waited", 0)), int(kept.get("cooling", 0))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the epoch; lower the rate after too many that are no better.

        See `Callback.on_epoch_end`.
        """
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

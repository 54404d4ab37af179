"""The weights of the best epoch, after all of them."""

from .._specs.validation import choice
from ._callback import Logs
from ._monitor import Monitor


class BestEpoch(Monitor):
    """Trains all epochs, then goes back to the weights and running statistics of the best one.

    A schedule comes to its end so, which `EarlyStopping` would cut off. The best weights so far are
    in files of the model until the training ends: it goes on in a resumed training as in one that
    never stopped. A `fit` from epoch 0 begins anew.

    Parameters
    ----------
    monitor : str, default "val_loss"
        What is watched.
    mode : {"auto", "min", "max"}, default "auto"
        What is better; "auto": less of a loss, and of a metric what its ``more_is_better`` says.
    of_equals : {"last", "first"}, default "last"
        Which of several epochs that are equally good is the best. A metric that counts rows, such
        as the accuracy of a few hundred, has many of them, of which the last has trained longest.

    Attributes
    ----------
    best_epoch : int or None
        Counted from 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    EarlyStopping : End a training that no longer gets better.
    ModelCheckpoint : Keep the best epoch in a file.

    Notes
    -----
    The optimizer's state stays that of the last epoch. An epoch whose value is NaN is never the
    best; where all are NaN the weights stay the last ones.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> x = np.linspace(-1, 1, 20)[:, np.newaxis]
    >>> best = BestEpoch("loss")
    >>> _ = model.fit(x, 2 * x, epochs=5, callbacks=[best], verbose=0)
    >>> best.best_epoch
    4
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", of_equals: str = "last"
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        self.of_equals = choice("of_equals", of_equals, ("last", "first"))
        self.best_epoch: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous training, or continue the one that is resumed.

        See `Callback.on_train_begin`.
        """
        super().on_train_begin(logs)
        best = self._kept().get("best_epoch")
        self.best_epoch = None if best is None else int(best)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the weights of the best epoch so far.

        See `Callback.on_epoch_end`.
        """
        if self.improved(logs) or (self.of_equals == "last" and self._is_equal(logs)):
            self.best_epoch = epoch
            self._keep_weights()
            self._keep(best_epoch=epoch)

    def _is_equal(self, logs: Logs | None) -> bool:
        return logs is not None and float(logs[self.monitor]) == self.best

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the weights of the best epoch.

        See `Callback.on_train_end`.
        """
        self._take_back(restore=True)

"""Callbacks: code of your own between the epochs of a fit.

The hooks have Keras's names and arguments. There are none by batch: an epoch runs in compiled code
from end to end.
"""

from collections.abc import Mapping
from typing import Any

Logs = Mapping[str, float]


class Callback:
    """Base of the callbacks: each hook does nothing until a subclass says what.

    Attributes
    ----------
    model : Model or None
        The model in training; None before `set_model`.

    Examples
    --------
    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch}: loss {logs['loss']}!")
    >>> Shout().on_epoch_end(0, {"loss": 0.25})
    epoch 0: loss 0.25!
    """

    model: Any = None

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

    def __repr__(self) -> str:
        """Say how many epochs there were and what was measured."""
        epochs = "1 epoch" if len(self.epoch) == 1 else f"{len(self.epoch)} epochs"
        return f"<History of {epochs}: {', '.join(self.history) or 'nothing yet'}>"

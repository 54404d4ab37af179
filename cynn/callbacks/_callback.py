"""What every callback is: hooks between the epochs of a fit."""

import os
from collections.abc import Mapping
from typing import Any

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
        """Keep the model, before training begins.

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


def path_name(value: Any) -> str:
    """Return a path as a string, or refuse what is none."""
    if not isinstance(value, str | bytes | os.PathLike):
        raise TypeError(f"path must be a string or a path, got {value!r}")
    if not value:
        raise ValueError("path must name a file, got ''")
    return os.fsdecode(value)

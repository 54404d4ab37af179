"""What every callback is: hooks between the epochs of a fit, and between its batches."""

import os
from collections.abc import Mapping
from typing import Any

from .._specs.names import Explained

Logs = Mapping[str, float]


class Callback(Explained):
    """Base of the callbacks: each hook does nothing until a subclass says what.

    Attributes
    ----------
    model : Model or None
        The model in training; None before `set_model`.
    writes_files : bool
        Whether only the first of several ranks is to call it; see `cynn.distributed`.
    is_first_rank : bool
        Whether this process is the first of several ranks, or alone: the one that prints.

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
    is_first_rank: bool = True

    def set_model(self, model: Any) -> None:
        """Keep the model, before training begins.

        Parameters
        ----------
        model : Model
            The model; the hooks find it as ``self.model``.
        """
        self.model = model

    def set_measures(self, measures: Mapping[str, bool | None], is_complete: bool) -> None:
        """Learn what the logs of an epoch will hold, before anything is trained.

        A callback that cannot do with that raises here, and the model stays as it was.

        Parameters
        ----------
        measures : mapping of str to bool or None
            By name, in the order of the logs: whether more of it is better; None where nobody says.
        is_complete : bool
            Whether there will be nothing else: False where a callback of a user's own, which may
            write into the logs, comes before this one.
        """

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

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch; where no callback defines this or `on_batch_end`, it costs nothing.

        Parameters
        ----------
        batch : int
            Its number in the epoch, counted from 0.
        logs : mapping, optional
            Nothing yet.

        Notes
        -----
        ``self.model.rate_factor`` set here is that of this batch.
        """

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch; ``self.model.stop_training`` set here ends the fit at once.

        The epoch then ends with this batch: its rows are those trained until then, they are
        validated on and told of in `on_epoch_end`, and no further epoch follows.

        Parameters
        ----------
        batch : int
            Its number in the epoch, counted from 0.
        logs : mapping, optional
            ``loss``, the mean over the batch as it was before the step, with penalties (of several
            ranks: over the batch of all), and ``learning_rate``, that of the step.
        """


def path_name(value: Any) -> str:
    """Return a path as a string, or refuse what is none."""
    if not isinstance(value, str | bytes | os.PathLike):
        raise TypeError(f"path must be a string or a path, got {value!r}")
    if not value:
        raise ValueError("path must name a file, got ''")
    return os.fsdecode(value)

"""What was measured in each epoch: as lists, and as a table that is written at once."""

import csv
import io
import os
from collections.abc import Iterable, Mapping

from .._runtime.atomic_files import replace
from .._runtime.input_files import open_regular
from .._runtime.notebook import curves, table
from .._specs.validation import flag
from ._callback import Callback, Logs, path_name


class History(Callback):
    """What was measured in each epoch; ``Model.fit`` gives one back.

    Attributes
    ----------
    epoch : list of int
        The epochs, counted from 0.
    history : dict of str to list of float
        By name, one value an epoch.
    diverged_epoch : int or None
        The epoch, counted from 0, in which the training ended with a FloatingPointError.

    See Also
    --------
    CSVLogger : Write the same values into a file, epoch by epoch.

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
        self.diverged_epoch: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous training; see `Callback.on_train_begin`."""
        self.epoch = []
        self.history = {}
        self.diverged_epoch = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the values of the epoch; see `Callback.on_epoch_end`."""
        self.epoch.append(int(epoch))
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table: a line for each epoch, a column for each name.

        Parameters
        ----------
        path : path-like
            Where to; what was there is replaced when the table is whole.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["epoch", *self.history])
        writer.writerows(zip(self.epoch, *self.history.values(), strict=True))
        replace(path, text.getvalue().encode())

    def _repr_html_(self) -> str:
        """Return the curve of the loss and a table of what was measured, for a notebook."""
        names: tuple[str, ...] = ("loss", "val_loss")
        series = {name: self.history[name] for name in names if name in self.history}
        rows = [
            [name, *(f"{value:.4g}" for value in (values[0], values[-1], min(values), max(values)))]
            for name, values in self.history.items()
            if values
        ]
        caption = repr(self).strip("<>").partition(":")[0]
        if self.diverged_epoch is not None:
            caption += f"; diverged in epoch {self.diverged_epoch + 1}"
        header = ["", "first", "last", "smallest", "largest"]
        picture = curves(series, self.epoch[0] + 1 if self.epoch else 1)
        return f"<div>{picture}{table(caption, header, rows)}</div>"

    def __repr__(self) -> str:
        """Say how many epochs there were and what was measured."""
        epochs = "1 epoch" if len(self.epoch) == 1 else f"{len(self.epoch)} epochs"
        return f"<History of {epochs}: {', '.join(self.history) or 'nothing yet'}>"


class CSVLogger(Callback):
    """Writes a line for each epoch into a table, at once, so that it can be watched.

    Parameters
    ----------
    path : path-like
        Where to.
    append : bool, default False
        Whether to go on with what is there; its columns must be the same. In a resumed training
        (``initial_epoch`` above 0) the lines of epochs that are trained once more go first, and so
        does a last line that was not written whole. One from epoch 0 is appended to those that are
        there, unless it is the last of them once more, as after a crash before the first
        checkpoint: where the line of its first epoch is the same, it takes that one's place.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    History : Keep the same values as lists.

    Examples
    --------
    >>> CSVLogger("log.csv").append
    False
    """

    writes_files = True

    def __init__(self, path: str | os.PathLike[str], append: bool = False) -> None:
        self.path = path_name(path)
        self.append = flag("append", append)
        self._measures: list[str] | None = None

    def set_measures(self, measures: Mapping[str, bool | None], is_complete: bool) -> None:
        """Note the columns that there will be; see `Callback.set_measures`."""
        self._measures = list(measures) if is_complete else None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the table; see `Callback.on_train_begin`.

        Raises
        ------
        ValueError
            If what is there has other columns, or is no regular file.
        OSError
            If the file cannot be read, or written.
        """
        self._columns: list[str] | None = None
        if self.append and os.path.exists(self.path):
            with io.TextIOWrapper(open_regular(self.path), "utf-8", newline="") as file:
                header = file.readline()
            self._columns = next(csv.reader([header])) if header else None
            if header.endswith("\n"):  # else it was not written whole, and is removed
                self._expect_columns(self._measures)
        elif not self.append:
            open(self.path, "w", encoding="utf-8").close()
        self._begun = self._may_repeat = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remove what an interrupted training wrote of this epoch and of later ones.

        See `Callback.on_epoch_begin`.
        """
        if self.append and not self._begun and self._columns is not None:
            self._truncate(epoch)
        self._may_repeat = self.append and not self._begun
        self._begun = True

    def _truncate(self, epoch: int) -> None:
        with open(self.path, newline="", encoding="utf-8") as file:
            lines = file.readlines()
        n_kept = len(lines)
        if not lines[-1].endswith("\n"):  # what a full disk or a killed process left
            n_kept -= 1
        while epoch > 0 and n_kept > 1 and _epoch_of(lines[n_kept - 1]) >= epoch:
            n_kept -= 1
        if n_kept < len(lines):
            replace(self.path, "".join(lines[:n_kept]).encode())
            self._columns = self._columns if n_kept else None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the line of the epoch; see `Callback.on_epoch_end`.

        Raises
        ------
        ValueError
            If the file has other columns than `logs`.
        OSError
            If it cannot be written.
        """
        row = {"epoch": epoch, **(logs or {})}
        line = _line(row.values())
        if self._columns is None:
            self._columns = list(row)
            line = _line(self._columns) + line
        elif self._may_repeat and epoch == 0:
            self._remove_repeated(line)
        self._expect_columns(list(row)[1:])
        self._may_repeat = False
        try:
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:  # of a full disk: a training writes several files
            raise OSError(error.errno, error.strerror, self.path) from error

    def _expect_columns(self, names: list[str] | None) -> None:
        """Refuse a file with other columns, as soon as both are known."""
        if self._columns is None or names is None:
            return
        if self._columns != ["epoch", *names]:
            raise ValueError(
                f"{self.path} must have the columns of this training, {['epoch', *names]}, got "
                f"{self._columns}: write to another file, or without append"
            )

    def _remove_repeated(self, first_line: str) -> None:
        """Remove the last training in the file where it began with the same line."""
        with open(self.path, newline="", encoding="utf-8") as file:
            lines = file.readlines()
        starts = [i for i, line in enumerate(lines) if _epoch_of(line) == 0]
        if starts and lines[starts[-1]] == first_line:
            replace(self.path, "".join(lines[: starts[-1]]).encode())


def _line(values: Iterable[object]) -> str:
    """Return a line of the table."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue()


def _epoch_of(line: str) -> int:
    """Return the number at the head of a line, -1 where there is none."""
    head = line.partition(",")[0]
    return int(head) if head.isdigit() else -1

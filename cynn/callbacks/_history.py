"""What was measured in each epoch: as lists, and as a table that is written at once."""

import csv
import io
import os

from .._runtime.atomic_files import replace
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

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous training; see `Callback.on_train_begin`."""
        self.epoch = []
        self.history = {}

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
        does a last line that was not written whole.

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

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the table; see `Callback.on_train_begin`.

        Raises
        ------
        OSError
            If the file cannot be read, or written.
        """
        self._columns: list[str] | None = None
        if self.append and os.path.exists(self.path):
            with open(self.path, newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file), None)
        elif not self.append:
            open(self.path, "w", encoding="utf-8").close()
        self._begun = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remove what an interrupted training wrote of this epoch and of later ones.

        See `Callback.on_epoch_begin`.
        """
        if self.append and not self._begun and self._columns is not None:
            self._truncate(epoch)
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
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if self._columns is None:
                self._columns = list(row)
                writer.writerow(self._columns)
            if list(row) != self._columns:
                raise ValueError(
                    f"{self.path} must have the columns of this epoch, {list(row)}, got "
                    f"{self._columns}: write to another file, or without append"
                )
            writer.writerow(row.values())


def _epoch_of(line: str) -> int:
    """Return the number at the head of a line, -1 where there is none."""
    head = line.partition(",")[0]
    return int(head) if head.isdigit() else -1

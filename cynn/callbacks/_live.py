"""The curve of a training while it runs, in a notebook."""

import html
import time

from .._runtime.notebook import Cell, curves, new_cell
from .._runtime.progress import measured_line
from ._callback import Callback, Logs

SECONDS = 0.25
"""Between two pictures there are at least so many."""


class LivePlot(Callback):
    """Draws a measure over the epochs while a model is trained in a notebook.

    There is one picture for the whole fit, which is replaced in place, at most four times a second
    and after the last epoch. It needs no matplotlib. Outside of a notebook, as in a terminal or a
    script, and on all ranks but the first, it does nothing.

    Parameters
    ----------
    monitor : str, default "loss"
        What is drawn; ``val_`` and the name is drawn beside it where it is measured.

    Raises
    ------
    TypeError, ValueError
        If it is no name.

    See Also
    --------
    cynn.plots.curve : Plot it afterwards.

    Examples
    --------
    >>> LivePlot("accuracy")
    LivePlot('accuracy')
    """

    def __init__(self, monitor: str = "loss") -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be a name such as 'loss', got {monitor!r:.100}")
        if not monitor:
            raise ValueError("monitor must be a name such as 'loss', got ''")
        self.monitor = monitor
        self._cell: Cell | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin a new picture; see `Callback.on_train_begin`."""
        self._cell = new_cell() if self.is_first_rank else None
        self._series: dict[str, list[float]] = {}
        self._first, self._shown, self._text = 1, -SECONDS, ""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the epoch to the picture; see `Callback.on_epoch_end`."""
        if self._cell is None:
            return
        if not self._series:
            self._first = epoch + 1
        for name in (self.monitor, f"val_{self.monitor}"):
            if name in (logs or {}):
                self._series.setdefault(name, []).append(float((logs or {})[name]))
        self._text = f"epoch {epoch + 1}  {measured_line(logs or {})}"
        if time.monotonic() - self._shown >= SECONDS:
            self._show()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Draw the last epoch; see `Callback.on_train_end`."""
        if self._cell is not None and self._series:
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        page = curves(self._series, self._first) or html.escape(self._text)
        if self._cell is not None:
            self._cell.write(page, self._text)

    def __repr__(self) -> str:
        """Write the call that makes this callback."""
        return f"LivePlot({self.monitor!r})"

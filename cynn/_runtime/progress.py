"""What a fit shows while it runs: a bar an epoch on a terminal, a line an epoch elsewhere.

In a notebook there is one bar for the whole fit.
"""

import html
import importlib.util
import sys
import time
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Literal

import numpy as np

from .._specs.validation import shown
from .notebook import new_cell

Verbose = Literal["auto", 0, 1, 2] | bool


def checked_verbose(verbose: Any) -> Literal["auto", 0, 1, 2]:
    """Return how much is to be shown.

    Raises
    ------
    ValueError
        If it is not "auto", 0, 1 or 2; False is taken for 0 and True for "auto".

    Examples
    --------
    >>> checked_verbose(True), checked_verbose(2)
    ('auto', 2)
    """
    if isinstance(verbose, bool | np.bool_):
        return "auto" if verbose else 0
    if not isinstance(verbose, str | Integral) or verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {shown(verbose)}")
    return verbose if isinstance(verbose, str) else int(verbose)  # type: ignore[return-value]


def measured_line(logs: Mapping[str, float]) -> str:
    """Return what was measured on one line.

    Examples
    --------
    >>> measured_line({"loss": 0.5, "accuracy": 0.75})
    'loss 0.5000  accuracy 0.7500'
    >>> measured_line({"loss": 1e200})  # of a training that is about to diverge
    'loss 1.0000e+200'
    """
    return "  ".join(
        f"{name} {value:.4f}" if abs(value) < LARGE else f"{name} {value:.4e}"
        for name, value in logs.items()
    )


LARGE = 1e9
"""Numbers of so many digits are shown by their power of ten."""


CELL_SECONDS = 0.1
"""In a notebook the bar is drawn anew after so long."""

QUIET_SECONDS = 10.0
"""After so long without a line there is one on how far the epoch is."""


class Progress:
    """Shows the epochs of a fit.

    Parameters
    ----------
    verbose : "auto", 0, 1 or 2
        0: nothing. 1: a bar an epoch, on standard error (needs tqdm). 2: a line an epoch, on
        standard output, and one every ten seconds within a longer epoch. "auto": 1 where standard
        error is a terminal and tqdm is installed, else 2. In a notebook 1 and "auto" are one bar
        for all epochs, which needs no library.

    Raises
    ------
    ValueError
        If `verbose` is something else.
    ImportError
        If 1 is asked for and tqdm is missing.

    Examples
    --------
    >>> progress = Progress(2)
    >>> progress.begin(epochs=1, rows=100)
    >>> progress.begin_epoch(0)
    >>> progress.advance(100)
    >>> progress.end_epoch({"loss": 0.5})  # doctest: +ELLIPSIS
    epoch 1/1  ...  loss 0.5000
    """

    def __init__(self, verbose: Verbose) -> None:
        verbose = checked_verbose(verbose)
        may_be_notebook = verbose in ("auto", 1) and "IPython" in sys.modules
        self._cell = new_cell() if may_be_notebook else None
        self._drawn, self._kept = 0.0, ""
        if self._cell is not None:
            verbose = 1
        elif verbose == "auto":
            has_tqdm = importlib.util.find_spec("tqdm") is not None
            verbose = 1 if has_tqdm and sys.stderr is not None and sys.stderr.isatty() else 2
        self._verbose = verbose
        self._bar: Any = None
        self._bar_class: Any = None
        if verbose == 1 and self._cell is None:
            try:
                from tqdm import tqdm
            except ImportError as error:
                raise ImportError(
                    "verbose=1 needs tqdm: pip install 'cynn-learn[data]', or pass verbose=2"
                ) from error
            self._bar_class = tqdm

    def begin(self, epochs: int, rows: int | None) -> None:
        """Say how many epochs of how many rows will come; None: unknown."""
        self._epochs, self._rows = epochs, rows

    def begin_epoch(self, epoch: int) -> None:
        """Begin an epoch, counted from 0."""
        self._name = f"epoch {epoch + 1:{len(str(self._epochs))}}/{self._epochs}"
        self._epoch, self._done = epoch, 0
        self._started = self._shown = time.perf_counter()
        if self._bar_class is not None:
            self._bar = self._bar_class(
                total=self._rows, desc=self._name, unit=" rows", unit_scale=True, leave=True
            )

    def advance(self, rows: int) -> None:
        """Count some rows of the epoch as done."""
        self._done += rows
        if self._bar is not None:
            self._bar.update(rows)
        elif self._verbose == 2 and time.perf_counter() - self._shown >= QUIET_SECONDS:
            self._shown = time.perf_counter()
            print(f"{self._name}  {self._progress(self._shown - self._started)}", flush=True)
        elif self._cell is not None and time.perf_counter() - self._drawn >= CELL_SECONDS:
            seconds = time.perf_counter() - self._started
            self._draw(f"{self._name}  {self._progress(seconds)}")

    def _draw(self, line: str) -> None:
        """Draw the bar of the notebook anew, with a line beside it."""
        self._drawn, self._kept = time.perf_counter(), ""
        of_epoch = min(self._done / self._rows, 1.0) if self._rows else 0.0
        share = (self._epoch + of_epoch) / max(self._epochs, 1)
        bar = f'<progress max="1" value="{share:.4f}" style="width:16em"></progress>'
        if self._cell is not None:
            self._cell.write(f"{bar} <span>{html.escape(line)}</span>", line)

    def _progress(self, seconds: float) -> str:
        """Say how far the epoch is, and for how long it and the training will go on."""
        if not self._rows or not self._done:
            return f"{self._done:,} rows in {seconds:.0f} s"
        of_epoch = seconds * self._rows / self._done
        left = of_epoch - seconds
        text = f"{self._done:,} of {self._rows:,} rows in {seconds:.0f} s, about {left:.0f} s to go"
        further = self._epochs - self._epoch - 1
        return f"{text}, {left + further * of_epoch:.0f} s with all epochs" if further > 0 else text

    def end_epoch(self, logs: Mapping[str, float]) -> None:
        """Show what the epoch came to."""
        line = measured_line(logs)
        if self._bar is not None:
            self._bar.set_postfix_str(line)
            self.close()
        elif self._verbose == 2:
            seconds = time.perf_counter() - self._started
            print(f"{self._name}  {seconds:.2f} s  {line}", flush=True)
        elif self._cell is not None:
            self._epoch, self._done = self._epoch + 1, 0
            self._kept = f"{self._name}  {line}"
            if time.perf_counter() - self._drawn >= CELL_SECONDS:
                self._draw(self._kept)

    def close(self) -> None:
        """Leave the terminal tidy, also where the fit was cut short."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        elif self._kept:  # the last epoch came soon after the one before
            self._draw(self._kept)

"""What a fit shows while it runs: a bar an epoch on a terminal, a line an epoch elsewhere."""

import importlib.util
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal

Verbose = Literal["auto", 0, 1, 2]


class Progress:
    """Shows the epochs of a fit.

    Parameters
    ----------
    verbose : "auto", 0, 1 or 2
        0: nothing. 1: a bar an epoch, on standard error (needs tqdm). 2: a line an epoch, on
        standard output. "auto": 1 where standard error is a terminal and tqdm is installed, else 2.

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
        if isinstance(verbose, bool) or verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
        if verbose == "auto":
            has_tqdm = importlib.util.find_spec("tqdm") is not None
            verbose = 1 if has_tqdm and sys.stderr is not None and sys.stderr.isatty() else 2
        self._verbose = verbose
        self._bar: Any = None
        self._bar_class: Any = None
        if verbose == 1:
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
        self._started = time.perf_counter()
        if self._bar_class is not None:
            self._bar = self._bar_class(
                total=self._rows, desc=self._name, unit=" rows", unit_scale=True, leave=True
            )

    def advance(self, rows: int) -> None:
        """Count some rows of the epoch as done."""
        if self._bar is not None:
            self._bar.update(rows)

    def end_epoch(self, logs: Mapping[str, float]) -> None:
        """Show what the epoch came to."""
        shown = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        if self._bar is not None:
            self._bar.set_postfix_str(shown)
            self.close()
        elif self._verbose == 2:
            seconds = time.perf_counter() - self._started
            print(f"{self._name}  {seconds:.2f} s  {shown}", flush=True)

    def close(self) -> None:
        """Leave the terminal tidy, also where the fit was cut short."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

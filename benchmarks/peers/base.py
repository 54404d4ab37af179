"""What a peer is to the benchmark: something that trains and predicts, in a process of its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cases import Case


class Peer:
    """One library, used as its own users would use it well.

    Subclasses set the arrays up outside the time that is measured, each in the form that serves
    them best.
    """

    takes_bytes = False  # pixels as uint8, else as reals
    pinned = False  # its threads follow the cores that the process may use, and nothing else

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def version(self) -> str:
        """Return the library's version."""
        raise NotImplementedError

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        """Make the network and put the data where they are read from."""
        raise NotImplementedError

    def train(self, epochs: int) -> float:
        """Train, in a new order each epoch, the tail batch included; return the last mean loss."""
        raise NotImplementedError

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        """Return a function that gives the probabilities for the rows of x."""
        raise NotImplementedError

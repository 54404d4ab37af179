"""The interface of a peer: it trains and predicts, in a process of its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cases import Case


class Peer:
    """One library, used as an experienced user would.

    Subclasses prepare the arrays outside of the measured time, each in the form that suits
    them best.
    """

    takes_bytes = False  # pixels as uint8, else as reals
    pinned = False  # its threads depend only on the cores that the process may use

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def version(self) -> str:
        """Return the library's version."""
        raise NotImplementedError

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        """Make the network and prepare the data."""
        raise NotImplementedError

    def train(self, epochs: int) -> float:
        """Train, in a new order each epoch, the tail batch included; return the last mean loss."""
        raise NotImplementedError

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        """Return a function that computes the probabilities for the rows of x."""
        raise NotImplementedError

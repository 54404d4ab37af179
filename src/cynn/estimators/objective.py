"""What a fit makes small: the mean loss of rows, and the penalty of the coefficients."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..loops import SLICE_SECONDS, Batches
from .weights import LOSSES, readable

LARGEST_BATCH = 1024
"""Rows that a network takes as one batch."""


class Objective:
    """The loss of some rows, its gradient, and steps along it, in scikit-learn's way.

    With losses l, weights w (1 each where there are none) and coefficients c::

        (sum(w * l) + alpha / 2 * sum(c**2)) / sum(w)

    Parameters
    ----------
    network : Network
        It is compiled anew.
    shapes : list of tuple
        The shapes of W and b of each layer in turn.
    alpha : float
        The factor of the penalty.
    output : str
        The last activation, by scikit-learn's name.
    rule : tuple
        The kernels' optimizer, where steps are to be taken.
    """

    def __init__(
        self,
        network: Any,
        shapes: list[tuple[int, ...]],
        alpha: float,
        output: str,
        rule: tuple[str | float, ...] = ("sgd", 0.0, 0.0),
    ) -> None:
        self.network, self.output, self.alpha = network, output, float(alpha)
        penalties = [(0.0, 0.5 * self.alpha)] * (len(shapes) // 2)
        network.compile(LOSSES[output], rule, penalties=penalties)
        network.penalty_of_sum = True
        self.dtype: np.dtype[Any] = np.dtype(np.float64)  # the network's, once it has rows
        self._undefined = False  # the loss of the rows
        # scikit-learn's squared error is the mean over the outputs, but its gradient is not.
        self.divisor = network.n_outputs if output == "identity" else 1
        ends = np.cumsum([0, *(math.prod(size) for size in shapes)])
        self._coefs = [slice(*ends[i : i + 2]) for i in range(0, len(shapes), 2)]

    def rows(self, X: Any, y: NDArray[Any], weight: Any, dtype: np.dtype[Any]) -> Batches:
        """Give rows as the network reads them; y as booleans or numbers, a column an output."""
        self.dtype = dtype
        if self.output == "softmax":
            targets: NDArray[Any] = y.argmax(axis=1).astype(np.int32)
        else:
            targets = np.ascontiguousarray(y, dtype)
        weight = None if weight is None else np.ascontiguousarray(weight, dtype)
        found = Batches(readable(X, dtype), targets, weight)
        self._read = found.read_by(self.network)  # sparse rows are checked once
        # Counts below zero have no deviance, though it has a gradient.
        self._undefined = self.output == "exp" and bool((targets < 0).any())
        return found

    def gradient(self, rows: Batches, gradient: NDArray[Any], threads: int) -> float:
        """Write the gradient at the network's weights; give the loss."""
        penalty = self._penalty()
        read = rows.read_by(self.network)
        loss, total = self.network.gradients(*read, gradient, threads)
        with np.errstate(all="ignore"):  # what is not finite is told of at the end
            gradient /= divisible(total)
        return math.nan if self._undefined else self._mean(loss, total, penalty)

    def train(
        self,
        rows: Batches,
        order: NDArray[np.int64],
        batch_size: int,
        rate: float,
        momentum: float,
        threads: int,
    ) -> float:
        """Take a step for each batch; give the sum over the batches of rows times loss."""
        steps = -(-len(order) // batch_size)
        rates, momenta = np.full(steps, rate), np.full(steps, momentum)
        if batch_size > LARGEST_BATCH:
            return self._train_by_gradients(rows, order, batch_size, rate, momentum, threads)
        read = self._read
        if rows.weight is None and self.divisor == 1:
            step, loss = 0, 0.0
            while step < steps:  # signals are seen in between
                step, loss, _ = self.network.train_epoch(
                    *read, order, rates, momenta, batch_size, step, SLICE_SECONDS, None, threads
                )
            return math.nan if self._undefined else float(loss)
        # A batch's mean counts by its rows, not by their weights: each mean has to be seen.
        found = 0.0
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            penalty = self._penalty()
            _, loss, total = self.network.train_epoch(
                *read, part, rates[:1], momenta[:1], len(part), 0, math.inf, None, threads
            )
            found += len(part) * self._mean(loss, total, penalty)
        return math.nan if self._undefined else found

    def _train_by_gradients(
        self, rows: Batches, order: NDArray[Any], batch_size: int, rate: float, momentum: float,
        threads: int,
    ) -> float:  # fmt: skip
        """Do the same with batches too large for the network's workspace."""
        gradient = np.empty(self.network.n_params, self.dtype)
        found = 0.0
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            found += len(part) * self.gradient(rows.take(part), gradient, threads)
            self.network.update(gradient, rate, momentum)
        return found

    def _penalty(self) -> float:
        """Give the penalty where it has to be told from the loss; else 0."""
        if self.divisor == 1:
            return 0.0
        flat = np.empty(self.network.n_params, self.dtype)
        self.network.get_params(flat)
        return 0.5 * self.alpha * sum(float(flat[part] @ flat[part]) for part in self._coefs)

    def _mean(self, loss: float, total: float, penalty: float) -> float:
        """Give the loss of a batch from its sum, which has the penalty in it."""
        return float(((loss - penalty) / self.divisor + penalty) / divisible(total))


def divisible(total: float) -> float:
    """Refuse weights that have no mean."""
    if total == 0:
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return total

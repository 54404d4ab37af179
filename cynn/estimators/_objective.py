"""What a fit makes small: the mean loss of rows, and the penalty of the coefficients."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._data.sparse import mostly_zeros
from .._model.loops import SLICE_SECONDS, Batches
from ._coefficients import readable
from ._heads import Head

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
    head : Head
        The last activation and the loss.
    rule : tuple
        The kernels' optimizer, where steps are to be taken.
    clips : (float, float)
        The limits of a gradient's numbers and of its norm.
    """

    def __init__(
        self,
        network: Any,
        shapes: list[tuple[int, ...]],
        alpha: float,
        head: Head,
        rule: tuple[str | float, ...] = ("sgd", 0.0, 0.0),
        clips: tuple[float, float] = (math.inf, math.inf),
    ) -> None:
        self.network, self.head, self.alpha = network, head, float(alpha)
        penalties = [(0.0, 0.5 * self.alpha)] * (len(shapes) // 2)
        network.compile(head.kernel, rule, *clips, penalties)
        network.penalty_of_sum = True
        self.dtype: np.dtype[Any] = np.dtype(np.float64)  # the network's, once it has rows
        self._undefined = False  # the loss of the rows
        # scikit-learn's squared error is the mean over the outputs, but its gradient is not.
        self.divisor = network.n_outputs if head.kernel == "half_squared_error" else 1
        ends = np.cumsum([0, *(math.prod(size) for size in shapes)])
        self._coefs = [slice(*ends[i : i + 2]) for i in range(0, len(shapes), 2)]

    def rows(self, X: Any, y: NDArray[Any], weight: Any, dtype: np.dtype[Any]) -> Batches:
        """Return rows as the network reads them; y as booleans or numbers, a column an output."""
        self.dtype = dtype
        found = self.batches(X, y, weight)
        self.network.seek_zeros = isinstance(found.x, np.ndarray) and mostly_zeros(found.x)
        self._read = found.read_by(self.network)  # sparse rows are checked once
        # Counts below zero have no deviance, though it has a gradient.
        counts = self.head.kernel == "half_poisson_deviance"
        self._undefined = counts and bool((found.y < 0).any())
        return found

    def end(self) -> None:
        """Leave the network as predictions want it."""
        self.network.seek_zeros = self.network.keeps_threads = False

    def batches(self, X: Any, y: NDArray[Any], weight: Any) -> Batches:
        """Return rows that are not those of the training."""
        weight = None if weight is None else np.ascontiguousarray(weight, self.dtype)
        return Batches(readable(X, self.dtype), self.head.targets(y, self.dtype), weight)

    def loss(self, rows: Batches, threads: int) -> float:
        """Return the mean loss of rows, without the penalty."""
        loss, total = self.network.evaluate(*rows.read_by(self.network), None, threads)
        return float((loss - self._penalty(True)) / self.divisor / divisible(total))

    def gradient(
        self, rows: Batches, gradient: NDArray[Any], threads: int,
        moment: tuple[int, ...] | None = None,
    ) -> float:  # fmt: skip
        """Write the gradient at the network's weights; give the loss.

        `moment` is that of a training, whose dropout acts.
        """
        penalty = self._penalty()
        read = rows.read_by(self.network)
        loss, total = self.network.gradients(*read, gradient, threads, moment)
        with np.errstate(all="ignore"):  # what is not finite is told of at the end
            gradient /= divisible(total)
        return math.nan if self._undefined else self._mean(loss, total, penalty)

    def train(
        self,
        rows: Batches,
        order: NDArray[np.int64],
        batch_size: int,
        rates: NDArray[np.float64],
        momenta: NDArray[np.float64],
        threads: int,
        seed: int = 0,
    ) -> float:
        """Take a step for each batch; give the sum over the batches of rows times loss.

        `rates` and `momenta` have a value a step; `seed` is for what is drawn by chance.
        """
        before = self.network.updates
        if batch_size > LARGEST_BATCH:
            return self._train_by_gradients(
                rows, order, batch_size, rates, momenta, threads, (seed, 0, before)
            )
        read, steps = self._read, len(rates)
        if rows.weight is None and self.divisor == 1:
            step, loss = 0, 0.0
            while step < steps:  # signals are seen in between
                step, loss, _ = self.network.train_epoch(
                    *read, order, rates, momenta, batch_size, step, SLICE_SECONDS, None, threads,
                    (seed, 0, before, 0),
                )  # fmt: skip
            return math.nan if self._undefined else float(loss)
        # A batch's mean counts by its rows, not by their weights: each mean has to be seen.
        found = 0.0
        for step, start in enumerate(range(0, len(order), batch_size)):
            part = order[start : start + batch_size]
            penalty = self._penalty()
            now = slice(step, step + 1)
            _, loss, total = self.network.train_epoch(
                *read, part, rates[now], momenta[now], len(part), 0, math.inf, None, threads,
                (seed, 0, before + step, 0),
            )  # fmt: skip
            found += len(part) * self._mean(loss, total, penalty)
        return math.nan if self._undefined else found

    def _train_by_gradients(
        self, rows: Batches, order: NDArray[Any], batch_size: int, rates: NDArray[np.float64],
        momenta: NDArray[np.float64], threads: int, moment: tuple[int, int, int],
    ) -> float:  # fmt: skip
        """Do the same with batches too large for the network's workspace."""
        gradient = np.empty(self.network.n_params, self.dtype)
        found = 0.0
        *key, before = moment
        for step, start in enumerate(range(0, len(order), batch_size)):
            part = order[start : start + batch_size]
            now = (*key, before + step, 0)
            found += len(part) * self.gradient(rows.take(part), gradient, threads, now)
            self.network.update(gradient, rates[step], momenta[step])
        return found

    def _penalty(self, always: bool = False) -> float:
        """Return the penalty where it has to be told from the loss; else 0."""
        if self.divisor == 1 and not always:
            return 0.0
        flat = np.empty(self.network.n_params, self.dtype)
        self.network.get_params(flat)
        return 0.5 * self.alpha * sum(float(flat[part] @ flat[part]) for part in self._coefs)

    def _mean(self, loss: float, total: float, penalty: float) -> float:
        """Return the loss of a batch from its sum, which has the penalty in it."""
        return float(((loss - penalty) / self.divisor + penalty) / divisible(total))


def loss_type(*given: Any) -> type[np.floating[Any]]:
    """Return the type of a loss, scikit-learn's: float32 where all that it is made of is."""
    single = all(values.dtype == np.float32 for values in given if values is not None)
    return np.float32 if single else np.float64


def divisible(total: float) -> float:
    """Refuse weights that have no mean."""
    if total == 0:
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return total

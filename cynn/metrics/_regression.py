"""Metrics of regressions: how far the predictions are from the targets."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import rows
from ._metric import Metric

__all__ = ["R2", "MeanAbsoluteError", "MeanSquaredError"]


class MeanSquaredError(Metric):
    """The mean of the squared differences, over outputs and rows.

    See Also
    --------
    R2 : The same relative to the variance of the targets.

    Examples
    --------
    >>> error = MeanSquaredError()
    >>> error.update([1.0, 2.0], [1.5, 1.0])
    >>> error.result()
    0.625
    """

    name = "mse"
    more_is_better = False

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.float64]:
        """Return each row's mean over its outputs; see `Metric.score`."""
        errors: NDArray[np.float64] = (_difference(y, prediction) ** 2).mean(axis=1)
        return errors


class MeanAbsoluteError(Metric):
    """The mean of the absolute differences, over outputs and rows.

    See Also
    --------
    MeanSquaredError : Large errors count more.

    Examples
    --------
    >>> error = MeanAbsoluteError()
    >>> error.update([1.0, 2.0], [1.5, 1.0])
    >>> error.result()
    0.75
    """

    name = "mae"
    more_is_better = False

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.float64]:
        """Return each row's mean over its outputs; see `Metric.score`."""
        errors: NDArray[np.float64] = np.abs(_difference(y, prediction)).mean(axis=1)
        return errors


class R2(Metric):
    """The coefficient of determination: 1 - (squared errors) / (squared distances from the mean).

    1 is perfect, 0 as good as always saying the mean. With several outputs, the mean of theirs. An
    output whose targets are all equal counts 1 if it is met and 0 if not, as in scikit-learn. NaN
    for fewer than two rows.

    The mean of all rows is known only at the end: means and squared distances of the batches are
    merged as they come (Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for
    computing sample variances, 1979).

    See Also
    --------
    MeanSquaredError : In squared units of the targets.

    Examples
    --------
    >>> r2 = R2()
    >>> r2.update([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    >>> r2.result()
    0.5
    """

    name = "r2"
    more_is_better = True

    def reset(self) -> None:
        """Forget every row."""
        self.count, self.weight = 0, 0.0
        self.mean: NDArray[np.float64] | float = 0.0
        self.spread: NDArray[np.float64] | float = 0.0
        self.error: NDArray[np.float64] | float = 0.0

    def add(self, y: NDArray[Any], prediction: NDArray[Any], weight: NDArray[np.float64]) -> None:
        """Merge the rows' mean, squared distances and squared errors into those before.

        See `Metric.add`.
        """
        batch = R2()
        batch.weight = float(weight.sum())
        batch.error = weight @ _difference(y, prediction) ** 2
        if np.shape(self.error) not in ((), batch.error.shape):
            k = np.shape(self.error)[0]
            raise ValueError(f"prediction must have {k} columns as before, got {len(batch.error)}")
        if batch.weight == 0:
            return
        targets = _targets(y, prediction.shape[1])
        counted = targets[weight > 0]
        batch.count = len(counted)
        # That targets are all equal is not to be seen in rounded moments: there the mean is exact,
        # and so is the spread of 0, also where such batches are merged.
        is_constant = (counted == counted[0]).all(axis=0)
        batch.mean = np.where(is_constant, counted[0], weight @ targets / batch.weight)
        batch.spread = weight @ (targets - batch.mean) ** 2
        self.merge(batch)

    def merge(self, other: "R2") -> None:
        """Merge the statistics of another metric; see `Metric.merge`."""
        if other.weight == 0:
            return
        if self.weight == 0:
            self.mean = other.mean  # which stays exact: the difference is 0
        total_weight = self.weight + other.weight
        difference = other.mean - self.mean
        self.spread = (
            self.spread + other.spread + difference**2 * self.weight * other.weight / total_weight
        )
        self.mean = self.mean + difference * other.weight / total_weight
        self.error = self.error + other.error
        self.weight = total_weight
        self.count += other.count

    def result(self) -> float:
        """Return the coefficient; see `Metric.result`."""
        if self.count < 2:
            return math.nan
        error, spread = np.asarray(self.error), np.asarray(self.spread)
        constant = spread == 0
        with np.errstate(invalid="ignore"):
            scores = 1 - error / np.where(constant, 1.0, spread)
        return float(np.where(constant, (error == 0).astype(float), scores).mean())


def _targets(y: NDArray[Any], k: int) -> NDArray[np.float64]:
    return rows("y", y, k, np.float64, -math.inf, math.inf, "finite numbers")


def _difference(y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.float64]:
    return prediction.astype(np.float64) - _targets(y, prediction.shape[1])

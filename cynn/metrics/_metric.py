"""What every metric is: fed with ``update``, read with ``result``."""

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._specs.names import Explained, explained
from .._specs.validation import array, rows

__all__ = ["Metric"]


class Metric(Explained):
    """Base of the metrics: the weighted mean of a score that each row gets.

    A subclass sets `name` and `more_is_better`, and writes `score`.

    Attributes
    ----------
    name : str
        The name in the logs of a training.
    more_is_better : bool or None
        Which values are better, for the callbacks that watch it; None: it is not said, and
        they need a `mode`.

    Examples
    --------
    >>> class Confidence(Metric):
    ...     name = "confidence"
    ...     more_is_better = True
    ...     def score(self, y, prediction):
    ...         return prediction.max(axis=1)
    >>> confidence = Confidence()
    >>> confidence.update([0, 1], [[0.75, 0.25], [0.5, 0.5]])
    >>> confidence.result()
    0.625
    """

    name: str = "metric"
    more_is_better: bool | None = None

    @explained
    def __init__(self) -> None:
        self.reset()

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """Return a new metric of this class that goes by a name, or None: a file carries names.

        A metric whose settings change its name writes this one too.

        Parameters
        ----------
        name : str
            The name.

        Returns
        -------
        Metric or None
            One whose `name` is that.

        Examples
        --------
        >>> from cynn.metrics import Recall
        >>> Recall.from_name("micro_recall"), Recall.from_name("accuracy")
        (Recall('micro'), None)
        """
        return cls() if name == cls.name else None

    def reset(self) -> None:
        """Forget every row."""
        self.total = 0.0
        self.weight = 0.0

    def update(self, y: Any, prediction: Any, weight: Any = None) -> None:
        """Count some rows.

        Parameters
        ----------
        y : array_like, shape (n, ...)
            The targets, as the loss takes them.
        prediction : array_like, shape (n, k) or (n,)
            What the model gave; (n,) is one output.
        weight : array_like, shape (n,), optional
            What each row counts; finite, not negative. By default 1 each.

        Raises
        ------
        TypeError, ValueError
            If the shapes do not fit together, or the values are not as described.
        """
        predicted = array("prediction", prediction)
        if predicted.ndim == 1:
            predicted = predicted[:, np.newaxis]
        if predicted.ndim != 2 or predicted.shape[1] == 0:
            raise ValueError(f"prediction must have shape (n, k), got {predicted.shape}")
        n = len(predicted)
        targets = array("y", y)
        if targets.ndim == 0 or len(targets) != n:
            raise ValueError(f"y must have a row for each of {n} predictions, got {targets.shape}")
        weights = np.ones(n)
        if weight is not None:
            requirement = "finite numbers that are not negative"
            weights = rows("weight", weight, 1, np.float64, 0.0, math.inf, requirement)[:, 0]
            if len(weights) != n:
                raise ValueError(f"weight must have shape ({n},), got {weights.shape}")
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite, or NaN
            self.add(targets, predicted, weights)

    def add(self, y: NDArray[Any], prediction: NDArray[Any], weight: NDArray[np.float64]) -> None:
        """Count some rows that `update` has checked; the base class sums their scores.

        A metric that is no mean over rows writes this one, `reset` and `result`.

        Parameters
        ----------
        y : ndarray, shape (n, ...)
            The targets.
        prediction : ndarray, shape (n, k)
            The predictions.
        weight : ndarray of float64, shape (n,)
            What each row counts.

        Raises
        ------
        ValueError
            If the targets do not fit the metric, or a metric that keeps something by column gets
            another number of columns than before.
        """
        score = array("score", self.score(y, prediction))
        if score.shape != weight.shape:
            raise ValueError(
                f"score must have shape {weight.shape}, one for each row, got {score.shape}"
            )
        self.total += float(weight @ score.astype(np.float64))
        self.weight += float(weight.sum())

    def merge(self, other: Any) -> None:
        """Count the rows that another metric has counted, as on other ranks of a training.

        A metric that writes `add` or `reset` writes this one too, if it is to be used there.

        Parameters
        ----------
        other : Metric
            Of the same class and settings.

        Examples
        --------
        >>> from cynn.metrics import Accuracy
        >>> one, two = Accuracy(), Accuracy()
        >>> one.update([1], [[0.25, 0.75]])
        >>> two.update([0], [[0.25, 0.75]])
        >>> one.merge(two)
        >>> one.result()
        0.5
        """
        self.total += other.total
        self.weight += other.weight

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[Any]:
        """Return each row's score; this is what a subclass writes.

        Parameters
        ----------
        y : ndarray, shape (n, ...)
            The targets.
        prediction : ndarray, shape (n, k)
            The predictions.

        Returns
        -------
        ndarray, shape (n,)
            Numbers or bools.

        Raises
        ------
        NotImplementedError
            Unless a subclass defines it.
        ValueError
            If the targets do not fit the metric.
        """
        raise NotImplementedError(f"{type(self).__name__} must define score(y, prediction)")

    def result(self) -> float:
        """Return the weighted mean over the rows since `reset`; NaN where there were none.

        Returns
        -------
        float
            The value.
        """
        return self.total / self.weight if self.weight else math.nan

    def __repr__(self) -> str:
        """Write the call that makes this metric."""
        return f"{type(self).__name__}()"

"""Metrics that go class by class: predicted against true."""

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import choice, flag
from ._classification import answers, label_of
from ._metric import Metric

__all__ = ["F1", "BalancedAccuracy", "ClassMetric", "Precision", "Recall"]

AVERAGES = ("macro", "weighted", "micro")


class ClassMetric(Metric):
    """Base of the metrics that compare, class by class, predicted with true rows.

    With k outputs the largest, the first of equals, is the predicted class; with one, 1 where
    it is above 0.5. A row with a NaN in its prediction says no class. Labels, or one-hot rows, are
    what is true. A quotient of 0 by 0 is 0, as in scikit-learn with ``zero_division=0``. A row of
    several answers, yes or no each, is another thing: `multi_label`.

    Parameters
    ----------
    average : {"macro", "weighted", "micro"}, default "macro"
        The mean over the classes that were predicted or true, each counting the same; or each as
        often as it was true; or all rows counted together. With one output there is one class,
        "yes", and no average.
    multi_label : bool, default False
        Each output is a label of its own: predicted where it is above 0.5, and true where
        the target is. Then the mean is over all outputs, as in scikit-learn.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> class Jaccard(ClassMetric):
    ...     name = "jaccard"
    ...     more_is_better = True
    ...     def of(self, right, predicted, true):
    ...         return right / (predicted + true - right)
    >>> jaccard = Jaccard()
    >>> jaccard.update([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
    >>> jaccard.result()
    0.5
    """

    def __init__(self, average: str = "macro", multi_label: bool = False) -> None:
        self.average = choice("average", average, AVERAGES)
        self.multi_label = flag("multi_label", multi_label)
        prefix = "multi_label_" if self.multi_label else ""
        if self.average != "macro":
            prefix += f"{self.average}_"
        self.name = prefix + type(self).name
        super().__init__()

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """Return that with the name's settings; see `Metric.from_name`."""
        candidates = (
            cls(average, multi_label) for average in AVERAGES for multi_label in (False, True)
        )
        return next((metric for metric in candidates if metric.name == name), None)

    def reset(self) -> None:
        """Forget every row."""
        self.right = self.predicted = self.true = np.zeros(0)
        self.weight = 0.0

    def add(self, y: NDArray[Any], prediction: NDArray[Any], weight: NDArray[np.float64]) -> None:
        """Count, for each class, the rows predicted to be of it, those that are, and both.

        See `Metric.add`.
        """
        k = prediction.shape[1]
        if len(self.true) not in (0, k):
            raise ValueError(f"prediction must have {len(self.true)} columns as before, got {k}")
        if k == 1 or self.multi_label:
            true, predicted = answers("y", y, k), prediction > 0.5
            counts: list[Any] = [weight @ rows for rows in (true & predicted, predicted, true)]
        else:
            true_labels, predicted_labels = label_of("y", y, k), prediction.argmax(axis=1)
            valid_weight = weight * ~np.isnan(prediction).any(axis=1)
            pairs = (
                (predicted_labels, valid_weight * (predicted_labels == true_labels)),
                (predicted_labels, valid_weight),
                (true_labels, weight),
            )
            counts = [np.bincount(classes, weights, k) for classes, weights in pairs]
        self._count(counts, float(weight.sum()))

    def _count(self, counts: Any, weight: float) -> None:
        right, predicted, true = counts
        if len(self.true) == 0:
            self.right = self.predicted = self.true = np.zeros(len(true))
        self.right, self.predicted = self.right + right, self.predicted + predicted
        self.true, self.weight = self.true + true, self.weight + weight

    def merge(self, other: "ClassMetric") -> None:
        """Add the counts of another metric; see `Metric.merge`."""
        if len(other.true):
            self._count((other.right, other.predicted, other.true), other.weight)

    def result(self) -> float:
        """Return the average; NaN where there were no rows; see `Metric.result`."""
        if not self.weight:
            return math.nan
        right, predicted, true = self.right, self.predicted, self.true
        if self.average == "micro":
            right, predicted, true = (
                count.sum(keepdims=True) for count in (right, predicted, true)
            )
        values = self.of(right, predicted, true)
        if len(values) == 1:
            return float(values[0])
        class_shares = true
        if self.average == "macro":
            class_shares = ((predicted + true > 0) | self.multi_label).astype(float)
        return float(values @ class_shares / max(class_shares.sum(), 1e-300))

    def of(
        self, right: NDArray[np.float64], predicted: NDArray[np.float64], true: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return each class's value; this is what a subclass writes.

        Parameters
        ----------
        right, predicted, true : ndarray, shape (classes,)
            The weights of the rows predicted rightly, predicted to be of the class, and of it.

        Returns
        -------
        ndarray of float64, shape (classes,)
            The value of each class.

        Raises
        ------
        NotImplementedError
            Unless a subclass defines it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define of(right, predicted, true)")

    def __repr__(self) -> str:
        """Write the call that makes this metric."""
        arguments = [] if self.average == "macro" else [repr(self.average)]
        arguments += ["multi_label=True"] if self.multi_label else []
        return f"{type(self).__name__}({', '.join(arguments)})"


class Precision(ClassMetric):
    """Of the rows predicted to be of a class, the part that is; see `ClassMetric` for the average.

    Parameters
    ----------
    average : {"macro", "weighted", "micro"}, default "macro"
        How the classes are averaged.
    multi_label : bool, default False
        Whether each output is an answer of its own.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Recall : Of the rows of a class, those that were found.
    F1 : The harmonic mean of both.

    Examples
    --------
    >>> precision = Precision()
    >>> precision.update([1, 0, 1], [0.9, 0.8, 0.7])
    >>> round(precision.result(), 4)
    0.6667
    """

    name = "precision"
    more_is_better = True

    def of(
        self, right: NDArray[np.float64], predicted: NDArray[np.float64], true: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return right / predicted; see `ClassMetric.of`."""
        return _quotient(right, predicted)


class Recall(ClassMetric):
    """Of the rows of a class, the part predicted to be of it; see `ClassMetric` for the average.

    Parameters
    ----------
    average : {"macro", "weighted", "micro"}, default "macro"
        How the classes are averaged.
    multi_label : bool, default False
        Whether each output is an answer of its own.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Precision : Of the rows predicted to be of a class, those that are.
    F1 : The harmonic mean of both.

    Examples
    --------
    >>> recall = Recall()
    >>> recall.update([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
    >>> round(recall.result(), 4)
    0.6667
    """

    name = "recall"
    more_is_better = True

    def of(
        self, right: NDArray[np.float64], predicted: NDArray[np.float64], true: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return right / true; see `ClassMetric.of`."""
        return _quotient(right, true)


class F1(ClassMetric):
    """The harmonic mean of precision and recall of a class; see `ClassMetric` for the average.

    Parameters
    ----------
    average : {"macro", "weighted", "micro"}, default "macro"
        How the classes are averaged.
    multi_label : bool, default False
        Whether each output is an answer of its own.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Precision : Of the rows predicted to be of a class, those that are.
    Recall : Of the rows of a class, those that were found.

    Examples
    --------
    >>> f1 = F1()
    >>> f1.update([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
    >>> round(f1.result(), 4)
    0.6667
    """

    name = "f1"
    more_is_better = True

    def of(
        self, right: NDArray[np.float64], predicted: NDArray[np.float64], true: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return 2 right / (predicted + true); see `ClassMetric.of`."""
        return _quotient(2 * right, predicted + true)


class BalancedAccuracy(Metric):
    """The mean over the classes of the part of a class's rows that are right: each counts the same.

    The classes are those that rows are of; one that is only predicted does not count, which is
    where it differs from `Recall`. With k outputs the largest, the first of equals, is the
    predicted class, and a row with a NaN in its prediction says none; with one output, 1 where it
    is above 0.5. What always says one of k classes gets 1 / k.

    See Also
    --------
    Recall : The same for each class, in other averages.
    cynn.metrics.Accuracy : Each row counts the same.

    References
    ----------
    Brodersen, Ong, Stephan and Buhmann, The balanced accuracy and its posterior distribution,
    Proceedings of the 20th International Conference on Pattern Recognition, 2010.

    Examples
    --------
    >>> balanced = BalancedAccuracy()
    >>> balanced.update([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4])
    >>> balanced.result()
    0.5
    """

    name = "balanced_accuracy"
    more_is_better = True

    def reset(self) -> None:
        """Forget every row."""
        self.right = self.true = np.zeros(0)

    def add(self, y: NDArray[Any], prediction: NDArray[Any], weight: NDArray[np.float64]) -> None:
        """Count the rows of each class, and those of them that are right; see `Metric.add`."""
        k = prediction.shape[1]
        if k == 1:
            labels, predicted = answers("y", y, 1)[:, 0].astype(int), (prediction > 0.5)[:, 0]
        else:
            labels, predicted = label_of("y", y, k), prediction.argmax(axis=1)
        is_right = (labels == predicted) & ~np.isnan(prediction).any(axis=1)
        n_classes = max(k, 2)
        self._count(*(np.bincount(labels, w, n_classes) for w in (weight * is_right, weight)))

    def _count(self, right: NDArray[Any], true: NDArray[Any]) -> None:
        if len(self.true) == 0:
            self.right = self.true = np.zeros(len(true))
        if len(self.true) != len(true):
            raise ValueError(
                f"prediction must have {len(self.true)} columns as before, got {len(true)}"
            )
        self.right, self.true = self.right + right, self.true + true

    def merge(self, other: "BalancedAccuracy") -> None:
        """Add the counts of another one; see `Metric.merge`."""
        if len(other.true):
            self._count(other.right, other.true)

    def result(self) -> float:
        """Return the mean; NaN where there were no rows; see `Metric.result`."""
        shares = self.right[self.true > 0] / self.true[self.true > 0]
        return float(shares.mean()) if len(shares) else math.nan


def _quotient(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

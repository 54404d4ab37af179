"""Metrics: what a person wants to know of a model, counted batch by batch.

A metric is fed with ``update`` and read with ``result``, so that the rows need never be in memory
together.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import specs
from .checks import MAX_LABEL, array, integer, labels, rows

MAX_CLASSES = 10_000
"""The most classes of a `confusion_matrix`: its table then takes 800 MB."""


class Metric:
    """Base of the metrics: the weighted mean of a score that each row gets.

    A subclass sets `name` and writes `score`.

    Examples
    --------
    >>> class Confidence(Metric):
    ...     name = "confidence"
    ...     def score(self, y, prediction):
    ...         return prediction.max(axis=1)
    >>> confidence = Confidence()
    >>> confidence.update([0, 1], [[0.75, 0.25], [0.5, 0.5]])
    >>> confidence.result()
    0.625
    """

    name: str = "metric"

    def __init__(self) -> None:
        self.reset()

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
            If the shapes do not fit together, or the values are not as said.
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
        score = self.score(targets, predicted)
        if weight is None:
            self.total += float(score.sum(dtype=np.float64))
            self.weight += n
        else:
            wanted = "finite numbers that are not negative"
            given = rows("weight", weight, 1, np.float64, 0.0, math.inf, wanted)[:, 0]
            if len(given) != n:
                raise ValueError(f"weight must have shape ({n},), got {given.shape}")
            self.total += float(given @ score.astype(np.float64))
            self.weight += float(given.sum())

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[Any]:
        """Give each row's score; this is what a subclass writes.

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
        """
        raise NotImplementedError(f"{type(self).__name__} must define score(y, prediction)")

    def result(self) -> float:
        """Give the weighted mean over the rows since `reset`; NaN where there were none."""
        return self.total / self.weight if self.weight else math.nan

    def __repr__(self) -> str:
        """Write the call that makes this metric."""
        return f"{type(self).__name__}()"


class Accuracy(Metric):
    """The part of the rows that is right.

    With k outputs a row is right if its largest prediction, the first of equals, stands at its
    label; with targets of shape (n, k), where a largest target of the row is. With one output, a
    row is right if prediction and target are on the same side of 0.5 (0.5 itself is no). A row with
    a NaN in its prediction is wrong.

    For several yes-or-no answers a row, take `BinaryAccuracy`.

    Examples
    --------
    >>> accuracy = Accuracy()
    >>> accuracy.update([1, 0], [[0.25, 0.75], [0.25, 0.75]])
    >>> accuracy.result()
    0.5
    """

    name = "accuracy"

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.bool_]:
        """Say which rows are right."""
        n, k = prediction.shape
        if k == 1:
            return _same_side(y, prediction)[:, 0]
        best = prediction.argmax(axis=1)  # of a row with a NaN, the place of the NaN
        at = np.arange(n)
        if y.ndim == 2 and y.shape[1] == k:
            wanted = rows("y", y, k, np.float64, -math.inf, math.inf, "finite numbers")
            top = wanted.max(axis=1)  # of a row of equals no place is the label's
            right = (wanted[at, best] == top) & (top > wanted.min(axis=1))
        else:
            right = best == labels("y", y, k)
        found: NDArray[np.bool_] = right & ~np.isnan(prediction[at, best])
        return found


class BinaryAccuracy(Metric):
    """The part of the yes-or-no answers that is right: the mean over outputs and rows.

    An answer is right if prediction and target are on the same side of 0.5 (0.5 itself is no). NaN
    is wrong.

    Examples
    --------
    >>> accuracy = BinaryAccuracy()
    >>> accuracy.update([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    >>> accuracy.result()
    0.75
    """

    name = "binary_accuracy"

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.float64]:
        """Give the part of each row's answers that is right."""
        found: NDArray[np.float64] = _same_side(y, prediction).mean(axis=1)
        return found


METRICS: dict[str, type[Metric]] = {metric.name: metric for metric in (Accuracy, BinaryAccuracy)}
"""The metrics by name."""


def get(metric: str | Metric) -> Metric:
    """Give a new metric of that name, or the metric itself.

    Parameters
    ----------
    metric : str or Metric
        A key of `METRICS`, or an object.

    Returns
    -------
    Metric
        The object.

    Examples
    --------
    >>> get("accuracy")
    Accuracy()
    """
    return specs.get("metric", metric, Metric, METRICS)


def confusion_matrix(y_true: Any, y_pred: Any, n_classes: int | None = None) -> NDArray[np.int64]:
    """Count what was taken for what.

    Parameters
    ----------
    y_true : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or one-hot rows.
    y_pred : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or rows of probabilities, of which the largest counts.
    n_classes : int, optional
        By default enough for the labels and rows that came.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
        At ``[i, j]``, the number of rows of class i that were taken for class j.

    Raises
    ------
    TypeError, ValueError
        If something is not a label, a row holds a NaN, or there are more than 10,000 classes.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    if n_classes is not None:
        n_classes = integer("n_classes", n_classes)
    true, least = _classes("y_true", y_true, n_classes)
    predicted, least_predicted = _classes("y_pred", y_pred, n_classes)
    if len(true) != len(predicted):
        raise ValueError(
            f"y_true and y_pred must be of one length, got {len(true)} and {len(predicted)}"
        )
    k = n_classes or max(least, least_predicted)
    if k > MAX_CLASSES:
        raise ValueError(f"confusion_matrix takes at most {MAX_CLASSES} classes, got {k}")
    return np.bincount(true * k + predicted, minlength=k * k).reshape(k, k).astype(np.int64)


def _same_side(y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.bool_]:
    k = prediction.shape[1]
    wanted = rows("y", y, k, np.float64, -math.inf, math.inf, "finite numbers")
    found: NDArray[np.bool_] = ((prediction > 0.5) == (wanted > 0.5)) & ~np.isnan(prediction)
    return found


def _classes(name: str, value: Any, n_classes: int | None) -> tuple[NDArray[np.int64], int]:
    """Give the labels and the number of classes that they need."""
    y = array(name, value)
    if y.ndim == 2 and y.shape[1] > 1:
        bad = np.isnan(y).any(axis=1)
        if bad.any():
            raise ValueError(f"{name} must not hold NaN, got one in row {int(bad.argmax())}")
        found = labels(name, y.argmax(axis=1), n_classes or MAX_LABEL)
        return found.astype(np.int64), y.shape[1]
    found = labels(name, y, n_classes)
    return found.astype(np.int64), int(found.max(initial=0)) + 1

"""Metrics of classifiers: right or wrong, class by class, and how well the scores rank."""

import math
import re
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import MAX_LABEL, array, flag, integer, labels, rows
from ._metric import Metric

__all__ = [
    "AUC",
    "MAX_CLASSES",
    "Accuracy",
    "BinaryAccuracy",
    "MatthewsCorrelation",
    "TopKAccuracy",
    "confusion_matrix",
]

MAX_CLASSES = 10_000
"""The most classes of a `confusion_matrix`: its table then takes 800 MB."""


class Accuracy(Metric):
    """The part of the rows that is right.

    With k outputs a row is right if its largest prediction, the first of equals, stands at its
    label; with targets of shape (n, k), where a largest target of the row is. With one output, a
    row is right if prediction and target are on the same side of 0.5 (0.5 itself is no). A row with
    a NaN in its prediction is wrong.

    For several yes-or-no answers a row, take `BinaryAccuracy`.

    See Also
    --------
    BinaryAccuracy : For multi-label targets.
    F1 : Where classes are of very different frequency.

    Examples
    --------
    >>> accuracy = Accuracy()
    >>> accuracy.update([1, 0], [[0.25, 0.75], [0.25, 0.75]])
    >>> accuracy.result()
    0.5
    """

    name = "accuracy"
    more_is_better = True

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are right; see `Metric.score`."""
        n, k = prediction.shape
        if k == 1:
            return _same_side(y, prediction)[:, 0]
        best = prediction.argmax(axis=1)  # of a row with a NaN, the place of the NaN
        row_numbers = np.arange(n)
        if y.ndim == 2 and y.shape[1] == k:
            targets = rows("y", y, k, np.float64, -math.inf, math.inf, "finite numbers")
            top = targets.max(axis=1)  # of a row of equals no place is the label's
            right = (targets[row_numbers, best] == top) & (top > targets.min(axis=1))
        else:
            right = best == labels("y", y, k)
        correct: NDArray[np.bool_] = right & ~np.isnan(prediction[row_numbers, best])
        return correct


class BinaryAccuracy(Metric):
    """The part of the yes-or-no answers that is right: the mean over outputs and rows.

    An answer is right if prediction and target are on the same side of 0.5 (0.5 itself is no). NaN
    is wrong.

    See Also
    --------
    Accuracy : For one class of several.

    Examples
    --------
    >>> accuracy = BinaryAccuracy()
    >>> accuracy.update([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    >>> accuracy.result()
    0.75
    """

    name = "binary_accuracy"
    more_is_better = True

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.float64]:
        """Return the part of each row's answers that is right; see `Metric.score`."""
        scores: NDArray[np.float64] = _same_side(y, prediction).mean(axis=1)
        return scores


class TopKAccuracy(Metric):
    """The part of the rows whose label is among their k largest predictions.

    A row is right if fewer than k predictions are larger than, or equal to and before, that of its
    label. A row with a NaN in its prediction is wrong.

    Parameters
    ----------
    k : int, default 5
        How many count, at least 1; all are right where there are no more classes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Accuracy : For ``k=1``.

    Examples
    --------
    >>> accuracy = TopKAccuracy(2)
    >>> accuracy.update([0, 0], [[0.3, 0.5, 0.2], [0.1, 0.5, 0.4]])
    >>> accuracy.result()
    0.5
    """

    name = "top_5_accuracy"
    more_is_better = True

    def __init__(self, k: int = 5) -> None:
        self.k = integer("k", k)
        self.name = f"top_{self.k}_accuracy"
        super().__init__()

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """Return that of the k in the name; see `Metric.from_name`."""
        match = re.fullmatch(r"top_([1-9][0-9]{0,8})_accuracy", name)
        return cls(int(match[1])) if match else None

    def score(self, y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are right; see `Metric.score`."""
        true_labels = label_of("y", y, prediction.shape[1])
        label_score = prediction[np.arange(len(true_labels)), true_labels][:, np.newaxis]
        is_before = np.arange(prediction.shape[1]) < true_labels[:, np.newaxis]
        rank = ((prediction > label_score) | ((prediction == label_score) & is_before)).sum(axis=1)
        correct: NDArray[np.bool_] = (rank < self.k) & ~np.isnan(prediction).any(axis=1)
        return correct

    def __repr__(self) -> str:
        """Write the call that makes this metric."""
        return f"TopKAccuracy({self.k})"


class AUC(Metric):
    """The area under the ROC curve: how often a row of the class scores above one that is not.

    Equal scores count half (Hanley and McNeil, The meaning and use of the area under a receiver
    operating characteristic curve, 1982). With one output, or two of which the second counts, the
    classes are yes and no; with more, the mean over the classes of each against the rest. The
    scores of all rows are kept until `reset`: 8 bytes an output. NaN where a class has no row, or
    no other class has one, or a score is NaN.

    Parameters
    ----------
    multi_label : bool, default False
        Each output is an answer of its own, yes or no: the mean over the outputs of theirs.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    F1 : A measure of the predicted classes, not of their order.

    Examples
    --------
    >>> auc = AUC()
    >>> auc.update([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> auc.result()
    0.75
    """

    name = "auc"
    more_is_better = True

    def __init__(self, multi_label: bool = False) -> None:
        self.multi_label = flag("multi_label", multi_label)
        if self.multi_label:
            self.name = f"multi_label_{type(self).name}"
        super().__init__()

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """Return that with the name's setting; see `Metric.from_name`."""
        candidates = (cls(multi_label) for multi_label in (False, True))
        return next((metric for metric in candidates if metric.name == name), None)

    def reset(self) -> None:
        """Forget every row."""
        self.parts: list[tuple[NDArray[np.bool_], NDArray[Any], NDArray[Any]]] = []

    def add(self, y: NDArray[Any], prediction: NDArray[Any], weight: NDArray[np.float64]) -> None:
        """Keep the rows' scores; see `Metric.add`."""
        k = prediction.shape[1]
        if self.parts and self.parts[0][1].shape[1] != k:
            n_columns = self.parts[0][1].shape[1]
            raise ValueError(f"prediction must have {n_columns} columns as before, got {k}")
        is_true = answers("y", y, k) if k == 1 or self.multi_label else is_class("y", y, k)
        self.parts.append((is_true, prediction.astype(np.float64), weight.copy()))

    def merge(self, other: "AUC") -> None:
        """Add the scores that another metric keeps; see `Metric.merge`."""
        self.parts += other.parts

    def result(self) -> float:
        """Return the area, or the mean of the areas of the classes; see `Metric.result`."""
        if not self.parts:
            return math.nan
        is_true, scores, weight = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        first = 1 if scores.shape[1] == 2 and not self.multi_label else 0
        pairs = zip(is_true.T[first:], scores.T[first:], strict=True)
        return float(np.mean([_area(yes, score, weight) for yes, score in pairs]))

    def __repr__(self) -> str:
        """Write the call that makes this metric."""
        return "AUC(True)" if self.multi_label else "AUC()"


class MatthewsCorrelation(Metric):
    """The correlation of predicted and true classes: 1 is perfect, 0 no better than chance.

    With n the weight of all rows, c that of the rows that are right, t[k] that of the rows of class
    k and p[k] that of the rows taken for it::

        (c n - sum(t p)) / sqrt((n**2 - sum(p**2)) (n**2 - sum(t**2)))

    which for two classes is the correlation coefficient of two yes-or-no variables. With k outputs
    the largest prediction, the first of equals, is the class predicted, and a row with a NaN among
    its predictions is taken for none; with one output, "yes" where it is above 0.5. Targets are
    labels or one-hot rows; rows of several answers are refused. 0 where all rows are of one class,
    or all are taken for one, as in scikit-learn; NaN where there are no rows.

    See Also
    --------
    F1 : Precision and recall in one number, class by class.

    Notes
    -----
    Classes may be of very different size: a model that always says the largest gets 0.

    References
    ----------
    Matthews, Comparison of the predicted and observed secondary structure of T4 phage lysozyme,
    Biochimica et Biophysica Acta 405, 1975. Gorodkin, Comparing two K-category assignments by a
    K-category correlation coefficient, Computational Biology and Chemistry 28, 2004.

    Examples
    --------
    >>> correlation = MatthewsCorrelation()
    >>> correlation.update([1, 1, 1, 0], [0.9, 0.2, 0.8, 0.6])
    >>> round(correlation.result(), 4)
    -0.3333
    """

    name = "matthews_correlation"
    more_is_better = True

    def reset(self) -> None:
        """Forget every row."""
        self.right = 0.0
        self.true = self.predicted = np.zeros(0)  # of predictions the last says no class

    def add(self, y: NDArray[Any], prediction: NDArray[Any], weight: NDArray[np.float64]) -> None:
        """Count the rows of each class, those taken for it, and those that are right.

        See `Metric.add`.
        """
        k = prediction.shape[1]
        if k == 1:
            true, predicted = answers("y", y, 1)[:, 0].astype(int), (prediction > 0.5)[:, 0]
        else:
            true, predicted = label_of("y", y, k), prediction.argmax(axis=1)
            predicted[np.isnan(prediction).any(axis=1)] = k
        n_classes = max(k, 2)
        right = float(weight @ (true == predicted))
        self._count(
            right, *(np.bincount(classes, weight, n_classes + 1) for classes in (true, predicted))
        )

    def _count(self, right: float, true: NDArray[Any], predicted: NDArray[Any]) -> None:
        if len(self.true) == 0:
            self.true = self.predicted = np.zeros(len(true))
        if len(self.true) != len(true):
            raise ValueError(
                f"prediction must have {len(self.true) - 1} columns as before, got {len(true) - 1}"
            )
        self.right += right
        self.true, self.predicted = self.true + true, self.predicted + predicted

    def merge(self, other: "MatthewsCorrelation") -> None:
        """Add the counts of another one; see `Metric.merge`."""
        if len(other.true):
            self._count(other.right, other.true, other.predicted)

    def result(self) -> float:
        """Return the coefficient; see `Metric.result`."""
        true, predicted, n = self.true, self.predicted, float(self.true.sum())
        if not n:
            return math.nan
        if min(np.count_nonzero(true), np.count_nonzero(predicted)) < 2:
            return 0.0  # here, so that no rounding of weights makes something of it
        spread = (n * n - float(true @ true)) * (n * n - float(predicted @ predicted))
        covariance = self.right * n - float(true @ predicted)
        return covariance / math.sqrt(spread) if spread > 0 else 0.0


def confusion_matrix(y_true: Any, y_pred: Any, n_classes: int | None = None) -> NDArray[np.int64]:
    """Compute the confusion matrix (rows: true, columns: predicted).

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

    See Also
    --------
    cynn.plots.confusion : Plot it.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2])
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    if n_classes is not None:
        n_classes = integer("n_classes", n_classes)
    true, n_true_classes = _classes("y_true", y_true, n_classes)
    predicted, n_predicted_classes = _classes("y_pred", y_pred, n_classes)
    if len(true) != len(predicted):
        raise ValueError(
            f"y_true and y_pred must be of one length, got {len(true)} and {len(predicted)}"
        )
    k = n_classes or max(n_true_classes, n_predicted_classes)
    if k > MAX_CLASSES:
        raise ValueError(f"n_classes must be at most {MAX_CLASSES} for a confusion matrix, got {k}")
    return np.bincount(true * k + predicted, minlength=k * k).reshape(k, k).astype(np.int64)


def _same_side(y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.bool_]:
    k = prediction.shape[1]
    correct: NDArray[np.bool_] = ((prediction > 0.5) == answers("y", y, k)) & ~np.isnan(prediction)
    return correct


def _classes(name: str, value: Any, n_classes: int | None) -> tuple[NDArray[np.int64], int]:
    """Return the labels and the number of classes that they need."""
    y = array(name, value)
    if y.ndim == 2 and y.shape[1] > 1:
        has_nan = np.isnan(y).any(axis=1)
        if has_nan.any():
            raise ValueError(f"{name} must not hold NaN, got one in row {int(has_nan.argmax())}")
        classes = labels(name, y.argmax(axis=1), n_classes or MAX_LABEL)
        return classes.astype(np.int64), y.shape[1]
    classes = labels(name, y, n_classes)
    return classes.astype(np.int64), int(classes.max(initial=0)) + 1


def label_of(name: str, y: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Return labels, of rows the place of the largest.

    Raises
    ------
    ValueError
        If a row has no one largest number, as where several answers are yes, or none.
    """
    if y.ndim == 2 and y.shape[1] == k:
        targets = rows(name, y, k, np.float64, -math.inf, math.inf, "finite numbers")
        places: NDArray[np.int64] = targets.argmax(axis=1)
        is_single = (targets == targets.max(axis=1, keepdims=True)).sum(axis=1) == 1
        if not is_single.all():
            row = int(is_single.argmin())
            raise ValueError(
                f"{name} must be labels or one-hot rows, got {y[row].tolist()!r:.60} in row {row}: "
                "for multi-label targets use binary_accuracy and the metrics that begin with "
                "multi_label_"
            )
        return places
    return labels(name, y, k).astype(np.int64)


def is_class(name: str, y: NDArray[Any], k: int) -> NDArray[np.bool_]:
    """Say for each row and class whether the row is of it; see `label_of`."""
    membership: NDArray[np.bool_] = label_of(name, y, k)[:, np.newaxis] == np.arange(k)
    return membership


def answers(name: str, y: NDArray[Any], k: int) -> NDArray[np.bool_]:
    """Say for each row and output whether the target is above 0.5."""
    return rows(name, y, k, np.float64, -math.inf, math.inf, "finite numbers") > 0.5


def _area(yes: NDArray[np.bool_], score: NDArray[Any], weight: NDArray[Any]) -> float:
    """Return the weight of the pairs (yes, no) in the right order over that of all pairs."""
    if np.isnan(score).any():
        return math.nan
    _, rank = np.unique(score, return_inverse=True)
    size = int(rank.max(initial=-1)) + 1
    ups = np.bincount(rank[yes], weight[yes], size)
    downs = np.bincount(rank[~yes], weight[~yes], size)
    below = np.cumsum(downs) - downs
    pairs = ups.sum() * downs.sum()
    return float((ups * (below + downs / 2)).sum() / pairs) if pairs > 0 else math.nan

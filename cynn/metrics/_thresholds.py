"""What probabilities are worth at every threshold, and whether they are as often right as they say.

Scores of yes (1) or no (0), of which the larger mean yes: curves in place of a single number.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import integer, labels, rows

__all__ = [
    "CalibrationCurve",
    "PrecisionRecallCurve",
    "ROCCurve",
    "calibration_curve",
    "precision_recall_curve",
    "roc_curve",
]


class ROCCurve(NamedTuple):
    """The points of a ROC curve, from the highest threshold to the lowest.

    Parameters
    ----------
    false_positive_rate, true_positive_rate : ndarray of float64, shape (k,)
        What part of the rows of no, and of those of yes, scores at least the threshold.
    thresholds : ndarray of float64, shape (k,)
        The first, where no row is taken for a yes, is infinity.

    Examples
    --------
    >>> roc_curve([0, 1], [0.2, 0.7]).thresholds
    array([inf, 0.7, 0.2])
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area under the curve, as `AUC` measures it."""
        heights = (self.true_positive_rate[1:] + self.true_positive_rate[:-1]) / 2
        return float((np.diff(self.false_positive_rate) * heights).sum())


class PrecisionRecallCurve(NamedTuple):
    """The points of a precision-recall curve, from the highest threshold to the lowest.

    Parameters
    ----------
    precision, recall : ndarray of float64, shape (k,)
        What part of the rows that score at least the threshold are yes, and what part of the rows
        of yes these are.
    thresholds : ndarray of float64, shape (k,)
        The different scores.

    Examples
    --------
    >>> precision_recall_curve([0, 1, 1], [0.2, 0.7, 0.1]).recall
    array([0.5, 0.5, 1. ])
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The mean of the precisions, each weighted by how much recall it adds."""
        return float((np.diff(self.recall, prepend=0.0) * self.precision).sum())


class CalibrationCurve(NamedTuple):
    """How often yes was the answer where a probability was said, for each bin of probabilities.

    Parameters
    ----------
    predicted, observed : ndarray of float64, shape (k,)
        The mean of what was said, and the part of the rows that are yes; of bins with rows alone.
    counts : ndarray of int64, shape (k,)
        The rows of each of these bins.

    Examples
    --------
    >>> calibration_curve([0, 1, 1], [0.0, 0.75, 0.75], 2).counts
    array([1, 2])
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean of the differences, weighted by the rows."""
        apart = np.abs(self.predicted - self.observed)
        return float((apart * self.counts).sum() / self.counts.sum())


def roc_curve(y_true: Any, y_score: Any) -> ROCCurve:
    """Compute the true and the false positive rate at every threshold.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (n, 1)
        0 for no and 1 for yes; each at least once.
    y_score : array_like, shape (n,) or (n, 1)
        The larger the likelier yes; finite.

    Returns
    -------
    ROCCurve
        The rates, from (0, 0) to (1, 1), and the thresholds.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    AUC : The area under it.
    cynn.plots.roc : Plot it.

    References
    ----------
    Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.true_positive_rate
    array([0. , 0.5, 0.5, 1. , 1. ])
    >>> curve.area
    0.75
    """
    yes, score = _answers(y_true, y_score)
    ups, downs, thresholds = _counts_by_threshold(yes, score)
    if not ups[-1] or not downs[-1]:
        raise ValueError(f"y_true must hold both 0 and 1 for a ROC curve, got {int(yes[0])} alone")
    return ROCCurve(
        np.append(0.0, downs / downs[-1]), np.append(0.0, ups / ups[-1]),
        np.append(math.inf, thresholds),
    )  # fmt: skip


def precision_recall_curve(y_true: Any, y_score: Any) -> PrecisionRecallCurve:
    """Compute precision and recall at every threshold.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (n, 1)
        0 for no and 1 for yes; 1 at least once.
    y_score : array_like, shape (n,) or (n, 1)
        The larger the likelier yes; finite.

    Returns
    -------
    PrecisionRecallCurve
        Both, and the thresholds.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    roc_curve : Where no is about as frequent as yes.
    cynn.plots.precision_recall : Plot it.

    References
    ----------
    Davis and Goadrich, The relationship between precision-recall and ROC curves, ICML 2006.

    Examples
    --------
    >>> curve = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.precision.round(2), curve.recall
    (array([1.  , 0.5 , 0.67, 0.5 ]), array([0.5, 0.5, 1. , 1. ]))
    >>> round(curve.average_precision, 4)
    0.8333
    """
    yes, score = _answers(y_true, y_score)
    ups, downs, thresholds = _counts_by_threshold(yes, score)
    if not ups[-1]:
        raise ValueError("y_true must hold a 1 for a precision-recall curve, got 0 alone")
    return PrecisionRecallCurve(ups / (ups + downs), ups / ups[-1], thresholds)


def calibration_curve(y_true: Any, y_prob: Any, n_bins: int = 10) -> CalibrationCurve:
    """Compute how often yes is the answer where a probability was said.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (n, 1)
        0 for no and 1 for yes.
    y_prob : array_like, shape (n,) or (n, 1)
        The probability of yes, from 0 to 1.
    n_bins : int, default 10
        Into how many bins of equal width the probabilities go, at most 1000.

    Returns
    -------
    CalibrationCurve
        For each bin that has rows what was said, what was so, and of how many rows.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    cynn.plots.calibration : Plot it.

    References
    ----------
    Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning,
    AAAI 2015.

    Examples
    --------
    >>> curve = calibration_curve([0, 0, 1, 1], [0.25, 0.25, 0.25, 1.0], 2)
    >>> curve.predicted, curve.observed.round(2)
    (array([0.25, 1.  ]), array([0.33, 1.  ]))
    >>> round(curve.error, 4)
    0.0625
    """
    most = integer("n_bins", n_bins)
    if most > 1000:
        raise ValueError(f"n_bins must be at most 1000, got {most}")
    yes, said = _answers(y_true, y_prob, 0.0, 1.0, "probabilities from 0 to 1", "y_prob")
    bins = np.minimum((said * most).astype(np.intp), most - 1)
    counts = np.bincount(bins, minlength=most)
    used = np.flatnonzero(counts)
    sums = np.stack([np.bincount(bins, part, most)[used] for part in (said, yes)])
    predicted, observed = sums / counts[used]
    return CalibrationCurve(predicted, observed, counts[used].astype(np.int64))


def _answers(
    y_true: Any,
    y_score: Any,
    low: float = -math.inf,
    high: float = math.inf,
    wanted: str = "finite numbers",
    name: str = "y_score",
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which rows are yes, and their scores, checked."""
    yes = labels("y_true", y_true, 2) == 1
    score = rows(name, y_score, 1, "float64", low, high, wanted)[:, 0]
    if len(yes) != len(score):
        raise ValueError(
            f"y_true and {name} must be of one length, got {len(yes)} and {len(score)}"
        )
    if not len(yes):
        raise ValueError("y_true must have at least one row, got none")
    return yes, score


def _counts_by_threshold(
    yes: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how many rows of yes and of no score at least each score, the highest first."""
    values, rank = np.unique(score, return_inverse=True)
    n = len(values)
    ups, downs = (np.bincount(rank[which], minlength=n)[::-1].cumsum() for which in (yes, ~yes))
    return ups.astype(np.float64), downs.astype(np.float64), values[::-1]

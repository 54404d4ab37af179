"""What predicted probabilities are worth: ROC, precision and recall, calibration."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, integer, labels
from .._specs.validation import rows as checked_rows
from ..metrics import calibration_curve, precision_recall_curve, roc_curve
from ._style import axes, color_of, faint, frame, line_style, names_of, remark

MOST_CURVES = 12
"""Of more classes those with the smallest areas are drawn, where there is something to see."""


def roc(y_true: Any, y_pred: Any, *, classes: Any = None, ax: Any = None) -> Any:
    """Plot the ROC curve, of several classes that of each against the rest.

    The legend has the area under each curve. Of more than 12 classes those with the smallest areas
    are drawn, and it says so.

    Parameters
    ----------
    y_true : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or one-hot rows.
    y_pred : array_like, shape (n,), (n, 1) or (n, k)
        The scores or probabilities of class 1, or of each class, as ``model.predict`` gives them.
    classes : list of str, optional
        The names of the classes; by default their numbers.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
        That was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described, or all rows are of one class.

    See Also
    --------
    cynn.metrics.roc_curve : Compute only.
    precision_recall : For classes that are rare.

    Examples
    --------
    >>> ax = roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # doctest: +SKIP
    """

    def curve(yes: Any, score: Any) -> tuple[Any, Any, float]:
        points = roc_curve(yes, score)
        return points.false_positive_rate, points.true_positive_rate, points.area

    ax = _draw(y_true, y_pred, classes, ax, curve, "area")
    ax.plot([0, 1], [0, 1], color=faint(ax), lw=1, ls=(0, (1, 3)), label="by chance")
    return _finish(ax, "false positive rate", "true positive rate", "lower right")


def precision_recall(y_true: Any, y_pred: Any, *, classes: Any = None, ax: Any = None) -> Any:
    """Plot precision against recall, of several classes those of each against the rest.

    The legend has the average precision of each. Of more than 12 classes those with the smallest
    are drawn, and it says so.

    Parameters
    ----------
    y_true : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or one-hot rows.
    y_pred : array_like, shape (n,), (n, 1) or (n, k)
        The scores or probabilities of class 1, or of each class, as ``model.predict`` gives them.
    classes : list of str, optional
        The names of the classes; by default their numbers.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
        That was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described, or no row is of a class.

    See Also
    --------
    cynn.metrics.precision_recall_curve : Compute only.
    roc : Where the classes are about as frequent.

    Examples
    --------
    >>> ax = precision_recall([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # doctest: +SKIP
    """

    def curve(yes: Any, score: Any) -> tuple[Any, Any, float]:
        points = precision_recall_curve(yes, score)
        start = np.append(0.0, points.recall), np.append(points.precision[0], points.precision)
        return *start, points.average_precision

    ax = _draw(y_true, y_pred, classes, ax, curve, "average precision", drawstyle="steps-pre")
    return _finish(ax, "recall", "precision", "lower left")


def calibration(y_true: Any, y_pred: Any, *, n_bins: int = 10, ax: Any = None) -> Any:
    """Plot how often a prediction is right against the probability that it was given.

    Of two classes it is the probability of the second, and how often that was the answer; of more
    the largest probability of each row, and how often its class was right. The area of a point is
    its part of the rows; above the diagonal the model is more often right than it says.

    Parameters
    ----------
    y_true : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or one-hot rows.
    y_pred : array_like, shape (n,), (n, 1) or (n, k)
        The probabilities of class 1, or of each class.
    n_bins : int, default 10
        Into how many bins of equal width the probabilities go.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
        That was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    cynn.metrics.calibration_curve : Compute only.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017.

    Examples
    --------
    >>> ax = calibration([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # doctest: +SKIP
    """
    most = integer("n_bins", n_bins)
    true, scores = _labels_and_scores(y_true, y_pred, 0.0, 1.0, "probabilities from 0 to 1")
    if scores.shape[1] == 1:
        yes, said, what = true == 1, scores[:, 0], "of class 1"
    else:
        guess = scores.argmax(axis=1)
        yes, said, what = guess == true, scores[np.arange(len(scores)), guess], "of the prediction"
    points = calibration_curve(yes, said, most)
    ax = axes(ax, 5.2, 5.0)
    share = points.counts / points.counts.sum()
    ax.plot([0, 1], [0, 1], color=faint(ax), lw=1, ls=(0, (1, 3)), label="calibrated")
    ax.plot(points.predicted, points.observed, color=color_of(ax), lw=1.8)
    ax.scatter(
        points.predicted, points.observed, s=12 + 400 * share, color=color_of(ax), alpha=0.6,
        linewidths=0, zorder=3,
    )  # fmt: skip
    remark(ax, f"expected calibration error {points.error:.2%}")
    is_binary = scores.shape[1] == 1
    seen = "part of the rows of class 1" if is_binary else "part of the rows that are right"
    return _finish(ax, f"probability {what}", seen, "upper left")


def _labels_and_scores(
    y_true: Any,
    y_pred: Any,
    low: float = -math.inf,
    high: float = math.inf,
    wanted: str = "finite numbers",
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the labels, and scores in a column, or, of three classes and more, in one for each."""
    scores = array("y_pred", y_pred)
    scores = scores[:, np.newaxis] if scores.ndim == 1 else scores
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"y_pred must have shape (n,) or (n, k), got shape {np.shape(y_pred)}")
    n, k = scores.shape
    scores = checked_rows("y_pred", scores, k, "float64", low, high, wanted)
    true = array("y_true", y_true)
    one_hot = true.ndim == 2 and true.shape[1] == k > 1
    chosen = labels("y_true", true.argmax(axis=1) if one_hot else true, max(k, 2))
    if len(chosen) != n:
        raise ValueError(f"y_true and y_pred must be of one length, got {len(chosen)} and {n}")
    return chosen, scores[:, 1:] if k == 2 else scores


def _draw(
    y_true: Any,
    y_pred: Any,
    classes: Any,
    ax: Any,
    curve: Callable[[Any, Any], tuple[Any, Any, float]],
    measure: str,
    **how: Any,
) -> Any:
    """Draw a curve for each class, the one with the smallest area first where there are many."""
    true, scores = _labels_and_scores(y_true, y_pred)
    k = scores.shape[1]
    names = names_of("classes", classes, max(k, 2))
    places = [1] if k == 1 else [each for each in range(k) if (true == each).any()]
    curves = []
    for each, column in zip(places, scores.T if k == 1 else scores.T[places], strict=True):
        curves.append((names[each], *curve(true == each, column)))
    drawn = curves
    if len(curves) > MOST_CURVES:
        drawn = sorted(curves, key=lambda one: one[3])[:MOST_CURVES]
    ax = axes(ax, 5.4, 5.0)
    for i, (name, across, up, area) in enumerate(drawn):
        label = f"{measure} {area:.3f}" if k == 1 else f"{name}, {measure} {area:.3f}"
        ax.plot(across, up, lw=1.8, label=label, **how, **line_style(ax, i))
    if len(drawn) < len(curves):
        remark(ax, f"the {len(drawn)} of {len(curves)} classes with the smallest {measure}")
    return ax


def _finish(ax: Any, across: str, up: str, legend: str) -> Any:
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    ax.set_aspect("equal")
    frame(ax)
    ax.legend(frameon=False, loc=legend, fontsize="small")
    return ax

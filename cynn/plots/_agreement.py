"""The predictions of a regression against the true values."""

import math
from typing import Any

from .._specs.validation import rows
from ._style import NEGATIVE, axes, color_of, frame, remark, spread

MOST_POINTS = 5_000


def agreement(y_true: Any, y_pred: Any, *, ax: Any = None) -> Any:
    """Plot the predictions of a regression against the targets, with the line where both are equal.

    Of more than 5,000 rows that many are drawn, evenly out of all, and it says so.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,) or (n, 1)
        Finite numbers.
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
        If they are not of one length, or hold something else.

    See Also
    --------
    confusion : For classes.

    Examples
    --------
    >>> ax = agreement([1.0, 2.0, 3.0], [1.1, 1.9, 3.2])  # doctest: +SKIP
    """
    wanted = "finite numbers"
    true = rows("y_true", y_true, 1, "float64", -math.inf, math.inf, wanted)[:, 0]
    predicted = rows("y_pred", y_pred, 1, "float64", -math.inf, math.inf, wanted)[:, 0]
    if len(true) != len(predicted):
        raise ValueError(
            f"y_true and y_pred must be of one length, got {len(true)}, {len(predicted)}"
        )
    if not len(true):
        raise ValueError("y_true must have at least one row, got none")
    ax = axes(ax, 5.2, 5.0)
    shown = spread(len(true), MOST_POINTS)
    size = 16 if len(shown) < 500 else 6
    ax.scatter(true[shown], predicted[shown], s=size, color=color_of(ax), alpha=0.45, linewidths=0)
    ax.axline((true.mean(), true.mean()), slope=1, color=NEGATIVE, lw=1.5, label="predicted = true")
    ax.set_xlabel("true")
    ax.set_ylabel("predicted")
    if len(shown) < len(true):
        remark(ax, f"{len(shown):,} of {len(true):,} rows")
    frame(ax)
    ax.legend(frameon=False)
    return ax

"""The confusion matrix: what was taken for what."""

from typing import Any

import numpy as np

from ..metrics import confusion_matrix
from ._style import axes, count_of, names_of, remark, spread

MOST_NUMBERS, MOST_NAMES = 24, 40
"""Up to so many classes the cells have numbers, and each class its name at the edge."""


def confusion(y_true: Any, y_pred: Any, *, classes: Any = None, ax: Any = None) -> Any:
    """Plot the confusion matrix (rows: true, columns: predicted).

    The darker a cell, the larger its share of the rows of its class; the darkness follows the
    square root of the share, so that the few mistakes of a good network are seen. The numbers are
    counts, as long as there is room for them.

    Parameters
    ----------
    y_true : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or one-hot rows.
    y_pred : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or what ``model.predict`` gave.
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
        If something is not a label or a row, as `cynn.metrics.confusion_matrix` says.

    See Also
    --------
    cynn.metrics.confusion_matrix : Count only.
    agreement : For a regression.

    Examples
    --------
    >>> ax = confusion([0, 1, 1], [0, 1, 0], classes=["cat", "dog"])  # doctest: +SKIP
    """
    counts = confusion_matrix(y_true, y_pred, None if classes is None else count_of(classes))
    k = len(counts)
    names = names_of("classes", classes, k)
    size = float(np.clip(2.2 + 0.42 * k, 4.2, 10.0))
    ax = axes(ax, size, size)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1.15)
    if k <= MOST_NUMBERS:
        digits = max(len(f"{counts.max()}"), 2)
        width = 72 * ax.get_window_extent().width / ax.figure.dpi / k  # points a cell
        font = min(10.0, 1.3 * width / digits)
        for (i, j), n in np.ndenumerate(counts):
            if n and font >= 3:
                dark = share[i, j] > 0.35
                ax.text(
                    j, i, str(n), ha="center", va="center", fontsize=font,
                    color="white" if dark else "black",
                )  # fmt: skip
    ticks = spread(k, MOST_NAMES if k <= MOST_NAMES else 11)
    long_names = max(len(names[i]) for i in ticks) > 2
    small = "small" if k <= MOST_NUMBERS else "x-small"
    ax.set_xticks(
        ticks, [names[i] for i in ticks], rotation=90 if long_names and k > 3 else 0, fontsize=small
    )
    ax.set_yticks(ticks, [names[i] for i in ticks], fontsize=small)
    ax.tick_params(length=0 if k <= MOST_NAMES else 3)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    correct, total = int(np.trace(counts)), int(counts.sum())
    if total:
        remark(ax, f"{correct:,} of {total:,} correct ({correct / total:.2%})")
    return ax

"""What a network has learned of a table: which columns matter, and how one acts."""

from typing import Any

import numpy as np

from .._specs.validation import integer, shown
from ..inspection import Dependence, Importance
from ._style import NEGATIVE, axes, color_of, faint, frame, line_style, plain, remark

MOST_OUTPUTS = 12


def importance(result: Any, *, max_columns: int = 20, ax: Any = None) -> Any:
    """Plot how much each column matters: by how much the score falls where it is shuffled.

    The bar is the mean, each dot one shuffle. What fell below zero, by chance, is orange. Of more
    columns than `max_columns` the most important are drawn, and it says so.

    Parameters
    ----------
    result : cynn.inspection.Importance
        What `cynn.inspection.permutation_importance` gave.
    max_columns : int, default 20
        The most bars.
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

    Examples
    --------
    >>> from cynn.inspection import Importance
    >>> found = Importance(("size", "age"), np.array([[0.3], [0.1]]), 0.9, "accuracy")
    >>> ax = importance(found)  # doctest: +SKIP
    """
    most = integer("max_columns", max_columns)
    if not isinstance(result, Importance):
        raise TypeError(
            "result must be what cynn.inspection.permutation_importance returned, got "
            f"{shown(result)}"
        )
    means = result.means
    order = np.argsort(-means, kind="stable")[:most][::-1]
    ax = axes(ax, 6.4, 1.3 + 0.28 * max(len(order), 3))
    places = np.arange(len(order))
    colors = [color_of(ax) if means[each] >= 0 else NEGATIVE for each in order]
    ax.barh(places, means[order], color=colors, height=0.7, alpha=0.75)
    for place, each in zip(places, order, strict=True):
        drops = result.drops[each]
        ax.plot(drops, np.full(len(drops), place), ls="", marker="o", ms=3, color=faint(ax))
    ax.axvline(0, color=faint(ax), lw=0.8)
    ax.set_yticks(places, [plain(result.names[each]) for each in order])
    ax.set_xlabel(f"drop of the {result.measure}, {result.score:.4g} with all columns")
    ax.tick_params(axis="y", length=0)
    if len(order) < len(means):
        remark(ax, f"the {len(order)} most important of {len(means):,} columns")
    frame(ax)
    ax.grid(visible=False, axis="y")
    return ax


def dependence(result: Any, *, outputs: Any = None, ax: Any = None) -> Any:
    """Plot what a model says on average for each value of a column.

    A curve for each class, of numbers and dates; points for categories. Of more than 12 classes
    those that change the most are drawn, and it says so.

    Parameters
    ----------
    result : cynn.inspection.Dependence
        What `cynn.inspection.partial_dependence` gave.
    outputs : list of str, optional
        Which of the classes are drawn; by default all, of two the second.
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

    Examples
    --------
    >>> from cynn.inspection import Dependence
    >>> found = Dependence("size", np.array([1.0, 2.0]), np.array([[3.0], [5.0]]), ("price",))
    >>> ax = dependence(found)  # doctest: +SKIP
    """
    if not isinstance(result, Dependence):
        raise TypeError(
            f"result must be what cynn.inspection.partial_dependence returned, got {shown(result)}"
        )
    names = list(result.outputs)
    if outputs is None:
        drawn = [1] if len(names) == 2 else list(range(len(names)))
    elif isinstance(outputs, list | tuple) and outputs and all(each in names for each in outputs):
        drawn = [names.index(each) for each in outputs]
    else:
        raise ValueError(
            f"outputs must be a list of {', '.join(names)[:200]}, got {shown(outputs)}"
        )
    spans = np.ptp(result.means, axis=0)
    ax = axes(ax)
    if len(drawn) > MOST_OUTPUTS:
        remark(ax, f"the {MOST_OUTPUTS} of {len(drawn)} classes that change the most")
        drawn = sorted(sorted(drawn, key=lambda each: -spans[each])[:MOST_OUTPUTS])
    is_ordered = result.values.dtype.kind in "iufM"
    across = result.values if is_ordered else np.arange(len(result.values))
    for i, each in enumerate(drawn):
        how = line_style(ax, i)
        if not is_ordered:
            how["linestyle"] = ""
        marker = "o" if not is_ordered or len(across) <= 30 else ""
        ax.plot(
            across, result.means[:, each], lw=1.8, ms=4 if is_ordered else 7, marker=marker,
            label=plain(names[each]), **how,
        )  # fmt: skip
    if not is_ordered:
        words = [plain(str(value)) for value in result.values]
        is_long = max(map(len, words), default=0) * len(words) > 60
        ax.set_xticks(across, words, rotation=90 if is_long else 0)
    elif result.values.dtype.kind == "M":
        ax.tick_params(axis="x", rotation=30)
    ax.set_xlabel(plain(result.name))
    is_one = len(drawn) == 1
    said = plain(names[drawn[0]]) if is_one else "probability"
    ax.set_ylabel(f"mean {'probability of ' if len(names) > 1 and is_one else ''}{said}")
    frame(ax)
    if not is_one:
        ax.legend(frameon=False, fontsize="small")
    return ax

"""The losses of a test of learning rates."""

import math
from typing import Any

import numpy as np

from .._specs.validation import shown
from ..tuning import RangeTest
from ._style import NEGATIVE, axes, color_of, faint, frame


def learning_rates(result: Any, *, ax: Any = None) -> Any:
    """Plot the loss at each learning rate of a test, and the rate that it suggests.

    The line is the smoothed loss, behind it stands that of each step. A loss that has diverged goes
    out of the picture.

    Parameters
    ----------
    result : cynn.tuning.RangeTest
        What `cynn.tuning.find_learning_rate` gave.
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
    TypeError
        If an argument is not as described.

    Examples
    --------
    >>> from cynn.tuning import RangeTest
    >>> losses = np.array([1.0, 0.5, 2.0])
    >>> test = RangeTest(np.array([0.01, 0.1, 1.0]), losses, losses, True)
    >>> ax = learning_rates(test)  # doctest: +SKIP
    """
    if not isinstance(result, RangeTest):
        raise TypeError(
            f"result must be what cynn.tuning.find_learning_rate returned, got {shown(result)}"
        )
    ax = axes(ax)
    ax.plot(result.rates, result.raw_losses, color=faint(ax), lw=0.8, alpha=0.6, label="each step")
    ax.plot(result.rates, result.losses, color=color_of(ax), lw=1.8, label="smoothed")
    if math.isfinite(result.suggestion):
        label = f"suggested: {result.suggestion:.2g}"
        ax.axvline(result.suggestion, color=NEGATIVE, lw=1.5, ls="--", label=label)
    low, start = float(result.losses.min()), float(result.losses[0])
    room = (start - low) or abs(low) or 1.0
    top = min(float(np.max(result.losses)), start + room)
    ax.set_ylim(low - 0.15 * room, top + 0.25 * room)
    ax.set_xscale("log")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("loss")
    frame(ax)
    ax.legend(frameon=False)
    return ax

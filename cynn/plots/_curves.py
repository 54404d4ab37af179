"""Curves: what was measured in each epoch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._specs.validation import array, choice, shown
from ..metrics import more_is_better
from ._style import FAINT, NEGATIVE, POSITIVE, axes, plain


def curve(history: Any, name: str = "loss", *, ax: Any = None) -> Any:
    """Plot the loss and the metrics over the epochs, in training and in validation.

    Parameters
    ----------
    history : History or mapping of str to list of float
        What ``fit`` gave back, or its ``history``.
    name : str, default "loss"
        What to draw; ``val_`` and the name is drawn beside it where there is such a list, and its
        best epoch is marked.
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
        If the history has nothing of that name.

    Examples
    --------
    >>> ax = curve({"loss": [0.5, 0.3], "val_loss": [0.6, 0.4]})  # doctest: +SKIP
    """
    series = getattr(history, "history", history)
    if not isinstance(series, Mapping):
        raise TypeError(f"history must be what fit returned, got {shown(history)}")
    measured = [key for key in series if isinstance(key, str)]
    if not measured:
        raise ValueError(f"name must be one of nothing, got {shown(name)}")
    name = choice("name", name, measured, "metric")
    named = [(name, "training", POSITIVE, "o"), (f"val_{name}", "validation", NEGATIVE, "s")]
    curves = [
        (array(key, series[key]), label, color, marker)
        for key, label, color, marker in named
        if key in series
    ]
    for values, *_ in curves:
        if values.ndim != 1 or len(values) != len(curves[0][0]) or not len(values):
            raise ValueError(f"history must hold a number for each epoch, got {values.shape}")
    numbers = getattr(history, "epoch", [])
    first = numbers[0] + 1 if numbers else 1  # a resumed training goes on counting
    epochs = np.arange(first, first + len(curves[0][0]))
    ax = axes(ax)
    marked = len(epochs) <= 30
    for values, label, color, marker in curves:
        ax.plot(
            epochs, values, color=color, label=label, lw=1.8, ms=4,
            marker=marker if marked or np.isfinite(values).sum() < 2 else "",
        )  # fmt: skip
    if len(curves) == 2:
        own = getattr(getattr(history, "model", None), "metrics", ())
        more = next((m.more_is_better for m in own if m.name == name), more_is_better(name))
        _mark_best(ax, epochs, curves[1][0].astype(np.float64), more)
    ax.set_xlabel("epoch")
    ax.set_ylabel(plain(name.replace("_", " ")))
    ax.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        ax.set_xticks(epochs)
    if not any(np.isfinite(values).any() for values, *_ in curves):  # else an empty frame says 0
        ax.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        ax.set_yticks([])
        ax.text(0.5, 0.5, "no finite number", transform=ax.transAxes, ha="center", color=FAINT)
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def _mark_best(ax: Any, epochs: Any, values: Any, more: bool | None) -> None:
    """Ring the best epoch of the validation and say which it is; none where nobody knows."""
    if more is None or not np.isfinite(values).any():
        return
    usable = np.where(np.isfinite(values), values, np.nan)
    best = int(np.nanargmax(usable) if more else np.nanargmin(usable))
    ax.plot(epochs[best], values[best], "o", ms=11, mfc="none", mec=NEGATIVE)
    ax.set_title(
        f"best validation {values[best]:.4g} in epoch {epochs[best]}",
        fontsize="medium", color=FAINT, loc="left",
    )  # fmt: skip

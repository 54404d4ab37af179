"""Curves: what was measured in each epoch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._specs.validation import array, choice, shown
from ..metrics import more_is_better
from ._style import NEGATIVE, axes, color_of, faint, frame, plain, remark

DIVERGED: dict[str, Any] = {"color": NEGATIVE, "linestyle": ":", "linewidth": 1.5, "zorder": 1}
"""How the epoch is marked in which a training has diverged."""

WIDE = 1e4
"""What the largest value is of the smallest where the scale is logarithmic."""


def curve(history: Any, name: str = "loss", *, ax: Any = None) -> Any:
    """Plot the loss and the metrics over the epochs, in training and in validation.

    Of a training that has diverged it shows where: a dotted line stands at the first epoch whose
    number is not finite, or at the one in which `fit` raised its FloatingPointError.

    Parameters
    ----------
    history : History or mapping of str to list of float
        What ``fit`` gave back, or its ``history``.
    name : str, default "loss"
        What to draw; ``val_`` and the name is drawn beside it where there is such a list, and its
        best epoch is marked. Values over four powers of ten are drawn on a logarithmic scale.
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
    diverged = getattr(history, "diverged_epoch", None)
    measured = [key for key in series if isinstance(key, str)]
    if not measured and diverged is not None:
        return _nothing_measured(axes(ax), plain(str(name)), diverged + 1)
    if not measured:
        raise ValueError(f"name must be one of nothing, got {shown(name)}")
    name = choice("name", name, measured, "metric")
    named = [(name, "training", 0, "o"), (f"val_{name}", "validation", 1, "s")]
    curves = [
        (array(key, series[key]), label, i, marker)
        for key, label, i, marker in named
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
    for values, label, i, marker in curves:
        ax.plot(
            epochs, values, color=color_of(ax, i), label=label, lw=1.8, ms=4,
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
    finite = np.concatenate([values[np.isfinite(values)] for values, *_ in curves])
    for values, label, i, _ in curves:
        _mark_divergence(ax, epochs, values, label, color_of(ax, i))
    if diverged is not None:
        ax.axvline(diverged + 1, label=f"diverged in epoch {diverged + 1}", **DIVERGED)
    if not finite.size:  # else an empty frame says 0
        ax.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        ax.set_yticks([])
        ax.text(0.5, 0.5, "no finite number", transform=ax.transAxes, ha="center", color=faint(ax))
    elif finite.min() > 0 and finite.max() / finite.min() > WIDE:
        ax.set_yscale("log")
    frame(ax)
    ax.legend(frameon=False)
    return ax


def _mark_best(ax: Any, epochs: Any, values: Any, more: bool | None) -> None:
    """Ring the best epoch of the validation and say which it is; none where nobody knows."""
    if more is None or not np.isfinite(values).any():
        return
    usable = np.where(np.isfinite(values), values, np.nan)
    best = int(np.nanargmax(usable) if more else np.nanargmin(usable))
    ax.plot(epochs[best], values[best], "o", ms=11, mfc="none", mec=NEGATIVE)
    remark(ax, f"best validation {values[best]:.4g} in epoch {epochs[best]}", loc="left")


def _mark_divergence(ax: Any, epochs: Any, values: Any, label: str, color: str) -> None:
    """Draw a line where the numbers are no longer finite, and say it in the legend."""
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return
    first = epochs[bad[0]]
    where = f"in epoch {first}"
    if len(bad) > 1:
        is_rest = len(bad) == len(values) - bad[0]
        where = f"from epoch {first} on" if is_rest else f"in {len(bad)} epochs, first {first}"
    ax.axvline(first, label=f"{label} not finite {where}", **(DIVERGED | {"color": color}))


def _nothing_measured(ax: Any, name: str, epoch: int) -> Any:
    """Draw the training that has diverged before it had a whole epoch."""
    ax.set_xlim(epoch - 0.5, epoch + 0.5)
    ax.set_xticks([epoch])
    ax.set_yticks([])
    ax.set_xlabel("epoch")
    ax.set_ylabel(name)
    ax.axvline(epoch, label=f"diverged in epoch {epoch}", **DIVERGED)
    frame(ax)
    ax.legend(frameon=False)
    return ax

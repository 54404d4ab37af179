"""The distribution of the weights of each layer."""

from typing import Any

import numpy as np

from .._specs.validation import integer
from ._net import one_model
from ._style import axes, color_of, faint, frame, plain

FULL = 0.85
"""The height of a layer's highest bar, of the room that it has."""


def weight_distribution(model: Any, *, n_bins: int = 60, ax: Any = None) -> Any:
    """Plot how the weights of each layer are distributed, a histogram for each, the first on top.

    All have one scale of weights; each has its own height. Beside it stands the standard deviation,
    and how many weights are not finite, where a training has diverged. Biases are not drawn.

    Parameters
    ----------
    model : Model
        Built or trained; or an ensemble or an estimator of one.
    n_bins : int, default 60
        The bars of a histogram, at most 1,000.
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
        If an argument is not as described, or no layer has weights.
    RuntimeError
        If the model has no weights yet.

    See Also
    --------
    weights : The weights of the first layer as images.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(16, "relu"), Dense(10, "softmax")], seed=0)
    >>> model.build(4)
    >>> ax = weight_distribution(model)  # doctest: +SKIP
    """
    most = integer("n_bins", n_bins)
    if most > 1_000:
        raise ValueError(f"n_bins must be at most 1000, got {most}")
    named = one_model(model).named_weights()
    drawn = {
        name: array.ravel().astype(np.float64)
        for name, array in named.items()
        if array.size and not name.endswith("bias")
    }
    if not drawn:
        raise ValueError(f"model must have weights to be drawn, got {model!r:.100}")
    finite = {name: values[np.isfinite(values)] for name, values in drawn.items()}
    largest = max(float(np.abs(values).max(initial=0)) for values in finite.values())
    edges = np.linspace(-1, 1, most + 1) * (largest or 1.0)
    ax = axes(ax, 6.8, 1.2 + 0.8 * len(drawn))
    names = list(drawn)
    for place, name in enumerate(names):
        foot, values = len(names) - 1 - place, finite[name]
        counts = np.histogram(values, edges)[0]
        heights = foot + FULL * counts / max(int(counts.max()), 1)
        ax.stairs(heights, edges, baseline=foot, fill=True, color=color_of(ax), alpha=0.75)
        text = f"std {values.std():.3g}" if values.size else "none finite"
        if 0 < values.size < len(drawn[name]):
            text += f"\n{len(drawn[name]) - len(values):,} not finite"
        ax.text(
            1.01, foot, text, transform=ax.get_yaxis_transform(), va="bottom", fontsize="small",
            color=faint(ax),
        )  # fmt: skip
    ax.axvline(0, color=faint(ax), lw=0.8)
    labels = [f"{plain(name)}\n{drawn[name].size:,}" for name in names[::-1]]
    ax.set_yticks(range(len(names)), labels, va="bottom", fontsize="small")
    ax.set_ylim(-0.05, len(names))
    ax.set_xlabel("weight")
    ax.tick_params(axis="y", length=0)
    frame(ax)
    ax.spines["left"].set_visible(False)
    return ax

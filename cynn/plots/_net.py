"""The network as layers of neurons, with the sign and the size of its weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import integer, shown
from ..ensemble import models_of
from ..layers import (
    Activation,
    Dense,
    Layer,
    MemberAffine,
    MemberDense,
    Members,
    ParametricActivation,
    Residual,
)
from ..layers._columns import ColumnEmbedding
from ..model import Model
from ..tables import Classes
from ._style import NEGATIVE, POSITIVE, axes, blank, faint, is_dark, names_of, spread

WIDEST = 3.0
"""The width, in points, of the largest weight between two layers."""

EMBEDDED = "embedded"
"""What the numbers of an embedding are called."""

OF_MEMBERS = Members | MemberAffine | MemberDense
"""The layers with weights for each member."""

ENDS_NEURONS = Activation | ParametricActivation | MemberAffine
"""The layers that give the neurons before them their activation."""

SKIP: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (4, 2))}
"""How a skip connection is drawn."""


def network(
    model: Any, *, max_neurons: int = 16, inputs: Any = None, outputs: Any = None, ax: Any = None
) -> Any:
    """Plot the network: a circle for each neuron, a line for each weight.

    Blue weights are positive, orange ones negative; the wider the line the larger the weight, to a
    scale of its own between any two layers. Of an embedding there is one line for each number, to
    the column that it comes of; of a `MemberDense` the mean of its members. Biases are not drawn,
    nor what has no neurons of its own, as dropout, normalisation and the factors of members; a
    dashed arch leads from where a `Residual` begins to where its input is added. Of a layer with
    more neurons than `max_neurons`, as many are drawn as that, evenly out of all, and it says so
    beneath.

    Parameters
    ----------
    model : Model
        Built or trained; or an ensemble or an estimator of one.
    max_neurons : int, default 16
        The most circles of a layer; at least 2.
    inputs, outputs : list of str, optional
        What stands beside the first and the last neurons, a name for each in the model; by
        default, of a model of a table, its columns and what it predicts.
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
        If an argument is not as described, or the model has no dense layer.
    RuntimeError
        If the model has no weights yet.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(3, "relu"), Dense(2, "softmax")], seed=0)
    >>> model.build(4)
    >>> ax = network(model)  # doctest: +SKIP
    """
    most = integer("max_neurons", max_neurons, 2)
    tables, skips = _layers_and_skips(model)
    sizes = [len(tables[0][1]), *(table.shape[1] for _, table in tables)]
    shown = [spread(size, most) for size in sizes]
    tallest = max(map(len, shown))
    ax = axes(ax, 2.0 + 1.8 * len(sizes), 1.8 + max(2.0, 0.26 * tallest))
    step = 1 / (max(tallest, 3) + 1)
    places = [_heights(size, len(part), step) for size, part in zip(sizes, shown, strict=True)]
    for k, (_, table) in enumerate(tables):
        part = table[np.ix_(shown[k], shown[k + 1])]
        _lines(ax, k, part, places[k], places[k + 1], float(np.abs(table).max()))
    extent, points = ax.get_window_extent(), 72 / ax.figure.dpi
    height, column = extent.height * points, extent.width * points / len(sizes)
    area = min(13.0, 0.62 * height * step) ** 2
    inside, edge = ("black", "0.8") if is_dark(ax) else ("white", "0.2")
    for k, heights in enumerate(places):
        ax.scatter(
            np.full(len(heights), k), heights, s=area, c=inside, edgecolors=edge,
            linewidths=1.0, zorder=3,
        )  # fmt: skip
        if len(shown[k]) < sizes[k]:  # dots in the gap of the row of circles
            ax.scatter([k] * 3, np.linspace(-0.4, 0.4, 3) * step, s=5, c=edge, zorder=3)
        text = _caption(k, tables, sizes[k], len(shown[k]))
        foot = ax.text(k, -0.58, text, ha="center", va="top")
        longest = max(map(len, text.split("\n")))  # a letter is about 0.6 wide: none meets the next
        foot.set_fontsize(min(foot.get_fontsize(), column / (0.62 * longest)))
    encoder = one_model(model).table
    if encoder and (encoder.width, encoder.target.n_outputs) == (sizes[0], sizes[-1]):
        target = encoder.target
        said = target.labels if isinstance(target, Classes) else target.header
        inputs = list(encoder.input_names) if inputs is None else inputs
        outputs = list(said) if outputs is None else outputs
    for labels, name, k, x, side in (
        (inputs, "inputs", 0, -0.12, "right"),
        (outputs, "outputs", len(sizes) - 1, len(sizes) - 0.88, "left"),
    ):
        if labels is not None:
            names = names_of(name, labels, sizes[k])
            for height, place in zip(places[k], shown[k], strict=True):
                ax.text(x, height, names[place], ha=side, va="center", fontsize="small")
    top = 0.55
    for first, last in skips:
        foot = max(places[k][0] for k in range(first, last + 1)) + 0.7 * step
        top = max(top, _skip(ax, first, last, foot) + 0.02)
    blank(ax)
    margins = (0.35, 1.1)  # beside the circles; more where there are names
    ax.set_xlim(-margins[inputs is not None], len(sizes) - 1 + margins[outputs is not None])
    ax.set_ylim(-0.72, top)
    _legend(ax, with_skips=bool(skips))
    return ax


def dense_weights(model: Any) -> list[tuple[str, NDArray[Any]]]:
    """Return what each dense layer is called, and its weights, (inputs, units)."""
    return [table for table in _layers_and_skips(model)[0] if table[0] != EMBEDDED]


def one_model(value: Any) -> Model:
    """Return a model, or the one that an ensemble or an estimator has."""
    models = models_of(value)
    if len(models) != 1:
        several = f", of {len(models)} models: pass one of its members" if models else ""
        raise TypeError(f"model must be a cynn.Model, got {shown(value)}{several}")
    return models[0]


def _layers_and_skips(value: Any) -> tuple[list[tuple[str, NDArray[Any]]], list[tuple[int, int]]]:
    """Return the layers of neurons, and from which of them to which each `Residual` skips."""
    model = one_model(value)
    named = model.named_weights()
    tables: list[tuple[str, NDArray[Any]]] = []
    skips: list[tuple[int, int]] = []
    drawn: set[str] = set()

    def walk(layers: Sequence[Layer], prefix: str, shape: tuple[int, ...]) -> None:
        first = len(tables)
        for i, layer in enumerate(layers):
            name = f"{prefix}{i}."
            if isinstance(layer, Dense | ColumnEmbedding | OF_MEMBERS):
                drawn.update(f"{name}{part}" for part in layer.weight_names())
            if isinstance(layer, Dense):
                tables.append((str(layer.activation), named[f"{name}weight"]))
            elif isinstance(layer, MemberDense):
                tables.append(("identity", named[f"{name}weight"].mean(axis=0).T))
            elif isinstance(layer, ColumnEmbedding):
                tables.append((EMBEDDED, np.eye(shape[0])[:, layer.sources(shape[0])]))
            elif isinstance(layer, ENDS_NEURONS) and len(tables) > first:
                tables[-1] = (str(layer.activation), tables[-1][1])
            elif isinstance(layer, Residual):
                before = len(tables)
                walk(layer.layers, name, shape)
                if len(tables) > before:
                    skips.append((before, len(tables)))
            shape = layer.output_shape(shape)

    walk(model.layers, "layer", model.input_shape or ())
    if not any(kind != EMBEDDED for kind, _ in tables):
        raise ValueError(f"model must have a Dense layer to draw, got {model!r}")
    if any(table.ndim > 1 for name, table in named.items() if name not in drawn):
        raise ValueError(
            "model must have weights in Dense layers only to be drawn, got other layers with "
            "weights"
        )
    for (_, before), (_, after) in zip(tables, tables[1:], strict=False):
        if before.shape[1] != after.shape[0]:
            raise ValueError(
                "model must be Dense layers in sequence to be drawn, got sizes that do not follow"
            )
    for _, table in tables:
        if not np.isfinite(table).all():
            raise ValueError(
                "model must have finite weights to be drawn, got NaN or infinity: its training "
                "has diverged"
            )
    return tables, skips


def _skip(ax: Any, first: int, last: int, foot: float) -> float:
    """Draw a skip connection from one row of circles to where it is added; give its height."""
    t = np.linspace(0, 1, 60)
    bend = 0.06 + 0.02 * (last - first)
    ax.plot(first + (last - first) * t, foot + bend * 4 * t * (1 - t), color=faint(ax), **SKIP)
    ax.plot([last], [foot], marker="v", ms=5, color=faint(ax))
    ax.text(last + 0.06, foot, "+", ha="left", va="bottom", color=faint(ax))
    return foot + bend


def _heights(size: int, shown: int, step: float) -> NDArray[np.float64]:
    """Return where the circles of a layer stand: the middle is 0, the first is on top."""
    steps = np.arange(shown, dtype=np.float64) - (shown - 1) / 2
    if shown < size:  # some are left out: there are dots in the gap
        steps += np.where(steps > 0, 0.5, -0.5)
    heights: NDArray[np.float64] = -steps * step
    return heights


def _lines(
    ax: Any, k: int, part: NDArray[Any], left: NDArray[Any], right: NDArray[Any], largest: float
) -> None:
    """Draw the weights between two layers, the largest last."""
    from matplotlib.collections import LineCollection

    share = np.abs(part).astype(np.float64) / (largest or 1.0)
    order = np.argsort(share, axis=None)
    i, j = np.unravel_index(order, part.shape)
    starts = np.stack([np.full(len(i), k), left[i]], axis=1)
    ends = np.stack([np.full(len(j), k + 1), right[j]], axis=1)
    shares = share[i, j]
    # A picture of many lines is grey if the small ones are not faint as well as thin.
    crowd = min(1.0, 12 / np.sqrt(part.size))
    colors = [
        (*_rgb(POSITIVE if w >= 0 else NEGATIVE), 0.08 + 0.92 * s * max(crowd, s))
        for w, s in zip(part[i, j], shares, strict=True)
    ]
    ax.add_collection(
        LineCollection(
            list(np.stack([starts, ends], axis=1)),
            linewidths=0.15 + (WIDEST - 0.15) * shares,
            colors=colors,
        ),
        autolim=False,
    )


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _caption(k: int, tables: list[tuple[str, NDArray[Any]]], size: int, shown: int) -> str:
    kind = ("input" if size == 1 else "inputs") if k == 0 else tables[k - 1][0]
    kind = "linear" if kind == "identity" else kind.replace("_", " ")
    return f"{size:,} {kind}" + (f"\n({shown} shown)" if shown < size else "")


def _legend(ax: Any, with_skips: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=POSITIVE, lw=2.5, label="positive weight"),
        Line2D([], [], color=NEGATIVE, lw=2.5, label="negative weight"),
    ]
    if with_skips:
        handles.append(Line2D([], [], color=faint(ax), **SKIP, label="skips, and is added"))
    ax.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False,
        title="wider lines are larger weights", title_fontproperties={"size": "small"},
    ).get_title().set_color(faint(ax))  # fmt: skip

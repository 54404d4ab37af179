"""Decision regions: which class a network takes each point of a plane for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, integer, labels, shown
from ..ensemble import Ensemble, models_of
from ._style import axes, color_of, is_dark, names_of, spread

MOST_ROWS = 2_000
MOST_CLASSES = 24
LARGEST = 1e300
"""Between larger numbers there is no difference that is finite."""

MARKERS = "osD^vP"
"""Those of six classes; with the colours they tell 24 apart, as no two have both in common."""


def regions(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    classes: Any = None,
    resolution: int = 200,
    ax: Any = None,
) -> Any:
    """Plot which class a model of two inputs predicts where, and the rows on top.

    A line is drawn where the prediction changes. Of more than 2,000 rows that many are drawn,
    evenly out of all.

    Parameters
    ----------
    model : Model, Ensemble or classifier
        What predicts from two numbers: outputs, of which the largest counts, or of a single one
        whether it is above 0.5; or labels, as scikit-learn's classifiers do.
    x : array_like, shape (n, 2)
        Rows, finite: the plane is drawn as far as they reach.
    y : array_like, shape (n,) or (n, 1), optional
        Their classes: whole numbers from 0, or of a classifier its labels.
    classes : list of str, optional
        The names of the classes; by default their numbers, or a classifier's labels.
    resolution : int, default 200
        How many points are predicted along each side, from 2 to 2,000.
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
        If an argument is not as described, there are more than 24 classes, or a prediction is NaN.
    RuntimeError
        If the model has no weights yet.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(3, "softmax")], seed=0)
    >>> model.build(2)
    >>> ax = regions(model, [[0.0, 0.0], [1.0, 2.0]], [0, 2])  # doctest: +SKIP
    """
    steps = integer("resolution", resolution, 2)
    if steps > 2_000:
        raise ValueError(f"resolution must be at most 2000, got {steps}")
    own = getattr(model, "classes_", None) if not _predicts_outputs(model) else None
    rows = array("x", x)
    if rows.ndim != 2 or rows.shape[1] != 2 or not len(rows):
        raise ValueError(f"x must have shape (n, 2) with a row at least, got shape {rows.shape}")
    rows = rows.astype(np.float64)
    if not (np.abs(rows) < LARGEST).all():
        raise ValueError(f"x must hold finite numbers below {LARGEST:g}, got others")
    low, high = rows.min(axis=0), rows.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 0.5)
    sides = [np.linspace(*ends, steps) for ends in zip(low - margin, high + margin, strict=True)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    places, k = _classes_at(model, points, own)
    if k > MOST_CLASSES:
        raise ValueError(f"model must have at most {MOST_CLASSES} classes, got {k}")
    names = names_of("classes", own if classes is None and own is not None else classes, k)
    truth = None if y is None else _places_of(y, own, k)
    if truth is not None and len(truth) != len(rows):
        raise ValueError(f"x and y must be of one length, got {len(rows)} and {len(truth)}")
    ax = axes(ax, 5.6, 5.0)
    _draw_regions(ax, sides, places.reshape(steps, steps), k)
    shown_rows = spread(len(rows), MOST_ROWS)
    edge = "black" if is_dark(ax) else "white"
    kinds = np.zeros(len(rows), np.intp) if truth is None else truth
    for each in range(k if truth is not None else 1):
        those = rows[shown_rows[kinds[shown_rows] == each]]
        ax.scatter(
            those[:, 0], those[:, 1], s=26, linewidths=0.6, edgecolors=edge,
            c=color_of(ax, each) if truth is not None else "0.5",
            marker=MARKERS[(each + each // 6) % 6],
            label=names[each] if truth is not None else None,
        )  # fmt: skip
    ax.set_xlabel("x0")
    ax.set_ylabel("x1")
    ax.spines[["top", "right"]].set_visible(False)
    _legend(ax, names, truth is not None)
    return ax


def _predicts_outputs(model: Any) -> bool:
    """Return whether it predicts outputs, not labels."""
    return isinstance(model, Ensemble) or models_of(model) == (model,)


def _classes_at(model: Any, points: NDArray[Any], own: Any) -> tuple[NDArray[np.intp], int]:
    """Return the place of the class predicted at each point, and how many there are."""
    if own is not None and np.ndim(own) == 1 and callable(getattr(model, "predict", None)):
        return _places_of(model.predict(points), own, len(own)), len(own)
    if not _predicts_outputs(model):
        raise TypeError(f"model must be a Model, an Ensemble or a classifier, got {shown(model)}")
    outputs = model.predict(points)
    if np.isnan(outputs).any():
        raise ValueError("model must predict numbers, got NaN: its training has diverged")
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0.5).astype(np.intp), 2
    return outputs.argmax(axis=1), outputs.shape[1]


def _places_of(y: Any, own: Any, k: int) -> NDArray[np.intp]:
    """Return the place of each label among a classifier's, or the label itself."""
    if own is None:
        return labels("y", y, k).astype(np.intp)
    given, known = np.asarray(y).ravel(), np.asarray(own)
    places = np.searchsorted(known, given)
    places = np.where(places < k, places, 0)
    wrong = np.flatnonzero(known[places] != given)
    if len(wrong):
        raise ValueError(f"y must hold labels of the classifier, got {shown(given[wrong[0]])}")
    return places.astype(np.intp)


def _draw_regions(ax: Any, sides: list[NDArray[Any]], places: NDArray[np.intp], k: int) -> None:
    """Fill each class's part of the plane, and draw the lines between."""
    from matplotlib.colors import ListedColormap

    colors = ListedColormap([color_of(ax, each) for each in range(k)])
    ends = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    ax.imshow(
        places, cmap=colors, vmin=-0.5, vmax=k - 0.5, alpha=0.28, origin="lower", extent=ends,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    for each in np.unique(places)[1:]:  # the last of what is below is known from those above
        inside = (places == each).astype(np.float64)
        ax.contour(*sides, inside, levels=[0.5], colors="0.5", linewidths=1.0)


def _legend(ax: Any, names: list[str], with_rows: bool) -> None:
    """Name the classes beside the plane, by the markers of their rows or by their colours."""
    where = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
    if with_rows:
        ax.legend(**where)
        return
    from matplotlib.patches import Patch

    colors = [Patch(color=color_of(ax, i), alpha=0.4, label=name) for i, name in enumerate(names)]
    ax.legend(handles=colors, **where)

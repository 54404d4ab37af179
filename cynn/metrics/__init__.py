"""Metrics: what a model is measured by, counted batch by batch.

A metric is fed with ``update`` and read with ``result``, so that the rows need never be in memory
together.
"""

# Metrics by kind of target. Imports `_specs`; imported by `tables` and from `_model` upwards.

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .._specs import spec
from .._specs.aliases import SYNONYMS
from .._specs.names import missing_from
from .._specs.user_functions import expect_takes
from .._specs.validation import shown
from . import _by_class, _classification, _metric, _regression, _thresholds
from ._by_class import *
from ._classification import *
from ._metric import *
from ._regression import *
from ._thresholds import *

# A metric is named once, in the `__all__` of its file.
__all__ = [
    "METRICS",
    "get",
    "get_all",
    "more_is_better",
    "named",
    *_by_class.__all__,
    *_classification.__all__,
    *_metric.__all__,
    *_regression.__all__,
    *_thresholds.__all__,
]

MOST_METRICS = 1000

METRICS: dict[str, type[_metric.Metric]] = {  # a base has no name of its own
    kind.name: kind
    for kind in sorted(
        (kind for kind in spec.subclasses_in(globals(), _metric.Metric) if "name" in vars(kind)),
        key=lambda kind: kind.name,
    )
}
"""The metrics by name, with their defaults."""

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__, "metric", lambda name: repr(get(name)), METRICS)


def get(metric: str | _metric.Metric) -> _metric.Metric:
    """Return a new metric of that name, or the metric itself.

    Parameters
    ----------
    metric : str or Metric
        A key of `METRICS`, a word that docs/migration.md has for one, or the name that a metric of
        these has by its settings, such as ``"top_3_accuracy"``, ``"micro_f1"`` or
        ``"multi_label_auc"``; or an object.

    Returns
    -------
    Metric
        The object.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no metric has that name, or its `more_is_better` is no such value.

    Examples
    --------
    >>> get("accuracy"), get("top_3_accuracy"), get("multi_label_weighted_recall")
    (Accuracy(), TopKAccuracy(3), Recall('weighted', multi_label=True))
    """
    if isinstance(metric, str):
        metric = SYNONYMS["metric"].get(metric, metric)
        for kind in METRICS.values():
            candidate = kind.from_name(metric)
            if candidate is not None:
                return candidate
    chosen = spec.get("metric", metric, _metric.Metric, METRICS)
    if not isinstance(chosen.more_is_better, bool | None):
        raise TypeError(
            f"more_is_better of {chosen!r} must be True, False or None, got "
            f"{shown(chosen.more_is_better)}"
        )
    return chosen


def get_all(given: Any) -> list[_metric.Metric]:
    """Return the metrics of a list of names and objects.

    Parameters
    ----------
    given : iterable of str and Metric
        Names and objects, as `get` takes them.

    Returns
    -------
    list of Metric
        In the same order.

    Raises
    ------
    TypeError, ValueError
        If it is no such list, two would have the same name, or one cannot be called as `Metric` is.

    Examples
    --------
    >>> get_all(["accuracy", F1("micro")])
    [Accuracy(), F1('micro')]
    """
    if isinstance(given, str | _metric.Metric) or not isinstance(given, Iterable):
        raise TypeError(f"metrics must be a list such as ['accuracy'], got {shown(given)}")
    metrics = [get(metric) for metric in itertools.islice(given, MOST_METRICS + 1)]
    if len(metrics) > MOST_METRICS:
        raise ValueError(f"metrics must be at most {MOST_METRICS}, got more")
    names = [metric.name for metric in metrics]
    for name, metric in zip(names, metrics, strict=True):
        if not isinstance(name, str):
            raise TypeError(f"name of {metric!r} must be a string, got {shown(name)}")
        for method, arguments in _METHODS.items():
            expect_takes(f"{type(metric).__name__}.{method}", getattr(metric, method), arguments)
    if len({"loss", "val_loss", *names, *(f"val_{name}" for name in names)}) < 2 * len(names) + 2:
        raise ValueError(
            "metrics must have different names, other than 'loss', also with 'val_' before them, "
            f"got {names}"
        )
    return metrics


_METHODS = {"reset": (), "update": ("y", "prediction", "weight"), "result": ()}
"""What a metric is called by, and with what."""


def more_is_better(name: str) -> bool | None:
    """Return whether more of what has a name in the logs of a training is better.

    Parameters
    ----------
    name : str
        The name, with or without ``val_`` before it.

    Returns
    -------
    bool or None
        False for a loss, True for the score of an estimator's rows held out, ``val_score``, and for
        a metric of these what its class says; None for a name that is none of them.

    Raises
    ------
    TypeError
        If it is no string.

    Examples
    --------
    >>> more_is_better("val_loss"), more_is_better("val_micro_f1"), more_is_better("gini")
    (False, True, None)
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string such as 'val_loss', got {shown(name)}")
    plain = name.removeprefix("val_")
    if plain in ("loss", "score"):
        return plain == "score"
    try:
        return get(plain).more_is_better
    except ValueError:
        return None


def named(metric: _metric.Metric) -> bool:
    """Return whether the metric's name gives one like it: a file carries names.

    Parameters
    ----------
    metric : Metric
        Any metric.

    Returns
    -------
    bool
        False for one of a user-defined class, and for one whose settings its name does not tell.

    Raises
    ------
    TypeError
        If it is no metric.

    Examples
    --------
    >>> named(TopKAccuracy(3))
    True
    """
    if not isinstance(metric, _metric.Metric):
        raise TypeError(f"metric must be a Metric object, got {shown(metric)}")
    try:
        rebuilt = get(metric.name)
    except ValueError:
        return False
    return type(rebuilt) is type(metric) and repr(rebuilt) == repr(metric)

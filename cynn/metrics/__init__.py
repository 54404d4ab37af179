"""Metrics: what a person wants to know of a model, counted batch by batch.

A metric is fed with ``update`` and read with ``result``, so that the rows need never be in memory
together.
"""

import copy
import re
from collections.abc import Iterable
from typing import Any

from .._specs import spec
from ._by_class import AVERAGES, F1, ClassMetric, Precision, Recall
from ._classification import (
    AUC,
    MAX_CLASSES,
    Accuracy,
    BinaryAccuracy,
    TopKAccuracy,
    confusion_matrix,
)
from ._metric import Metric
from ._regression import R2, MeanAbsoluteError, MeanSquaredError

__all__ = [
    "AUC",
    "F1",
    "MAX_CLASSES",
    "METRICS",
    "R2",
    "Accuracy",
    "BinaryAccuracy",
    "ClassMetric",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Recall",
    "TopKAccuracy",
    "confusion_matrix",
    "get",
    "get_all",
    "named",
]

METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "top_5_accuracy": TopKAccuracy,
    "precision": Precision,
    "recall": Recall,
    "f1": F1,
    "auc": AUC,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "r2": R2,
}
"""The metrics by name, with their defaults."""

_WITH_SETTINGS: dict[str, Metric] = {
    made.name: made
    for made in (
        *(
            kind(average, multi)
            for kind in (Precision, Recall, F1)
            for average in AVERAGES
            for multi in (False, True)
        ),
        AUC(multi_label=True),
    )
}


def get(metric: str | Metric) -> Metric:
    """Return a new metric of that name, or the metric itself.

    Parameters
    ----------
    metric : str or Metric
        A key of `METRICS`, or the name that a metric of these has by its settings, such as
        ``"top_3_accuracy"``, ``"micro_f1"`` or ``"multi_label_auc"``; or an object.

    Returns
    -------
    Metric
        The object.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no metric has that name.

    Examples
    --------
    >>> get("accuracy"), get("top_3_accuracy"), get("multi_label_weighted_recall")
    (Accuracy(), TopKAccuracy(3), Recall('weighted', multi_label=True))
    """
    if isinstance(metric, str):
        if found := re.fullmatch(r"top_([1-9][0-9]{0,8})_accuracy", metric):
            return TopKAccuracy(int(found[1]))
        if metric in _WITH_SETTINGS:
            return copy.deepcopy(_WITH_SETTINGS[metric])
    return spec.get("metric", metric, Metric, METRICS)


def get_all(given: Any) -> list[Metric]:
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
        If it is no such list, or two would have the same name.

    Examples
    --------
    >>> get_all(["accuracy", F1("micro")])
    [Accuracy(), F1('micro')]
    """
    if isinstance(given, str | Metric) or not isinstance(given, Iterable):
        raise TypeError(f"metrics must be a list such as ['accuracy'], got {given!r}")
    found = [get(metric) for metric in given]
    names = [metric.name for metric in found]
    if len({"loss", *names}) <= len(names):
        raise ValueError(f"metrics must have different names, other than 'loss', got {names}")
    return found


def named(metric: Metric) -> bool:
    """Return whether the metric's name gives one like it: a file carries names.

    Parameters
    ----------
    metric : Metric
        Any metric.

    Returns
    -------
    bool
        False for one of a person's own class, and for one whose settings its name does not tell.

    Examples
    --------
    >>> named(TopKAccuracy(3))
    True
    """
    try:
        found = get(metric.name)
    except ValueError:
        return False
    return type(found) is type(metric) and repr(found) == repr(metric)

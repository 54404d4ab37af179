"""Metrics: what a person wants to know of a model, counted batch by batch.

A metric is fed with ``update`` and read with ``result``, so that the rows need never be in memory
together.
"""

from collections.abc import Iterable
from typing import Any

from .. import specs
from .base import Metric
from .classification import (
    AUC,
    F1,
    MAX_CLASSES,
    Accuracy,
    BinaryAccuracy,
    ClassMetric,
    Precision,
    Recall,
    TopKAccuracy,
    confusion_matrix,
)
from .regression import R2, MeanAbsoluteError, MeanSquaredError

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
"""The metrics by name."""


def get(metric: str | Metric) -> Metric:
    """Give a new metric of that name, or the metric itself.

    Parameters
    ----------
    metric : str or Metric
        A key of `METRICS`, or an object.

    Returns
    -------
    Metric
        The object.

    Examples
    --------
    >>> get("accuracy")
    Accuracy()
    """
    return specs.get("metric", metric, Metric, METRICS)


def get_all(given: Any) -> list[Metric]:
    """Give the metrics of a list of names and objects.

    Raises
    ------
    TypeError, ValueError
        If it is no such list, or two would have the same name.
    """
    if isinstance(given, str | Metric) or not isinstance(given, Iterable):
        raise TypeError(f"metrics must be a list such as ['accuracy'], got {given!r}")
    found = [get(metric) for metric in given]
    names = [metric.name for metric in found]
    if len({"loss", *names}) <= len(names):
        raise ValueError(f"metrics must have different names, other than 'loss', got {names}")
    return found

"""The balanced accuracy against hand values and scikit-learn's."""

import math
import warnings

import numpy as np
import pytest

from cynn import metrics
from cynn.metrics import BalancedAccuracy


def measured(y, prediction, weight=None):
    metric = BalancedAccuracy()
    metric.update(y, prediction, weight)
    return metric.result()


@pytest.mark.parametrize(
    ("y", "prediction", "wanted"),
    [
        ([0, 0, 0, 1], [[1, 0]] * 4, 1 / 2),  # 3 of 3, 0 of 1
        ([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4], 1 / 2),  # one output
        ([0, 0, 0, 1], [0.1, 0.2, 0.6, 0.9], (2 / 3 + 1) / 2),
        ([0, 1], [0.5, 0.5], 1 / 2),  # 0.5 is no
        ([1, 1], [[0, 1, 0], [0, 0, 1]], 1 / 2),  # what is only predicted does not count
        ([0, 1, 2], [[1, 0, 0], [0, math.nan, 0], [0, 0, 1]], 2 / 3),  # NaN says no class
        (np.eye(3), np.eye(3), 1.0),
    ],
)
def test_by_hand(y, prediction, wanted):
    assert measured(y, prediction) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_as_scikit_learn_in_parts_and_merged(k):
    theirs = pytest.importorskip("sklearn.metrics").balanced_accuracy_score
    rng = np.random.default_rng(k)
    y = rng.choice(k, 150, p=np.arange(k) / np.arange(k).sum())  # never of class 0
    prediction, weight = rng.random((150, k)), rng.integers(0, 4, 150) / 2
    prediction[np.arange(150), y] += 0.3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs warns of the class without rows
        plain = theirs(y, prediction.argmax(axis=1))
        weighted = theirs(y, prediction.argmax(axis=1), sample_weight=weight)
    assert measured(y, prediction) == pytest.approx(plain, rel=1e-12)
    parts = [BalancedAccuracy() for _ in range(3)]
    for part, rows in zip(parts, (slice(0, 1), slice(1, 150)), strict=False):
        part.update(y[rows], prediction[rows], weight[rows])  # the last has no rows
        parts[2].merge(part)
    assert parts[2].result() == pytest.approx(weighted, rel=1e-12)
    assert plain != weighted
    if k == 2:
        assert measured(y, prediction[:, 1] / prediction.sum(axis=1)) == plain


def test_goes_by_its_name():
    made = metrics.get("balanced_accuracy")
    assert repr(made) == "BalancedAccuracy()" and metrics.named(made)


def test_one_output_is_two_classes():
    metric = BalancedAccuracy()
    metric.update([1, 1], [0.1, 0.9])
    assert (metric.right.tolist(), metric.true.tolist()) == ([0, 1], [0, 2])
    metric.update([0], [[1.0, 0.0]])
    assert (metric.right.tolist(), metric.true.tolist()) == ([1, 1], [1, 2])

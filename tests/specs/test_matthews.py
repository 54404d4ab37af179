"""The Matthews correlation coefficient against hand values, its definition and scikit-learn's."""

import math

import numpy as np
import pytest

from cynn import metrics
from cynn.metrics import MatthewsCorrelation


def measured(y, prediction, weight=None):
    metric = MatthewsCorrelation()
    metric.update(y, prediction, weight)
    return metric.result()


@pytest.fixture(scope="module", params=[2, 3, 6])
def sample(request):
    k = request.param
    rng = np.random.default_rng(k)
    y = rng.integers(0, k, 150)
    prediction = rng.random((150, k))
    prediction[np.arange(150), y] += 0.3
    return y, prediction, rng.integers(0, 4, 150) / 2


@pytest.mark.parametrize(
    ("y", "prediction", "wanted"),
    [
        # TP 2, FN 1, FP 1, TN 1: (2 * 1 - 1 * 1) / sqrt(3 * 3 * 2 * 2)
        ([1, 1, 1, 0, 0], [0.9, 0.8, 0.2, 0.6, 0.1], 1 / 6),
        ([1, 0], [0.9, 0.1], 1.0),
        ([1, 0], [0.1, 0.9], -1.0),
        ([1, 0], [0.5, 0.5], 0.0),  # 0.5 is no: all are taken for one class
        ([1, 0], [math.nan, 0.5], 0.0),
        ([0, 0, 0], [[1, 0], [0, 1], [1, 0]], 0.0),  # all are of one class
        ([0, 1, 2], [[1, 0, 0]] * 3, 0.0),
        ([0, 1, 2], np.eye(3), 1.0),
        (np.eye(3), np.eye(3), 1.0),
        # c = 2, n = 3, t = (1, 1, 1), p = (2, 0, 1): (6 - 3) / sqrt((9 - 5) * (9 - 3))
        ([0, 1, 2], [[1, 0, 0], [1, 0, 0], [0, 0, 1]], 3 / math.sqrt(24)),
        # a row that is taken for no class: c = 2, p = (1, 0, 1) and 1 of none: 6 - 2 over 6
        ([0, 1, 2], [[1, 0, 0], [0, math.nan, 0], [0, 0, 1]], 4 / 6),
    ],
)
def test_by_hand(y, prediction, wanted):
    assert measured(y, prediction) == pytest.approx(wanted, rel=1e-15)


def test_is_the_correlation_of_two_indicators():
    rng = np.random.default_rng(0)
    y, prediction = rng.integers(0, 2, 200), rng.random(200)
    wanted = np.corrcoef(y, prediction > 0.5)[0, 1]
    assert measured(y, prediction) == pytest.approx(wanted, rel=1e-12)
    assert measured(y, np.stack([1 - prediction, prediction], 1)) == pytest.approx(wanted)


def test_as_scikit_learn(sample):
    theirs = pytest.importorskip("sklearn.metrics").matthews_corrcoef
    y, prediction, weight = sample
    predicted = prediction.argmax(axis=1)
    assert measured(y, prediction) == pytest.approx(theirs(y, predicted), rel=1e-12)
    wanted = theirs(y, predicted, sample_weight=weight)
    assert measured(y, prediction, weight) == pytest.approx(wanted, rel=1e-12)
    assert 0.1 < wanted < 1
    constant = np.eye(prediction.shape[1])[np.zeros_like(y)]
    assert measured(y, constant, weight / 7) == theirs(y, 0 * y, sample_weight=weight / 7) == 0


def test_in_parts_and_merged_is_at_once(sample):
    y, prediction, weight = sample
    wanted = measured(y, prediction, weight)
    parts = [MatthewsCorrelation() for _ in range(4)]
    for part, rows in zip(parts, (slice(0, 1), slice(1, 60), slice(60, 150)), strict=False):
        part.update(y[rows], prediction[rows], weight[rows])  # the last has no rows
    first = MatthewsCorrelation()
    for part in parts:
        first.merge(part)
    assert first.result() == pytest.approx(wanted, rel=1e-13)
    first.reset()
    assert math.isnan(first.result())


def test_weights_of_zero_count_for_nothing():
    assert math.isnan(measured([0, 1], np.eye(2), [0, 0]))
    assert measured([0, 1, 0], [[1, 0], [0, 1], [0, 1]], [1, 1, 0]) == 1
    # one class is left: 0, whatever the weights round to
    assert measured([0] * 9 + [1], [[1, 0], [0, 1]] * 5, [0.1] * 9 + [0]) == 0


def test_what_is_refused():
    metric = MatthewsCorrelation()
    with pytest.raises(ValueError, match=r"y must be labels or one-hot rows, .* in row 1"):
        metric.update([[1, 0, 0], [1, 1, 0]], np.ones((2, 3)))
    metric.update([0, 2], np.eye(3)[:2])
    with pytest.raises(ValueError, match="prediction must have 3 columns as before, got 4"):
        metric.update([0], np.eye(4)[:1])


def test_goes_by_its_name():
    made = metrics.get("matthews_correlation")
    assert repr(made) == "MatthewsCorrelation()" and metrics.named(made)

"""Metrics, the confusion matrix, and the callbacks that keep what they measured."""

import math

import numpy as np
import pytest

from cynn import metrics
from cynn.callbacks import Callback, History
from cynn.metrics import Accuracy, BinaryAccuracy, confusion_matrix


def measure(metric, *batch):
    metric.update(*batch)
    return metric.result()


def test_accuracy_streams_and_weighs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 7, 100)
    prediction = rng.random((100, 7), dtype=np.float32)
    prediction[np.arange(60), y[:60]] = 2
    weight = rng.random(100)
    right = [list(row).index(max(row)) == label for row, label in zip(prediction, y, strict=True)]
    plain, weighted, one_hot = Accuracy(), Accuracy(), Accuracy()
    for part in (slice(0, 1), slice(1, 33), slice(33, 33), slice(33, 100)):
        plain.update(y[part], prediction[part])
        weighted.update(y[part], prediction[part], weight[part])
        one_hot.update(np.eye(7)[y[part]], prediction[part], weight[part][:, np.newaxis])
    assert plain.result() == pytest.approx(np.mean(right), rel=1e-12)
    assert weighted.result() == pytest.approx(np.average(right, weights=weight), rel=1e-12)
    assert one_hot.result() == weighted.result()
    plain.reset()
    assert math.isnan(plain.result())
    assert type(weighted.result()) is float


@pytest.mark.parametrize(
    ("y", "prediction", "wanted"),
    [
        ([[0, 1, 0]], [[0.2, 0.5, 0.3]], 1),
        ([[1]], [[0.2, 0.5]], 1),
        ([1.0], [[0.2, 0.5]], 1),
        ([0], [[0.5, 0.5]], 1),  # of equals the first
        ([1], [[0.5, 0.5]], 0),
        ([0, 0, 0], [[math.nan] * 2, [math.nan, 0], [0, math.nan]], 0),
        ([1, 0], [[math.inf, 1], [math.inf, 1]], 0.5),
        ([[0, 0]], [[0.2, 0.5]], 0),  # no label
        ([[0.5, 0.5, 0.0]], [[0.1, 0.8, 0.1]], 1),  # either of two
        ([0, 1, 1, 0], [0.2, 0.7, 0.5, math.nan], 0.5),  # one output, 0.5 is no
        ([[0], [1]], [[0.6], [0.6]], 0.5),
        ([0.25, 0.75], [[0.6], [0.6]], 0.5),
        ([True, False], [[1], [1]], 0.5),
    ],
)
def test_accuracy_by_hand(y, prediction, wanted):
    assert measure(Accuracy(), y, prediction) == wanted


def test_binary_accuracy_is_by_label():
    y = [[1, 0, 1], [0, 0, 1]]
    prediction = [[0.9, 0.1, 0.4], [0.5, math.nan, 0.6]]
    assert measure(BinaryAccuracy(), y, prediction) == pytest.approx(4 / 6)
    assert measure(BinaryAccuracy(), y, prediction, [3, 0]) == pytest.approx(2 / 3)
    assert measure(BinaryAccuracy(), [1, 0], [0.9, 0.9]) == 0.5


def test_weights_of_zero_count_for_nothing():
    assert math.isnan(measure(Accuracy(), [0], [[1, 0]], [0]))
    assert measure(Accuracy(), [0, 1], [[1, 0], [1, 0]], [1, 0]) == 1


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (([0, 1], [[1, 0]]), r"y must have a row for each of 1 predictions, got \(2,\)"),
        ((0, [[1, 0]]), "y must have a row for each of 1 predictions"),
        (([2], [[1, 0]]), "y must hold whole numbers from 0 to 1, got 2 in row 0"),
        (([-1], [[1, 0]]), "y must hold whole numbers from 0 to 1, got -1 in row 0"),
        (([math.nan], [[1, 0]]), "y must hold .*, got nan in row 0"),
        (([math.nan], [[1]]), "y must hold finite numbers, got nan in row 0"),
        (([[math.nan, 0]], [[1, 0]]), "y must hold finite numbers, got nan in row 0, column 0"),
        (([[1, 0, 0]], [[1, 0]]), "y must be labels"),
        (([0], 0.5), "prediction must have shape"),
        (([0], [[]]), "prediction must have shape"),
        (([0], [[[1, 0]]]), "prediction must have shape"),
        (([0], [[1, 0]], [1, 1]), r"weight must have shape \(1,\), got \(2,\)"),
        (([0], [[1, 0]], [-1]), "weight must hold finite numbers that are not negative, got -1"),
        (([0], [[1, 0]], [math.nan]), "weight must hold .*, got nan in row 0"),
    ],
)
def test_bad_batches_change_nothing(batch, message):
    metric = Accuracy()
    metric.update([0], [[1, 0]])
    with pytest.raises(ValueError, match=message):
        metric.update(*batch)
    assert metric.result() == 1 and metric.weight == 1


def test_metrics_by_name():
    assert type(metrics.get("accuracy")) is Accuracy
    assert metrics.get("accuracy") is not metrics.get("accuracy")
    assert [metrics.get(name).name for name in metrics.METRICS] == list(metrics.METRICS)
    own = Accuracy()
    assert metrics.get(own) is own and repr(own) == "Accuracy()"
    with pytest.raises(ValueError, match="metric must be one of 'accuracy'"):
        metrics.get("accurate")
    with pytest.raises(TypeError, match="got a class: make an object"):
        metrics.get(Accuracy)


def test_confusion_matrix():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, (2, 200))
    wanted = np.zeros((6, 6), np.int64)
    for row in zip(true, predicted, strict=True):
        wanted[row] += 1
    found = confusion_matrix(true.astype(np.uint8), predicted.astype(np.float32), 6)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(confusion_matrix(true, predicted), wanted[:5, :5])
    np.testing.assert_array_equal(confusion_matrix(true, np.eye(6)[predicted]), wanted)
    np.testing.assert_array_equal(confusion_matrix(np.eye(6)[true], predicted), wanted)
    np.testing.assert_array_equal(
        confusion_matrix(true[:, np.newaxis], predicted[:, np.newaxis], 6), wanted
    )
    assert confusion_matrix([], [], 3).tolist() == [[0] * 3] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0]), "y_true and y_pred must be of one length, got 2 and 1"),
        (([0, 2], [0, 1], 2), "y_true must hold whole numbers from 0 to 1, got 2 in row 1"),
        (([0, 1], [0, 2], 2), "y_pred must hold whole numbers from 0 to 1, got 2 in row 1"),
        (([0], [10**9]), "at most 10000 for a confusion matrix, got 1000000001"),
        (([0], [0], 10_001), "at most 10000 for a confusion matrix, got 10001"),
        (([0], [0], 0), "n_classes must be a positive integer, got 0"),
        (([0, 1], [[1, 0], [math.nan, 1]]), "y_pred must not hold NaN, got one in row 1"),
        (([0], [0.5]), "y_pred must hold whole numbers"),
    ],
)
def test_confusion_matrix_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(*arguments)


def test_history_keeps_the_last_training():
    history = History()
    assert repr(history) == "<History of 0 epochs: nothing yet>"
    for _ in range(2):
        history.on_train_begin()
        for epoch in range(3):
            history.on_epoch_begin(epoch)
            history.on_epoch_end(epoch, {"loss": np.float32(0.5), "val_loss": epoch})
        history.on_train_end()
    assert history.epoch == [0, 1, 2]
    assert history.history == {"loss": [0.5] * 3, "val_loss": [0.0, 1.0, 2.0]}
    assert type(history.history["loss"][0]) is float
    assert repr(history) == "<History of 3 epochs: loss, val_loss>"


def test_a_callback_knows_its_model():
    callback, model = Callback(), object()
    assert callback.model is None
    callback.set_model(model)
    assert callback.model is model and Callback().model is None
    assert callback.on_train_begin() is callback.on_train_end({}) is None
    assert callback.on_epoch_begin(0) is callback.on_epoch_end(0, {}) is None

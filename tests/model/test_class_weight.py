"""Class weights equal sample weights of the classes' rows, in training only."""

import math

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense
from cynn.optimizers import SGD
from models import bits, blobs

X, Y = blobs(60)
Y = np.where(np.arange(60) < 30, 0, Y)  # most of class 0


def fitted(y=Y, loss="cross_entropy", outputs=(3, "softmax"), **arguments):
    model = Model([Dense(*outputs)], seed=0)
    model.compile(SGD(0.1, 0.9), loss)
    history = model.fit(X, y, epochs=2, verbose=0, **arguments)
    return bits(model), history.history


@pytest.mark.parametrize("weight", [{0: 0.5, 2: 3}, [0.5, 1, 3], np.array([0.5, 1, 3])])
@pytest.mark.parametrize("rows", [None, np.arange(60) / 60])
def test_class_weights_equal_sample_weights(weight, rows):
    of_rows = np.array([0.5, 1, 3])[Y] * (1 if rows is None else rows.astype(np.float32))
    wanted = fitted(sample_weight=of_rows)
    assert fitted(class_weight=weight, sample_weight=rows) == wanted
    assert fitted(np.eye(3)[Y], class_weight=weight, sample_weight=rows)[1] == wanted[1]


def test_balanced():
    counts = np.bincount(Y)
    assert fitted(class_weight="balanced") == fitted(class_weight=60 / (3 * counts))
    present = np.where(Y == 2, 0, Y)  # class 2 has no row
    counts = np.maximum(np.bincount(present, minlength=3), 1)
    assert fitted(present, class_weight="balanced") == fitted(present, class_weight=30 / counts)


def test_binary_targets():
    y = Y == 1
    wanted = fitted(y, "binary_cross_entropy", (1, "sigmoid"), sample_weight=np.where(y, 4, 0.5))
    assert fitted(y, "binary_cross_entropy", (1, "sigmoid"), class_weight={0: 0.5, 1: 4}) == wanted


def test_validation_is_not_weighted():
    _, history = fitted(class_weight=[1e-3, 1, 1], validation_data=(X, Y))
    model = Model([Dense(3, "softmax")], seed=0)
    model.compile(SGD(0.1, 0.9), "cross_entropy")
    model.fit(X, Y, epochs=2, verbose=0, class_weight=[1e-3, 1, 1])
    assert history["val_loss"][-1] == model.evaluate(X, Y)["loss"]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ({3: 1}, "class_weight must have labels from 0 to 2 as keys, got 3"),
        ({-1: 1}, "a label in class_weight must be"),
        ({0: -1}, "class_weight must hold finite numbers that are not negative, got -1"),
        ({0: math.nan}, "class_weight must hold finite numbers"),
        ([1, 2], "class_weight must have 3 numbers, got 2"),
        ([[1, 2, 3]], "class_weight must have shape"),
        ([0, 0, 0], "class_weight must leave a row with a weight above 0"),
        ("equal", "class_weight must be one of 'balanced'"),
        ([1e300, 1, 1], "class_weight must hold finite numbers"),
        ([1, 1e-40, 1], "class_weight must hold zeros and numbers of at least 1.18e-38, got 1e-40"),
    ],
)
def test_values(weight, message):
    with pytest.raises(ValueError, match=message):
        fitted(class_weight=weight)


@pytest.mark.parametrize("weight", [3, {"a": 1}, {0.5: 1}, ["a", "b", "c"], object()])
def test_types(weight):
    with pytest.raises((TypeError, ValueError), match="class_weight"):
        fitted(class_weight=weight)


def test_only_classes_have_weights():
    with pytest.raises(ValueError, match="y must hold labels, one-hot rows, or 0 and 1"):
        fitted(X[:, :1], "mean_squared_error", (1,), class_weight=[1, 1])
    y = np.eye(3)[Y]
    with pytest.raises(
        ValueError, match="class_weight must be None for multi-label targets, got 3"
    ):
        fitted(y, "binary_cross_entropy", (3, "sigmoid"), class_weight=[1, 1, 1])

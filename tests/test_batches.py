"""Batches one at a time: steps of one's own, predictions in parts, a fit from what gives them."""

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense
from cynn.optimizers import SGD
from cynn.schedules import Cosine
from models import bits, blobs, classifier, images, trained

X, Y = blobs()
WEIGHT = np.arange(90) % 3 + 0.5


def cut(size=32, weight=None):
    """The rows as batches, as `fit` goes through them without a shuffle."""
    arrays = (X, Y) if weight is None else (X, Y, weight)
    return [tuple(a[n : n + size] for a in arrays) for n in range(0, len(X), size)]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_of_ones_own_are_those_of_a_fit(weight, dtype):
    whole, steps = classifier(dtype=dtype), classifier(dtype=dtype)
    whole.fit(X, Y, sample_weight=weight, shuffle=False, verbose=0)
    for batch in cut(weight=weight):
        logs = steps.train_on_batch(*batch)
    assert bits(steps) == bits(whole) and list(logs) == ["loss", "accuracy"]
    assert steps.learning_rate == 0.1 and steps.epochs == 0


def test_a_steps_logs_are_from_before_it():
    model = trained()
    before = model.evaluate(X, Y, sample_weight=WEIGHT)
    assert model.train_on_batch(X, Y, WEIGHT) == pytest.approx(before)
    assert model.evaluate(X, Y)["loss"] != before["loss"]


def test_a_step_of_more_rows_than_the_network_takes():
    x, y = blobs(2500)
    step, fit = classifier(), classifier()
    step.train_on_batch(x, y)
    fit.fit(x, y, batch_size=2500, shuffle=False, verbose=0)
    assert bits(step) == bits(fit)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:0], Y[:0], "x must have at least one row"),
        (X[:, :3], Y, r"x must have shape \(n, 4\)"),
        (X, Y[:5], "y must have a row for each of the 90 rows"),
        (X, Y + 1, "y must hold whole numbers from 0 to 2"),
        (np.full((2, 4), np.nan), [0, 1], "x must hold numbers that are finite"),
    ],
)
def test_a_step_that_cannot_be(x, y, message):
    model = trained()
    before = bits(model)
    with pytest.raises(ValueError, match=f"^{message}"):
        model.train_on_batch(x, y)
    assert bits(model) == before


def test_a_step_knows_no_schedule():
    model = Model([Dense(3, "softmax")], seed=0)
    with pytest.raises(RuntimeError, match="call compile first"):
        model.train_on_batch(X, Y)
    model.compile(SGD(Cosine(0.1)))
    with pytest.raises(ValueError, match="^train_on_batch needs a learning rate that is a number"):
        model.train_on_batch(X, Y)
    assert model.input_shape is None


@pytest.mark.parametrize("size", [1, 7, 90, 91, 10**30])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.float16])
def test_predictions_in_parts(size, dtype):
    x, model = np.abs(np.round(X)).astype(dtype), trained()
    assert model.predict(x, batch_size=size).tobytes() == model.predict(x).tobytes()
    assert model.predict(x.tolist(), size).tobytes() == model.predict(x).tobytes()


def test_predictions_in_parts_of_none_and_of_what_is_no_rows():
    model = trained()
    assert model.predict(X[:0], batch_size=8).shape == (0, 3)
    for wrong in (3.0, X[0], X[:, :3]):
        with pytest.raises((TypeError, ValueError), match="^x must"):
            model.predict(wrong, batch_size=8)
    for size in (0, 1.5, "8", True):
        with pytest.raises((TypeError, ValueError), match="^batch_size must be"):
            model.predict(X, batch_size=size)
    with pytest.raises(RuntimeError, match="no weights yet"):
        classifier().predict(X, batch_size=8)


def test_predictions_in_parts_of_pictures_and_of_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    x, _ = images()
    model = Model([Dense(2)], seed=0)
    model.build(64)
    flat = x.reshape(len(x), 64)
    rows = sparse.coo_array(flat.astype(np.float32))
    assert model.predict(rows, batch_size=3).tobytes() == model.predict(rows).tobytes()


def test_predictions_as_batches_come():
    model, asked = trained(), []

    def batches():
        for batch in (X[:5], X[5:6].tolist(), X[6:]):
            asked.append(len(batch))
            yield batch

    outputs = model.predict_batches(batches())
    assert asked == []
    first = next(outputs)
    assert asked == [5]
    found = np.concatenate([first, *outputs])
    assert found.tobytes() == model.predict(X).tobytes()
    with pytest.raises(TypeError, match="^batches must be an iterable of arrays, got int"):
        model.predict_batches(3)
    with pytest.raises(ValueError, match="^x must have shape"):
        list(model.predict_batches([X, X[:, :2]]))

"""Batches one at a time: `train_on_batch`, predictions in batches, a fit from an iterable."""

import itertools

import numpy as np
import pytest

from cynn import Model
from cynn.callbacks import Callback
from cynn.layers import Dense
from cynn.optimizers import SGD
from cynn.schedules import Cosine
from models import bits, blobs, classifier, images, trained

X, Y = blobs()
WEIGHT = np.arange(90) % 3 + 0.5


def cut(size=32, weight=None):
    """Return the rows as batches, in the order of a `fit` without a shuffle."""
    arrays = (X, Y) if weight is None else (X, Y, weight)
    return [tuple(a[n : n + size] for a in arrays) for n in range(0, len(X), size)]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_train_on_batch_matches_fit(weight, dtype):
    whole, steps = classifier(dtype=dtype), classifier(dtype=dtype)
    whole.fit(X, Y, sample_weight=weight, shuffle=False, verbose=0)
    for batch in cut(weight=weight):
        logs = steps.train_on_batch(*batch)
    assert bits(steps) == bits(whole) and list(logs) == ["loss", "accuracy"]
    assert steps.learning_rate == 0.1 and steps.epochs == 0


def test_logs_of_a_step_are_from_before_the_update():
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
def test_invalid_steps(x, y, message):
    model = trained()
    before = bits(model)
    with pytest.raises(ValueError, match=f"^{message}"):
        model.train_on_batch(x, y)
    assert bits(model) == before


def test_a_step_ignores_schedules():
    model = Model([Dense(3, "softmax")], seed=0)
    with pytest.raises(RuntimeError, match="call compile first"):
        model.train_on_batch(X, Y)
    model.compile(SGD(Cosine(0.1)))
    with pytest.raises(ValueError, match="^learning_rate must be a number for train_on_batch"):
        model.train_on_batch(X, Y)
    assert model.input_shape is None


@pytest.mark.parametrize("size", [1, 7, 90, 91, 10**30])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.float16])
def test_predictions_in_batches(size, dtype):
    x, model = np.abs(np.round(X)).astype(dtype), trained()
    assert model.predict(x, batch_size=size).tobytes() == model.predict(x).tobytes()
    assert model.predict(x.tolist(), size).tobytes() == model.predict(x).tobytes()


def test_predictions_in_batches_of_no_rows_and_of_invalid_rows():
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


def test_predictions_in_batches_of_images_and_of_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    x, _ = images()
    model = Model([Dense(2)], seed=0)
    model.build(64)
    flat = x.reshape(len(x), 64)
    rows = sparse.coo_array(flat.astype(np.float32))
    assert model.predict(rows, batch_size=3).tobytes() == model.predict(rows).tobytes()


def test_predictions_of_an_iterable_of_batches():
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


class Again:
    """Batches that can be iterated over again; without a length."""

    def __init__(self, batches):
        self.batches, self.passes = batches, 0

    def __iter__(self):
        self.passes += 1
        return iter(self.batches)


def whole(epochs, rate=0.1, **named):
    model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(rate, 0.9), metrics=["accuracy"])
    history = model.fit(X, Y, epochs=epochs, shuffle=False, verbose=0, **named)
    return bits(model), history.history


def streamed(batches, epochs, rate=0.1, **named):
    model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(rate, 0.9), metrics=["accuracy"])
    history = model.fit(batches, epochs=epochs, verbose=0, **named)
    return bits(model), history.history


def forever(batches):
    while True:
        yield from batches


@pytest.mark.parametrize("rate", [0.1, Cosine(0.1, warmup=0.2)])
@pytest.mark.parametrize(
    ("make", "steps"),
    [
        (cut, None),
        (lambda: Again(cut()), 3),
        (lambda: forever(cut()), 3),
        (lambda: iter(cut() * 3), 3),
        (lambda: [list(batch) for batch in cut()], 3),
    ],
    ids=["list", "iterable", "generator", "iterator", "lists"],
)
def test_batches_train_as_the_rows_do(make, steps, rate):
    validation = (X[:20], Y[:20])
    wanted = whole(3, rate, validation_data=validation)
    got = streamed(make(), 3, rate, steps_per_epoch=steps, validation_data=validation)
    assert got[0] == wanted[0]
    for name, values in wanted[1].items():
        assert got[1][name] == pytest.approx(values)


def test_a_reusable_iterable_is_consumed_once_per_epoch():
    batches = Again(cut())
    assert streamed(batches, 3)[0] == whole(3)[0] and batches.passes == 3
    assert streamed(iter(cut()), 1)[0] == whole(1)[0]
    cut_short = streamed(Again([*cut(), "not asked for"]), 2, steps_per_epoch=3)
    assert cut_short[0] == whole(2)[0]


def test_sample_and_class_weights_in_batches():
    weights = {0: 2.0, 2: 0.5}
    wanted = whole(2, sample_weight=WEIGHT, class_weight=weights)
    assert streamed(cut(weight=WEIGHT), 2, class_weight=weights)[0] == wanted[0]


def test_batches_are_fetched_one_at_a_time():
    asked = []

    def batches():
        for batch in cut(10) * 2:
            asked.append(len(asked))
            yield batch

    with pytest.raises(KeyboardInterrupt):

        def stop():
            yield from itertools.islice(batches(), 4)
            raise KeyboardInterrupt

        streamed(stop(), 1)
    assert len(asked) == 4


def test_sparse_batches():
    sparse = pytest.importorskip("scipy.sparse")
    rows = [(sparse.csr_array(x), y) for x, y in cut()]
    model, other = classifier(), classifier()
    model.fit(rows, epochs=2, verbose=0)
    other.fit(sparse.csr_array(X), Y, epochs=2, shuffle=False, verbose=0)
    assert bits(model) == bits(other)


@pytest.mark.parametrize(
    ("count", "message", "epochs"),
    [(2, "2 of 3 batches in epoch 1", 1), (3, "its last batch in epoch 1 of 4", 1),
     (4, "1 of 3 batches in epoch 2", 2), (6, "its last batch in epoch 2 of 4", 2)],
)  # fmt: skip
def test_batches_that_end_too_soon(count, message, epochs):
    model = classifier()
    with pytest.warns(
        RuntimeWarning, match=f"^x must yield .*, got {message}: the training ends"
    ) as seen:
        given = itertools.islice(forever(cut()), count)
        history = model.fit(given, epochs=4, steps_per_epoch=3, verbose=0)
    assert len(history.epoch) == epochs and seen[0].filename == __file__


def test_resumed_from_batches():
    schedule = Cosine(0.1)
    model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(schedule, 0.9))
    stop = type("Stop", (Callback,), {"on_epoch_end": lambda self, epoch, logs=None: end(self)})

    def end(callback):
        callback.model.stop_training = True

    model.fit(cut(), epochs=3, callbacks=[stop()], verbose=0)
    model.fit(cut(), epochs=3, initial_epoch=1, verbose=0)
    assert bits(model) == whole(3, schedule)[0]


@pytest.mark.parametrize(
    ("x", "named", "message"),
    [
        (X, {}, "y must be an array, got None"),
        (3, {}, "x must be an array or an iterable of mini-batches, got int"),
        ("ab", {}, "y must be an array"),
        ([], {}, "x must yield at least one mini-batch, got none"),
        ([X], {}, "x must yield .* got ndarray as batch 0"),
        ([(X,)], {}, "x must yield .* got tuple as batch 0"),
        ([("a", Y)], {}, "batch 0: x must hold numbers"),
        ([(X[:, 0], Y)], {}, "batch 0: x must have shape"),
        ([(X, Y[:3])], {}, "batch 0: y must have a row for each"),
        ([(X[:0], Y[:0])], {}, "batch 0: x must have at least one row"),
        ([(X, Y, -WEIGHT)], {}, "batch 0: sample_weight must hold finite"),
        (cut(), {"sample_weight": WEIGHT}, "sample_weight must be None without y"),
        (cut(), {"validation_split": 0.5}, "validation_split must be 0 without y"),
        (cut(), {"sparse": "auto"}, "sparse must be None without y"),
        (cut(), {"class_weight": "balanced"}, "class_weight must be numbers without y"),
        (cut(), {"steps_per_epoch": 0}, "steps_per_epoch must be a positive integer"),
        (cut(), {"validation_data": (X, Y[:2])}, "validation_data: y must have"),
        (iter(cut()), {"epochs": 2}, "steps_per_epoch must be given for an iterator"),
    ],
)
def test_invalid_batches(x, named, message):
    model = classifier()
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        model.fit(x, **{"epochs": 1, "verbose": 0} | named)
    assert model.input_shape is None


def test_an_invalid_later_batch_keeps_the_earlier_steps():
    model, other = classifier(), classifier()
    with pytest.raises(ValueError, match=r"^batch 1: x must have shape \(n, 4\), got"):
        model.fit([cut()[0], (X[:, :2], Y)], verbose=0)
    other.train_on_batch(*cut()[0])
    assert bits(model) == bits(other)


def test_steps_per_epoch_that_is_meaningless_or_missing():
    with pytest.raises(ValueError, match="^steps_per_epoch must be None where y is given"):
        classifier().fit(X, Y, steps_per_epoch=3, verbose=0)
    with pytest.raises(
        ValueError, match="^steps_per_epoch must be given where learning_rate is a schedule"
    ):
        streamed(Again(cut()), 2, Cosine(0.1))


def test_an_epoch_without_batches():
    class Once(Again):
        def __iter__(self):
            return iter([]) if self.passes else super().__iter__()

    with pytest.raises(
        ValueError, match="^x must yield at least one mini-batch, got none in epoch 2"
    ):
        streamed(Once(cut()), 3)

"""The model: building, training, evaluation, weights, callbacks, copies."""

import copy
import inspect

import numpy as np
import pytest

from cynn import Model
from cynn._training import fitting
from cynn.callbacks import Callback
from cynn.layers import Activation, Dense, Flatten, Rescale
from cynn.losses import BinaryCrossEntropy, CrossEntropy
from cynn.metrics import Metric
from cynn.optimizers import SGD
from cynn.schedules import Cosine, Schedule
from models import MNIST, bits, blobs, classifier, image_model, images, needs_mnist, python, trained
from targets import TARGETS

X, Y = blobs()


# ---- learning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_learns(dtype):
    model = classifier(dtype=dtype)
    history = model.fit(X, Y, epochs=20, verbose=0)
    assert model.predict(X).dtype == dtype
    assert history.history["loss"][-1] < 0.2 * history.history["loss"][0]
    assert model.evaluate(X, Y)["accuracy"] > 0.95
    assert np.allclose(model.predict(X).sum(axis=1), 1, atol=1e-5)


LAST = [
    ("softmax", CrossEntropy(), Y % 2),
    ("identity", CrossEntropy(from_logits=True), Y % 2),
    ("sigmoid", BinaryCrossEntropy(), np.eye(2)[Y % 2]),
    ("identity", BinaryCrossEntropy(from_logits=True), np.eye(2)[Y % 2]),
    ("softmax", BinaryCrossEntropy(), np.eye(2)[Y % 2]),
    ("sigmoid", CrossEntropy(), np.eye(2)[Y % 2]),
    ("tanh", "mse", np.eye(2)[Y % 2]),
    ("identity", "mse", np.eye(2)[Y % 2]),
]


@pytest.mark.parametrize(("last", "loss", "y"), LAST, ids=lambda v: str(v)[:24])
@pytest.mark.parametrize("apart", [False, True])
def test_every_loss_with_its_activation(last, loss, y, apart):
    """The loss of `evaluate` is the mean of the loss of the predictions, and falls."""
    tail = [Dense(2), Activation(last)] if apart else [Dense(2, last)]
    model = Model([Dense(8, "tanh"), *tail], dtype="float64", seed=0)
    model.compile(SGD(0.05), loss)
    losses = model.fit(X, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    p, t = model.predict(X), y if y.ndim == 2 else np.eye(2)[y]
    if loss == "mse":
        wanted = ((p - t) ** 2).mean()
    elif "Binary" in repr(loss):
        p = 1 / (1 + np.exp(-p)) if loss.from_logits else p
        wanted = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    else:
        p = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True) if loss.from_logits else p
        wanted = -(t * np.log(p)).sum(axis=1).mean()
    assert model.evaluate(X, y)["loss"] == pytest.approx(wanted, rel=1e-9)


def test_regression_and_binary_classification_take_flat_targets():
    x = np.linspace(-1, 1, 64)[:, np.newaxis]
    model = Model([Dense(16, "tanh"), Dense(1)], seed=0)
    model.compile(SGD(0.1, 0.9), "mse")
    model.fit(x, x[:, 0] ** 2, epochs=200, verbose=0)
    assert model.evaluate(x, x[:, 0] ** 2)["loss"] < 0.005
    model = Model([Dense(1, "sigmoid")], seed=0)
    model.compile(SGD(1.0), "binary_cross_entropy", ["accuracy"])
    assert model.fit(x, x[:, 0] > 0, epochs=50, verbose=0).history["accuracy"][-1] > 0.95


@pytest.mark.parametrize("layers", [[Flatten()], [Rescale(2.0, 1.0)], [Activation("relu")]])
def test_a_model_without_weights(layers):
    model = Model(layers, seed=0)
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    wanted = {"Flatten": X, "Rescale": 2 * X + 1, "Activation": np.maximum(X, 0)}
    assert np.array_equal(model.predict(X), wanted[type(layers[0]).__name__])
    assert model.get_weights() == []


def test_images_are_scaled_in_or_before_the_model():
    x, y = images()
    inside, before = image_model(), Model([Dense(4, "softmax")], seed=0)
    before.compile(SGD(0.5, 0.9), metrics=["accuracy"])
    flat = (x.reshape(len(x), -1) * np.float32(1 / 255)).astype(np.float32)
    inside.fit(x, y, epochs=10, verbose=0)
    before.fit(flat, y, epochs=10, verbose=0)
    assert inside.evaluate(x, y)["accuracy"] == 1
    assert np.allclose(inside.predict(x), before.predict(flat), atol=1e-5)
    assert np.array_equal(inside.predict(x), inside.predict(x.reshape(len(x), -1)))


@needs_mnist
def test_the_example_of_the_readme():
    from cynn.datasets import load_mnist

    (x_train, y_train), (x_test, y_test) = load_mnist(MNIST)
    model = Model([Flatten(), Rescale(1 / 255), Dense(128, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(SGD(learning_rate=0.1, momentum=0.9), "cross_entropy", metrics=["accuracy"])
    history = model.fit(
        x_train, y_train, batch_size=128, epochs=1, validation_data=(x_test, y_test), verbose=0
    )
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert model.evaluate(x_test, y_test)["accuracy"] > 0.94
    assert model.predict(x_test[:5]).shape == (5, 10)


@pytest.mark.parametrize("name", sorted({target.name for target in TARGETS}))
def test_a_chosen_target(name):
    program = (
        "from models import *; from cynn import _backend\n"
        "print(_backend.target()); print(trained().evaluate(*blobs())['loss'])"
    )
    target, loss = python(program, CYNN_TARGET=name).split()
    assert target == name
    assert float(loss) == pytest.approx(trained().evaluate(X, Y)["loss"], rel=1e-3)


# ---- fit ----------------------------------------------------------------------------------------


def test_history():
    model = classifier()
    assert model.history is None
    first = model.fit(X, Y, epochs=3, validation_data=(X[:9], Y[:9]), verbose=0)
    assert first.epoch == [0, 1, 2] and model.epochs == 3
    assert list(first.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    for values in first.history.values():
        assert len(values) == 3 and all(type(value) is float for value in values)
    assert first.history["val_loss"][-1] == model.evaluate(X[:9], Y[:9])["loss"]
    second = model.fit(X, Y, verbose=0)
    assert model.history is second and len(first.history["loss"]) == 3 and model.epochs == 4
    before = bits(model)
    assert model.fit(X, Y, epochs=0, verbose=0).history == {}
    assert bits(model) == before


def test_a_seed_fixes_everything():
    assert bits(trained()) == bits(trained())
    assert bits(trained()) != bits(trained(seed=1))
    assert Model([Dense(1)]).seed != Model([Dense(1)]).seed
    one, other = classifier(), classifier()
    one.fit(X, Y, epochs=4, verbose=0)
    other.fit(X, Y, epochs=2, verbose=0)
    other.fit(X, Y, epochs=2, verbose=0)  # resumes as if it had not stopped
    assert bits(one) == bits(other)


def test_shuffle():
    rows = np.argsort(Y, kind="stable")

    def weights(x, y, shuffle):
        model = classifier()
        model.fit(x, y, shuffle=shuffle, verbose=0)
        return bits(model)

    assert weights(X, Y, False) != weights(X[rows], Y[rows], False)
    assert weights(X, Y, True) != weights(X, Y, False)


def test_every_epoch_has_its_own_order(monkeypatch):
    orders, train = [], fitting.Fit.train

    def spy(fit, data, order, *rest):
        orders.append(order.tolist())
        return train(fit, data, order, *rest)

    monkeypatch.setattr(fitting.Fit, "train", spy)
    for _ in range(2):
        trained()
    assert orders[:3] == orders[3:] and orders[0] != orders[1] != orders[2] != orders[0]
    assert all(sorted(order) == list(range(90)) for order in orders)


@pytest.mark.parametrize("batch_size", [90, 91, 1024, 1025, 10**30])
def test_a_batch_of_all_rows_or_more(batch_size):
    one, other = classifier(), classifier()
    one.fit(X, Y, batch_size=len(X), epochs=2, verbose=0)
    other.fit(X, Y, batch_size=batch_size, epochs=2, verbose=0)
    assert bits(one) == bits(other)


def test_a_batch_too_large_for_the_network_is_summed_in_blocks():
    x, y = blobs(2500)
    weight = np.arange(2500) % 3.0
    large, whole = (classifier(dtype="float64") for _ in range(2))
    seen = large.fit(x, y, batch_size=2100, sample_weight=weight, shuffle=False, verbose=0)
    whole.build(4)
    for start, stop in ((0, 2100), (2100, 2500)):  # the same two steps by their mean gradients
        part = slice(start, stop)
        gradient = np.empty(whole._network.n_params)
        labels = y[part].astype(np.int32)
        _, total = whole._network.gradients(x[part], labels, weight[part], gradient, 1)
        whole._network.update(gradient / total, 0.1, 0.9)
    for got, wanted in zip(large.get_weights(), whole.get_weights(), strict=True):
        assert np.allclose(got, wanted, rtol=1e-12, atol=1e-14)
    assert 0 < seen.history["accuracy"][0] < 1


def test_sample_weights():
    x, y = np.concatenate([X, X[:30]]), np.concatenate([Y, (Y[:30] + 1) % 3])
    weight = np.repeat([1.0, 0.0], [90, 30])
    one, other = classifier(dtype="float64"), classifier(dtype="float64")
    one.fit(x, y, batch_size=200, sample_weight=weight, epochs=5, verbose=0)
    other.fit(X, Y, batch_size=200, epochs=5, verbose=0)
    for got, wanted in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.allclose(got, wanted, rtol=1e-10)
    for weights in (weight, weight * 7):
        measured = one.evaluate(x, y, sample_weight=weights)
        assert measured == pytest.approx(one.evaluate(X, Y), rel=1e-12)


def test_validation_split():
    model = classifier()
    history = model.fit(X, Y, validation_split=0.3, epochs=2, batch_size=63, verbose=0)
    assert len(history.history["val_loss"]) == 2
    mixed = np.random.default_rng(0).permutation(90) % 3  # random labels: can only be memorised
    model = classifier(hidden=64)
    measured = model.fit(X, mixed, validation_split=0.3, epochs=150, verbose=0).history
    assert measured["accuracy"][-1] > measured["val_accuracy"][-1] + 0.2


def test_the_learning_rate_of_every_step():
    seen = []

    class Spy(Schedule):
        def at(self, steps, total_steps):
            seen.append((steps.tolist(), total_steps))
            return 0.01

    model = classifier()
    model.compile(SGD(Spy()))
    model.fit(X, Y, batch_size=40, epochs=2, verbose=0)
    assert seen == [([0, 1, 2], 6), ([3, 4, 5], 6)]
    still = classifier()
    still.compile(SGD(Cosine(0.0)))
    still.build(4)
    before = still.get_weights()
    still.fit(X, Y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(still.get_weights(), before, strict=True))


# ---- callbacks and metrics ----------------------------------------------------------------------


class Do(Callback):
    def __init__(self, action):
        self.action = action

    def on_epoch_end(self, epoch, logs=None):
        self.action(self.model)


def test_callbacks_in_order():
    said = []

    class Tell(Callback):
        def __init__(self, name):
            self.name = name

        def __getattribute__(self, hook):
            if hook.startswith("on_"):
                return lambda *given: said.append([self.name, hook, *given])
            return super().__getattribute__(hook)

    model = classifier(metrics=())
    history = model.fit(X, Y, epochs=1, callbacks=(Tell(name) for name in "ab"), verbose=0)
    logs = {"loss": history.history["loss"][0]}
    batch_logs = [entry.pop() for entry in said if entry[1] == "on_batch_end"]
    assert all(list(logs) == ["loss", "learning_rate"] for logs in batch_logs)
    assert [tuple(entry) for entry in said if entry[0] == "b"] == [
        ("b", "on_train_begin"),
        ("b", "on_epoch_begin", 0),
        *[("b", f"on_batch_{when}", i) for i in range(3) for when in ("begin", "end")],
        ("b", "on_epoch_end", 0, logs),
        ("b", "on_train_end", logs),
    ]
    assert [entry[0] for entry in said] == list("ab" * 10)


def test_a_callback_uses_the_model():
    """It may read, save and replace weights; training again or compiling is refused."""
    kept = []
    model = classifier()
    model.fit(X, Y, callbacks=[Do(lambda m: kept.append(m.get_weights()))], verbose=0)
    assert model.fit(X, Y, callbacks=[Do(lambda m: m.predict(X))], verbose=0)
    assert model.fit(X, Y, callbacks=[Do(lambda m: m.evaluate(X, Y))], verbose=0)
    assert model.fit(X, Y, callbacks=[Do(copy.deepcopy)], verbose=0)
    model.fit(X, Y, callbacks=[Do(lambda m: m.set_weights(kept[0]))], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), kept[0], strict=True))
    for action in (lambda m: m.fit(X, Y), lambda m: m.compile()):
        with pytest.raises(RuntimeError, match="cannot (fit|compile): .* is busy with a fit"):
            model.fit(X, Y, callbacks=[Do(action)], verbose=0)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration, KeyboardInterrupt, SystemExit])
def test_a_callback_that_raises_ends_the_training(error):
    def action(model):
        if model.epochs == 2:
            raise error

    model = classifier()
    with pytest.raises(error):
        model.fit(X, Y, epochs=5, callbacks=[Do(action)], verbose=0)
    assert model.epochs == 2 and model.history.epoch == [0, 1]
    model.fit(X, Y, verbose=0)  # can be trained again


def test_a_user_defined_metric():
    class Confidence(Metric):
        name = "confidence"

        def score(self, y, prediction):
            return prediction.max(axis=1)

    mine = Confidence()
    model = classifier(metrics=["accuracy", mine])
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert 1 / 3 < history.history["confidence"][0] < 1
    wanted = model.predict(X).max(axis=1).mean()
    assert model.evaluate(X, Y)["confidence"] == pytest.approx(wanted, rel=1e-6)
    assert mine.weight == 0  # the model counts in copies
    for names in (["accuracy", "accuracy"], [type("L", (Confidence,), {"name": "loss"})()]):
        with pytest.raises(ValueError, match="metrics must have different names, .* 'loss'"):
            model.compile(metrics=names)


def test_help_shows_names_first():
    """The docstring has the types; a dozen unions of them would come before its first line."""
    assert str(inspect.signature(Model.fit)).startswith(
        "(self, x, y=None, *, batch_size=32, epochs=1"
    )
    assert inspect.signature(Model.predict).return_annotation is inspect.Signature.empty

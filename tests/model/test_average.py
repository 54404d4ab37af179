"""Models whose weights are an average over the steps."""

import copy
import pickle

import numpy as np
import pytest

from cynn import Model, optimizers
from cynn.callbacks import BestEpoch, Callback
from cynn.layers import BatchNorm, Dense
from cynn.losses import Custom
from cynn.optimizers import SGD, Adam
from models import bits, blobs

X, Y = blobs()


def fresh(optimizer, loss="cross_entropy"):
    model = Model([Dense(8, "tanh"), BatchNorm(), Dense(3, "softmax")], dtype="float64", seed=0)
    model.compile(optimizer, loss, ["accuracy"])
    return model


def moved(model):
    """Return the weights that the optimizer moves."""
    n = len(model.get_weights())
    return [part for part in model.get_optimizer_state() if part.ndim][-n:]


def same(some, others):
    return all(a.tobytes() == b.tobytes() for a, b in zip(some, others, strict=True))


class Listen(Callback):
    def __init__(self):
        self.weights, self.batches = [], 0

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


class ListenToBatches(Listen):
    def on_batch_end(self, batch, logs=None):
        self.batches += 1


@pytest.mark.parametrize("kind", optimizers.OPTIMIZERS.values())
@pytest.mark.parametrize("listener", [Listen, ListenToBatches])
def test_training_is_the_same_and_all_else_is_by_the_average(kind, listener):
    plain, model, listens = fresh(kind(0.01)), fresh(kind(0.01, average=0.9)), listener()
    rows = {"validation_data": (X[:20], Y[:20]), "epochs": 3, "verbose": 0}
    wanted = plain.fit(X, Y, **rows).history
    found = model.fit(X, Y, callbacks=[listens], **rows).history
    assert found["loss"] == wanted["loss"]
    assert found["accuracy"] == wanted["accuracy"]
    assert found["val_loss"] != wanted["val_loss"]
    assert same(moved(model), plain.get_weights())
    assert same(model.get_state(), plain.get_state())
    assert model.evaluate(X[:20], Y[:20])["loss"] == found["val_loss"][-1]
    assert same(model.get_weights(), listens.weights[-1])
    other = fresh("sgd")
    other.build(X.shape[1])
    other.set_weights(model.get_weights())
    other.set_state(model.get_state())
    assert model.predict(X).tobytes() == other.predict(X).tobytes() != plain.predict(X).tobytes()


def test_one_close_to_1_is_the_mean_of_all_steps():
    model, plain = fresh(SGD(0.1, average=1 - 1e-12)), fresh(SGD(0.1))
    seen = []
    for first in range(0, 40, 8):
        for each in (model, plain):
            each.train_on_batch(X[first : first + 8], Y[first : first + 8])
        seen.append(plain.get_weights())
    for found, steps in zip(model.get_weights(), zip(*seen, strict=True), strict=True):
        np.testing.assert_allclose(found, np.mean(steps, 0), atol=1e-4)


def test_copies_and_files_go_on_to_the_same_bits(tmp_path):
    model = fresh(Adam(0.01, average=0.9))
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    others = [
        copy.deepcopy(model), pickle.loads(pickle.dumps(model)),
        Model.load(tmp_path / "m.safetensors"),
    ]  # fmt: skip
    model.fit(X, Y, initial_epoch=2, epochs=3, verbose=0)
    for other in others:
        assert other.optimizer == model.optimizer
        other.fit(X, Y, initial_epoch=2, epochs=3, verbose=0)
        assert bits(other) == bits(model)
        assert same(moved(other), moved(model))


def test_weights_that_are_set_are_where_the_training_goes_on():
    model = fresh(SGD(0.1, average=0.9))
    model.fit(X, Y, verbose=0)
    start = [w * 0 + 0.25 for w in model.get_weights()]
    model.set_weights(start)
    model.train_on_batch(X, Y)
    assert all(abs(w - 0.25).max() < 0.2 for w in moved(model))


def test_best_epoch_goes_back_to_an_average():
    model, listens = fresh(Adam(0.01, average=0.9)), Listen()
    best = BestEpoch("val_loss", "max")
    rows = {"validation_data": (X, Y), "epochs": 3, "verbose": 0}
    history = model.fit(X, Y, callbacks=[listens, best], **rows).history
    assert best.best_epoch == int(np.argmax(history["val_loss"])) < 2
    assert same(model.get_weights(), listens.weights[best.best_epoch])


def test_user_defined_functions_train_as_built_in_ones():
    def loss(targets, outputs):
        return ((outputs - targets) ** 2).mean(1), 2 * (outputs - targets) / 3

    found = []
    for each in (Custom(loss), "mse"):
        model = Model([Dense(5, "tanh"), Dense(3)], dtype="float64", seed=0)
        model.compile(Adam(0.01, average=0.9), each)
        model.fit(X, np.eye(3)[Y], epochs=2, verbose=0)
        found.append([*model.get_weights(), *moved(model)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_estimators_have_the_average():
    estimators = pytest.importorskip("cynn.estimators", exc_type=ImportError)
    found = []
    for average in (None, 0.9):
        for parts in (1, 2):
            solver = SGD(0.05, 0.9, average=average)
            est = estimators.MLPClassifier((8,), solver=solver, random_state=0)
            if parts == 1:
                est.set_params(max_iter=2, shuffle=False, n_iter_no_change=9)
                with pytest.warns(UserWarning, match="[Cc]onverge"):
                    est.fit(X, Y)
            else:
                for _ in range(2):
                    est.partial_fit(X, Y, classes=[0, 1, 2])
            found.append(est)
    assert found[0].loss_curve_ == found[2].loss_curve_  # training is the same
    assert found[1].loss_curve_ == found[3].loss_curve_
    assert not same(found[0].coefs_, found[2].coefs_)
    assert not same(found[1].coefs_, found[3].coefs_)

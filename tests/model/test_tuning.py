"""A test of learning rates: what it measures, and that it leaves the model as it was."""

import math

import numpy as np
import pytest

from cynn import Model, tuning
from cynn.callbacks import Callback
from cynn.layers import BatchNorm, Dense, Dropout
from cynn.optimizers import SGD, Adam
from cynn.schedules import Cosine
from cynn.tuning import RangeTest, find_learning_rate

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = X.sum(axis=1)


def compiled(optimizer="sgd", *layers):
    model = Model([*(layers or [Dense(8, "relu")]), Dense(1)], seed=0)
    model.compile(optimizer, "mse", ["mae"])
    return model


def state(model):
    arrays = model.get_weights() + model.get_optimizer_state() + model.get_state()
    return [part.tobytes() for part in arrays]


def test_the_losses_are_those_of_a_fit_with_these_rates():
    test = find_learning_rate(compiled(), X, Y, low=0.001, high=0.01, n_steps=10, smoothing=0)
    assert np.allclose(test.rates, np.geomspace(0.001, 0.01, 10)) and not test.diverged
    assert np.array_equal(test.losses, test.raw_losses)

    class Rates(Callback):
        losses = []

        def on_batch_begin(self, batch, logs=None):
            self.model.rate_factor = test.rates[len(self.losses)] / 0.1

        def on_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])
            self.model.stop_training = len(self.losses) == 10

    compiled(SGD(0.1)).fit(X, Y, epochs=9, callbacks=[Rates()], verbose=0)
    assert np.allclose(test.raw_losses, Rates.losses, rtol=1e-5)


def test_it_suggests_a_tenth_of_the_rate_with_the_least_loss_and_ends_where_it_diverges():
    test = find_learning_rate(compiled(), X, Y)
    assert test.diverged and len(test.rates) < 100
    best = test.losses.argmin()
    assert 0 < best < len(test.losses) - 1 and test.suggestion == test.rates[best] / 10
    model = compiled(SGD(test.suggestion))
    losses = model.fit(X, Y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]
    rising = RangeTest(np.geomspace(1, 2, 3), np.arange(1.0, 4), np.arange(3.0), False)
    assert math.isnan(rising.suggestion)


def test_a_seed_fixes_it():
    first, second = (
        find_learning_rate(compiled("adam", Dense(8, "relu"), Dropout(0.2)), X, Y, n_steps=20)
        for _ in range(2)
    )
    assert np.array_equal(first.raw_losses, second.raw_losses)


@pytest.mark.parametrize("optimizer", [Adam(Cosine(0.01)), SGD(0.01, 0.9)])
def test_the_model_is_as_before(optimizer, monkeypatch):
    model = compiled(optimizer, Dense(8), BatchNorm(), Dropout(0.1))
    model.fit(X, Y, epochs=2, verbose=0)
    twin = compiled(optimizer, Dense(8), BatchNorm(), Dropout(0.1))
    twin.fit(X, Y, epochs=2, verbose=0)
    before, history = state(model), model.history
    find_learning_rate(model, X, Y, n_steps=20)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning._Sweep, "on_batch_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        find_learning_rate(model, X, Y)
    assert state(model) == before and model.history is history
    assert (model.epochs, model.rate_factor, model.optimizer) == (2, 1.0, optimizer)
    for each in (model, twin):  # what is drawn by chance goes on where it was too
        each.fit(X, Y, epochs=4, initial_epoch=2, verbose=0)
    assert state(model) == state(twin)


def test_a_model_without_weights_gets_none():
    model = compiled()
    find_learning_rate(model, X, Y, n_steps=10)
    assert model.input_shape is None and model.history is None


@pytest.mark.parametrize(
    ("named", "kind", "said"),
    [
        ({"model": "model"}, TypeError, "model must be a cynn.Model, got 'model'"),
        ({"model": Model([Dense(1)])}, RuntimeError, "no loss and optimizer yet: call compile"),
        ({"x": X[:1], "y": Y[:1]}, ValueError, "x must have at least two rows to train on, got 1"),
        ({"x": [], "y": []}, ValueError, "x must have at least two rows to train on, got 0"),
        ({"y": None}, ValueError, "y must be given for a test of learning rates, got None"),
        ({"y": Y * np.nan}, ValueError, "y must hold finite numbers, got nan"),
        ({"low": 0}, ValueError, "low must be a finite number above 0, got 0"),
        ({"low": 1.0, "high": 1.0}, ValueError, "high must be above low, 1.0, got 1.0"),
        ({"n_steps": 9}, ValueError, "n_steps must be an integer of at least 10, got 9"),
        ({"smoothing": 1.0}, ValueError, "smoothing must be at least 0 and less than 1, got 1.0"),
        ({"x": X * np.nan}, ValueError, "x must hold numbers that are finite in float32, got nan"),
        ({"y": Y * 1e30}, FloatingPointError, "loss must be finite, got inf in epoch 1, step 1"),
    ],
)
def test_what_cannot_be_tested(named, kind, said):
    arguments = {"model": compiled(), "x": X, "y": Y} | named
    with pytest.raises(kind, match=said):
        find_learning_rate(arguments.pop("model"), **arguments)

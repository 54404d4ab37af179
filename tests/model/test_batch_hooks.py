"""Hooks of callbacks before and after each mini-batch."""

import numpy as np
import pytest

from cynn import Model, optimizers
from cynn.callbacks import Callback
from cynn.layers import Dense, Dropout
from cynn.schedules import Cosine
from job import run_ranks

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 6))
Y = rng.integers(0, 3, 90)
WEIGHT = rng.random(90)


class Hear(Callback):
    """Records the arguments of its hooks."""

    def __init__(self):
        self.begun, self.ended, self.epochs = [], [], []

    def on_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_batch_end(self, batch, logs=None):
        self.ended.append((batch, logs["loss"], logs["learning_rate"]))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs["loss"])


class StopAfter(Callback):
    """Ends the training after a given mini-batch."""

    def __init__(self, batch):
        self.last = batch

    def on_batch_end(self, batch, logs=None):
        if batch == self.last:
            self.model.stop_training = True


class Scale(Callback):
    """Sets the learning rate of each mini-batch."""

    def on_batch_begin(self, batch, logs=None):
        self.model.rate_factor = 0.5**batch


def new(dtype="float32", optimizer=None, metrics=("accuracy",)):
    layers = [Dense(8, "tanh", l2=0.01), Dropout(0.2), Dense(3, "softmax")]
    model = Model(layers, dtype=dtype, seed=1)
    model.compile(optimizer or optimizers.Adam(Cosine(0.01)), "cross_entropy", metrics)
    return model


def numbers(model):
    return np.concatenate([a.ravel() for a in [*model.get_weights(), *model.get_optimizer_state()]])


def stream():
    return [(X[i : i + 30], Y[i : i + 30], WEIGHT[i : i + 30]) for i in range(0, 90, 30)]


WAYS = {
    "rows": lambda: ((X, Y), {"batch_size": 32, "sample_weight": WEIGHT, "validation_split": 0.2}),
    "batches": lambda: ((stream(),), {}),
    "large": lambda: ((np.tile(X, (30, 1)), np.tile(Y, 30)), {"batch_size": 1500}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hooks_change_no_bit(way, dtype):
    plain, heard, hear = new(dtype), new(dtype), Hear()
    arguments, more = WAYS[way]()
    before = plain.fit(*arguments, epochs=3, verbose=0, **more)
    after = heard.fit(*arguments, epochs=3, verbose=0, callbacks=[hear], **more)
    assert np.array_equal(numbers(plain), numbers(heard))
    assert before.history == after.history
    assert plain.learning_rate == heard.learning_rate == hear.ended[-1][2]


def test_arguments_of_the_hooks():
    hear, model = Hear(), new(optimizer=optimizers.SGD(Cosine(0.1)), metrics=())
    model.fit(X, Y, batch_size=30, epochs=2, verbose=0, shuffle=False, callbacks=[hear])
    assert hear.begun == [0, 1, 2] * 2 and [batch for batch, *_ in hear.ended] == hear.begun
    rates = [rate for *_, rate in hear.ended]
    np.testing.assert_array_equal(rates, Cosine(0.1).rates(0, 6, 6))
    losses = [loss for _, loss, _ in hear.ended]
    means = np.mean([losses[:3], losses[3:]], axis=1)
    np.testing.assert_allclose(hear.epochs, means, 1e-12)  # mini-batches of one size
    alone = new(optimizer=optimizers.SGD(0.1), metrics=())
    assert alone.train_on_batch(X[:30], Y[:30])["loss"] == losses[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_ends_the_training(way):
    arguments, more = WAYS[way]()
    model = new()
    history = model.fit(*arguments, epochs=5, verbose=0, callbacks=[StopAfter(0)], **more)
    assert model._network.updates == 1 and len(history.epoch) == model.epochs == 1
    assert np.isfinite(history.history["loss"] + history.history["accuracy"]).all()
    if "validation_split" in more:
        assert len(history.history["val_loss"]) == 1
    history = model.fit(*arguments, epochs=2, verbose=0, **more)  # the next one is whole
    assert len(history.epoch) == 2


def test_a_stopped_epoch_counts_only_its_rows():
    short, whole = new(), new()
    history = short.fit(X, Y, batch_size=30, shuffle=False, verbose=0, callbacks=[StopAfter(1)])
    wanted = whole.fit(X[:60], Y[:60], batch_size=30, shuffle=False, verbose=0)
    assert history.history["accuracy"] == wanted.history["accuracy"]


def test_a_rate_factor_is_that_of_the_batch():
    model, hear = new(optimizer=optimizers.SGD(0.1)), Hear()
    model.fit(X, Y, batch_size=30, verbose=0, callbacks=[hear, Scale()])
    assert [rate for *_, rate in hear.ended] == [0.1, 0.05, 0.025]


def test_nothing_is_called_without_a_hook(monkeypatch):
    def fail(*_):
        raise AssertionError("a step was taken alone")

    monkeypatch.setattr("cynn._training.fitting.Fit._take_each_step", fail)
    new().fit(X, Y, verbose=0, callbacks=[Callback()])
    with pytest.raises(AssertionError, match="a step was taken alone"):
        new().fit(X, Y, verbose=0, callbacks=[Hear()])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_ranks_receive_the_mean_over_all_ranks(size):
    def work(comm, batch_size=9):
        hear, model = Hear(), new("float64", optimizers.SGD(0.1), ())
        model.fit(
            X, Y, batch_size=batch_size, epochs=2, sample_weight=WEIGHT, verbose=0, comm=comm,
            callbacks=[hear],
        )  # fmt: skip
        return hear.ended, numbers(model)

    results = run_ranks(size, work)
    (losses, weights) = work(None, 9 * size)
    for ended, found in results:
        assert ended == results[0][0] and np.array_equal(found, results[0][1])
        np.testing.assert_allclose(ended, losses, 1e-9)
        np.testing.assert_allclose(found, weights, 1e-9)


def test_a_hook_on_one_rank_is_enough():
    def work(comm):
        model = new("float64")
        callbacks = [StopAfter(1)] if comm.Get_rank() == 1 else []
        model.fit(X, Y, batch_size=8, epochs=4, verbose=0, comm=comm, callbacks=callbacks)
        return model._network.updates, numbers(model)

    first, second = run_ranks(2, work)
    assert first[0] == second[0] == 2 and np.array_equal(first[1], second[1])

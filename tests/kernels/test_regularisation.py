"""Models with dropout and normalisation: trained, saved, resumed, inspected."""

import copy

import numpy as np
import pytest

import cynn
from cynn import Model
from cynn._model import loops
from cynn._training import fitting
from cynn.callbacks import EarlyStopping
from cynn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual, state_shapes
from cynn.optimizers import SGD
from models import bits, blobs


@pytest.fixture(autouse=True)
def no_choice_left_behind():
    yield
    cynn.set_num_threads(None)


def regularised(dtype="float32", seed=0, optimizer=None):
    layers = [
        Dense(24), BatchNorm(0.9), Activation("relu"), Dropout(0.25),
        Residual([Dense(24, "tanh"), BatchNorm(0.5), Dropout(0.1)]),
        LayerNorm(), Dense(3, "softmax"),
    ]  # fmt: skip
    model = Model(layers, dtype=dtype, seed=seed)
    model.compile(optimizer or SGD(0.05, 0.9), metrics=["accuracy"])
    return model


def all_bits(model) -> bytes:
    return bits(model) + b"".join(part.tobytes() for part in model.get_state())


def test_it_learns(target, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", target.name)
    model = regularised(target.dtype)
    x, y = blobs()
    model.fit(x, y, epochs=8, batch_size=30, verbose=0)
    assert model.evaluate(x, y)["accuracy"] > 0.9


def test_inference_is_deterministic(compiled, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    model = regularised(compiled.dtype)
    x, y = blobs()
    model.fit(x, y, epochs=2, verbose=0)
    together = model.predict(x)
    assert model.predict(x).tobytes() == together.tobytes()
    assert b"".join(model.predict(x[i : i + 1]).tobytes() for i in range(90)) == together.tobytes()
    assert model.layer_outputs(x)[-1].tobytes() == together.tobytes()


@pytest.mark.parametrize("slice_numbers", [1 << 21, 100])
def test_same_bits_in_slices_and_on_any_number_of_threads(compiled, monkeypatch, slice_numbers):
    def train(threads, seconds):
        monkeypatch.setattr(fitting, "SLICE_SECONDS", seconds)
        cynn.set_num_threads(threads)
        model = regularised(compiled.dtype)
        history = model.fit(*blobs(), epochs=2, batch_size=16, verbose=0)
        return all_bits(model), history.history["loss"]

    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    wanted = train(1, np.inf)
    monkeypatch.setattr(loops, "SLICE_NUMBERS", slice_numbers)
    for threads, seconds in ((1, 0.0), (3, np.inf)):
        found = train(threads, seconds)
        assert found[0] == wanted[0]
        assert found[1] == pytest.approx(wanted[1], rel=1e-12)


def test_seeds_and_epochs_differ():
    def train(seed):
        model = regularised(seed=seed)
        model.build(4)
        model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
        return model.fit(*blobs(), epochs=1, shuffle=False, verbose=0).history["loss"]

    assert train(0) == train(0) != train(1)


def test_a_copy_keeps_the_running_statistics():
    model = regularised()
    model.fit(*blobs(), epochs=2, verbose=0)
    assert all_bits(copy.deepcopy(model)) == all_bits(model)


def test_the_best_weights_come_with_their_statistics():
    model = regularised()
    x, y = blobs()
    stop = EarlyStopping("loss", patience=1, mode="max")  # the first is the best
    kept = []

    class Keep(cynn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(b"".join(part.tobytes() for part in self.model.get_state()))

    model.fit(x, y, epochs=5, callbacks=[Keep(), stop], verbose=0)
    assert b"".join(part.tobytes() for part in model.get_state()) == kept[stop.best_epoch]
    assert kept[stop.best_epoch] != kept[-1]


def test_statistics_round_trip():
    model = regularised()
    with pytest.raises(RuntimeError, match="no weights"):
        model.get_state()
    model.build(4)
    state = model.get_state()
    assert [part.shape for part in state] == [(24,)] * 4
    assert [part[0] for part in state] == [0, 1, 0, 1]
    assert list(state_shapes(model.layers, (4,))) == [
        "layer1.moving_mean", "layer1.moving_variance",
        "layer4.1.moving_mean", "layer4.1.moving_variance",
    ]  # fmt: skip
    new = [np.arange(24.0) + i for i in range(4)]
    model.set_state(new)
    for got, want in zip(model.get_state(), new, strict=True):
        assert np.array_equal(got, want)
    for bad in (new[:3], [*new, new[0]], [new[0][:3], *new[1:]], [new[0], -new[1] - 1, *new[2:]]):
        with pytest.raises(ValueError, match="state"):
            model.set_state(bad)
    assert np.array_equal(model.get_state()[0], new[0])


@pytest.mark.parametrize("rows", [400, 3000])
def test_running_statistics_are_those_of_the_rows(rows):
    x = np.random.default_rng(0).normal(5.0, 3.0, (rows, 2))
    model = Model([BatchNorm(0.0), Dense(1)], dtype="float64", seed=0)
    model.compile(SGD(1e-6), loss="mean_squared_error")
    model.fit(x, x[:, :1], batch_size=rows, verbose=0)
    mean, variance = model.get_state()
    assert mean == pytest.approx(x.mean(axis=0), rel=1e-12)
    assert variance == pytest.approx(x.var(axis=0), rel=1e-12)


def test_each_mini_batch_draws_a_new_mask():
    """However the mini-batches arrive: nothing is learned here, and the mask changes."""
    x = np.ones((40, 30))
    model = Model([Dropout(0.5), Dense(1)], seed=0)
    model.compile(SGD(1e-30), loss="mean_squared_error")
    model.build(30)
    losses = {model.train_on_batch(x, x[:, :1])["loss"] for _ in range(4)}
    assert len(losses) == 4
    batches = [(x, x[:, :1])] * 4
    history = model.fit(batches, steps_per_epoch=1, epochs=4, verbose=0).history
    assert len(set(history["loss"])) == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dropout(1.0), lambda: Dropout(-0.1), lambda: Dropout(float("nan")),
        lambda: Dropout("0.5"), lambda: Dropout(True), lambda: LayerNorm(0),
        lambda: LayerNorm(float("inf")), lambda: BatchNorm(1.1), lambda: BatchNorm(-0.1),
        lambda: BatchNorm(0.9, 0.0), lambda: BatchNorm(None),
    ],
)  # fmt: skip
def test_bad_settings(make):
    with pytest.raises((TypeError, ValueError), match="rate|momentum|epsilon"):
        make()


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm()])
def test_rows_of_more_axes_are_refused(layer):
    with pytest.raises(ValueError, match=r"put Flatten\(\) before it"):
        layer.output_shape((28, 28))

"""Inputs far from 0 in a float32 model: what tells them apart is not rounded away on the way in."""

import numpy as np
import pytest

from cynn import Model, preprocessing, reference
from cynn.layers import BatchNorm, Dense, Flatten, Normalize, Rescale, Residual
from cynn.losses import Huber
from cynn.optimizers import SGD, Adagrad

FAR = 1.7e9
X = (FAR + np.arange(100.0))[:, np.newaxis]
Y = np.sin(np.arange(100) / 20)

HEADS = {
    "Normalize": [Normalize.adapt(X)],
    "Rescale": [Rescale(1 / 28.9, -(FAR + 49.5) / 28.9)],
    "both": [Rescale(1e-9, -1.7), Normalize.adapt(1e-9 * X - 1.7)],
    "Rescale without an offset": [Flatten(), Rescale(1e-9), Normalize.adapt(1e-9 * X)],
}


@pytest.fixture(params=HEADS)
def head(request):
    return HEADS[request.param]


def made(head, dtype="float32"):
    model = Model([*head, Dense(8, "tanh"), Dense(1)], dtype=dtype, seed=0)
    model.compile(SGD(0.05, 0.9), "mse", ["r2"])
    model.build(1)
    return model


def alike(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)


def test_predictions_are_those_of_float64(head):
    model, exact = made(head), made(head, "float64")
    wanted = exact.predict(X)
    assert len(np.unique(wanted)) == 100
    alike(model.predict(X), wanted)
    alike(model.predict(X[7:8]), wanted[7:8])
    for dtype in (np.int64, np.uint32, np.longdouble):
        assert model.predict(X.astype(dtype)).tobytes() == model.predict(X).tobytes()
    assert model.predict(np.asfortranarray(X.repeat(2, 0))[::2]).tobytes() == (
        model.predict(X).tobytes()
    )
    for got, want in zip(model.layer_outputs(X), exact.layer_outputs(X), strict=True):
        if abs(want).max() < 10:
            alike(got, want)
    alike(model.evaluate(X, Y)["r2"], exact.evaluate(X, Y)["r2"])
    alike(model.input_gradient(X, output=0), exact.input_gradient(X, output=0))


def test_training_is_that_of_float64(head, tmp_path):
    whole = X.astype(np.int64)
    file = np.memmap(tmp_path / "x", np.int64, "w+", shape=X.shape)
    file[:] = whole
    exact = made(head, "float64")
    exact.fit(X, Y, epochs=3, shuffle=False, verbose=0)
    batches = [(whole[i : i + 32], Y[i : i + 32]) for i in range(0, 100, 32)]
    for rows in (X, whole, file):
        model = made(head)
        model.fit(rows, Y, epochs=3, shuffle=False, verbose=0, validation_data=(rows, Y))
        alike(model.predict(X), exact.predict(X))
        alike(model.history.history["val_r2"][-1], exact.evaluate(X, Y)["r2"])
    model = made(head)
    model.fit(batches, epochs=3, verbose=0)
    alike(model.predict(X), exact.predict(X))
    alike(np.concatenate(list(model.predict_batches([file[:50], whole[50:]]))), exact.predict(X))


def test_after_a_file(head, tmp_path):
    model = made(head)
    model.save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors")
    assert again.layers == model.layers
    assert again.predict(X).tobytes() == model.predict(X).tobytes()


def test_the_reference_agrees(head, monkeypatch):
    found = made(head).predict(X.astype(np.int64))
    monkeypatch.setenv("CYNN_TARGET", "reference")
    model = made(head)
    assert model._kernels is reference
    alike(found, model.predict(X.astype(np.int64)))


def test_a_near_column_keeps_its_bits():
    """Nothing is taken off where no digit is lost, whatever the type of the rows."""
    x = np.random.default_rng(0).integers(0, 256, (50, 3)).astype(np.uint8)
    model = Model([Rescale(1 / 127.5, -1), Normalize([0.1, 0.2, -0.3], [0.5, 0.6, 0.7]), Dense(2)])
    assert model._plan.shift is None and model._plan.offset == -1
    model.build(3)
    wanted = model.predict(x).tobytes()
    for dtype in (np.int64, np.float32, np.float64):
        assert model.predict(x.astype(dtype)).tobytes() == wanted
    mixed = Model([Normalize([FAR, 3.0], [10.0, 2.0]), Dense(2)])
    assert mixed._plan.shift == (FAR, 0.0)
    assert mixed._plan.steps[0] == ("normalize", (0.0, 3.0), (10.0, 2.0))


def test_rescaled_arrays_keep_their_digits():
    for x in (X, X.astype(np.int64), X.astype(np.uint32)):
        found = preprocessing.rescale(x, 0.5, -FAR / 2)
        assert found[:, 0].tolist() == (np.arange(100) / 2).tolist()


@pytest.mark.parametrize(
    ("layers", "number"),
    [
        ([Rescale(1e300)], r"1e\+300 in Rescale"),
        ([Rescale(1, -1e39)], r"1e\+39 in Rescale"),
        ([Rescale(1e-50)], "1e-50 in Rescale"),
        ([Dense(2), Residual([Rescale(1e300)])], r"1e\+300 in Residual"),
        ([Normalize([0, 1e39], [1, 1])], r"1e\+39 in Normalize"),
        ([Normalize([0.0], [1e38])], r"1e\+38 in Normalize"),
        ([BatchNorm(epsilon=1e39)], r"1e\+39 in BatchNorm"),
    ],
)
def test_numbers_that_float32_cannot_hold(layers, number):
    message = rf"layers\[{len(layers) - 1}\] must have numbers that float32 holds, got {number}"
    with pytest.raises(ValueError, match=message):
        Model([*layers, Dense(2)])
    Model([*layers, Dense(2)], dtype="float64")


def test_other_numbers_that_float32_cannot_hold():
    with pytest.raises(ValueError, match="Rescale together must have numbers that float32 holds"):
        Model([Rescale(1e30), Rescale(1e30), Dense(2)])
    model = Model([Dense(1, l2=1e39)])
    with pytest.raises(ValueError, match=r"layers\[0\] must have numbers that float32 holds"):
        model.compile("sgd", "mse")
    model = Model([Dense(1)])
    model.build(1)
    with pytest.raises(ValueError, match="optimizer must have numbers that float32 holds"):
        model.compile(Adagrad(0.1, initial_accumulator_value=1e39), "mse")
    with pytest.raises(ValueError, match="optimizer must have numbers that float32 holds"):
        model.compile(SGD(1e39), "mse")
    with pytest.raises(ValueError, match="loss must have numbers that float32 holds"):
        model.compile("sgd", Huber(1e39))
    with pytest.raises(ValueError, match=r"weights\[0\] must hold numbers that float32 holds, got"):
        model.set_weights([[[1e39]], [0]])
    model.set_weights([[[np.inf]], [0]])  # as a training that diverged leaves them

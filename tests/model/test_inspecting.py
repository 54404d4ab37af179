"""Named weights, outputs of layers, gradients of the input."""

import numpy as np
import pytest

from cynn import Model
from cynn._runtime.threads import set_num_threads
from cynn.layers import Activation, Dense, Flatten, Normalize, Rescale, Residual
from cynn.optimizers import SGD


def deep_model(dtype: str = "float64") -> Model:
    """Return a model with every kind of layer."""
    model = Model(
        [
            Rescale(1 / 255, -0.5),
            Flatten(),
            Normalize.adapt(images(100).reshape(100, 20) / 255 - 0.5),
            Dense(8, "gelu", use_bias=False),
            Residual([Dense(5, "silu"), Activation("tanh"), Dense(8)]),
            Dense(3, "softmax"),
        ],
        dtype=dtype,
        seed=0,
    )
    model.compile(loss="cross_entropy")
    model.build((4, 5))
    return model


def images(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 4, 5), dtype=np.uint8)


def test_named_weights():
    model = deep_model()
    named = model.named_weights()
    assert {name: w.shape for name, w in named.items()} == {
        "layer3.weight": (20, 8),
        "layer4.0.weight": (8, 5),
        "layer4.0.bias": (5,),
        "layer4.2.weight": (5, 8),
        "layer4.2.bias": (8,),
        "layer5.weight": (8, 3),
        "layer5.bias": (3,),
    }
    for w, same in zip(named.values(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(w, same)
    named["layer3.weight"][:] = 0  # a copy
    assert model.get_weights()[0].all()


def test_a_residual_is_the_sum():
    model = deep_model()
    outputs = model.layer_outputs(images(7))
    weights = model.named_weights()
    before, after = outputs[3], outputs[4]
    z = before @ weights["layer4.0.weight"] + weights["layer4.0.bias"]
    inner = np.tanh(z / (1 + np.exp(-z))) @ weights["layer4.2.weight"] + weights["layer4.2.bias"]
    np.testing.assert_allclose(after, before + inner, rtol=1e-12)
    np.testing.assert_allclose(outputs[0], images(7) / 255 - 0.5, rtol=1e-12)
    assert [y.shape[1:] for y in outputs] == [(4, 5), (20,), (20,), (8,), (8,), (3,)]
    flat = (images(100) / 255 - 0.5).reshape(100, 20)
    wanted = (outputs[1] - flat.mean(axis=0)) / flat.std(axis=0)
    np.testing.assert_allclose(outputs[2], wanted, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(outputs[-1], model.predict(images(7)), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_round_trips_through_a_file(tmp_path, dtype):
    model = deep_model(dtype)
    model.fit(images(50), np.arange(50) % 3, verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = Model.load(tmp_path / "model.safetensors")
    assert again.layers == model.layers
    assert again.predict(images(9)).tobytes() == model.predict(images(9)).tobytes()


def test_it_learns():
    model = deep_model("float32")
    model.compile(SGD(0.05, 0.9))
    x, y = images(60), np.arange(60) % 3
    history = model.fit(x, y, epochs=80, batch_size=10, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_gradient_of_the_input():
    model = deep_model()
    x, y = images(6).astype(np.float64), np.arange(6) % 3
    found = model.input_gradient(x, y)
    assert found.shape == x.shape and found.dtype == np.float64
    for place in ((0, 1, 2), (5, 3, 4)):
        moved = [x.copy(), x.copy()]
        moved[0][place] += 1e-3
        moved[1][place] -= 1e-3
        row = place[0]
        losses = [-np.log(model.predict(m)[row, y[row]]) for m in moved]
        slope = (losses[0] - losses[1]) / 2e-3
        assert found[place] == pytest.approx(slope, rel=1e-5)
    # the probabilities of a row sum to one: what one gains, the others lose
    outputs = [model.input_gradient(x, output=k) for k in range(3)]
    np.testing.assert_allclose(sum(outputs), 0, atol=1e-15)
    assert np.abs(outputs[0]).max() > 1e-5
    chosen = np.choose((np.arange(6) % 3)[:, None, None], outputs)
    wanted = -chosen / model.predict(x)[np.arange(6), y][:, None, None]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_gradient_of_the_input_is_the_same_at_any_number_of_threads():
    model = Model([Dense(300, "gelu"), Residual([Dense(300, "relu")]), Dense(10)], seed=0)
    x = np.random.default_rng(0).normal(size=(700, 200)).astype(np.float32)
    model.build(200)
    found = []
    try:
        for threads in (1, 2, 3):
            set_num_threads(threads)
            found.append(model.input_gradient(x, output=3).tobytes())
    finally:
        set_num_threads(None)
    assert len(set(found)) == 1


def test_bad_arguments():
    model = deep_model()
    x, y = images(4), [0, 1, 2, 0]
    for arguments in ({}, {"y": y, "output": 1}):
        with pytest.raises(ValueError, match="exactly one of y and output must be given"):
            model.input_gradient(x, **arguments)
    with pytest.raises(ValueError, match="output must be less than 3, got 3"):
        model.input_gradient(x, output=3)
    with pytest.raises(TypeError, match="output must be"):
        model.input_gradient(x, output=1.0)
    with pytest.raises(ValueError, match="y must have a row for each of the 4 rows of x, got 3"):
        model.input_gradient(x, y[:3])
    with pytest.raises(ValueError, match="x must have shape"):
        model.layer_outputs(np.zeros((4, 6, 5)))
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="x must be an array here, got a sparse matrix"):
        model.layer_outputs(sparse.eye(20))
    unbuilt = Model([Dense(3)])
    for call in (unbuilt.named_weights, lambda: unbuilt.layer_outputs([[1]])):
        with pytest.raises(RuntimeError, match="no weights yet"):
            call()
    unbuilt.build(2)
    with pytest.raises(RuntimeError, match="call compile first"):
        unbuilt.input_gradient([[1, 2]], [0])


def test_no_rows():
    model = deep_model()
    assert model.input_gradient(images(0), output=0).shape == (0, 4, 5)
    assert [len(y) for y in model.layer_outputs(images(0))] == [0] * 6

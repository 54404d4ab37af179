"""Weights of PyTorch and scikit-learn in a model: it predicts what they do."""

import warnings

import numpy as np
import pytest

from cynn import Model, convert
from cynn.layers import Activation, Dense, Flatten, Rescale
from models import blobs

X, Y = blobs()


def model_of(*layers):
    return Model(layers or [Dense(5, "relu"), Dense(3, "softmax")], seed=0)


def state(**changes):
    rng = np.random.default_rng(0)
    made = {
        "0.weight": rng.normal(size=(5, 4)),
        "0.bias": rng.normal(size=5),
        "2.weight": rng.normal(size=(3, 5)).astype(np.float32),
        "2.bias": rng.normal(size=3),
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


def test_arrays_of_a_state_dict():
    model = model_of()
    given = state()
    convert.set_state_dict(model, given)
    h = np.maximum(X @ given["0.weight"].T + given["0.bias"], 0)
    z = h @ given["2.weight"].T + given["2.bias"]
    wanted = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(model.predict(X), wanted, atol=1e-5)
    assert np.array_equal(model.get_weights()[2], given["2.weight"].T)


def test_layers_between_and_no_bias():
    model = model_of(Flatten(), Rescale(2.0), Dense(5), Activation("tanh"), Dense(3))
    model.build((2, 2))
    given = state(**{"0.bias": None})
    convert.set_state_dict(model, given)
    wanted = np.tanh(2 * X @ given["0.weight"].T) @ given["2.weight"].T + given["2.bias"]
    assert np.allclose(model.predict(X), wanted, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_pytorch(dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2, bias=False)
    ).to(getattr(torch, dtype))
    model = Model([Dense(6, "tanh"), Dense(2)], dtype="float64", seed=0)
    convert.set_state_dict(model, module.state_dict())
    convert.set_state_dict(model, dict(module.named_parameters()))  # with gradients
    with torch.no_grad():
        wanted = module.double()(torch.tensor(X, dtype=torch.float64)).numpy()
    assert np.allclose(model.predict(X), wanted, atol=1e-12)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scikit_learn(activation, dtype):
    networks = pytest.importorskip("sklearn.neural_network", reason="compares with scikit-learn")
    x = X.astype(dtype)
    said = {"activation": activation, "hidden_layer_sizes": (7, 5), "max_iter": 3}
    targets = {"classes": Y, "two classes": Y % 2, "labels": np.eye(3, dtype=int)[Y]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        for y in targets.values():
            estimator = networks.MLPClassifier(random_state=0, **said).fit(x, y)
            model = convert.from_sklearn(estimator)
            assert model.dtype == dtype
            wanted = estimator.predict_proba(x)
            came = model.predict(x)
            assert np.allclose(came, wanted[:, -came.shape[1] :], atol=1e-5)
        estimator = networks.MLPRegressor(random_state=0, **said).fit(x, np.eye(3)[Y] * 2)
    assert np.allclose(convert.from_sklearn(estimator).predict(x), estimator.predict(x), atol=1e-5)


REFUSED = {
    "a layer less": (state(**{"2.weight": None, "2.bias": None}), "2 layers, .* got 1"),
    "a layer more": (state(**{"4.weight": np.ones((3, 3))}), "weights of 2 layers, .* got 3"),
    "another width": (
        state(**{"2.weight": np.ones((3, 4))}),
        r"2\.weight must have shape \(3, 5\) for layers\[1\], Dense\(3, 'softmax'\), got \(3, 4\)",
    ),
    "turned": (state(**{"0.weight": np.ones((4, 5))}), r"0\.weight must have shape \(5, 5\) "),
    "three axes": (state(**{"0.weight": np.ones((5, 4, 1))}), "0.weight must have two axes"),
    "empty": (state(**{"0.weight": np.ones((5, 0))}), "0.weight must have two axes"),
    "another bias": (state(**{"0.bias": np.ones(4)}), r"0\.bias must have shape \(5,\) "),
    "something else": (state(**{"1.running_mean": np.ones(5)}), "got '1.running_mean'"),
    "a bias alone": (state(**{"7.bias": np.ones(5)}), "linear layers, got '7.bias'"),
    "text": (state(**{"0.bias": np.array(["a"] * 5)}), r"state_dict\['0.bias'\] must hold numbers"),
    "no mapping": ([np.ones((5, 4))], "state_dict must be a mapping, got list"),
    "no names": ({0: np.ones((5, 4))}, "must have strings as keys, got 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    given, message = REFUSED[name]
    model = model_of()
    with pytest.raises((TypeError, ValueError), match=message):
        convert.set_state_dict(model, given)
    assert model.input_shape is None


def test_what_does_not_fit_changes_nothing():
    model = model_of()
    model.build(4)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"2\.weight must have shape \(3, 5\)"):
        convert.set_state_dict(model, state(**{"2.weight": np.ones((3, 4))}))
    with pytest.raises(ValueError, match="must have one length, got 2 and 1"):
        convert.set_coefs(model, [np.ones((4, 5)), np.ones((5, 3))], [np.ones(5)])
    with pytest.raises(ValueError, match=r"coefs\[0\] must have shape \(4, 5\) .* got \(5, 4\)"):
        convert.set_coefs(model, [np.ones((5, 4)), np.ones((5, 3))], [np.ones(5), np.ones(3)])
    with pytest.raises(TypeError, match="coefs must be a list of arrays, got ndarray"):
        convert.set_coefs(model, np.ones((2, 4, 5)), [])
    for kept, now in zip(before, model.get_weights(), strict=True):
        assert kept.tobytes() == now.tobytes()
    with pytest.raises(TypeError, match="model must be a cynn Model, got list"):
        convert.set_state_dict([], state())
    with pytest.raises(TypeError, match="got int without coefs_, intercepts_"):
        convert.from_sklearn(3)

"""Weights of PyTorch and scikit-learn in a model: it predicts what they do."""

import importlib
import itertools
import random
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from cynn import Model, convert
from cynn._specs.activation_table import FROM_SKLEARN, TABLE
from cynn.convert import _weights
from cynn.ensemble import Ensemble
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


def marked(**shapes):
    """Return the weights of layers by name, each filled with its place as it is given."""
    return {
        f"{name.replace('_', '.')}.weight": np.full(shape, float(i))
        for i, (name, shape) in enumerate(shapes.items())
    }


def places(model):
    """Return which layer each weight came from."""
    return [int(w.flat[0]) for w in model.get_weights()[::2]]


NAMES = {
    "a sequence": [f"{2 * i}" for i in range(13)],
    "within a module": [f"net.layers.{i}.linear" for i in range(11)],
    "ends": [f"fc{i}" for i in range(8, 13)],
    "blocks of layers": [f"block{i}.fc{j}" for i in (1, 2, 10) for j in (1, 3, 20)],
    "a block and a layer": ["3.2.first", "20.1.second", "100"],
    "zeros in front": ["007", "08", "9", "0010"],
    "as long as you like": ["9" * 5000, "1" + "0" * 5000],
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("kept", ["as they follow", "by the alphabet", "at random"])
def test_numbers_in_names_are_the_order(names, kept):
    """Square layers fit in any order; a safetensors file, for one, gives 10 before 2."""
    names = NAMES[names]
    state = marked(**dict.fromkeys(names, (3, 3)))
    if kept == "by the alphabet":
        state = dict(sorted(state.items()))
    elif kept == "at random":
        state = dict(random.Random(0).sample(list(state.items()), len(state)))
    model = Model([Dense(3) for _ in names])
    convert.set_state_dict(model, state)
    assert places(model) == list(range(len(names)))


def test_a_file_of_another_order(tmp_path):
    files = pytest.importorskip("safetensors.numpy", reason="reads a safetensors file")
    state = marked(**{f"{i}": (3, 3) for i in range(0, 26, 2)})
    files.save_file(state, tmp_path / "n.safetensors")
    kept = files.load_file(tmp_path / "n.safetensors")
    assert list(kept) != list(state)
    model = Model([Dense(3) for _ in state])
    convert.set_state_dict(model, kept)
    assert places(model) == list(range(13))


ONE_ORDER = {
    "words": dict(encoder=(8, 4), middle=(3, 8), head=(2, 3)),
    "numbers and a word": dict(fc1=(4, 4), fc2=(4, 4), out=(2, 4)),
    "a word first": dict(stem=(4, 2), fc1=(4, 4), fc2=(4, 4)),
    "two sequences": dict(enc_0=(3, 4), enc_2=(2, 3), dec_0=(3, 2), dec_2=(4, 3)),
    "a sequence that decides": dict(a_0=(5, 5), a_1=(3, 5), a_2=(5, 3), b=(5, 5)),
}


@pytest.mark.parametrize("name", ONE_ORDER)
def test_shapes_decide_where_names_do_not(name):
    shapes = ONE_ORDER[name]
    built = Model([Dense(shape[0]) for shape in shapes.values()])
    built.build(next(iter(shapes.values()))[1])
    for state in itertools.permutations(marked(**shapes).items()):
        model = Model(built.layers)
        for each in (model, built):
            convert.set_state_dict(each, dict(state))
            assert places(each) == list(range(len(shapes)))


TWO_ORDERS = {
    "square": dict(decoder=(3, 3), encoder=(3, 3)),
    "a pair among others": dict(first=(4, 2), left=(4, 4), right=(4, 4), last=(1, 4)),
    "numbers and a word": dict(fc1=(4, 4), fc2=(4, 4), out=(4, 4)),
    "a name and its continuation": {"fc": (4, 4), "fc.1": (4, 4)},
    "too many to try": dict.fromkeys("abcdefghijklmnop", (4, 4)) | {"q": (3, 4), "r": (9, 9)},
}


@pytest.mark.parametrize("name", TWO_ORDERS)
def test_more_orders_than_one_are_not_guessed(name):
    shapes = TWO_ORDERS[name]
    model = Model([Dense(shape[0]) for shape in shapes.values()])
    with pytest.raises(ValueError, match=r"give one order, got .* pass them in order="):
        convert.set_state_dict(model, marked(**shapes))
    assert model.input_shape is None


def test_the_order_of_the_caller():
    state = marked(encoder=(3, 3), decoder=(3, 3))
    model = Model([Dense(3), Dense(3)])
    for order in (["decoder", "encoder"], ("encoder", "decoder")):
        convert.set_state_dict(model, state, order=order)
        assert places(model) == [list(state).index(f"{name}.weight") for name in order]
    numbered = marked(**{"0": (3, 3), "1": (3, 3)})
    convert.set_state_dict(model, numbered, order=["1", "0"])
    assert places(model) == [1, 0]
    for wrong in (["encoder"], ["encoder", "encoder"], ["encoder", "decoder.weight"], []):
        with pytest.raises(ValueError, match=r"order must name each of \['encoder', 'decoder'\]"):
            convert.set_state_dict(model, state, order=wrong)
    for wrong in ("encoder", [0, 1], 3):
        with pytest.raises(TypeError, match="order must be a list of names"):
            convert.set_state_dict(model, state, order=wrong)
    assert places(model) == [1, 0]


SMALL = X / 10  # exponentials soon overflow


def estimators_module():
    """Return cynn.estimators; skip where scikit-learn is not installed."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    return importlib.import_module("cynn.estimators")


def estimators_of(**settings):
    """Return estimators of cynn for every kind of target, trained a little."""
    cynn = estimators_module()
    settings = {"hidden_layer_sizes": (7, 5), "max_iter": 2, "random_state": 0} | settings
    loss = settings.pop("loss", None)
    targets = {"classes": Y, "two classes": Y % 2, "labels": np.eye(3, dtype=int)[Y]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        for y in targets.values() if loss is None else ():
            yield cynn.MLPClassifier(**settings).fit(SMALL, y)
        for y in (np.eye(3)[Y] * 2, SMALL[:, 0] ** 2):
            yield cynn.MLPRegressor(loss=loss or "squared_error", **settings).fit(SMALL, y)


def assert_the_same(estimator, model):
    wanted = getattr(estimator, "predict_proba", estimator.predict)(SMALL)
    came = model.predict(SMALL)
    wanted = np.reshape(wanted, (len(SMALL), -1))[:, -came.shape[1] :]
    assert came.shape[0] == len(SMALL) and np.allclose(came, wanted, rtol=1e-5, atol=1e-6)


HIDDEN = [*sorted((set(TABLE) | set(FROM_SKLEARN)) - {"softmax", "Softmax"}), ("relu", "gelu")]
HIDDEN += [["tanh", "logistic"]]


@pytest.mark.parametrize("activation", HIDDEN, ids=str)
def test_estimators_of_cynn(activation):
    for estimator in estimators_of(activation=activation):
        assert_the_same(estimator, convert.from_sklearn(estimator))


SETTINGS = [
    *({"solver": solver} for solver in ("lbfgs", "sgd", "adam")),
    *({"loss": loss} for loss in ("poisson", "mean_absolute_error", "huber", "quantile")),
    {"loss": "poisson", "solver": "lbfgs"},
    {"hidden_layer_sizes": (7,), "activation": ["relu"]},
    {"hidden_layer_sizes": (7,), "activation": ("silu",), "dropout": 0.5},
    {"hidden_layer_sizes": ()},
    {"early_stopping": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_estimators_of_every_kind(tmp_path, settings):
    for estimator in estimators_of(**settings):
        model = convert.from_sklearn(estimator)
        assert_the_same(estimator, model)
        model.save(tmp_path / "model.safetensors")
        assert_the_same(estimator, Model.load(tmp_path / "model.safetensors"))


@pytest.mark.parametrize("loss", ["hinge", "categorical_hinge", "cross_entropy"])
def test_classifiers_of_other_losses(loss):
    cynn = estimators_module()
    y = Y % 2 if loss == "hinge" else Y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        estimator = cynn.MLPClassifier(7, loss=loss, max_iter=2, random_state=0).fit(SMALL, y)
    came = convert.from_sklearn(estimator).predict(SMALL)
    index = came.argmax(axis=1) if came.shape[1] > 1 else came[:, 0] > 0
    assert np.array_equal(estimator.classes_[index.astype(int)], estimator.predict(SMALL))


def test_an_estimator_as_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")
    onnx = pytest.importorskip("cynn.onnx")
    pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
    for estimator in estimators_of(loss="poisson"):
        path = tmp_path / "model.onnx"
        onnx.export(convert.from_sklearn(estimator), path, dtype="float32")
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (came,) = session.run(None, {"input": SMALL.astype(np.float32)})
        wanted = estimator.predict(SMALL).reshape(len(SMALL), -1)
        assert np.allclose(came, wanted, rtol=1e-4)


def test_estimators_that_are_not_trained():
    sklearn = pytest.importorskip("sklearn.neural_network", reason="needs scikit-learn")
    cynn = estimators_module()
    for kind in (cynn.MLPClassifier, cynn.MLPRegressor, sklearn.MLPClassifier):
        for estimator in (kind(), kind):
            with pytest.raises(TypeError, match="must be a trained MLP.* call fit first"):
                convert.from_sklearn(estimator)


def test_an_estimator_that_has_models_of_cynn():
    model = Model([Dense(2)])
    model.build(2)
    estimator = SimpleNamespace(ensemble_=Ensemble([model]))
    with pytest.raises(TypeError, match=r"made of cynn's models: .* from its ensemble_\.members"):
        convert.from_sklearn(estimator)


@pytest.mark.parametrize(
    ("coefs", "error", "message"),
    [
        (None, TypeError, "coefs_ must be a list of arrays, got NoneType"),
        ([], ValueError, r"coefs_ must be arrays of two axes, got shapes \[\]"),
        ([np.float64(3)], ValueError, r"coefs_ must be arrays of two axes, got shapes \[\(\)\]"),
    ],
)
def test_estimators_of_other_libraries_have_arrays_of_two_axes(coefs, error, message):
    estimator = SimpleNamespace(
        coefs_=coefs, intercepts_=[np.ones(1)], activation="relu", out_activation_="identity"
    )
    with pytest.raises(error, match=message):
        convert.from_sklearn(estimator)


REFUSED = {
    "a layer less": (state(**{"2.weight": None, "2.bias": None}), "2 layers, .* got 1"),
    "a layer more": (state(**{"4.weight": np.ones((3, 3))}), "weights of 2 layers, .* got 3"),
    "another width": (
        state(**{"2.weight": np.ones((3, 4))}),
        r"2\.weight must have shape \(3, 5\) for layers\[1\], Dense\(3, 'softmax'\), got \(3, 4\)",
    ),
    "turned": (state(**{"0.weight": np.ones((4, 5))}), r"0\.weight must have shape \(5, 5\) "),
    "three axes": (state(**{"0.weight": np.ones((5, 4, 1))}), r"two axes, got shape \(5, 4, 1\)$"),
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


@pytest.mark.parametrize(
    ("one", "other", "comes_before"),
    [
        ("a.1.w", "a.2.w", True),
        ("a.2.w", "a.1.w", False),
        ("a.9", "a.10", True),
        ("a.09", "a.9", False),
        ("a.9", "a.09", False),
        ("1.2", "1.3", True),
        ("1.2", "2.1", True),
        ("a1b", "b2a", False),
        ("a", "b", False),
        ("a", "a1", False),
        ("a1b1", "a1c2", False),
        ("a" + "9" * 5000, "a1" + "0" * 5000, True),
    ],
)
def test_which_name_comes_before(one, other, comes_before):
    first, second = _weights._parts(one), _weights._parts(other)
    assert _weights._comes_before(first, second) == comes_before


@pytest.mark.parametrize(
    ("w", "b", "n_inputs", "use_bias", "fits"),
    [
        ((3, 2), (2,), 3, True, True),
        ((3, 2), (2,), None, True, True),
        ((3, 2), (2,), 4, True, False),
        ((3, 4), (4,), 3, True, False),
        ((3, 2), (3,), 3, True, False),
        ((3, 2), (2,), 3, False, False),
        ((3, 2), None, 3, False, True),
        ((3, 2), None, 3, True, True),
        ((3, 2, 1), None, 3, True, False),
        ((3,), None, 3, True, False),
    ],
)
def test_which_arrays_a_layer_takes(w, b, n_inputs, use_bias, fits):
    pair = "w", np.zeros(w), "b", None if b is None else np.zeros(b)
    assert _weights._fits(pair, n_inputs, Dense(2, use_bias=use_bias)) == fits


def test_how_long_an_order_is_looked_for(monkeypatch):
    model = Model([Dense(n) for n in (5, 4, 3)])
    state = {name: np.zeros(s) for name, s in
             [("c.weight", (5, 6)), ("a.weight", (4, 5)), ("b.weight", (3, 4))]}  # fmt: skip
    looked_at = []
    for most in range(20):
        monkeypatch.setattr(_weights, "MOST_TRIES", most)
        try:
            convert.set_state_dict(model, state)
        except ValueError as error:
            assert "give one order" in str(error)
            looked_at.append(most)
    assert looked_at == list(range(6))  # three chosen, three given up

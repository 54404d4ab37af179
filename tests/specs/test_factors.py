"""Factors of layers: what they may be, how they are written, and that a model trains by them."""

import copy
import json
import pickle

import numpy as np
import pytest

from cynn import Model, layers, optimizers
from cynn._specs.factors import ByName
from cynn.layers import BatchNorm, Dense, Dropout, Flatten, LayerNorm, Residual, Scale
from layer_examples import COLUMNS, EXAMPLES

LEARNING = [
    Dense(
        3,
        "mish",
        learning_rate_factor={"weight": 0.06, "bias": 0.1},
        weight_decay_factor={"bias": 0},
    ),
    Dense(3, use_bias=False, learning_rate_factor={"weight": 2}),
    LayerNorm(learning_rate_factor=0.5, weight_decay_factor=0),
    BatchNorm(weight_decay_factor={"weight": 0.5}),
    Scale(learning_rate_factor=6),
    Residual([Dense(3, learning_rate_factor=0), Scale(weight_decay_factor=2)]),
]


@pytest.mark.parametrize("layer", LEARNING, ids=repr)
def test_a_layer_is_written_and_read_with_its_factors(layer):
    written = json.loads(json.dumps(layer.to_dict()))
    for made in (layers.from_dict(written), eval(repr(layer)), pickle.loads(pickle.dumps(layer)),
                 copy.deepcopy(layer), layer.replace()):  # fmt: skip
        assert made == layer and hash(made) == hash(layer) and repr(made) == repr(layer)
        assert made.factors() == layer.factors()
    for name in {"learning_rate_factor", "weight_decay_factor"} & layer.config().keys():
        assert layer.replace(**{name: 0.75}) != layer


def test_factors_are_one_for_each_weight():
    assert [one.factors() for one in LEARNING] == [
        [(0.06, 1.0), (0.1, 0.0)],
        [(2.0, 1.0)],
        [(0.5, 0.0), (0.5, 0.0)],
        [(1.0, 0.5), (1.0, 1.0)],
        [(6.0, 1.0)],
        [(0.0, 1.0), (0.0, 1.0), (1.0, 2.0)],
    ]
    assert Dense(3).factors() == [(1.0, 1.0)] * 2
    assert Flatten().factors() == Dropout(0.5).factors() == []
    assert repr(Dense(3, learning_rate_factor=1, weight_decay_factor=1.0)) == "Dense(3)"


WITH_WEIGHTS = [one for one in EXAMPLES if one.weight_names() and not isinstance(one, Residual)]


@pytest.mark.parametrize("layer", WITH_WEIGHTS, ids=repr)
def test_every_layer_with_weights_takes_them(layer):
    names = layer.weight_names()
    by_name = ({names[0]: 0}, names[:1])
    if layer._has_one_array:
        with pytest.raises(TypeError, match="learning_rate_factor must be a finite number of"):
            layer.replace(learning_rate_factor=by_name[0])
    for factor, frozen in ((0, names), *[by_name] * (not layer._has_one_array)):
        changed = layer.replace(learning_rate_factor=factor, weight_decay_factor=0.5)
        pairs = [(float(each not in frozen), 0.5) for each in names]
        assert changed.factors() == pairs[: 1 if layer._has_one_array else None]
        model = Model([changed, Dense(3)], seed=0)
        model.compile(optimizers.AdamW(0.01), "mse")
        model.build(COLUMNS)
        start = model.named_weights()
        x = np.random.default_rng(0).normal(size=(30, COLUMNS))
        model.fit(x, x[:, :3], verbose=0)
        kept = {n for n, w in model.named_weights().items() if w.tobytes() == start[n].tobytes()}
        assert kept == {f"layer0.{each}" for each in frozen}


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-1, ValueError, "NAME must be a finite number of at least 0, or such numbers by"),
        (np.inf, ValueError, "NAME must be a finite number"),
        (True, TypeError, "NAME must be a finite number"),
        ("1", TypeError, "NAME must be a finite number"),
        (None, TypeError, "NAME must be a finite number"),
        ([0.1, 0.1], TypeError, "NAME must be a finite number"),
        ({"weigth": 1}, ValueError, "NAME must have names among 'weight', 'bias', got 'weigth'"),
        ({1: 1}, ValueError, "NAME must have names among 'weight', 'bias', got 1"),
        ({"bias": -0.5}, ValueError, r"NAME\['bias'\] must be a finite number of .* got -0.5"),
        ({"bias": None}, TypeError, r"NAME\['bias'\] must be a finite number"),
    ],
)
@pytest.mark.parametrize("name", ["learning_rate_factor", "weight_decay_factor"])
def test_what_is_no_factor_is_refused(name, value, error, message):
    for kind in (lambda **more: Dense(3, **more), LayerNorm, BatchNorm):
        with pytest.raises(error, match=message.replace("NAME", name)):
            kind(**{name: value})
    with pytest.raises(ValueError, match=name):
        layers.from_dict({"class": "Dense", "units": 3, name: value})
    with pytest.raises(ValueError, match="names among 'weight', got 'bias'"):
        Scale(**{name: {"bias": 1}})
    with pytest.raises(TypeError, match=name):
        Flatten(**{name: 1})


def test_what_is_given_later_changes_nothing():
    given = {"bias": 0.5}
    layer = Dense(3, learning_rate_factor=given)
    given["bias"] = 0.0
    assert layer.learning_rate_factor == {"bias": 0.5} == ByName({"bias": 0.5})
    with pytest.raises(TypeError):
        layer.learning_rate_factor["bias"] = 0.0


def test_a_layer_of_one_array_has_one_factor():
    class Once(Dense):
        _has_one_array = True

    layer = Once(3, learning_rate_factor=0.5)
    assert layer.factors() == [(0.5, 1.0)] and Once(3).factors() == [(1.0, 1.0)]
    with pytest.raises(
        TypeError, match="learning_rate_factor must be a finite number of at least 0, g"
    ):
        Once(3, learning_rate_factor={"weight": 0.5})


def trained(parts, optimizer, dtype="float32", epochs=2):
    model = Model(parts, dtype=dtype, seed=0)
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    model.build(4)
    start = model.get_weights()
    model.fit(x, x[:, :3], epochs=epochs, batch_size=8, verbose=0)
    return model, start


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_frozen_layers_of_a_model(name):
    inner = [
        Dense(4, "tanh", learning_rate_factor={"weight": 0}), LayerNorm(learning_rate_factor=0),
    ]  # fmt: skip
    parts = [Scale(learning_rate_factor=0), Residual(inner), Dense(3)]
    model, start = trained(parts, name)
    pairs = zip(model.get_weights(), start, strict=True)
    kept = [one.tobytes() == other.tobytes() for one, other in pairs]
    assert kept == [True, True, False, True, True, False, False]


def test_factors_are_in_model_files(tmp_path):
    parts = [Dense(5, "tanh", learning_rate_factor={"bias": 0}), Dense(3, weight_decay_factor=0)]
    model, _ = trained(parts, optimizers.AdamW(0.01, weight_decay=0.5))
    model.save(tmp_path / "model.safetensors")
    again = Model.load(tmp_path / "model.safetensors")
    assert again.layers == tuple(parts)
    x = np.random.default_rng(1).normal(size=(50, 4))
    for one in (model, again, copy.deepcopy(model)):
        one.fit(x, x[:, :3], epochs=1, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_rate_factor_is_a_smaller_rate_and_decay_may_leave_biases_alone():
    """Against the same training by hand: plain descent, decoupled decay of all but the biases."""
    parts = [Dense(3, learning_rate_factor={"weight": 0.5}, weight_decay_factor={"bias": 0})]
    model, (w, b) = trained(parts, optimizers.Lion(0.01, weight_decay=2.0), "float64", epochs=0)
    x = np.random.default_rng(0).normal(size=(50, 4))
    model.fit(x, x[:, :3], batch_size=50, shuffle=False, verbose=0)
    delta = 2 * (x @ w + b - x[:, :3]) / x.shape[0] / 3
    grad_w, grad_b = x.T @ delta, delta.sum(0)
    found = model.get_weights()
    np.testing.assert_allclose(found[0], w - 0.005 * (np.sign(grad_w) + 2.0 * w), rtol=1e-12)
    np.testing.assert_allclose(found[1], b - 0.01 * np.sign(grad_b), rtol=1e-12)


def test_numbers_that_float32_cannot_hold_are_refused():
    model = Model([Dense(3, learning_rate_factor=1e300)], seed=0)
    with pytest.raises(ValueError, match="layers.0. must have numbers that float32 holds"):
        model.compile("sgd", "mse")

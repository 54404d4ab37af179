"""Optimizers: settings, models that train with them, files."""

import copy
import math

import numpy as np
import pytest

from cynn import Model, optimizers
from cynn.layers import Dense, Residual
from cynn.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RMSprop,
)
from cynn.storage import ModelFileError, reading, write
from models import bits, blobs, trained

X, Y = blobs()


@pytest.mark.parametrize("kind", OPTIMIZERS.values())
@pytest.mark.parametrize(
    "name", ["learning_rate", "weight_decay", "clip_value", "clip_norm", "average"]
)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "1", True, 1j])
def test_what_all_have(kind, name, value):
    wanted = TypeError if isinstance(value, str | bool | complex) else ValueError
    with pytest.raises(wanted, match=f"^{name} must be "):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "message"),
    [
        (Adam, {"betas": (0.9, 1)}, ValueError, r"betas\[1\] must be at least 0 and less than 1"),
        (Adam, {"betas": 0.9}, TypeError, "betas must be two numbers, got 0.9"),
        (AdamW, {"betas": (0.9,)}, TypeError, "betas must be two numbers"),
        (Lion, {"betas": (-0.1, 0.9)}, ValueError, r"betas\[0\] must be"),
        (Adam, {"eps": 0}, ValueError, "eps must be a finite number above 0, got 0"),
        (Adam, {"amsgrad": 1}, TypeError, "amsgrad must be True or False"),
        (NAdam, {"momentum_decay": -1}, ValueError, "momentum_decay must be a finite number"),
        (NAdam, {"decoupled_weight_decay": 1}, TypeError, "decoupled_weight_decay must be True or"),
        (RMSprop, {"alpha": 1}, ValueError, "alpha must be"),
        (RMSprop, {"momentum": 1}, ValueError, "momentum must be"),
        (RMSprop, {"centered": None}, TypeError, "centered must be"),
        (Adagrad, {"lr_decay": -1}, ValueError, "lr_decay must be"),
        (Adagrad, {"initial_accumulator_value": -1}, ValueError, "initial_accumulator_value must"),
        (Adadelta, {"rho": math.nan}, ValueError, "rho must be"),
        (SGD, {"average": 1}, ValueError, "average must be at least 0 and less than 1, got 1"),
        (SGD, {"clip_norm": 0}, ValueError, "clip_norm must be a finite number above 0"),
    ],
)
def test_settings(kind, arguments, error, message):
    with pytest.raises(error, match=message):
        kind(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"l1": -1}, "l1 must be a finite number of at least 0, got -1"),
        ({"l2": math.inf}, "l2 must be"),
        ({"l2": math.nan}, "l2 must be"),
    ],
)
def test_penalties_of_a_layer(arguments, message):
    with pytest.raises(ValueError, match=message):
        Dense(3, **arguments)


def model(optimizer, dtype="float32", **penalties):
    made = Model([Dense(8, "tanh", **penalties), Dense(3, "softmax")], dtype=dtype, seed=0)
    made.compile(optimizer, metrics=["accuracy"])
    return made


SOME = [
    *OPTIMIZERS,
    Adam(0.01, amsgrad=True, clip_norm=0.5),
    NAdam(0.01, weight_decay=0.1, decoupled_weight_decay=True),
    RMSprop(0.01, momentum=0.5, centered=True, clip_value=0.1),
    Adagrad(0.1, initial_accumulator_value=0.5),
    SGD(0.1, 0.9, clip_norm=1.0),
]


@pytest.mark.parametrize("optimizer", SOME, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resuming_from_a_file_gives_the_same_bits(tmp_path, optimizer, dtype):
    one = model(optimizer, dtype, l1=1e-4, l2=1e-3)
    assert optimizers.from_dict(one.optimizer.to_dict()) == one.optimizer
    one.fit(X, Y, epochs=2, verbose=0)
    one.save(tmp_path / "model")
    others = [Model.load(tmp_path / "model"), copy.deepcopy(one), model(optimizer, dtype)]
    others[2] = model(optimizer, dtype, l1=1e-4, l2=1e-3)
    others[2].build(4)
    others[2].set_weights(one.get_weights())
    others[2].set_optimizer_state(one.get_optimizer_state())
    others[2].epochs = one.epochs
    for each in (one, *others):
        each.fit(X, Y, epochs=2, verbose=0)
        assert each.get_optimizer_state()[-1] == 12
    assert len({bits(each) for each in (one, *others)}) == 1


def test_files_of_the_first_version(tmp_path):
    """Then SGD's velocity was velocity.layer0.weight, and nothing counted the steps."""
    one = trained()
    one.save(tmp_path / "new")
    with reading(tmp_path / "new") as file:
        said = {name: value for name, value in file.model.items() if name != "updates"}
        said["optimizer"] = {"class": "SGD", "learning_rate": 0.1, "momentum": 0.9}
        arrays = {name.removeprefix("state."): file.read(name) for name in file.shapes}
    assert "velocity.layer0.weight" in arrays
    write(tmp_path / "old", said, arrays)
    old = Model.load(tmp_path / "old")
    for each in (one, old):
        each.fit(X, Y, epochs=2, verbose=0)
    assert [w.tobytes() for w in old.get_weights()] == [w.tobytes() for w in one.get_weights()]


def test_state_that_does_not_fit():
    one = model("adam")
    one.fit(X, Y, verbose=0)
    state, before = one.get_optimizer_state(), bits(one)
    assert [part.shape for part in state[:4]] == [w.shape for w in one.get_weights()]
    assert len(state) == 9
    for wrong in (state[:-2], [*state, 1], [*state[:-1], -1], [s.T for s in state]):
        with pytest.raises(ValueError):
            one.set_optimizer_state(wrong)
    for wrong in (None, [*state[:-1], 1.5], [*state[:-1], "1"]):
        with pytest.raises(TypeError):
            one.set_optimizer_state(wrong)
    assert bits(one) == before


def test_scalars_are_part_of_the_state(tmp_path):
    one = model("nadam")
    one.build(4)
    assert one.get_optimizer_state()[-2:] == [1.0, 0]
    one.fit(X, Y, epochs=2, verbose=0)
    *slots, product, updates = one.get_optimizer_state()
    assert product.dtype == "float64" and 0 < product < 0.5 and updates == 6
    for wrong in (math.nan, math.inf):
        with pytest.raises(ValueError, match=r"state\[8\] must be a finite number"):
            one.set_optimizer_state([*slots, wrong, updates])
    for wrong in ("1", slots[0]):
        with pytest.raises(TypeError):
            one.set_optimizer_state([*slots, wrong, updates])
    assert one.get_optimizer_state()[-2:] == [product, updates]
    one.save(tmp_path / "whole")
    one.set_optimizer_state(slots)  # without its end it begins anew
    assert one.get_optimizer_state()[-2:] == [1.0, 0]
    with reading(tmp_path / "whole") as file:
        said, arrays = file.model, {name: file.read(name) for name in file.shapes}
    assert said["scalars"] == {"mu_product": product}
    write(tmp_path / "wrong", said | {"scalars": {"mu_product": "1"}}, arrays)
    with pytest.raises(ModelFileError, match="mu_product must be a finite number"):
        Model.load(tmp_path / "wrong")
    write(tmp_path / "without", {n: v for n, v in said.items() if n != "scalars"}, arrays)
    assert Model.load(tmp_path / "without").get_optimizer_state()[-2:] == [1.0, updates]
    one.compile("nadam")
    assert one.get_optimizer_state()[-2:] == [1.0, 0]


@pytest.mark.parametrize("optimizer", SOME, ids=str)
def test_they_learn(optimizer):
    if isinstance(optimizer, str):
        rates = {"sgd": 0.1, "adadelta": 1.0, "adagrad": 0.1, "lion": 0.003}
        optimizer = OPTIMIZERS[optimizer](rates.get(optimizer, 0.01))
    made = model(optimizer)
    made.fit(X, Y, epochs=40, batch_size=16, verbose=0)
    assert made.evaluate(X, Y)["accuracy"] > 0.9


@pytest.mark.parametrize("clip", [{}, {"clip_value": 0.01}, {"clip_norm": 0.1}])
def test_a_batch_too_large_for_the_network(clip):
    """Its gradient is summed in blocks: the same within rounding."""
    x, y = blobs(1500)
    large = model(Adam(0.01, **clip), "float64", l1=1e-3, l2=1e-2)
    large.fit(x, y, batch_size=1500, epochs=3, shuffle=False, verbose=0)
    small = model(Adam(0.01, **clip), "float64", l1=1e-3, l2=1e-2)
    small.build(4)
    weights = small.get_weights()
    gradient = np.empty(small._network.n_params)
    for _ in range(3):
        loss, total = small._network.gradients(x.astype("f8"), y.astype("i4"), None, gradient, 1)
        small._network.update(gradient / total, 0.01, 0.0)
    for got, want, first in zip(large.get_weights(), small.get_weights(), weights, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)
        assert np.abs(got - first).max() > 1e-3
    assert large.history.history["loss"][-1] == pytest.approx(loss / total, rel=1e-9)


def test_penalties_are_part_of_the_loss_and_leave_biases_alone():
    one = Model([Dense(4, l1=0.5, l2=0.25), Residual([Dense(4, l2=2.0)])], dtype="float64", seed=0)
    one.compile(SGD(0.0), "mean_squared_error")
    one.build(4)
    w, b, inner, inner_b = one.get_weights()
    one.set_weights([w, b + 3, inner, inner_b + 3])
    plain = Model([Dense(4), Residual([Dense(4)])], dtype="float64", seed=0)
    plain.compile(SGD(0.0), "mean_squared_error")
    plain.build(4)
    plain.set_weights(one.get_weights())
    penalty = 0.5 * np.abs(w).sum() + 0.25 * (w**2).sum() + 2.0 * (inner**2).sum()
    y = np.eye(4)[Y]
    found = [
        (each.evaluate(X, y)["loss"], each.fit(X, y, verbose=0).history["loss"][0])
        for each in (one, plain)
    ]
    np.testing.assert_allclose(np.subtract(*found), penalty, rtol=1e-12)


def test_l1_and_decay_make_weights_small():
    sizes = {}
    for name, settings, optimizer in (
        ("plain", {}, Adam(0.01)),
        ("l1", {"l1": 0.05}, Adam(0.01)),
        ("l2", {"l2": 0.05}, Adam(0.01)),
        ("decay", {}, AdamW(0.01, weight_decay=5.0)),
    ):
        made = model(optimizer, **settings)
        made.fit(X, Y, epochs=60, batch_size=16, verbose=0)
        sizes[name] = np.abs(made.get_weights()[0]).sum()
    assert max(sizes["l1"], sizes["l2"], sizes["decay"]) < 0.5 * sizes["plain"]

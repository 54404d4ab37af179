"""Members: k networks in one are the mean of k networks; what goes wrong is said."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cynn import Model, keep_threads, layers, losses, set_num_threads
from cynn.activations import Custom
from cynn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    Residual,
)
from cynn.optimizers import Adam
from models import blobs

X, Y = blobs()
N_INPUTS = X.shape[1]


def bits(*arrays):
    return b"".join(array.tobytes() for array in arrays)


def batch_ensemble(k, units=7, activation="softmax", dtype="float64", groups=None):
    model = Model(
        [
            Members(k, "normal", groups=groups),
            Dense(units, use_bias=False),
            MemberAffine(k, "tanh", limit=0.5),
            MemberAffine(k, use_bias=False),
            Dense(5, "tanh"),
            MemberDense(3, k),
            MemberAffine(k, activation, use_scale=False, limit=0.5),
        ],
        dtype=dtype,
        seed=0,
    )
    model.compile("adam", "cross_entropy" if activation == "softmax" else "mse", ["accuracy"])
    model.build(N_INPUTS)
    rng = np.random.default_rng(1)
    model.set_weights([w + 0.3 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def member(model, m):
    """Return one of the networks as a plain model: its vectors multiplied into the matrices."""
    r, w, affine, next_r, next_w, next_b, head, head_b = model.get_weights()
    alone = Model(
        [Dense(w.shape[1], "tanh"), Dense(5, "tanh"), Dense(3, "softmax")], dtype="float64"
    )
    alone.build(N_INPUTS)
    alone.set_weights(
        [
            r[m][:, np.newaxis] * w * affine[0, m], affine[1, m],
            next_r[0, m][:, np.newaxis] * next_w, next_b,
            head[m].T, head_b[0, m],
        ]
    )  # fmt: skip
    alone.compile("adam", "cross_entropy")
    return alone


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 70))
def test_a_prediction_is_the_mean_of_the_members(k, units, n):
    model = batch_ensemble(k, units)
    alone = [member(model, m) for m in range(k)]
    x, y = np.resize(X, (n, N_INPUTS)), np.resize(Y, n)
    wanted = np.mean([one.predict(x) for one in alone], axis=0)
    np.testing.assert_allclose(model.predict(x), wanted, atol=1e-12)
    losses = [one.evaluate(x, y)["loss"] for one in alone]
    assert model.evaluate(x, y)["loss"] == pytest.approx(np.mean(losses), rel=1e-12)
    np.testing.assert_allclose(
        model.input_gradient(x, y), np.mean([one.input_gradient(x, y) for one in alone], axis=0),
        atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [1, 2, 7])
def test_outputs_of_layers_are_those_of_each_member(k, dtype):
    model = batch_ensemble(k, 40, dtype=dtype)
    x = X[:9].astype(dtype)
    outputs = model.layer_outputs(x)
    r, w, affine, (next_r,), next_w, next_b, head, (head_b,) = model.get_weights()
    y = r * x[:, np.newaxis]
    for i, made in enumerate(
        [
            lambda y: y,
            lambda y: y @ w,
            lambda y: np.tanh(affine[0] * y + affine[1]),
            lambda y: next_r * y,
            lambda y: np.tanh(y @ next_w + next_b),
            lambda y: np.einsum("nki,kui->nku", y, head),
        ]
    ):
        y = made(y)
        found = outputs[i] if k > 1 else outputs[i][:, np.newaxis]
        assert found.shape == y.shape and found.dtype == dtype
        np.testing.assert_allclose(found, y, 1e-4, 1e-5 if dtype == "float32" else 1e-12)
    e = np.exp(y + head_b)
    last = outputs[-1] if k > 1 else outputs[-1][:, np.newaxis]
    np.testing.assert_allclose(last, e / e.sum(axis=2, keepdims=True), 1e-4)
    np.testing.assert_allclose(last.mean(axis=1), model.predict(x), 1e-6)
    one = model.layer_outputs(x[4:5])
    assert bits(*one) == bits(*[made[4:5] for made in outputs])
    assert [len(made) for made in model.layer_outputs(x[:0])] == [0] * 7


def test_outputs_within_a_residual():
    """A residual behind members is what it is for each of them."""
    rng = np.random.default_rng(0)
    inner = [MemberAffine(3, "tanh", limit=1.0), Residual([MemberDense(4, 3)]), BatchNorm()]
    model = Model([Dense(4), Members(3, "normal"), Residual(inner)], dtype="float64", seed=0)
    model.build(N_INPUTS)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    model.set_state([rng.uniform(0.5, 2, part.shape) for part in model.get_state()])
    _, before, after = model.layer_outputs(X[:8])
    (s, b), w, gamma, beta = model.get_weights()[-4:]
    mean, variance = model.get_state()
    y = np.tanh(s * before + b)
    y = (y + np.einsum("nki,kui->nku", y, w) - mean) / np.sqrt(variance + inner[-1].epsilon)
    np.testing.assert_allclose(after, before + y * gamma + beta, 1e-10, 1e-10)
    np.testing.assert_allclose(after.mean(axis=1), model.predict(X[:8]), 1e-12)


def test_the_summary_says_of_how_many(capsys):
    model = Model([Dense(4), Members(3), MemberDense(2, 3)])
    model.summary()
    model.build(N_INPUTS)
    model.summary()
    lines = [re.split(" {2,}", line) for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines[-5:-2]] == ["(4,)", "3 x (4,)", "3 x (2,)"]


def test_one_row_and_many_have_the_same_bits():
    model = batch_ensemble(5, dtype="float32")
    whole = model.predict(X)
    assert bits(*[model.predict(x[np.newaxis]) for x in X]) == bits(whole)


@pytest.mark.parametrize("k", [1, 3, 32])
def test_the_same_bits_on_any_number_of_threads(k):
    found = []
    try:
        with keep_threads():  # small networks have as many as they are asked to
            for n in (1, 2, 3):
                set_num_threads(n)
                model = batch_ensemble(k, 40, dtype="float32")
                model.fit(X, Y, epochs=2, batch_size=50, verbose=0)
                found.append(bits(*model.get_weights(), model.predict(X)))
    finally:
        set_num_threads(None)
    assert found[0] == found[1] == found[2]


def test_a_batch_ensemble_learns_and_comes_back_from_a_file(tmp_path):
    model = Model(
        [
            Normalize.adapt(X),
            Members(4, groups=[N_INPUTS]),
            Residual([Dense(N_INPUTS, use_bias=False), MemberAffine(4, "gelu"), BatchNorm()]),
            Dropout(0.1),
            MemberDense(3, 4),
            MemberAffine(4, "softmax", use_scale=False),
        ],
        seed=0,
    )
    model.compile(Adam(0.02), "cross_entropy", ["accuracy"])
    history = model.fit(X, Y, epochs=30, validation_split=0.2, verbose=0).history
    assert history["val_accuracy"][-1] > 0.9 > history["accuracy"][0]
    model.save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors")
    assert again.layers == model.layers
    assert bits(again.predict(X)) == bits(model.predict(X))


def test_first_weights():
    (signs,) = Members(50).initial_weights(40, np.random.default_rng(0))
    assert set(np.unique(signs)) == {-1.0, 1.0} and abs(signs.mean()) < 0.1
    (ones,) = Members(2, "ones").initial_weights(3, np.random.default_rng(0))
    assert ones.tolist() == [[1, 1, 1]] * 2
    (drawn,) = Members(3, "normal", groups=[2, 3]).initial_weights(5, np.random.default_rng(0))
    assert len(np.unique(drawn)) == 6
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, 2] == drawn[:, 4]).all()
    (own,) = MemberAffine(3, limit=0.5).initial_weights(100, np.random.default_rng(0))
    assert (own[0] == 1).all() and (own[1] == own[1, 0]).all()
    assert 0.3 < abs(own[1]).max() <= 0.5
    (head,) = MemberDense(2, 3).initial_weights(16, np.random.default_rng(0))
    assert head.shape == (3, 2, 16) and 0.2 < abs(head).max() <= 0.25


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([Members(3), Dense(2), Members(3)], r"Members once, got Members\(3\) behind 3 members"),
        ([Members(3), MemberAffine(2)], "k of MemberAffine.* must be the number of members, 3"),
        ([MemberDense(2, 2)], "k of MemberDense.* must be the number of members, 1, got 2: put"),
        (
            [Residual([Members(2)]), Dense(1)],
            "members must be 1 behind a Residual as before it, got 2",
        ),
        ([Members(2, groups=[1, 1])], f"groups must have as many columns as a row, {N_INPUTS}"),
    ],
)
def test_layers_that_do_not_fit(parts, message):
    with pytest.raises(ValueError, match=message):
        Model([*parts, Dense(3, "softmax")]).build(N_INPUTS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Members(0), lambda: Members(1 << 17), lambda: Members(2.5),
        lambda: Members(2, "he"), lambda: Members(2, groups=[]), lambda: Members(2, groups=[0]),
        lambda: Members(2, groups=3), lambda: MemberAffine(2, "none"),
        lambda: MemberAffine(2, limit=-1), lambda: MemberAffine(2, limit=float("nan")),
        lambda: MemberAffine(2, use_scale=False, use_bias=False),
        lambda: MemberAffine(2, learning_rate_factor={"bias": 1.0}),
        lambda: MemberDense(0, 2), lambda: MemberDense(2, 0), lambda: MemberDense(1 << 25, 2),
    ],
)  # fmt: skip
def test_arguments_that_are_refused(make):
    with pytest.raises((TypeError, ValueError)):
        make()


def test_user_defined_functions():
    def square(z):
        return z * z

    def slope(z):
        return 2 * z

    wanted = batch_ensemble(3)
    own = Model(
        [
            Members(3),
            Dense(4, use_bias=False),
            MemberAffine(3, Custom(square, derivative=slope)),
            MemberDense(3, 3),
        ],
        dtype="float64",
        seed=0,
    )
    own.compile("adam", "mse")
    own.fit(X, np.eye(3)[Y], epochs=1, verbose=0)
    assert np.isfinite(own.predict(X)).all()
    loss = losses.Custom(lambda y, z: (((z - y) ** 2).mean(1), 2 * (z - y) / 3))
    with pytest.raises(
        ValueError, match="built in for a network with members, got a user-defined one"
    ):
        wanted.compile("adam", loss)
        wanted.fit(X, np.eye(3)[Y], verbose=0)


def test_the_layers_are_public():
    assert {"Members", "MemberAffine", "MemberDense"} <= set(layers.__all__)

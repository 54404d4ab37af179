"""First weights that the rows of the first fit finish: "std" and "he+5"."""

import copy
import pickle

import numpy as np
import pytest

from cynn import Model, layers, set_num_threads
from cynn.callbacks import Callback, EarlyStopping
from cynn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    Rescale,
    Residual,
)
from cynn.optimizers import SGD
from layer_examples import COLUMNS, by_layer
from models import bits

rng = np.random.default_rng(0)
X = rng.normal(size=(120, COLUMNS)) * np.geomspace(0.01, 100, COLUMNS) + rng.normal(size=COLUMNS)
Y = rng.normal(size=(120, 2))


def from_rows(units, activation="identity", **more):
    return Dense(units, activation, kernel_initializer="std", bias_initializer="he+5", **more)


def new(*parts, dtype="float64", seed=3):
    model = Model([*parts, from_rows(2)], dtype=dtype, seed=seed)
    model.compile(SGD(0.01), "mse")
    return model


def begun(*parts, x=X, y=Y, **named):
    """Return a model that has been given rows, and took no step."""
    fit = {key: named.pop(key) for key in list(named) if key not in ("dtype", "seed")}
    model = new(*parts, **named)
    model.fit(x, y[: np.shape(x)[0]], epochs=0, verbose=0, **fit)
    return model


def built(*parts, shape=COLUMNS, **named):
    model = new(*parts, **named)
    model.build(shape)
    return model


def expect_first(model, drawn, x, places):
    """Check the dense layers at these places against the rows that come to them."""
    outputs = [np.asarray(x, float).reshape(len(x), -1), *model.layer_outputs(x)]
    named, before = model.named_weights(), drawn.named_weights()
    tolerance = 1e-9 if model.dtype == np.float64 else 1e-3
    for place in places:
        kernel, bias = named[f"layer{place}.weight"], named[f"layer{place}.bias"]
        product = outputs[place].reshape(len(x), -1) @ kernel.astype(float)
        np.testing.assert_allclose(product.std(axis=0), 1, tolerance)
        ratio = before[f"layer{place}.weight"] / kernel
        assert (ratio > 0).all()
        np.testing.assert_allclose(ratio / ratio[:1], 1, tolerance)
        room = 10 * tolerance * abs(product).max()
        assert (product.min(axis=0) - room <= -bias).all()
        assert (-bias <= product.max(axis=0) + room).all()
        assert len(np.unique(bias)) == len(bias)


# ---- what they are ------------------------------------------------------------------------------


def test_without_rows_they_are_normal_and_zero():
    model = built(from_rows(400))
    kernel, bias = model.get_weights()[:2]
    assert abs(kernel.var() * COLUMNS - 1) < 0.1 and abs(kernel.mean()) < 0.02
    assert not bias.any()


def test_by_their_definition():
    model, drawn = begun(from_rows(40), seed=5), built(from_rows(40), seed=5)
    start = drawn.get_weights()[0]
    kernel = start / (X @ start).std(axis=0)
    draws = np.random.default_rng([5, 1])
    rows, shares = draws.integers(0, len(X), (40, 5)), draws.exponential(size=(40, 5))
    mixture = [
        (shares[u] * (X @ kernel)[rows[u], u]).sum() / shares[u].sum() for u in range(40)
    ]  # fmt: skip
    np.testing.assert_allclose(model.get_weights()[0], kernel, 1e-12)
    np.testing.assert_allclose(model.get_weights()[1], -np.array(mixture), 1e-10, 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(**by_layer)
def test_behind_any_layer(layer, dtype):
    parts = from_rows(COLUMNS, "tanh"), layer, from_rows(7, "relu")
    model, drawn = begun(*parts, dtype=dtype), built(*parts, dtype=dtype)
    expect_first(model, drawn, X, (0, 2, 3))
    parts = layer, from_rows(7, "selu"), Dropout(0.5)
    model, drawn = begun(*parts, dtype=dtype), built(*parts, dtype=dtype)
    expect_first(model, drawn, X, (1, 3))


def test_inside_of_another_layer():
    inner = from_rows(5, "tanh"), BatchNorm(), Residual([from_rows(5)]), from_rows(COLUMNS)
    parts = Dense(COLUMNS, "tanh"), Residual(inner)
    model, drawn = begun(*parts), built(*parts)
    expect_first(model, drawn, X, (2,))
    # The same layers, not inside of another, of the same weights.
    flat = Model([Dense(COLUMNS, "tanh"), *inner], dtype="float64", seed=3)
    flat.compile(SGD(0.01), "mse")
    flat.fit(X, X, epochs=0, verbose=0)
    found, wanted = model.get_weights(), flat.get_weights()
    assert len(found) == len(wanted) + 2
    for a, b in zip(found, wanted, strict=False):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("k", [1, 5])
def test_behind_members_they_are_of_all_members_rows(k):
    inside = MemberAffine(k, "tanh", limit=0.5), from_rows(COLUMNS)
    parts = Members(k), from_rows(9, "tanh"), MemberDense(COLUMNS, k), Residual(inside)
    model, drawn = begun(*parts), built(*parts)
    outputs = [y.reshape(len(X) * k, -1) for y in model.layer_outputs(X)]
    named, before = model.named_weights(), drawn.named_weights()
    s, b = named["layer3.0.weight"]
    affine = np.tanh(s * outputs[2].reshape(len(X), k, -1) + b).reshape(len(X) * k, -1)
    for name, rows in (("layer1", outputs[0]), ("layer3.1", affine), ("layer4", outputs[3])):
        kernel, bias = named[f"{name}.weight"], named[f"{name}.bias"]
        product = rows @ kernel
        np.testing.assert_allclose(product.std(axis=0), 1, 1e-9)
        ratio = before[f"{name}.weight"] / kernel
        assert (ratio > 0).all()
        assert (product.min(axis=0) - 1e-9 <= -bias).all()
        assert (-bias <= product.max(axis=0) + 1e-9).all()
    for name in ("layer0.scale", "layer2.weight", "layer3.0.weight"):
        np.testing.assert_array_equal(named[name], before[name])


def test_behind_members_there_are_fewer_rows(monkeypatch):
    """So that what lies between two layers is no more in memory."""
    from cynn._training import first_weights

    seen = []

    class Seen(first_weights.LayerByLayer):
        def through(self, layer):
            made = super().through(layer)
            seen.append(made.shape)
            return made

    monkeypatch.setattr(first_weights, "LayerByLayer", Seen)
    monkeypatch.setattr(first_weights, "MOST_NUMBERS", 100 * 5 * COLUMNS)
    begun(Members(5))
    assert seen == [(100 * 5, COLUMNS)]


def test_a_layer_object_that_stands_twice():
    one = from_rows(COLUMNS, "tanh")
    model, other = begun(one, one, one), begun(one, from_rows(COLUMNS, "tanh"), one)
    assert bits(model) == bits(other)
    expect_first(model, built(one, one, one), X, (0, 1, 2, 3))
    for parts in ([one, one], [one, from_rows(COLUMNS, "tanh")]):
        model = Model(parts, dtype="float64", seed=0)
        model.compile(SGD(0.01), "mse")
        model.fit(X, X, epochs=0, verbose=0)
        second = np.tanh(X @ model.get_weights()[0] + model.get_weights()[1])
        np.testing.assert_allclose((second @ model.get_weights()[2]).std(axis=0), 1, 1e-9)


def test_one_without_the_other():
    parts = Dense(6, kernel_initializer="std"), Dense(6, bias_initializer="he+5")
    found, drawn = begun(*parts).get_weights(), built(*parts).get_weights()
    same = [np.array_equal(a, b) for a, b in zip(found, drawn, strict=True)]
    assert same == [False, True, True, False, False, False]
    model = begun(Dense(6, kernel_initializer="std", bias_initializer="he+5", use_bias=False))
    np.testing.assert_allclose((X @ model.get_weights()[0]).std(axis=0), 1, 1e-9)


def test_units_that_are_the_same_in_all_rows_are_divided_by_1():
    x = np.full((50, 3), 0.1)
    for rows in (x, x[:1]):
        model, drawn = begun(from_rows(4), x=rows), built(from_rows(4), shape=3)
        kernel, bias = model.get_weights()[:2]
        np.testing.assert_array_equal(kernel, drawn.get_weights()[0])
        np.testing.assert_allclose(bias, -(x @ kernel)[0], 1e-12)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_rows_of_any_size(scale):
    x = X / 100 * scale
    assert np.isfinite(begun(from_rows(4), x=x, dtype="float32").get_learned()).all()


def test_images_of_bytes():
    images = rng.integers(0, 256, (60, 5, 4)).astype(np.uint8)
    parts = Flatten(), Rescale(1 / 255), from_rows(9, "relu")
    model, drawn = begun(*parts, x=images), built(*parts, shape=(5, 4))
    expect_first(model, drawn, images, (2, 3))
    parts = Flatten(), from_rows(9, "relu")
    model, drawn = begun(*parts, x=images), built(*parts, shape=(5, 4))
    expect_first(model, drawn, images, (1, 2))


def test_columns_far_from_0_keep_their_digits():
    x = X / 100 + 1e9
    parts = Normalize.adapt(x), from_rows(9, "relu")
    model, drawn = begun(*parts, x=x, dtype="float32"), built(*parts, dtype="float32")
    expect_first(model, drawn, x, (1, 2))


def test_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse")
    x = X * (rng.random(X.shape) < 0.3)
    parts = Rescale(0.5), from_rows(9, "relu")
    assert bits(begun(*parts, x=sparse.csr_matrix(x))) == bits(begun(*parts, x=x))


# ---- of which rows, and when --------------------------------------------------------------------


def test_only_of_rows_that_the_optimizer_sees():
    def after(x, **fit):
        return bits(begun(from_rows(9), x=x, **fit))

    held = {"validation_split": 0.25}
    model = begun(from_rows(9), **held)
    others = [i for i in range(len(X)) if after(_with(X, i), **held) == bits(model)]
    assert len(others) == 30
    weight = np.ones(len(X))
    weight[7] = 0
    wanted = after(X, sample_weight=weight)
    assert after(_with(X, 7), sample_weight=weight) == wanted != after(_with(X, 8))
    assert after(np.delete(X, 7, axis=0)) == wanted


def _with(x, row):
    changed = x.copy()
    changed[row] += 1
    return changed


def test_of_many_rows_some_are_drawn_by_the_seed(monkeypatch):
    wanted = bits(begun(from_rows(9)))
    for name, value in (("MOST_ROWS", 80), ("MOST_NUMBERS", 80 * COLUMNS)):
        with monkeypatch.context() as fewer:
            fewer.setattr(f"cynn._training.first_weights.{name}", value)
            model = begun(from_rows(9))
            assert bits(begun(from_rows(9))) == bits(model) != wanted
            product = X @ model.get_weights()[0]
            np.testing.assert_allclose(product.std(axis=0), 1, 0.3)
            used = [
                i for i in range(120) if bits(begun(from_rows(9), x=_with(X, i))) != bits(model)
            ]
            assert len(used) == 80 and used != list(range(80))
    monkeypatch.setattr("cynn._training.first_weights.MOST_ROWS", 120)
    assert bits(begun(from_rows(9))) == wanted


def test_the_seed_decides():
    assert bits(begun(from_rows(9))) == bits(begun(from_rows(9)))
    assert bits(begun(from_rows(9), seed=4)) != bits(begun(from_rows(9)))
    single, double = begun(from_rows(9), dtype="float32"), begun(from_rows(9))
    for a, b in zip(single.get_weights(), double.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-3, 1e-3)


def test_the_same_bits_at_any_number_of_threads():
    x = np.tile(X, (20, 1)) + rng.normal(size=(2400, COLUMNS))
    y = np.tile(Y, (20, 1))
    try:
        found = []
        for n in (1, 2, 3):
            set_num_threads(n)
            found.append(bits(begun(from_rows(300, "mish"), from_rows(300), x=x, y=y)))
    finally:
        set_num_threads(None)
    assert found[0] == found[1] == found[2]


def test_once():
    model = begun(from_rows(9))
    before = bits(model)
    model.fit(X * 3, Y, epochs=0, verbose=0)
    assert bits(model) == before
    model.fit(X, Y, epochs=1, verbose=0)
    assert bits(model) != before
    trained = bits(model)
    model.fit(X, Y, epochs=0, verbose=0)
    assert bits(model) == trained


def test_a_model_that_is_built_before():
    model = built(from_rows(9))
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model):
        made.fit(X, Y, epochs=0, verbose=0)
        assert bits(made) == bits(begun(from_rows(9)))
    again = copy.deepcopy(model)
    again.fit(X * 3, Y, epochs=0, verbose=0)
    assert bits(again) == bits(model)


def test_weights_that_were_set_stay(tmp_path):
    model = built(from_rows(9))
    model.save(tmp_path / "m")
    drawn = bits(model)
    model.set_weights(model.get_weights())
    other = built(from_rows(9), seed=8)
    other.set_learned(model.get_learned())
    for made in (model, other, Model.load(tmp_path / "m"), copy.deepcopy(model)):
        made.fit(X, Y, epochs=0, verbose=0)
        assert bits(made) == drawn


def test_a_fit_that_is_refused_leaves_the_model_as_it_was():
    model = new(from_rows(9))
    for more in ({"callbacks": [EarlyStopping("val_loss")]}, {"class_weight": "balanced"}):
        with pytest.raises(ValueError):
            model.fit(X, Y, verbose=0, **more)
    assert model.input_shape is None
    model.fit(X, Y, epochs=0, verbose=0)
    assert bits(model) == bits(begun(from_rows(9)))


def test_of_mini_batches_the_first():
    wanted = bits(begun(from_rows(9), x=X[:50]))
    batches = [(X[:50], Y[:50]), (X[50:], Y[50:])]

    class Look(Callback):
        def on_train_begin(self, logs=None):
            assert bits(self.model) == wanted

    for given in (batches, iter(batches)):
        model = new(from_rows(9))
        model.fit(given, verbose=0, callbacks=[Look()])
        assert bits(model) != wanted


def test_a_step_alone():
    model, wanted = new(from_rows(9)), begun(from_rows(9), x=X[:50])
    for made in (model, wanted):
        made.train_on_batch(X[:50], Y[:50])
        made.train_on_batch(X[50:], Y[50:])
    assert bits(model) == bits(wanted)


def test_rows_of_a_file(tmp_path):
    rows = np.memmap(tmp_path / "rows", np.int16, "w+", shape=X.shape)
    rows[:] = np.round(X)
    assert bits(begun(from_rows(9), x=rows)) == bits(begun(from_rows(9), x=np.round(X)))


def test_which_are_for_which():
    with pytest.raises(ValueError, match=r"kernel_initializer must be one of .*, got 'he\+5'"):
        Dense(3, kernel_initializer="he+5")
    with pytest.raises(ValueError, match="bias_initializer must be one of .*, got 'std'"):
        Dense(3, bias_initializer="std")
    assert repr(from_rows(3)) == "Dense(3, kernel_initializer='std', bias_initializer='he+5')"
    assert layers.from_dict(from_rows(3).to_dict()) == from_rows(3)


def test_it_trains():
    x = np.column_stack([X[:, 9], X[:, 10] / 50])
    y = np.sin(x[:, :1]) * x[:, 1:]
    model = Model([from_rows(64, "mish"), from_rows(64, "mish"), Activation("tanh"), from_rows(1)])
    model.compile("adam", "mse")
    losses = model.fit(x, y, epochs=200, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]

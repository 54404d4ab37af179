"""Permutation importance and partial dependence of tables, with and without scikit-learn."""

import numpy as np
import pytest

from cynn import Model
from cynn.ensemble import Ensemble
from cynn.inspection import partial_dependence, permutation_importance
from cynn.layers import Dense
from cynn.tables import TableEncoder

N = 60
RNG = np.random.default_rng(0)
TABLE = {
    "size": np.linspace(0, 10, N),
    "kind": np.array(["a", "b", "c"] * (N // 3), object),
    "day": np.datetime64("2024-01-01") + np.arange(N),
    "noise": RNG.normal(size=N),
}
PRICE = 3 * TABLE["size"] + 5 * (TABLE["kind"] == "b")


def linear(table, target, weights, recipe="standard"):
    """Return a model of a table whose only layer has the weights given by the inputs' names."""
    encoder = TableEncoder.fit(table, target, recipe=recipe)
    model = Model([Dense(encoder.target.n_outputs)], dtype="float64", seed=0)
    model.build(encoder.width)
    w = np.zeros((encoder.width, encoder.target.n_outputs))
    for name, value in weights.items():
        w[encoder.input_names.index(name), -1] = value
    model.set_weights([w, np.zeros(w.shape[1])])
    model.table = encoder
    return model


def of_price():
    """Return a model that adds a slope in the size and a step for kind b."""
    return linear(
        TABLE | {"price": PRICE}, "price", {"size": 1.0, "kind = b": 0.5}, "robust one-hot"
    )


def test_columns_that_are_not_used_have_no_importance():
    table = TABLE | {"price": PRICE}
    found = permutation_importance(of_price(), table, n_repeats=3)
    assert found.names == ("size", "kind", "day", "noise") and found.measure == "R2"
    assert found.drops.shape == (4, 3)
    size, kind, day, noise = found.means
    assert size > kind > 0 and (day, noise) == (0, 0)
    again = permutation_importance(Ensemble([of_price()]), TABLE, PRICE, n_repeats=3)
    assert np.array_equal(again.drops, found.drops) and again.score == found.score
    other = permutation_importance(of_price(), table, n_repeats=3, seed=1)
    assert not np.array_equal(other.drops, found.drops)


def test_dependence_is_what_the_model_says_of_each_value():
    model = of_price()
    table = TABLE | {"price": PRICE}
    size = partial_dependence(model, table, "size", n_points=5)
    assert size.outputs == ("price",)
    assert np.allclose(size.values, np.linspace(*np.percentile(TABLE["size"], [5, 95]), 5))
    for value, mean in zip(size.values, size.means[:, 0], strict=True):
        rows = TABLE | {"size": np.full(N, value)}
        assert mean == pytest.approx(model.predict_rows(rows).mean())
    kind = partial_dependence(model, table, "kind")
    assert sorted(kind.values) == ["a", "b", "c"]
    by_kind = dict(zip(kind.values, kind.means[:, 0], strict=True))
    assert by_kind["b"] > by_kind["a"] == by_kind["c"]
    day = partial_dependence(model, table, "day", n_points=7)
    assert day.values.dtype.kind == "M" and len(day.values) == 7 and np.ptp(day.means) == 0


def test_dependence_of_classes_is_a_probability_of_each():
    words = np.where(PRICE > 15, "dear", "cheap")
    model = linear(TABLE | {"is": words}, "is", {})
    model.set_weights([np.zeros_like(part) for part in model.get_weights()])
    found = partial_dependence(model, TABLE, "kind")
    assert found.outputs == model.table.target.labels and found.means.shape == (3, 2)
    found = permutation_importance(model, TABLE | {"is": words}, n_repeats=1)
    assert found.measure == "accuracy" and not found.drops.any()


def test_frames_and_rows_are_tables_too():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(TABLE | {"price": PRICE})
    assert np.array_equal(
        partial_dependence(of_price(), frame, "size").means,
        partial_dependence(of_price(), TABLE | {"price": PRICE}, "size").means,
    )


class Slope:
    """An estimator, without scikit-learn: twice the column x1, or size."""

    def _x(self, table):
        return table[:, 1] if isinstance(table, np.ndarray) else np.asarray(table["size"], float)

    def predict(self, table):
        return 2 * self._x(table)

    def score(self, table, y):
        return -float(np.abs(self.predict(table) - y).mean())


def test_estimators_are_asked_as_scikit_learn_does():
    x = RNG.normal(size=(N, 3))
    found = permutation_importance(Slope(), x, 2 * x[:, 1])
    assert found.names == ("x0", "x1", "x2") and found.measure == "score" and found.score == 0
    assert found.means[1] > 0.5 and not found.means[[0, 2]].any()
    curve = partial_dependence(Slope(), x, "x1")
    assert np.allclose(curve.means[:, 0], 2 * curve.values) and curve.outputs == ("prediction",)
    table = {"size": [1.0, 2.0, 3.0], "kind": ["a", "b", "a"]}
    assert permutation_importance(Slope(), table, [2.0, 4.0, 6.0]).names == ("size", "kind")
    assert np.ptp(partial_dependence(Slope(), table, "kind").means) == 0


def test_the_estimators_of_tables():
    pytest.importorskip("sklearn", "1.9")
    from cynn.estimators import RealMLPRegressor

    table = {"size": np.tile(np.linspace(0, 10, 40), 3), "noise": RNG.normal(size=120)}
    price = 3 * table["size"]
    estimator = RealMLPRegressor(n_epochs=20, n_members=1, random_state=0).fit(table, price)
    found = permutation_importance(estimator, table, price, n_repeats=2)
    assert found.names == ("size", "noise") and found.means[0] > found.means[1]
    curve = partial_dependence(estimator, table, "size", n_points=4)
    for value, mean in zip(curve.values, curve.means[:, 0], strict=True):
        same = estimator.predict(table | {"size": np.full(120, value)})
        assert mean == pytest.approx(same.mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("ask", "kind", "said"),
    [
        (lambda: permutation_importance(3, TABLE), TypeError, "model must be a Model, an Ensemble"),
        (lambda: partial_dependence(3, TABLE, "size"), TypeError, "model must be a Model"),
        (lambda: permutation_importance(Model([Dense(1)]), TABLE), RuntimeError, "got one without"),
        (lambda: permutation_importance(Slope(), TABLE), ValueError, "y must be given for an est"),
        (lambda: permutation_importance(of_price(), TABLE), ValueError, "price"),
        (lambda: permutation_importance(of_price(), TABLE, PRICE[:3]), ValueError, "y must have"),
        (lambda: permutation_importance(of_price(), TABLE, PRICE, seed=-1), ValueError, "seed"),
        (lambda: partial_dependence(of_price(), TABLE, "siz"), ValueError, "did you mean 'size'"),
        (lambda: partial_dependence(of_price(), TABLE, "size", n_points=1), ValueError, "n_points"),
        (
            lambda: partial_dependence(of_price(), {k: v[:0] for k, v in TABLE.items()}, "size"),
            ValueError, "table must have at least one row, got none",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(ask, kind, said):
    with pytest.raises(kind, match=said):
        ask()

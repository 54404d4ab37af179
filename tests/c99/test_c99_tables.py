"""Tables as C99: of a struct of their columns C says what the estimator does."""

import math
import re

import numpy as np
import pytest

from c_networks import Compiled, needs_compiler
from cynn import Model, c99
from cynn.layers import Dense
from cynn.tables import (
    Categorical,
    Classes,
    Coded,
    Dates,
    Numeric,
    QuantileNumeric,
    Quantity,
    TableEncoder,
)

pytestmark = needs_compiler
SHORT = {"n_epochs": 6, "random_state": 0, "hidden_layer_sizes": (24, 24)}


def mixed(n, seed, new=0):
    """Return columns of every kind but dates, some values missing, and the first ones unknown."""
    rng = np.random.default_rng(seed)
    size = rng.normal(50, 20, n)
    weight = np.exp(3 * rng.normal(size=n))  # heavy tails
    kind = rng.choice(["a", "né", 'c"?*/'], n).astype(object)
    town = np.array([f"town {i}" for i in rng.integers(0, 30, n)], object)
    year = rng.integers(1990, 2026, n)
    flag = rng.random(n) < 0.5
    y = size / 10 + np.where(kind == "a", 2.0, 0.0) + (year - 1990) / 20 + flag
    size[::7], kind[::9], town[::11] = np.nan, None, None
    kind[:new], town[:new], weight[:new] = "new", "elsewhere", 1e30
    table = {
        "town": town, "size": size, "kind": kind, "weight (kg)": weight, "flag": flag, "int": year
    }  # fmt: skip
    return table, y


def estimators(network):
    pytest.importorskip("sklearn")
    from cynn import estimators

    own = {"k": 4} if network == "TabM" else {}
    kinds = (getattr(estimators, f"{network}{task}") for task in ("Classifier", "Regressor"))
    return [lambda kind=kind, **given: kind(**SHORT, **own, **given) for kind in kinds]


@pytest.mark.parametrize("network", ["RealMLP", "TabM"])
@pytest.mark.parametrize("n_members", [1, 2])
def test_estimators_of_a_mixed_table(tmp_path, network, n_members):
    classifier, regressor = estimators(network)
    table, y = mixed(300, 0)
    rows, _ = mixed(200, 1, new=60)
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [5, 8])]
    clf = classifier(n_members=n_members).fit(table, labels)
    compiled = Compiled(clf, tmp_path)
    found = compiled.predict_table(rows, clf.ensemble_.table)
    np.testing.assert_allclose(found, clf.predict_proba(rows), rtol=0, atol=1e-5)
    assert "extern const char *const net_labels[3];" in compiled.header
    for scale, values in (("linear", y), ("log", np.exp(y / 4)), ("log", np.floor(y))):
        reg = regressor(n_members=n_members, target_scale=scale).fit(table, values)
        found = Compiled(reg, tmp_path).predict_table(rows, reg.ensemble_.table)[:, 0]
        wanted = reg.predict(rows)
        np.testing.assert_allclose(found, wanted, rtol=3e-5, atol=1e-5 * np.ptp(values))


def test_several_quantiles_ascend(tmp_path):
    _, regressor = estimators("RealMLP")
    table, y = mixed(300, 0)
    reg = regressor(loss="quantile", quantiles=(0.3, 0.35, 0.4, 0.9)).fit(table, y)
    rows, _ = mixed(200, 1, new=60)
    found = Compiled(reg, tmp_path).predict_table(rows, reg.ensemble_.table)
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose(found, reg.predict_quantiles(rows), rtol=3e-5, atol=1e-4)


def sum_of(columns, missing=()):
    """Return a model whose output is the sum of what its table gives, to be read exactly."""
    encoder = TableEncoder(columns, Quantity("y", 0.0, 1.0), missing=missing)
    model = Model([Dense(1)], dtype="float64")
    model.build(encoder.width)
    weights = 2.0 ** np.arange(encoder.width)[:, np.newaxis]
    model.set_weights([weights, [0.0]])
    model.table = encoder
    return model


def test_texts_and_their_spellings(tmp_path):
    model = sum_of([Coded("c", ["red", "10115", "Köln"]), Categorical("k", ["x", "y", "1"])])
    words = ["red", "10115", "10115.0", "Ko\u0308ln", "Red", "", None, "nan"]
    table = {"c": words, "k": ["x", "y", "1", "true", None, "", "z", "1.0"]}
    found = Compiled(model, tmp_path).predict_table(table, model.table)[:, 0]
    assert found.tolist() == model.predict_rows(table).tolist()


def test_numbers_of_any_size_and_those_that_are_called_missing(tmp_path):
    columns = [
        Numeric("a", 1.0, 2.0, True, clip=3.0),
        QuantileNumeric("q", [0, 1, 1, 1, 2, 5], missing=True),
        QuantileNumeric("constant", [3, 3, 3]),
        Numeric("b", 1.0, 2.0),
    ]
    model = sum_of(columns, ["-999"])
    values = np.array([0.0, 1.0, 5.0, -999.0, 0.25, 1.5, 2.0, 4.999, -1e300, 1e300, math.nan])
    table = {"a": values, "q": values, "constant": values, "b": np.ones(len(values))}
    found = Compiled(model, tmp_path).predict_table(table, model.table)[:, 0]
    np.testing.assert_allclose(found, model.predict_rows(table), rtol=1e-12)


def test_a_table_without_which_the_network_can_be_written(tmp_path):
    number, target = Numeric("a", 0, 1), Quantity("q", 0, 1)
    dates = TableEncoder([number, Dates("sold", ["month"], [6.0], [3.0])], target)
    refused = [
        (dates, "must hold no dates for C"),
        (TableEncoder([Categorical("a", ["x", "y" * 4001])], target), "at most 4,000 bytes"),
        (TableEncoder([number], Classes("q", ["x", "y" * 4001])), "at most 4,000 bytes"),
    ]
    for encoder, message in refused:
        model = Model([Dense(encoder.target.n_outputs)])
        model.build(encoder.width)
        model.table = encoder
        with pytest.raises(ValueError, match=message):
            c99.export(model, tmp_path / "net.c")
        assert not (tmp_path / "net.c").exists()
        header = Compiled(model, tmp_path, network_only=True).header
        assert re.search(rf"NET_INPUTS {encoder.width}\b", header)
        (tmp_path / "net.c").unlink()

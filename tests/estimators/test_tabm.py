"""TabM's estimators: what is theirs, and that they do what those of RealMLP do."""

import inspect
import time

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from cynn._tabular.networks import NETWORKS
from cynn.ensemble import Ensemble
from cynn.estimators import (
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
)
from cynn.layers import MemberAffine, Members, PiecewiseLinearEmbedding
from cynn.optimizers import AdamW
from cynn.storage import ModelFileError
from mixed_tables import frames, table

SMALL = {
    "k": 4,
    "hidden_layer_sizes": (16, 16),
    "learning_rate": 0.01,
    "batch_size": 32,
    "random_state": 0,
}
SHORT = SMALL | {"n_epochs": 6}
LEARNED = SMALL | {"n_epochs": 60}

BY_NAME = "the columns of a frame are found by their names, in any order"
BY_CHANCE = "a row that counts twice is drawn once, and held out as one: equal in the mean alone"

BOTH = [TabMClassifier, TabMRegressor]


@parametrize_with_checks(
    [
        TabMClassifier(**LEARNED),
        TabMRegressor(**LEARNED),
        TabMRegressor(**SHORT, loss="quantile"),
    ],
    expected_failed_checks=lambda _: {
        "check_dataframe_column_names_consistency": BY_NAME,
        "check_sample_weight_equivalence_on_dense_data": BY_CHANCE,
    },
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def numbers(n=200, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    return X, X[:, 0] + np.sin(3 * X[:, 1])


def layers_of(estimator):
    return estimator.ensemble_.members[0].layers


def kinds_of(estimator):
    return [type(layer).__name__ for layer in layers_of(estimator)]


@pytest.fixture(scope="module")
def classifier():
    columns, y = table()
    return TabMClassifier(**LEARNED).fit(columns, y)


def test_it_learns_from_numbers_and_categories_together(classifier):
    columns, y = table(seed=1)
    assert classifier.score(columns, y) > 0.85
    np.testing.assert_allclose(classifier.predict_proba(columns).sum(axis=1), 1, rtol=1e-5)


def test_tables_of_every_kind_are_the_same(classifier):
    columns, _ = table(seed=1)
    expected = classifier.predict_proba(columns)
    for name, frame in frames(columns):
        np.testing.assert_array_equal(classifier.predict_proba(frame), expected, err_msg=name)


def test_unknown_categories_and_missing_values_are_predicted(classifier):
    columns, _ = table(seed=1)
    unknown = columns | {"kind": np.array(["new"] * 240), "town": np.array(["elsewhere"] * 240)}
    missing = columns | {"kind": np.array([None] * 240), "town": np.array([None] * 240)}
    np.testing.assert_array_equal(
        classifier.predict_proba(unknown), classifier.predict_proba(missing)
    )


def test_it_is_good_at_tables_of_numbers():
    small = SMALL | {"k": 8, "hidden_layer_sizes": (32, 32)}
    X, y = load_breast_cancer(return_X_y=True)
    parts = train_test_split(X, y, random_state=0, stratify=y)
    assert TabMClassifier(**small).fit(parts[0], parts[2]).score(parts[1], parts[3]) > 0.93
    X, y = load_diabetes(return_X_y=True)
    parts = train_test_split(X, y, random_state=0)
    assert TabMRegressor(**small).fit(parts[0], parts[2]).score(parts[1], parts[3]) > 0.2


@pytest.mark.parametrize(
    ("variant", "more", "kinds"),
    [
        (
            "tabm",
            {},
            ["PiecewiseLinearEmbedding", "Members", "Dense", "MemberAffine", "Dropout"]
            + ["MemberAffine", "Dense", "MemberAffine", "Dropout", "MemberDense", "MemberAffine"],
        ),
        (
            "tabm",
            {"num_embeddings": None, "dropout": 0.0},
            ["Members", "Dense", "MemberAffine", "MemberAffine", "Dense", "MemberAffine"]
            + ["MemberDense", "MemberAffine"],
        ),
        (
            "tabm-mini",
            {"num_embeddings": None},
            ["Members", "Dense", "Dropout", "Dense", "Dropout", "MemberDense", "MemberAffine"],
        ),
    ],
)
def test_layers(variant, more, kinds):
    X, y = numbers()
    assert kinds_of(TabMRegressor(variant, **SHORT | {"n_epochs": 1}, **more).fit(X, y)) == kinds


@pytest.mark.parametrize("variant", ["tabm", "tabm-mini"])
@pytest.mark.parametrize("num_embeddings", ["piecewise", None])
def test_all_forms_learn(variant, num_embeddings):
    X, y = numbers()
    how = LEARNED | {"hidden_layer_sizes": (64, 64), "patience": 60}
    reg = TabMRegressor(variant, num_embeddings=num_embeddings, **how).fit(X, y)
    assert reg.score(X, y) > 0.85


def test_the_first_weights():
    """Uniform within 1 / sqrt(n), the factors of the inputs by columns, other factors 1."""
    columns, y = table()
    for num_embeddings, allowed in (("piecewise", None), (None, {-1.0, 1.0})):
        clf = TabMClassifier(num_embeddings=num_embeddings, **SHORT).fit(columns, y)
        make = clf._preset.maker(clf._encoder, clf._encoder.encode(columns), [])
        model = make(3)
        weights = dict(zip(model._weight_names(), model.get_weights(), strict=True))
        for i, layer in enumerate(model.layers):
            name = type(layer).__name__
            if name == "Dense":
                w = weights[f"layer{i}.weight"]
                limit = 1 / np.sqrt(len(w))
                assert 0.9 * limit < np.abs(w).max() <= limit
            elif isinstance(layer, Members):
                r = weights[f"layer{i}.scale"]
                assert sum(layer.groups) == r.shape[1] and len(layer.groups) < r.shape[1]
                start = 0
                for size in layer.groups:
                    assert (np.ptp(r[:, start : start + size], axis=1) == 0).all()
                    start += size
                if allowed:
                    assert set(np.unique(r)) == allowed
        assert not np.array_equal(make(3).get_weights()[-2], make(4).get_weights()[-2])


def test_biases_of_the_small_variant_are_drawn_too():
    X, y = numbers()
    reg = TabMRegressor("tabm-mini", num_embeddings=None, **SHORT).fit(X, y)
    model = reg._preset.maker(
        reg._encoder, reg._encoder.encode({f"x{i}": X[:, i] for i in range(3)}), []
    )(0)
    weights = dict(zip(model._weight_names(), model.get_weights(), strict=True))
    assert 0 < np.abs(weights["layer1.bias"]).max() <= 1 / np.sqrt(3)


def test_what_it_is_told():
    X, y = numbers()
    reg = TabMRegressor(**SHORT | {"learning_rate": None}).fit(X, y)
    optimizer = reg.ensemble_.members[0].optimizer
    assert optimizer == AdamW(0.002, weight_decay=0.0003, clip_norm=1.0)
    first = layers_of(reg)[0]
    assert isinstance(first, PiecewiseLinearEmbedding) and first.units == 16
    assert all(len(edges) == 49 for edges in first.bins)
    assert layers_of(reg)[1].k == 4 and layers_of(reg)[1].initializer == "normal"
    assert all(layer.k == 4 for layer in layers_of(reg) if isinstance(layer, MemberAffine))


def test_defaults():
    for estimator in BOTH:
        preset = estimator()._chosen_preset()
        assert preset == NETWORKS["tabm"].default(estimator._task)
        assert (preset.hidden, preset.k, preset.patience) == ((512, 512), 32, 16)
        without = estimator(num_embeddings=None)._chosen_preset()
        assert without.hidden == (512, 512, 512) and without.num_embeddings is None
        own = estimator("tabm-mini", num_embeddings=None, hidden_layer_sizes=7)._chosen_preset()
        assert own.hidden == (7,) and own.mini
    for estimator in (*BOTH, RealMLPClassifier, RealMLPRegressor):
        given = inspect.signature(estimator).parameters
        preset = estimator()._default_preset()
        for name in ("n_epochs", "batch_size", "patience", "k", "num_embeddings"):
            if name in given:
                assert given[name].default == getattr(preset, name), name


@pytest.mark.parametrize(
    "given, n, batch_size",
    [("auto", 100, 32), ("auto", 2_800, 64), ("auto", 6_399, 128), ("auto", 6_400, 256),
     ("auto", 10**6, 1_024), (77, 100, 77)],
)  # fmt: skip
def test_mini_batches_by_the_number_of_rows(given, n, batch_size):
    for estimator in BOTH:
        assert estimator(batch_size=given)._chosen_preset().batch_of(n) == batch_size


def test_few_rows_make_many_steps():
    X, y = numbers(250)
    auto, small, large = (
        TabMRegressor(**SHORT | {"batch_size": given}).fit(X, y).predict(X)
        for given in ("auto", 32, 256)
    )
    assert auto.tobytes() == small.tobytes() != large.tobytes()


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("n_members", [1, 3])
def test_the_number_of_cores_changes_no_bit(estimator, n_members):
    X, y = numbers(600)
    if estimator is TabMClassifier:
        y = (y > 0).astype(int)
    outputs = [
        estimator(n_members=n_members, n_jobs=jobs, **SHORT).fit(X, y)._outputs(X)
        for jobs in (1, 2, 3)
    ]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


def test_a_training_ends_when_there_was_enough():
    X, y = numbers()
    noise = np.random.default_rng(1).integers(0, 2, len(X))
    clf = TabMClassifier(**SMALL, n_epochs=200, patience=3, metric="log_loss").fit(X, noise)
    curve = clf.histories_[0]["val_loss"]
    best = int(np.argmin(curve))
    assert clf.best_epochs_ == [best] and len(curve) == best + 5 < 200
    expected = TabMClassifier(**SMALL, n_epochs=best + 1, metric="log_loss").fit(X, noise)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    plain = TabMRegressor(**SMALL, n_epochs=9, patience=0, validation_fraction=0).fit(X, y)
    assert len(plain.histories_[0]["loss"]) == 9 and plain.best_epochs_ == [None]


def test_members_learn_from_different_rows_and_their_mean_is_the_prediction():
    X, y = numbers()
    reg = TabMRegressor(n_members=3, **SHORT).fit(X, y)
    rows = reg._encoder.encode({f"x{i}": column for i, column in enumerate(X.T)})
    each = [member.predict(rows).astype(float) for member in reg.ensemble_.members]
    np.testing.assert_allclose(reg._outputs(X), np.mean(each, axis=0), rtol=1e-5)
    assert not np.array_equal(each[0], each[1])


def test_quantiles_and_intervals():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, size=(500, 2))
    y = 3 * X[:, 1] + X[:, 0] * rng.normal(size=500)
    reg = TabMRegressor(loss="quantile", **LEARNED).fit(X, y)
    q = reg.predict_quantiles(X)
    assert q.shape == (500, 3) and (np.diff(q, axis=1) >= 0).all()
    assert y.min() <= q.min() and q.max() <= y.max()
    low, high = reg.predict_interval(X, coverage=0.9).T
    assert 0.75 < np.mean((low <= y) & (y <= high)) < 1
    np.testing.assert_array_equal(reg.predict(X), q[:, 1])


def test_weights_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = (rng.random(400) < 0.1).astype(int)
    how = LEARNED | {"metric": "log_loss"}
    shares = [
        TabMClassifier(**how, **more).fit(X, y, weight).predict_proba(X)[:, 1].mean()
        for more, weight in (
            ({}, None),
            ({"class_weight": "balanced"}, None),
            ({}, np.where(y == 1, 9.0, 1.0)),
        )
    ]
    assert shares[0] < 0.3 and min(shares[1:]) > 0.35


def test_a_time_limit_makes_fewer_epochs():
    X, y = numbers(3000)
    begin = time.monotonic()
    how = SMALL | {"n_epochs": 100_000, "patience": 100_000}
    reg = TabMRegressor(time_limit=2.0, **how).fit(X, y)
    assert 1 <= len(reg.histories_[0]["loss"]) <= reg.n_epochs_ < 100_000
    assert time.monotonic() - begin < 60  # it ends


def test_skewed_targets_are_learned_by_their_logarithm():
    X, y = numbers()
    reg = TabMRegressor(target_scale="log", **LEARNED).fit(X, np.exp(3 * y))
    assert reg.target_scale_ == "log" and reg.predict(9 * X).max() <= np.exp(3 * y).max()


@pytest.mark.parametrize("columns", [{"c": ["p", "q"] * 20}, {"d": np.arange(40) % 2 == 0}])
def test_tables_without_a_quantity_of_many_values(columns):
    y = np.arange(40) % 2
    assert TabMClassifier(**LEARNED).fit(columns, y).score(columns, y) == 1


def test_a_quantity_that_is_the_same_wherever_it_is_known():
    x = np.where(np.arange(60) % 3 == 0, np.nan, 4.0)
    clf = TabMClassifier(**LEARNED).fit({"x": x}, np.arange(60) % 3 == 0)
    assert "PiecewiseLinearEmbedding" in kinds_of(clf) or clf._encoder.width == 2
    assert clf.score({"x": x}, np.arange(60) % 3 == 0) == 1


def test_two_rows_are_enough():
    for estimator in BOTH:
        assert estimator(**SHORT).fit([[0.0], [1.0]], [0, 1]).predict([[0.5]]).shape == (1,)


def test_a_file_brings_all_back(classifier, tmp_path):
    columns, y = table(seed=1)
    path = tmp_path / "c.safetensors"
    classifier.save(path)
    loaded = TabMClassifier.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(columns), classifier.predict_proba(columns))
    assert loaded.get_params() == classifier.get_params()
    assert Ensemble.load(path).table == classifier._encoder
    for other in (TabMRegressor, RealMLPClassifier):
        with pytest.raises(ModelFileError, match=f"is not a {other.__name__}: it is of 'TabMCla"):
            other.load(path)
    reg = TabMRegressor(num_embeddings=None, **SHORT).fit(*numbers())
    reg.save(path)
    loaded = TabMRegressor.load(path)
    assert loaded.num_embeddings is None and loaded.target_scale_ == reg.target_scale_


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"variant": "tabm-packed"}, "'variant' parameter"),
        ({"k": 0}, "'k' parameter"),
        ({"num_embeddings": "periodic"}, "'num_embeddings' parameter"),
        ({"patience": -1}, "'patience' parameter"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be whole numbers"),
    ],
)
def test_what_cannot_be_is_one_clear_error(how, message):
    X, y = numbers(20)
    with pytest.raises(ValueError, match=message):
        TabMRegressor(**SHORT | how).fit(X, y)


def test_a_fit_that_fails_leaves_what_was_before(classifier):
    columns, _ = table()
    clf = clone(classifier).set_params(n_epochs=2).fit(*table())
    before = clf.predict_proba(columns)
    with pytest.raises(ValueError, match="two classes"):
        clf.fit(columns, np.ones(240))
    np.testing.assert_array_equal(clf.predict_proba(columns), before)


def test_numbers_that_are_too_far_apart_are_one_clear_error():
    with pytest.raises(ValueError, match="column 'a' must hold finite numbers, at most 1e"):
        TabMRegressor(**SHORT).fit({"a": [-1e300, 1e300, 0.0]}, [0, 1, 2])

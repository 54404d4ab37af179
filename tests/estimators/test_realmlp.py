"""RealMLP's estimators: tables of every kind in, the same answers on any number of cores."""

import datetime
import math
import time

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from cynn.ensemble import Ensemble
from cynn.estimators import RealMLPClassifier, RealMLPRegressor
from cynn.storage import ModelFileError

SHORT = {"n_epochs": 8, "random_state": 0, "hidden_layer_sizes": (32, 32)}
LONGER = SHORT | {"n_epochs": 48, "metric": "log_loss"}

BY_NAME = "the columns of a frame are found by their names, in any order"
BY_CHANCE = "rows that count nothing are drawn and held out as others are: equal in the mean alone"


@parametrize_with_checks(
    [
        RealMLPClassifier(n_epochs=128, hidden_layer_sizes=(64, 64)),
        RealMLPRegressor(n_epochs=128, hidden_layer_sizes=(64, 64)),
        RealMLPRegressor(n_epochs=64, hidden_layer_sizes=(64, 64), loss="quantile"),
    ],
    expected_failed_checks=lambda _: {
        "check_dataframe_column_names_consistency": BY_NAME,
        "check_sample_weight_equivalence_on_dense_data": BY_CHANCE,
    },
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def table(n=240, seed=0):
    """Columns of every kind, with what is missing, and a target of two classes."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    kind = rng.choice(["a", "b", "c"], n).astype(object)
    town = np.array([f"town{i}" for i in rng.integers(0, 25, n)], object)
    day = np.datetime64("2025-01-01") + rng.integers(0, 300, n)
    y = np.where((size > 0) ^ (kind == "a"), "yes", "no")
    size[::17], kind[::19], town[::23] = np.nan, None, None
    columns = {"size": size, "kind": kind, "town": town, "day": day, "flag": rng.random(n) < 0.5}
    return columns, y


def rows_of(columns):
    n = len(next(iter(columns.values())))
    return [{name: values[i] for name, values in columns.items()} for i in range(n)]


def frames(columns):
    """The same table as people have it."""
    yield "rows", rows_of(columns)
    yield "lists", {name: values.tolist() for name, values in columns.items()}
    for module in ("pandas", "polars"):
        library = pytest.importorskip(module)
        data = dict(columns)
        if module == "polars":
            data = {name: values.tolist() for name, values in columns.items()}
            data["size"] = [None if math.isnan(value) else value for value in data["size"]]
        frame = library.DataFrame(data)
        yield module, frame
        yield f"{module} reversed", frame[list(columns)[::-1]]


@pytest.fixture(scope="module")
def classifier():
    columns, y = table()
    return RealMLPClassifier(n_epochs=64, random_state=0).fit(columns, y)


def test_tables_of_every_kind_are_the_same(classifier):
    columns, _ = table(seed=1)
    expected = classifier.predict_proba(columns)
    for name, frame in frames(columns):
        np.testing.assert_array_equal(classifier.predict_proba(frame), expected, err_msg=name)


def test_it_learns_from_numbers_and_categories_together(classifier):
    columns, y = table(seed=1)
    assert classifier.score(columns, y) > 0.85
    assert classifier.classes_.tolist() == ["no", "yes"]
    probabilities = classifier.predict_proba(columns)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (classifier.predict(columns) == classifier.classes_[probabilities.argmax(1)]).all()


def test_unknown_categories_and_missing_values_are_predicted(classifier):
    columns, _ = table(seed=1)
    unknown = columns | {"kind": np.array(["new"] * 240), "town": np.array(["elsewhere"] * 240)}
    missing = columns | {"kind": np.array([None] * 240), "town": np.array([None] * 240)}
    np.testing.assert_array_equal(
        classifier.predict_proba(unknown), classifier.predict_proba(missing)
    )


def test_a_column_that_is_not_there_is_named(classifier):
    columns, _ = table()
    del columns["town"]
    with pytest.raises(ValueError, match="X must have the columns 'town'"):
        classifier.predict(columns)
    with pytest.raises(ValueError, match="'size' must hold numbers, got 'big' in row 2"):
        classifier.predict(table()[0] | {"size": np.array([1.0, "big"] * 120, object)})


@pytest.mark.parametrize("estimator", [RealMLPClassifier, RealMLPRegressor])
@pytest.mark.parametrize("n_members", [1, 3])
def test_the_number_of_cores_changes_no_bit(estimator, n_members):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 5))
    y = (X[:, 0] > 0).astype(int) if estimator is RealMLPClassifier else X[:, 0] ** 2
    predictions = [
        estimator(n_members=n_members, n_jobs=jobs, **SHORT)
        .fit(X, y)
        .ensemble_.predict(np.zeros((2, 5), np.float32) + [[0.5], [1.0]])
        for jobs in (1, 2, 3)
    ]
    np.testing.assert_array_equal(predictions[0], predictions[1])
    np.testing.assert_array_equal(predictions[0], predictions[2])


def test_members_learn_from_different_rows_and_their_mean_is_the_prediction():
    X, y = load_breast_cancer(return_X_y=True)
    clf = RealMLPClassifier(n_members=4, **SHORT).fit(X, y)
    assert len(clf.ensemble_.members) == len(clf.best_epochs_) == len(clf.histories_) == 4
    rows = clf._encoder.encode({f"x{i}": column for i, column in enumerate(X.T)})
    each = [member.predict(rows).astype(float) for member in clf.ensemble_.members]
    np.testing.assert_allclose(clf.predict_proba(X), np.mean(each, axis=0), rtol=1e-5)
    assert not np.array_equal(each[0], each[1])


def test_it_is_good_at_tables_of_numbers():
    X, y = load_breast_cancer(return_X_y=True)
    parts = train_test_split(X, y, random_state=0, stratify=y)
    clf = RealMLPClassifier(random_state=0).fit(parts[0], parts[2])
    assert clf.score(parts[1], parts[3]) > 0.93
    X, y = load_diabetes(return_X_y=True)
    parts = train_test_split(X, y, random_state=0)
    reg = RealMLPRegressor(n_members=4, random_state=0).fit(parts[0], parts[2])
    assert reg.score(parts[1], parts[3]) > 0.25


def test_numbers_of_any_size_are_predicted_within_their_range():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = 1e9 + 1e6 * X[:, 0]
    reg = RealMLPRegressor(**SHORT | {"n_epochs": 32}).fit(X, y)
    predicted = reg.predict(np.vstack([X, 1e6 * X]))
    assert predicted.dtype == np.float64
    assert y.min() <= predicted.min() and predicted.max() <= y.max()
    assert reg.score(X, y) > 0.9


def test_skewed_targets_are_learned_by_their_logarithm_where_it_helps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = np.exp(2 * X[:, 0] + X[:, 1])
    reg = RealMLPRegressor(random_state=0, n_epochs=64, metric="mae").fit(X, y)
    assert reg.target_scale_ == "log"
    assert RealMLPRegressor(**SHORT, target_scale="linear").fit(X, y).target_scale_ == "linear"
    assert RealMLPRegressor(**SHORT).fit(X, X[:, 0]).target_scale_ == "linear"
    assert (
        RealMLPRegressor(**SHORT, target_scale="log").fit(X, y - y.min()).target_scale_ == "log1p"
    )
    with pytest.raises(ValueError, match="at least 0 for target_scale='log', got -"):
        RealMLPRegressor(**SHORT, target_scale="log").fit(X, X[:, 0])


def test_a_file_brings_all_back(classifier, tmp_path):
    columns, y = table(seed=1)
    classifier.save(tmp_path / "c.safetensors")
    loaded = RealMLPClassifier.load(tmp_path / "c.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(columns), classifier.predict_proba(columns))
    np.testing.assert_array_equal(loaded.predict(columns), classifier.predict(columns))
    assert loaded.get_params() == classifier.get_params()
    assert loaded.feature_names_in_.tolist() == classifier.feature_names_in_.tolist()
    assert loaded.score(columns, y) == classifier.score(columns, y)
    assert Ensemble.load(tmp_path / "c.safetensors").table == classifier._encoder
    with pytest.raises(ModelFileError, match="is not a RealMLPRegressor: it is of 'RealMLPCl"):
        RealMLPRegressor.load(tmp_path / "c.safetensors")
    with pytest.raises(NotFittedError):
        RealMLPClassifier().save(tmp_path / "d.safetensors")


@pytest.mark.parametrize("labels", [[3, 7], [False, True], [1.0, 2.0], ["a", "b"]], ids=str)
def test_a_file_brings_labels_of_every_type_back(labels, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.array(labels)[(X[:, 0] > 0).astype(int)]
    for kind in (y, y.astype(object)) if y.dtype.kind == "U" else (y,):
        clf = RealMLPClassifier(**SHORT, class_weight={labels[0]: 2.0, labels[1]: 1.0}).fit(X, kind)
        clf.save(tmp_path / "c.safetensors")
        loaded = RealMLPClassifier.load(tmp_path / "c.safetensors")
        assert loaded.classes_.dtype == clf.classes_.dtype
        assert loaded.classes_.tolist() == labels
        assert loaded.get_params() == clf.get_params()
        np.testing.assert_array_equal(loaded.predict(X), clf.predict(X))


def test_a_damaged_file_is_one_clear_error(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    classifier.save(path)
    notes = Ensemble.load(path).notes
    for changes in (
        {"estimator": "Other"},
        {"parameters": {"preset": "none"}},
        {"parameters": {"unknown": 1}},
        {"parameters": 3},
        {"n_features": "many"},
        {"features": 5},
        {"classes": {"dtype": "O", "labels": [1, 2]}},
        {"classes": {"dtype": "<U1", "labels": ["a"]}},
        {"classes": {"dtype": "M8[D]", "labels": [1, 2]}},
        {"classes": {}},
        {"best_epochs": None},
    ):
        Ensemble(classifier.ensemble_.members, notes | changes).save(path)
        with pytest.raises(ModelFileError, match=r"c\.safetensors is not a RealMLPClassifier"):
            RealMLPClassifier.load(path)


def test_rows_of_ones_own_choose_the_best_epoch():
    columns, y = table()
    other, y_other = table(seed=1)
    clf = RealMLPClassifier(**SHORT, n_members=2)
    clf.fit(columns, y, X_val=other, y_val=y_other)
    assert all("val_accuracy" in history for history in clf.histories_)
    for given in ({"X_val": other}, {"y_val": y_other}):
        with pytest.raises(ValueError, match="X_val and y_val must be given together"):
            clf.fit(columns, y, **given)
    with pytest.raises(ValueError, match="y_val must hold classes of y, got 'maybe' in row 1"):
        clf.fit(columns, y, X_val=other, y_val=["maybe"] * 240)


def test_no_row_is_held_out_where_none_is_asked_for():
    columns, y = table()
    clf = RealMLPClassifier(**SHORT, validation_fraction=0).fit(columns, y)
    assert clf.best_epochs_ == [None] and "val_loss" not in clf.histories_[0]


def test_weights_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = (rng.random(400) < 0.1).astype(int)
    shares = [
        RealMLPClassifier(**LONGER, **how).fit(X, y, weight).predict_proba(X)[:, 1].mean()
        for how, weight in (
            ({}, None),
            ({"class_weight": "balanced"}, None),
            ({"class_weight": {0: 1.0, 1: 9.0}}, None),
            ({}, np.where(y == 1, 9.0, 1.0)),
        )
    ]
    assert shares[0] < 0.3 and min(shares[1:]) > 0.4
    with pytest.raises(ValueError, match="Negative values"):
        RealMLPClassifier(**SHORT).fit(X, y, -np.ones(400))


def test_a_time_limit_makes_fewer_epochs():
    X = np.random.default_rng(0).normal(size=(4000, 20))
    begin = time.monotonic()
    reg = RealMLPRegressor(time_limit=2.0, n_epochs=100_000, random_state=0).fit(X, X[:, 0])
    assert 1 <= reg.n_epochs_ < 100_000
    assert len(reg.histories_[0]["loss"]) <= reg.n_epochs_
    assert time.monotonic() - begin < 60  # it ends


def test_the_simple_preset_has_no_embeddings():
    columns, y = table()
    clf = RealMLPClassifier("td-s", **SHORT).fit(columns, y)
    kinds = {type(layer).__name__ for layer in clf.ensemble_.members[0].layers}
    assert not kinds & {"Embedding", "PeriodicEmbedding", "ParametricActivation", "Dropout"}
    full = RealMLPClassifier(**SHORT).fit(columns, y).ensemble_.members[0].layers
    assert {"Embedding", "PeriodicEmbedding", "ParametricActivation", "Dropout", "Scale"} <= {
        type(layer).__name__ for layer in full
    }


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc", "balanced_accuracy"])
def test_every_metric_decides(metric):
    columns, y = table()
    clf = RealMLPClassifier(**SHORT, metric=metric).fit(columns, y)
    history = clf.histories_[0]
    values = {"accuracy": "val_accuracy", "log_loss": "val_loss", "auc": "val_auc"}
    curve = history[values.get(metric, "val_balanced_accuracy")]
    best = min(curve) if metric == "log_loss" else max(curve)
    assert clf.best_epochs_[0] == max(i for i, value in enumerate(curve) if value == best)


def test_dates_help():
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-01-01") + np.arange(500)
    weekend = np.array([day.weekday() >= 5 for day in days.tolist()])
    y = 10.0 * weekend + rng.normal(size=500)
    X = {"day": days, "noise": rng.normal(size=500)}
    assert RealMLPRegressor(random_state=0, n_epochs=64).fit(X, y).score(X, y) > 0.8
    row = [{"day": datetime.date(2024, 1, 6), "noise": 0.0}]  # a Saturday
    assert RealMLPRegressor(random_state=0, n_epochs=64).fit(X, y).predict(row)[0] > 5


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((1, 2)), [1], "at least 2 rows|1 class"),
        (np.ones((9, 2)), [0, 1] * 4 + [0], "columns must be one at least"),
        ({"a": [1.0, np.inf, 2.0]}, [0, 1, 0], "column 'a' must hold finite numbers"),
        ({"a": [[1], [2], [3]]}, [0, 1, 0], "'a'"),
        ({"a": [1, 2], "b": [1, 2, 3]}, [0, 1], "3 rows in 'b' and 2 in 'a'"),
        ({}, [0, 1], "at least one column"),
        ({"a": [1.0, 2.0, 3.0]}, [0, 1], "3 rows, y 2"),
        (np.ones((3, 2)), [0, 0, 0], "two classes at least, got 1 class: 0"),
        (np.ones((3, 2)) * 1j, [0, 1, 0], "Complex data not supported"),
        ("text", [0, 1], "Expected 2D array|array"),
        (["a"] * 30 + [1.5], [0, 1] * 15 + [0], "2D array"),
    ],
    ids=range(11),
)
def test_what_cannot_be_is_one_clear_error(X, y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        RealMLPClassifier(**SHORT).fit(X, y)


def test_two_rows_are_enough():
    reg = RealMLPRegressor(**SHORT).fit([[0.0], [1.0]], [0.0, 1.0])
    assert np.isfinite(reg.predict([[0.5]])).all()
    assert RealMLPClassifier(**SHORT).fit([[0.0], [1.0]], [0, 1]).predict([[0.5]]).shape == (1,)


def test_duplicate_names_are_an_error():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(9, 2)), columns=["a", "a"])
    with pytest.raises(ValueError, match="columns of different names, got 'a' twice"):
        RealMLPRegressor(**SHORT).fit(frame, np.arange(9))


def test_categories_by_type_name_place_and_mask():
    pandas = pytest.importorskip("pandas")
    codes = np.random.default_rng(0).integers(0, 4, 100)
    frame = pandas.DataFrame({"a": codes, "b": np.arange(100.0)})
    y = np.isin(codes, [1, 3]).astype(int)
    widths = [
        RealMLPClassifier(**SHORT, **how).fit(given, y)._encoder.width
        for given, how in (
            (frame, {}),
            (frame.astype({"a": "category"}), {}),
            (frame, {"categorical_features": ["a"]}),
            (frame, {"categorical_features": [0]}),
            (frame, {"categorical_features": [True, False]}),
            (frame.astype({"a": "category"}), {"categorical_features": None}),
        )
    ]
    assert widths == [2, 5, 5, 5, 5, 2]
    with pytest.raises(ValueError, match="categorical_features must name columns .*got 'c'"):
        RealMLPClassifier(**SHORT, categorical_features=["c"]).fit(frame, y)


def test_it_works_in_cross_validation_and_clones():
    X, y = load_breast_cancer(return_X_y=True)
    clf = clone(RealMLPClassifier(**SHORT))
    assert cross_val_score(clf, X, y, cv=3).mean() > 0.85


def spread(n, seed):
    """Rows whose targets lie the wider apart, the larger the first column is."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, (n, 2))
    return X, 3 * X[:, 1] + (0.2 + X[:, 0]) * rng.normal(size=n)


@pytest.fixture(scope="module")
def between():
    X, y = spread(2000, 0)
    return RealMLPRegressor(
        loss="quantile", n_epochs=48, n_members=2, hidden_layer_sizes=(64, 64), random_state=0
    ).fit(X, y)


def test_as_many_targets_lie_between_quantiles_as_they_say(between):
    X, y = spread(4000, 1)
    low, middle, high = between.predict_quantiles(X).T
    assert abs(((low <= y) & (y <= high)).mean() - 0.9) < 0.03
    for q, said in ((0.05, low), (0.5, middle), (0.95, high)):
        assert abs((y <= said).mean() - q) < 0.04
    wide = (high - low)[X[:, 0] > 0.9].mean() / (high - low)[X[:, 0] < 0.1].mean()
    assert 2.5 < wide < 7  # in truth about 1.15 / 0.25
    interval = between.predict_interval(X, coverage=0.9)
    np.testing.assert_array_equal(interval, np.transpose([low, high]))
    np.testing.assert_array_equal(between.predict(X), middle)
    assert between.score(X, y) > 0.4


def test_quantiles_do_not_cross_and_stay_in_the_range():
    X, y = spread(60, 0)
    q = (0.1, 0.45, 0.5, 0.55, 0.9)
    reg = RealMLPRegressor(loss="quantile", quantiles=q, **SHORT).fit(X, y)
    far = np.vstack([X, 100 * np.random.default_rng(0).normal(size=(500, 2))])
    said = reg.predict_quantiles(far)
    assert said.shape == (560, 5) and said.dtype == np.float64
    assert (np.diff(said, axis=1) >= 0).all()
    assert y.min() <= said.min() and said.max() <= y.max()
    np.testing.assert_array_equal(reg.predict(far), said[:, 2])
    assert (np.diff(reg._outputs(far), axis=1) < 0).any()  # they would have


def test_quantiles_are_the_means_of_the_members(between):
    X, _ = spread(50, 2)
    rows = between._encoder.encode({f"x{i}": column for i, column in enumerate(X.T)})
    each = [member.predict(rows).astype(float) for member in between.ensemble_.members]
    wanted = between._encoder.target.decode(np.mean(each, axis=0))
    np.testing.assert_allclose(between.predict_quantiles(X), wanted, rtol=1e-5)


def test_a_file_brings_quantiles_back(between, tmp_path):
    X, _ = spread(50, 2)
    between.save(tmp_path / "r.safetensors")
    loaded = RealMLPRegressor.load(tmp_path / "r.safetensors")
    assert loaded.get_params() == between.get_params()
    assert loaded.quantiles == (0.05, 0.5, 0.95)
    for method in ("predict", "predict_quantiles", "predict_interval"):
        np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(between, method)(X))


def test_skewed_quantiles_may_be_learned_by_their_logarithm():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = np.exp(2 * X[:, 0] + X[:, 1])
    reg = RealMLPRegressor(loss="quantile", random_state=0, n_epochs=64).fit(X, y)
    assert reg.target_scale_ == "log"
    assert (reg.predict_quantiles(X) > 0).all()


def test_the_best_epoch_of_quantiles_is_that_of_their_loss():
    X, y = spread(200, 0)
    reg = RealMLPRegressor(loss="quantile", **SHORT).fit(X, y)
    curve = reg.histories_[0]["val_loss"]
    assert reg.best_epochs_[0] == max(i for i, loss in enumerate(curve) if loss == min(curve))


def test_quantiles_that_are_not_there(between):
    X, y = spread(60, 0)
    mean = RealMLPRegressor(**SHORT).fit(X, y)
    for method in ("predict_quantiles", "predict_interval"):
        with pytest.raises(ValueError, match=f"{method} must follow a fit with loss='quantile'"):
            getattr(mean, method)(X)
        with pytest.raises(NotFittedError):
            getattr(RealMLPRegressor(loss="quantile"), method)(X)
    with pytest.raises(ValueError, match=r"both ends, 0.1 and 0.9, among the quantiles \(0.05, "):
        between.predict_interval(X, coverage=0.8)
    with pytest.raises(ValueError, match="coverage must be a number between 0 and 1, got 90"):
        between.predict_interval(X, coverage=90)
    for quantiles in ((0.9, 0.1), (0.5, 1.5), ()):
        with pytest.raises(ValueError, match="quantiles"):
            RealMLPRegressor(loss="quantile", quantiles=quantiles, **SHORT).fit(X, y)
    with pytest.raises(ValueError, match="metric must be None for loss='quantile'"):
        RealMLPRegressor(loss="quantile", metric="mae", **SHORT).fit(X, y)

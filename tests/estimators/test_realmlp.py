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
from mixed_tables import frames, table

SHORT = {"n_epochs": 8, "random_state": 0, "hidden_layer_sizes": (32, 32)}
LONGER = SHORT | {"n_epochs": 48, "metric": "log_loss"}

BY_NAME = "the columns of a frame are found by their names, in any order"
BY_CHANCE = "a row that counts twice is drawn once, and held out as one: equal in the mean alone"


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


def test_a_fit_that_fails_leaves_what_was_before():
    columns, y = table()
    clf = RealMLPClassifier(**SHORT).fit(columns, y)
    before, state = clf.predict_proba(columns), dict(vars(clf))
    other = {"size": columns["size"], "new": columns["kind"]}
    for given, how, error in (
        ((columns, np.ones(240)), {}, ValueError),
        ((np.full((240, 3), np.inf), y), {}, ValueError),
        ((other, columns["flag"], None), {"X_val": columns, "y_val": y}, ValueError),
        ((other, columns["flag"]), {"learning_rate": 1e300}, FloatingPointError),
    ):
        parameters = {name: how[name] for name in how if name == "learning_rate"}
        clf.set_params(**parameters)
        with pytest.raises(error):
            clf.fit(*given, **{name: how[name] for name in how if name not in parameters})
        clf.set_params(learning_rate=None)
        assert vars(clf).keys() == state.keys()
        assert all(vars(clf)[name] is state[name] for name in state)
        np.testing.assert_array_equal(clf.predict_proba(columns), before)
    new = RealMLPClassifier(**SHORT | {"random_state": None})
    with pytest.raises(ValueError, match="two classes"):
        new.fit(columns, np.ones(240))
    assert vars(new).keys() == vars(clone(new)).keys()


def test_rows_that_count_nothing_are_not_looked_at():
    columns, y = table()
    weight = np.r_[np.ones(150), np.zeros(90)]
    part = {name: values[:150] for name, values in columns.items()}
    for estimator, target in (
        (RealMLPClassifier(n_members=3, **SHORT), y),
        (RealMLPRegressor(n_members=3, target_scale="linear", **SHORT), np.arange(240.0)),
    ):
        expected = clone(estimator).fit(part, target[:150])._outputs(columns)
        got = estimator.fit(columns, target, weight)._outputs(columns)
        np.testing.assert_array_equal(got, expected)
    one = np.zeros(240)
    one[3] = 1
    with pytest.raises(ValueError, match="above 0 in at least 2 rows.* got 1"):
        RealMLPClassifier(**SHORT).fit(columns, y, one)
    with pytest.raises(ValueError, match="Negative values"):
        RealMLPClassifier(**SHORT).fit(
            columns, y, X_val=columns, y_val=y, sample_weight_val=-np.ones(240)
        )
    with pytest.raises(ValueError, match="class_weight must hold finite numbers .*-3"):
        RealMLPClassifier(**SHORT, class_weight={"no": -3, "yes": 1}).fit(columns, y)


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (RealMLPClassifier, ["a", None, "b"], "a class in each row, got None in row 2"),
        (RealMLPClassifier, ["a", "b", math.nan], "a class in each row, got nan in row 3"),
        (RealMLPClassifier, ["a", 1, "b"], "labels of one type, got 'a' in row 1 and 1 in row 2"),
        (RealMLPClassifier, [3, 3, True], "labels of one type, got 3 in row 1 and True in row 3"),
        (RealMLPRegressor, [1.5, "b", 2], "y must hold numbers, got 'b' in row 2"),
        (RealMLPRegressor, [1.5, None, 2], "finite numbers, got nan in row 2"),
        (RealMLPRegressor, [datetime.date(2026, 1, 1)] * 3, "y must hold numbers, got datetime"),
    ],
    ids=str,
)
def test_a_target_that_cannot_be_is_named_with_its_row(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator(**SHORT).fit({"a": [1.0, 2.0, 3.0]}, np.array(y, object))


def test_labels_may_be_objects_of_one_type_and_blank():
    X = np.arange(8.0)[:, np.newaxis]
    for labels in ([False, True], [2, 5], ["", " "]):
        y = np.array(labels * 4, object)
        clf = RealMLPClassifier(**SHORT).fit(X, y)
        assert clf.classes_.tolist() == labels
        assert clf.predict(X).tolist()[0] in labels
    with pytest.raises(ValueError, match="at most 1,000 classes, got 1,001"):
        RealMLPClassifier(**SHORT).fit(np.arange(2002.0)[:, np.newaxis], np.arange(2002) % 1001)


def test_a_column_that_no_table_has_is_named_with_its_row():
    for odd, shown in (([1, 2], r"\[1, 2\]"), ({"a": 1}, r"\{'a': 1\}"), (b"x", "b'x'")):
        column = np.array(["p", "q", "p", None], object)
        column[2] = None
        cells = column.tolist()
        cells[2] = odd
        with pytest.raises(ValueError, match=f"column 'odd' of X .* got {shown} in row 3: leave"):
            RealMLPClassifier(**SHORT).fit({"a": [1.0, 2, 3, 4], "odd": cells}, [0, 1, 0, 1])
    clf = RealMLPClassifier(**SHORT).fit({"a": ["p", "q"] * 9}, [0, 1] * 9)
    with pytest.raises(ValueError, match=r"column 'a' must hold strings, got \[1\] in row 2"):
        clf.predict({"a": ["p", [1]]})


@pytest.mark.parametrize("place", [(3, 1), (4, 0)])
def test_an_infinite_number_of_an_array_is_named_with_column_and_row(place):
    X = np.random.default_rng(0).normal(size=(9, 2))
    reg = RealMLPRegressor(**SHORT).fit(X, np.arange(9))
    X[place] = np.inf
    for call in (reg.predict, lambda X: reg.fit(X, np.arange(9))):
        with pytest.raises(
            ValueError, match=f"'x{place[1]}' must hold .*inf in row {place[0] + 1}"
        ):
            call(X)


def test_errors_name_what_an_estimator_has():
    X = {"a": [*map(str, range(30)), "k.A."], "b": np.arange(31.0)}
    with pytest.raises(ValueError) as error:
        RealMLPRegressor(**SHORT).fit(X, np.arange(31))
    assert str(error.value) == (
        "column 'a' must hold numbers alone, got 'k.A.' in row 31, 1 of 31 values that is none: "
        "write None or NaN in its place if it stands for a missing value, "
        "categorical_features=['a'] if the numbers are names"
    )


def test_a_date_among_dates_that_is_none_is_named():
    days = [f"2026-11-{day}" for day in range(10, 30)]
    X = {"day": [*days, "soon"], "b": np.arange(21.0)}
    with pytest.raises(ValueError, match="'day' must hold dates alone, got 'soon' in row 21"):
        RealMLPRegressor(**SHORT).fit(X, np.arange(21))
    assert RealMLPRegressor(**SHORT, categorical_features=["day"]).fit(X, np.arange(21))


def test_dates_may_all_be_missing_when_they_are_used():
    days = np.datetime64("2026-01-01") + np.arange(40)
    reg = RealMLPRegressor(**SHORT).fit({"day": days}, np.arange(40))
    nothing = reg.predict({"day": np.array([None, None])})
    np.testing.assert_array_equal(reg.predict({"day": np.full(2, np.nan)}), nothing)
    some = np.array(["2026-01-01", None] * 20, object)
    clf = RealMLPClassifier(n_epochs=64, random_state=0).fit({"day": some}, [0, 1] * 20)
    assert clf.score({"day": some}, [0, 1] * 20) == 1  # that it is missing says all


def test_masked_values_are_missing_ones():
    X = np.random.default_rng(0).normal(size=(40, 2))
    gone = X > 1
    y = np.arange(40)
    expected = RealMLPRegressor(**SHORT).fit(np.where(gone, np.nan, X), y).predict(X)
    masked = np.ma.array(np.where(gone, 1e6, X), mask=gone)
    np.testing.assert_array_equal(RealMLPRegressor(**SHORT).fit(masked, y).predict(X), expected)
    columns = {"x0": masked[:, 0], "x1": masked[:, 1]}
    got = RealMLPRegressor(**SHORT).fit(columns, y).predict({"x0": X[:, 0], "x1": X[:, 1]})
    np.testing.assert_array_equal(got, expected)


@pytest.mark.filterwarnings("error")
def test_types_of_pandas_and_polars():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    n = 40
    size = pandas.Series(np.random.default_rng(0).normal(size=n))
    kinds = {}
    for name, column in {
        "cut": pandas.cut(size, 3),
        "interval": pandas.Series(pandas.cut(size, 3).astype("interval")),
        "period": pandas.Series(pandas.period_range("2020-01", periods=n, freq="M")),
        "duration": pandas.Series(pandas.to_timedelta(np.arange(n), unit="D")),
        "days": pandas.Series(pandas.date_range("2020-01-01", periods=n)),
        "date32": pandas.Series(
            [datetime.date(2020, 1, 1 + i % 9) for i in range(n)], dtype=object
        ).where(size > -1, pandas.NA),
    }.items():
        frame = pandas.DataFrame({"size": size, "more": column})
        reg = RealMLPRegressor(**SHORT).fit(frame, np.arange(n))
        assert np.isfinite(reg.predict(frame)).all()
        kinds[name] = type(reg._encoder.columns[1]).__name__
    assert kinds == {
        "cut": "Categorical",
        "interval": "Categorical",
        "period": "Dates",
        "duration": "Numeric",
        "days": "Dates",
        "date32": "Dates",
    }
    for odd in (polars.Series([[1, 2]] * n), polars.Series([{"a": 1}] * n)):
        frame = polars.DataFrame({"size": size.to_numpy(), "more": odd})
        with pytest.raises(ValueError, match="column 'more' of X must hold .* in row 1"):
            RealMLPRegressor(**SHORT).fit(frame, np.arange(n))
    frame = polars.DataFrame({"size": size.to_numpy()})
    with pytest.raises(TypeError, match="call its collect"):
        RealMLPRegressor(**SHORT).fit(frame.lazy(), np.arange(n))


@pytest.mark.filterwarnings("error")
def test_targets_to_validate_on_may_be_far():
    X = {"a": np.random.default_rng(0).normal(size=60)}
    y = np.exp(3 * X["a"])
    reg = RealMLPRegressor(**SHORT).fit(X, y, X_val=X, y_val=y - 100)
    assert reg.target_scale_ == "linear"  # a logarithm would have none of them
    with pytest.raises(
        ValueError, match=r"y_val must hold numbers near those of y, got 1e\+300 in"
    ):
        reg.fit(X, y, X_val=X, y_val=np.full(60, 1e300))
    with pytest.raises(ValueError, match="X_val must have at least one row, got none"):
        reg.fit(X, y, X_val={"a": []}, y_val=[])


def test_sizes_of_layers_and_of_what_is_held_out():
    X, y = np.arange(10.0)[:, np.newaxis], np.arange(10)
    for sizes, n_layers in ((7, 2), ([], 1), ((), 1), (np.array([3, 4]), 3)):
        reg = RealMLPRegressor(n_epochs=2, hidden_layer_sizes=sizes).fit(X, y)
        layers = [type(layer).__name__ for layer in reg.ensemble_.members[0].layers]
        assert layers.count("Dense") == n_layers
    with pytest.raises(ValueError, match=r"must leave a row to train on, got 0\.99 of 10 rows"):
        RealMLPRegressor(validation_fraction=0.99, n_epochs=2).fit(X, y)


@pytest.mark.parametrize("sizes", [range(3, 5), np.array([3, 4]), (np.int64(3), 4), 3, ()], ids=str)
def test_a_file_brings_parameters_of_every_type_back(sizes, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 2))
    path = tmp_path / "r.safetensors"
    reg = RealMLPRegressor(n_epochs=2, hidden_layer_sizes=sizes, random_state=np.int64(3))
    reg.fit(X, np.exp(3 * X[:, 0])).save(path)
    loaded = RealMLPRegressor.load(path)
    assert np.array_equal(loaded.hidden_layer_sizes, np.asarray(sizes))
    assert loaded.random_state == 3 and loaded.target_scale_ == reg.target_scale_
    again = loaded.fit(X, np.exp(3 * X[:, 0])).predict(X)
    np.testing.assert_array_equal(again, reg.predict(X))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g", "i1", "u8", ">i4"])
def test_a_file_brings_labels_of_every_width_back(kind, tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 2))
    path = tmp_path / "c.safetensors"
    clf = RealMLPClassifier(**SHORT).fit(X, (X[:, 0] > 0).astype(kind))
    clf.save(path)
    loaded = RealMLPClassifier.load(path)
    assert loaded.classes_.dtype == clf.classes_.dtype
    np.testing.assert_array_equal(loaded.predict(X), clf.predict(X))
    with pytest.raises(ValueError, match="continuous"):
        RealMLPClassifier(**SHORT).fit(X, np.where(X[:, 0] > 0, 1e300, 1e16))

"""The estimators within scikit-learn: its own checks, its pipelines, searches and copies."""

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", "1.9")

import joblib  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.ensemble import VotingClassifier  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

import cynn  # noqa: E402
from cynn.estimators import MLPClassifier, MLPRegressor  # noqa: E402
from cynn.estimators._n_jobs import threads_of  # noqa: E402

X, Y = load_iris(return_X_y=True)
QUICK = {"hidden_layer_sizes": 8, "solver": "lbfgs", "max_iter": 1000, "random_state": 0}


@pytest.mark.parametrize("estimator", [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_scikit_learns_own_checks(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None)
    theirs = getattr(sklearn.neural_network, type(estimator).__name__)(max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = check_estimator(theirs, on_skip=None, on_fail=None)
    skipped = [
        {r["check_name"] for r in rs if r["status"] == "skipped"} for rs in (results, wanted)
    ]
    assert skipped[0] <= skipped[1]
    more = {"check_class_weight_classifiers"}  # an argument that scikit-learn's do not have
    names = [{r["check_name"] for r in rs} for rs in (results, wanted)]
    assert names[1] <= names[0] <= names[1] | more


def test_pipelines_searches_and_ensembles():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    assert cross_val_score(pipeline, X, Y).mean() > 0.9
    model = clone(pipeline)
    assert CalibratedClassifierCV(model, cv=3).fit(X, Y).score(X, Y) > 0.9
    votes = VotingClassifier([("a", model), ("b", clone(model))], voting="soft")
    assert votes.fit(X, Y).score(X, Y) > 0.9


def test_a_search_in_processes():
    search = GridSearchCV(MLPClassifier(**QUICK), {"alpha": [1e-4, 1.0]}, n_jobs=2, cv=3)
    search.fit(X, Y)
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_copies(tmp_path, solver):
    model = MLPClassifier(
        8, solver=solver, max_iter=20, random_state=0, tol=0.5, n_iter_no_change=2
    )
    model.fit(X, Y)
    joblib.dump(model, tmp_path / "model")
    copies = [pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")]
    for copy in copies:
        assert np.array_equal(copy.predict_proba(X), model.predict_proba(X))
    if solver == "sgd":  # with the solver's state
        model.partial_fit(X, Y)
        for copy in copies:
            copy.partial_fit(X, Y)
            assert np.array_equal(copy.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library):
    frames = pytest.importorskip(library)
    names = ["a", "b", "c", "d"]
    frame = frames.DataFrame({name: X[:, i] for i, name in enumerate(names)})
    model = MLPClassifier(**QUICK).fit(frame, Y)
    assert list(model.feature_names_in_) == names
    assert np.array_equal(model.predict(frame), model.predict(frame[:75]).tolist() + model.predict(
        frame[75:]).tolist())  # fmt: skip
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X[:1])
    with pytest.raises(ValueError, match="The feature names should match"):
        model.predict(frame[["d", "c", "b", "a"]])


def test_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(**QUICK).set_fit_request(sample_weight=True)
        requests = model.get_metadata_routing().fit.requests
        validation = ["X_val", "y_val", "sample_weight_val"]
        assert requests == {"sample_weight": True} | dict.fromkeys(validation)
        assert set(model.get_metadata_routing().partial_fit.requests) == {
            "sample_weight",
            "classes",
        }
        weight = np.where(Y == 0, 0.0, 1.0)
        search = GridSearchCV(
            model.set_score_request(sample_weight=False), {"alpha": [0.1]}, cv=3
        ).fit(X, Y, sample_weight=weight)
        assert 0 not in search.predict(X[Y != 0])


def test_repr_and_html():
    model = MLPClassifier(**QUICK)
    assert repr(model) == repr(sklearn.neural_network.MLPClassifier(**QUICK))
    page = model.fit(X, Y)._repr_html_()
    assert "MLPClassifier" in page and "coefs_" in page


def test_scikit_learns_arguments_come_first_and_ours_are_off():
    for name in ("MLPClassifier", "MLPRegressor"):
        theirs = getattr(sklearn.neural_network, name)().get_params()
        ours = getattr(cynn.estimators, name)().get_params()
        assert ours.items() >= theirs.items()
        off = {"dropout": 0.0, "callbacks": None, "n_jobs": None}
        if name == "MLPClassifier":
            off |= {"class_weight": None, "loss": "log_loss"}
        assert {key: ours[key] for key in ours.keys() - theirs.keys()} == off


def test_threads(monkeypatch):
    monkeypatch.setattr("cynn._runtime.threads._chosen", None)
    monkeypatch.setattr("cynn._runtime.threads.available_cores", lambda: 8)
    monkeypatch.delenv("CYNN_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert [threads_of(n) for n in (None, 3, -1, -2)] == [2, 3, 8, 7]
    monkeypatch.setenv("CYNN_NUM_THREADS", "5")
    assert threads_of(None) == 5
    monkeypatch.delenv("CYNN_NUM_THREADS")
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_of(None) == 8


def test_same_bits_on_any_number_of_threads():
    found = [
        MLPClassifier(64, n_jobs=n, max_iter=3, random_state=0, tol=10, n_iter_no_change=1)
        .fit(X, Y)
        .coefs_
        for n in (1, 3)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_without_scikit_learn():
    program = "import sys\nsys.modules['sklearn'] = None\nimport cynn.estimators"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ
    )
    assert "cynn.estimators needs scikit-learn: pip install 'cynn-learn[sklearn]'" in ran.stderr


def test_ctrl_c_ends_a_fit_with_a_warning(monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    model = MLPRegressor(hidden_layer_sizes=4, random_state=0)
    monkeypatch.setattr("cynn.estimators._stochastic.Training.look", press)
    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        model.fit(X, X[:, 0])
    assert model.n_iter_ == 1 and np.isfinite(model.predict(X)).all()

"""The estimators against scikit-learn's: the same random draws, so the same loss curves."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")

import scipy.sparse  # noqa: E402
from sklearn import neural_network as theirs  # noqa: E402
from sklearn.datasets import make_multilabel_classification, make_regression  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from cynn import estimators as ours  # noqa: E402

SOLVERS = ["sgd", "adam"]
X = np.random.default_rng(0).normal(size=(250, 8))
CENTRE = X[:, 0] + np.sin(3 * X[:, 1]) + 0.3 * np.random.default_rng(1).normal(size=250)
CLASSES = np.array(["ant", "bee", "cat"])[np.digitize(CENTRE, [-0.7, 0.7])]
SEVERAL = make_multilabel_classification(250, 8, n_classes=4, random_state=0)[1]
NUMBERS = make_regression(250, 8, n_targets=3, random_state=0)[1] / 100

TASKS = {
    "two classes": ("MLPClassifier", CENTRE > 0, {}),
    "classes": ("MLPClassifier", CLASSES, {}),
    "labels": ("MLPClassifier", SEVERAL, {}),
    "number": ("MLPRegressor", CENTRE, {}),
    "numbers": ("MLPRegressor", NUMBERS, {}),
    "counts": ("MLPRegressor", np.round(np.exp(CENTRE)), {"loss": "poisson"}),
}


def both(task, x=X, weight=None, **arguments):
    """Fit scikit-learn's estimator and ours."""
    name, y, more = TASKS[task]
    found = []
    for module in (theirs, ours):
        given = {"hidden_layer_sizes": (16, 6), "random_state": 3} | more | arguments
        estimator = getattr(module, name)(**given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found.append(estimator.fit(x, y, sample_weight=weight))
    return found


def assert_same(wanted, found, x=X, rtol=1e-6):
    """Compare all attributes that a fit sets."""
    names = {name for name in vars(wanted) if name.endswith("_")}
    assert names - {"coefs_", "intercepts_"} <= set(vars(found))
    assert found.out_activation_ == wanted.out_activation_
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "n_features_in_"):
        assert getattr(found, name) == getattr(wanted, name), name
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        if getattr(wanted, name, None) is None:
            assert getattr(found, name, None) is None
        else:
            assert np.allclose(getattr(found, name), getattr(wanted, name), rtol, 0), name
    assert [w.shape for w in found.coefs_] == [w.shape for w in wanted.coefs_]
    assert [w.dtype for w in found.coefs_] == [w.dtype for w in wanted.coefs_]
    outputs = "predict_proba" if hasattr(wanted, "predict_proba") else "predict"
    got, want = getattr(found, outputs)(x), getattr(wanted, outputs)(x)
    assert got.dtype == want.dtype and got.shape == want.shape
    assert np.allclose(got, want, rtol=1e3 * rtol, atol=1e3 * rtol)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", TASKS)
def test_loss_curves(task, solver, activation):
    wanted, found = both(task, solver=solver, activation=activation, max_iter=50)
    assert len(found.loss_curve_) == len(wanted.loss_curve_) > 10
    assert_same(wanted, found)


@pytest.mark.parametrize("task", TASKS)
def test_lbfgs(task):
    wanted, found = both(task, solver="lbfgs", max_iter=25)
    assert np.isclose(found.loss_, wanted.loss_, rtol=1e-6)
    assert found.n_iter_ == wanted.n_iter_


@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": "invscaling", "learning_rate_init": 0.5},
        {
            "learning_rate": "adaptive",
            "learning_rate_init": 0.5,
            "tol": 0.01,
            "n_iter_no_change": 2,
        },
        {"momentum": 0.0},
        {"nesterovs_momentum": False},
        {"batch_size": 7, "alpha": 0.1},
        {"shuffle": False},
        {"early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 3},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("task", ["classes", "two classes", "numbers"])
def test_arguments(task, arguments):
    wanted, found = both(task, solver="sgd", **({"max_iter": 30} | arguments))
    assert_same(wanted, found)


@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
@pytest.mark.parametrize("task", TASKS)
def test_sample_weights(task, solver):
    weight = np.random.default_rng(2).uniform(0.0, 3.0, 250)
    wanted, found = both(task, weight=weight, solver=solver, max_iter=15, batch_size=60, alpha=0.01)
    if solver == "lbfgs":
        assert np.isclose(found.loss_, wanted.loss_, rtol=1e-6)
    else:
        assert_same(wanted, found)


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_sparse_rows(task, form):
    x = form(np.where(np.abs(X) > 1, X, 0))
    assert_same(*both(task, x=x, max_iter=20), x=x)


@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
@pytest.mark.parametrize("task", TASKS)
def test_float32(task, solver):
    x = X.astype(np.float32)
    wanted, found = both(task, x=x, solver=solver, max_iter=5)
    assert found.coefs_[0].dtype == wanted.coefs_[0].dtype
    assert np.isclose(found.loss_, wanted.loss_, rtol=1e-2)
    outputs = "predict_proba" if hasattr(wanted, "predict_proba") else "predict"
    allowed = 1e-3 if solver != "lbfgs" else 0.1  # scikit-learn rounds to float32 in between
    for rows in (x, X, X[:, ::-1][:, ::-1]):
        got, want = getattr(found, outputs)(rows), getattr(wanted, outputs)(rows)
        assert got.dtype == want.dtype
        assert np.allclose(got, want, rtol=allowed, atol=allowed)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_with_certain_predictions(solver):
    """Logits in the thousands: the loss of a row is clipped, in float32 at other bounds."""
    for dtype in (np.float64, np.float32):
        wanted, found = both("classes", x=(1000 * X).astype(dtype), solver=solver, max_iter=2)
        first = np.array([wanted.loss_curve_[0], found.loss_curve_[0]])
        assert np.isfinite(first).all() and first[0] > 1
        assert np.isclose(*first, rtol=1e-6 if dtype == np.float64 else 1e-2)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", ["classes", "labels", "numbers"])
def test_partial_fit(task, solver):
    name, y, _ = TASKS[task]
    arguments = {"hidden_layer_sizes": 5, "solver": solver, "random_state": 0}
    pair = [getattr(module, name)(**arguments) for module in (theirs, ours)]
    first = {} if name == "MLPRegressor" else {"classes": np.unique(y)}
    if task == "labels":
        first = {"classes": np.arange(4)}
    for estimator in pair:
        estimator.partial_fit(X[:100], y[:100], **first)
        for start in (100, 0, 50):
            estimator.partial_fit(X[start : start + 120], y[start : start + 120])
    assert_same(*pair)


def test_warm_start():
    name, y, _ = TASKS["classes"]
    pair = [
        getattr(m, name)(5, random_state=0, warm_start=True, max_iter=4) for m in (theirs, ours)
    ]
    for estimator in pair:
        for _ in range(3):
            with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(4\) reached"):
                estimator.fit(X, y)
        assert len(estimator.loss_curve_) == 12
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
            estimator.fit(X, np.where(y == "ant", "bee", y))
    assert_same(*pair)


def test_predictions_follow_changed_weights():
    _, found = both("numbers", max_iter=2)
    x = X[:3]
    found.predict(x)
    found.intercepts_[-1][:] += 1
    moved = found.predict(x)
    found.intercepts_[-1][:] -= 1
    assert np.allclose(moved - found.predict(x), 1)
    found.coefs_ = [np.zeros_like(w) for w in found.coefs_]
    assert np.allclose(found.predict(x), found.intercepts_[-1])


def test_weight_arrays_are_updated_in_place():
    _, found = both("classes", max_iter=2)
    held = found.coefs_[0]
    before = held.copy()
    found.partial_fit(X, CLASSES)
    assert held is found.coefs_[0] and not np.array_equal(held, before)


@pytest.mark.parametrize("task", ["classes", "two classes", "labels", "number", "numbers"])
def test_few_rows_have_the_bits_of_many(task):
    _, found = both(task, max_iter=3)
    assert np.array_equal(np.concatenate([found.predict(X[i : i + 1]) for i in range(50)]),
                          found.predict(X[:50]))  # fmt: skip


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_rows_are_refused(bad):
    _, found = both("classes", max_iter=1)
    x = X[:1].copy()
    x[0, 2] = bad
    with pytest.raises(ValueError, match="Input X contains"):
        found.predict(x)


def test_rows_whose_squares_are_not_finite_are_taken():
    _, found = both("numbers", max_iter=1)
    assert np.isfinite(found.predict(np.full((1, 8), 1e200))).all()


def test_batches_larger_than_the_network_takes():
    x = np.random.default_rng(0).normal(size=(2500, 3))
    pair = [
        module.MLPRegressor(batch_size=1100, max_iter=4, random_state=0, n_iter_no_change=1, tol=1)
        for module in (theirs, ours)
    ]
    for estimator in pair:
        estimator.fit(x, np.stack([x[:, 0], x[:, 1] ** 2], axis=1))
    assert_same(*pair, x=x)


def test_messages():
    for module in (theirs, ours):
        with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0, got"):
            module.MLPClassifier((3, 0)).fit(X, CLASSES)
        with pytest.raises(ValueError, match="The validation set is too small"):
            module.MLPClassifier(early_stopping=True).fit(X[:4], [0, 1, 2, 0])
        with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
            module.MLPRegressor(early_stopping=True).partial_fit(X, CENTRE)
        with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
            module.MLPClassifier(solver="lbfgs").partial_fit  # noqa: B018
        with pytest.raises(ValueError, match="The 'solver' parameter of MLPClassifier must be"):
            module.MLPClassifier(solver="newton").fit(X, CLASSES)
        with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than"):
            module.MLPRegressor(batch_size=1000, tol=1e9, n_iter_no_change=1).fit(X, CENTRE)
        assert not hasattr(module.MLPRegressor(), "coefs_")


@pytest.mark.parametrize("early", [False, True])
def test_what_is_printed(capsys, early):
    for module in (theirs, ours):
        model = module.MLPClassifier(
            4, solver="sgd", learning_rate="adaptive", tol=0.1, n_iter_no_change=1, verbose=True,
            random_state=0, early_stopping=early, max_iter=100,
        )  # fmt: skip
        model.fit(X, CLASSES)
    half = capsys.readouterr().out.splitlines()
    assert half[: len(half) // 2] == half[len(half) // 2 :]
    assert "Learning rate too small. Stopping." in half[-1]

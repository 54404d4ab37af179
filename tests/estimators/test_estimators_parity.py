"""Edge cases of scikit-learn's estimators, which ours follow."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")

import scipy.sparse  # noqa: E402
from sklearn import neural_network as theirs  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402

from cynn import estimators as ours  # noqa: E402

X = np.random.default_rng(0).normal(size=(150, 6))
Y = np.array(["cat", "ant", "bee"])[np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.5, 0.5])]
NUMBER = X[:, 0] + X[:, 1] ** 2
COUNTS = np.round(np.exp(X[:, 0]))
SOLVERS = ["sgd", "adam", "lbfgs"]


def pair(name, **arguments):
    given = {"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 8} | arguments
    return [getattr(module, name)(**given) for module in (theirs, ours)]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)  # scikit-learn's warn of non-finite numbers
        yield


def assert_same(pair):
    wanted, found = pair
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_",
                 "loss_", "n_iter_", "t_", "coefs_", "intercepts_"):  # fmt: skip
        want, got = getattr(wanted, name, None), getattr(found, name, None)
        if want is None or isinstance(want, int):
            assert got == want, name
        elif name in ("coefs_", "intercepts_"):
            for w, g in zip(want, got, strict=True):
                assert np.allclose(g, w, rtol=1e-6, atol=1e-6), name
        else:
            assert np.allclose(got, want, rtol=1e-6, atol=1e-9, equal_nan=True), name
            assert type(np.ravel(got)[0]) is type(np.ravel(want)[0]), name


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_early_stopping_resumed_without_progress_keeps_the_last_weights(solver):
    found = pair("MLPClassifier", solver=solver, warm_start=True, early_stopping=True)
    for estimator in found:
        estimator.fit(X, Y).fit(X, Y)
    assert_same(found)


@pytest.mark.parametrize("solver", SOLVERS)
def test_negative_counts_have_no_loss(solver):
    found = pair("MLPRegressor", solver=solver, loss="poisson")
    for weight in (None, np.full(150, 2.0)):
        for estimator in found:
            estimator.fit(X, -COUNTS, weight)
        assert np.isnan(found[1].loss_)
        assert_same(found)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("labels", [Y, Y == "ant"], ids=["three", "two"])
def test_negative_sample_weights(solver, labels):
    found = pair("MLPClassifier", solver=solver)
    weight = np.random.default_rng(1).uniform(-0.2, 2, 150)
    for estimator in found:
        estimator.fit(X, labels, weight)
    assert_same(found)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("y", [Y, Y == "ant", NUMBER, X[:, :2]], ids=["3", "2", "one", "two"])
def test_sample_weights_of_a_mini_batch_with_a_negative_sum(solver, y):
    found = pair("MLPClassifier" if y.dtype.kind in "Ub" else "MLPRegressor", solver=solver)
    weight = np.random.default_rng(1).uniform(0.5, 2, 150)
    weight[40:] *= -1
    for estimator in found:
        estimator.set_params(batch_size=20, shuffle=False, max_iter=3).fit(X, y, weight)
    assert_same(found)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_loss_is_a_numpy_scalar(solver):
    wanted, found = pair("MLPRegressor", solver=solver)
    assert type(found.fit(X, NUMBER).loss_) is type(wanted.fit(X, NUMBER).loss_) is np.float64


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weight", [None, np.float32, np.float64])
@pytest.mark.parametrize("kind", ["labels", np.float64, np.float32, np.int64])
def test_losses_of_float32_rows_have_scikit_learns_dtype(solver, weight, kind):
    name, y = ("MLPClassifier", Y) if kind == "labels" else ("MLPRegressor", COUNTS.astype(kind))
    found = pair(name, solver=solver, max_iter=2)
    for estimator in found:
        estimator.fit(X.astype(np.float32), y, weight and np.ones(150, weight))
    wanted, found = found
    assert type(found.loss_) is type(wanted.loss_)
    if solver != "lbfgs":
        assert type(found.loss_curve_[0]) is type(wanted.loss_curve_[0])
        assert type(found.best_loss_) is type(wanted.best_loss_)


@pytest.mark.parametrize("rows", [3, 150])
def test_predictions_of_longdouble_rows_are_longdouble(rows):
    wanted, found = [e.fit(X, NUMBER) for e in pair("MLPRegressor")]
    for kind in (np.longdouble, np.float16, np.int8, bool):
        want, got = [e.predict(X[:rows].astype(kind)) for e in (wanted, found)]
        assert got.dtype == want.dtype and np.allclose(got, want)


def test_a_fit_that_is_refused_leaves_an_estimator_without_weights():
    found = pair("MLPClassifier")[1]
    with pytest.raises(ValueError, match="inconsistent number of samples|sample_weight"):
        found.fit(X, Y, np.ones(7))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        found.predict(X)
    assert found.fit(X, Y).predict(X[:1]).shape == (1,)
    with pytest.raises(ValueError, match="inconsistent number of samples|sample_weight"):
        found.fit(X, Y, np.ones(7))
    assert found.predict(X[:1]).shape == (1,)


def test_numbers_in_messages_are_numbers():
    for estimator in pair("MLPRegressor", max_iter=True):
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(1\) reached"):
            estimator.fit(X, NUMBER)


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_refuses_another_depth(solver):
    found = pair("MLPRegressor", solver=solver, warm_start=True)[1].fit(X, NUMBER)
    before = found.coefs_[0].copy()
    with pytest.raises(ValueError, match=r"must be \[5\], as in the previous fit, got \[5, 4\]"):
        found.set_params(hidden_layer_sizes=(5, 4)).fit(X, NUMBER)
    assert np.array_equal(found.coefs_[0], before)


def test_warm_start_takes_the_layer_sizes_that_scikit_learn_takes():
    found = pair("MLPRegressor", warm_start=True)
    for estimator in found:
        estimator.fit(X, NUMBER).set_params(hidden_layer_sizes=7).fit(X, NUMBER)
    assert_same(found)
    for estimator in found:
        with pytest.raises(ValueError, match="reshape|hidden_layer_sizes must be"):
            estimator.set_params(solver="lbfgs").fit(X, NUMBER)


def test_warm_start_refuses_another_number_of_outputs():
    found = pair("MLPRegressor", warm_start=True)[1].fit(X, NUMBER)
    with pytest.raises(ValueError, match="y must have 1 outputs, as in the previous fit, got 2"):
        found.fit(X, np.stack([NUMBER, NUMBER], axis=1))


@pytest.mark.parametrize("y", [Y, NUMBER.astype(str)], ids=["words", "written numbers"])
def test_a_regressor_refuses_text(y):
    for estimator in pair("MLPRegressor"):
        with pytest.raises(TypeError):
            estimator.fit(X, y)


def test_a_regressor_refuses_sparse_targets():
    with pytest.raises(TypeError, match="an array of numbers, got a sparse csr_matrix"):
        pair("MLPRegressor")[1].fit(X, scipy.sparse.csr_matrix(X[:, :2]))


@pytest.mark.parametrize("solver", SOLVERS)
def test_sparse_labels(solver):
    labels = scipy.sparse.csr_matrix((X[:, :3] > 0).astype(int))
    wanted, found = [e.fit(X, labels) for e in pair("MLPClassifier", solver=solver)]
    want, got = wanted.predict(X), found.predict(X)
    assert scipy.sparse.issparse(got) and got.dtype == want.dtype and (got != want).nnz == 0


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_random_generator_ends_in_scikit_learns_state(solver):
    states = []
    for which in (0, 1):
        rng = np.random.RandomState(4)
        estimator = pair("MLPClassifier", solver=solver, random_state=rng, early_stopping=True)
        estimator[which].fit(X, Y)
        states.append(rng.randint(1 << 30))
    assert states[0] == states[1]


def test_alternating_fit_and_partial_fit():
    found = pair("MLPClassifier", solver="sgd", warm_start=True, learning_rate="invscaling")
    for estimator in found:
        estimator.fit(X, Y).partial_fit(X, Y).fit(X, Y)
        estimator.partial_fit(X[:40], Y[:40], np.arange(40.0))
    assert_same(found)


def test_a_fit_forgets_the_classes_of_partial_fit():
    found = pair("MLPClassifier")
    for estimator in found:
        estimator.partial_fit(X, Y, classes=["dog", "cat", "bee", "ant"])
        assert list(estimator.classes_) == ["ant", "bee", "cat", "dog"]
        estimator.fit(X, Y)
        assert list(estimator.classes_) == ["ant", "bee", "cat"]
    assert_same(found)

"""Arguments that change between fits, odd weights and odd sizes: where scikit-learn fails."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")

from cynn.estimators import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CLASSES = (X.sum(axis=1) > 0).astype(int)
NUMBERS = X.sum(axis=1)
ESTIMATORS = {MLPClassifier: CLASSES, MLPRegressor: NUMBERS}
of_both = pytest.mark.parametrize("kind", ESTIMATORS)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def made(kind, **settings):
    arguments = {"hidden_layer_sizes": 4, "batch_size": 20, "max_iter": 3, "random_state": 0}
    return kind(**arguments | settings)


@of_both
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_after_early_stopping(kind, solver):
    y = ESTIMATORS[kind]
    estimator = made(kind, solver=solver, early_stopping=True).fit(X, y)
    scores, epochs = list(estimator.validation_scores_), len(estimator.loss_curve_)
    estimator.set_params(early_stopping=False).partial_fit(X, y)
    assert len(estimator.loss_curve_) == epochs + 1
    assert estimator.best_loss_ == estimator.loss_
    assert estimator.validation_scores_ == scores


@of_both
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"early_stopping": True}, {"early_stopping": False}),
        ({}, {"early_stopping": True}),
        ({"solver": "lbfgs"}, {"solver": "adam"}),
        ({"solver": "lbfgs"}, {"solver": "adam", "early_stopping": True}),
        ({}, {"solver": "lbfgs"}),
    ],
    ids=str,
)
def test_a_warm_start_goes_on_with_other_arguments(kind, first, then):
    y = ESTIMATORS[kind]
    estimator = made(kind, warm_start=True, **first).fit(X, y)
    loss = estimator.loss_
    estimator.set_params(**then).fit(X, y)
    assert estimator.loss_ < loss + 0.2
    if then.get("early_stopping"):
        assert len(estimator.validation_scores_) == 3
        assert estimator.best_validation_score_ == max(estimator.validation_scores_)
        assert estimator.best_loss_ is None
    elif estimator.solver != "lbfgs":
        assert estimator.best_loss_ == min(estimator.loss_curve_[-3:])


@of_both
def test_partial_fit_goes_on_after_lbfgs(kind):
    y = ESTIMATORS[kind]
    estimator = made(kind, solver="lbfgs").fit(X, y)
    estimator.set_params(solver="sgd").partial_fit(X, y)
    assert estimator.loss_curve_ == [estimator.loss_]


@of_both
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_batch_of_no_weight_changes_nothing(kind, solver):
    y = ESTIMATORS[kind]
    weight = np.r_[np.zeros(20), np.linspace(0.5, 2, 40)]
    settings = {"solver": solver, "shuffle": False}
    with_zeros = made(kind, **settings).fit(X, y, sample_weight=weight)
    without = made(kind, **settings).fit(X[20:], y[20:], sample_weight=weight[20:])
    for a, b in zip(with_zeros.coefs_, without.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert with_zeros.loss_curve_ == without.loss_curve_
    assert (with_zeros.t_, without.t_) == (180, 120)


@of_both
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("weight", [np.tile([1.0, -1.0], 30), np.full(60, 1e-320)], ids=str)
def test_weights_without_a_mean_are_refused(kind, solver, weight):
    with pytest.raises(ValueError, match="sample_weight, .* must not sum to 0, got 60 weights"):
        made(kind, solver=solver).fit(X, ESTIMATORS[kind], sample_weight=weight)


def test_class_weights_without_a_mean_are_refused():
    with pytest.raises(ValueError, match="times class_weight, must not sum to 0"):
        made(MLPClassifier, class_weight={0: 0, 1: 0}).fit(X, CLASSES)
    with pytest.raises(TypeError, match=r"class_weight must be a dict .*, got \[1, 2\]"):
        made(MLPClassifier, class_weight=[1, 2]).fit(X, CLASSES)


@of_both
def test_weights_of_the_rows_set_aside_are_looked_at(kind):
    weight = np.zeros(60)
    weight[7] = 1
    with pytest.raises(ValueError, match="must not sum to 0 over the rows that"):
        made(kind, early_stopping=True).fit(X, ESTIMATORS[kind], sample_weight=weight)


@pytest.mark.parametrize(
    "sizes",
    [((3, 4),), (3.5,), ("a",), (None,), (True,), (np.nan,), [[1, 2], 3], [np.ones(2)]],
    ids=str,
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sizes_are_whole_numbers(sizes, solver):
    with pytest.raises(TypeError, match="hidden_layer_sizes must be whole numbers, got "):
        made(MLPRegressor, hidden_layer_sizes=sizes, solver=solver).fit(X, NUMBERS)


@pytest.mark.parametrize("size", [2**40, 2**62])
def test_sizes_fit_into_memory(size):
    with pytest.raises(ValueError, match=rf"hidden_layer_sizes must fit into memory, got \[{size}"):
        made(MLPRegressor, hidden_layer_sizes=size).fit(X, NUMBERS)


def test_numbers_beyond_every_float_are_refused():
    fitted = made(MLPRegressor).fit(X, NUMBERS)
    huge = X.tolist()
    huge[3][1] = 10**400
    for use, name in (
        (lambda: fitted.fit(huge, NUMBERS), "X and y"),
        (lambda: fitted.predict(huge), "X"),
        (lambda: fitted.fit(X, NUMBERS, sample_weight=[10**400] * 60), "sample_weight"),
    ):
        with pytest.raises(ValueError, match=f"^{name} must hold finite numbers, got one too larg"):
            use()


def test_a_part_to_set_aside_is_named():
    with pytest.raises(ValueError, match="^validation_fraction: "):
        made(MLPClassifier, early_stopping=True, validation_fraction=0.0).fit(X, CLASSES)


def test_arguments_are_explained():
    with pytest.raises(
        TypeError, match="arguments of MLPClassifier .*'lr': here it is learning_ra"
    ):
        MLPClassifier(lr=0.1)
    with pytest.raises(
        TypeError, match="got 'hidden_layer_size': did you mean 'hidden_layer_sizes'"
    ):
        MLPRegressor(hidden_layer_size=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "alpha" in MLPClassifier().get_params()


@pytest.mark.parametrize(
    ("kind", "there", "here"),
    [
        (MLPClassifier, {"activation": "swish"}, {"activation": "silu"}),
        (MLPRegressor, {"activation": ("linear",)}, {"activation": "identity"}),
        (MLPRegressor, {"activation": "ReLU", "loss": "MAE"}, {"loss": "mae"}),
        (MLPClassifier, {"loss": "binary_crossentropy"}, {"loss": "binary_cross_entropy"}),
    ],
)
def test_words_of_other_libraries_are_taken(kind, there, here):
    pair = [made(kind, **words).fit(X, ESTIMATORS[kind]) for words in (there, here)]
    assert pair[0].predict(X).tobytes() == pair[1].predict(X).tobytes()
    assert pair[0].loss_ == pair[1].loss_


def test_softmax_is_no_hidden_activation_by_any_name():
    for name in ("softmax", "Softmax"):
        with pytest.raises(ValueError, match="The 'activation' parameter of MLPRegressor must be"):
            made(MLPRegressor, activation=name).fit(X, NUMBERS)


@of_both
@pytest.mark.parametrize("weight", [1e-50, 1e-40, 1e40])
def test_weights_that_are_no_numbers_of_the_network_are_refused(kind, weight):
    rows, weights = X.astype(np.float32), np.ones(60)
    weights[7] = weight
    y = ESTIMATORS[kind]
    with pytest.raises(ValueError, match="must be 0 or of a size .* float32 are, .* in row 7"):
        made(kind).fit(rows, y, sample_weight=weights)
    estimator = made(kind).fit(rows, y)
    with pytest.raises(ValueError, match="must be 0 or of a size .* float32 are, .* in row 7"):
        estimator.partial_fit(X, y, sample_weight=weights)
    made(kind, solver="lbfgs").fit(rows, y, sample_weight=weights)
    made(kind).fit(X, y, sample_weight=weights)


@of_both
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_whose_sum_overflows_are_refused(kind, solver):
    with pytest.raises(ValueError, match="must not overflow, got 60 weights that sum to inf"):
        made(kind, solver=solver).fit(X, ESTIMATORS[kind], sample_weight=np.full(60, 1e307))

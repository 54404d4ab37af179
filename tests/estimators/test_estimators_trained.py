"""Trainings that diverge, and the score that callbacks watch."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")

from sklearn import neural_network as theirs  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from cynn import estimators as ours  # noqa: E402
from cynn.callbacks import EarlyStopping  # noqa: E402
from cynn.optimizers import SGD  # noqa: E402

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 4)) * 3 + 5
CLASSES = np.digitize(X[:, 0], [4, 6])
NUMBER = X[:, 0] * 3
WORDS = "Solver produced non-finite parameter weights. The input data may contain large values"


def fit(module, **arguments):
    arguments = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1} | arguments
    model = module.MLPRegressor(max_iter=20, random_state=0, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        model.fit(X, NUMBER)
    return model


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_training_that_diverges_ends_as_scikit_learns_does_and_at_once(dtype):
    for module in (theirs, ours):
        with pytest.raises(ValueError, match=WORDS):
            fit(module)
    with pytest.raises(ValueError, match=r"got (inf|nan) in epoch \d+, step 1, .* rate of 1: "):
        fit(ours)
    with pytest.raises(ValueError, match=f"{WORDS}.* rate of 1e"):
        ours.MLPClassifier(solver=SGD(1e30)).fit(X.astype(dtype), CLASSES)
    part = ours.MLPRegressor(activation="identity", solver="sgd", learning_rate_init=1e3)
    with pytest.raises(ValueError, match=WORDS):
        for _ in range(50):
            part.partial_fit(X.astype(dtype), NUMBER)


@pytest.mark.filterwarnings("ignore:overflow")  # of the score that is still a number
def test_with_early_stopping_the_best_weights_are_kept_as_scikit_learn_does():
    for module in (theirs, ours):
        model = fit(module, early_stopping=True)
        assert np.isnan(model.validation_scores_[-1])
        assert isinstance(model.validation_scores_[-1], float)
        assert all(np.isfinite(w).all() for w in model.coefs_)
    with pytest.warns(ConvergenceWarning, match="loss must be finite, .* best epoch are kept"):
        ours.MLPRegressor(
            activation="identity", solver="sgd", learning_rate_init=1, early_stopping=True
        ).fit(X, NUMBER)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_score_is_better_where_it_is_more():
    stopping = EarlyStopping("val_score", patience=50)
    model = ours.MLPClassifier((8,), max_iter=20, callbacks=[stopping], random_state=0, tol=0)
    model.fit(X, CLASSES, X_val=X, y_val=CLASSES)
    scores = model.validation_scores_
    assert stopping.best_epoch == int(np.argmax(scores)) and stopping.best == max(scores)
    assert len(set(scores)) > 1
    with pytest.raises(ValueError, match="monitor must be one of 'loss', got 'val_score'"):
        ours.MLPClassifier(callbacks=[EarlyStopping("val_score")]).fit(X, CLASSES)

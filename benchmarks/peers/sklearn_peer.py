"""scikit-learn's MLPClassifier."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from ..cases import LEARNING_RATE, Case
from .base import Peer


def classifier(case: Case, **options: Any) -> MLPClassifier:
    """Make the classifier: plain stochastic gradient descent, no penalty, no early stopping."""
    return MLPClassifier(
        case.sizes[1:-1],
        solver="sgd",
        learning_rate_init=LEARNING_RATE,
        momentum=0,
        alpha=0,
        tol=0,
        n_iter_no_change=10**6,
        random_state=0,
        **options,
    )


class ScikitLearn(Peer):
    """Calls of `fit` with a warm start."""

    def version(self) -> str:
        return sklearn.__version__

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is meant to be reached
        self.x, self.y = x, y
        self.model = classifier(case, batch_size=case.batch, warm_start=True)

    def train(self, epochs: int) -> float:
        self.model.set_params(max_iter=epochs).fit(self.x, self.y)
        return float(self.model.loss_curve_[-1])

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        warnings.simplefilter("ignore", ConvergenceWarning)
        rng = np.random.default_rng(0)
        some = rng.random((100, case.sizes[0]), np.float32)
        model = classifier(case, max_iter=1).fit(some, np.arange(100) % case.sizes[-1])
        return lambda: model.predict_proba(x)

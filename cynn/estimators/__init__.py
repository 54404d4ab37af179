"""scikit-learn's multi-layer perceptrons, trained and asked by the kernels.

`MLPClassifier` and `MLPRegressor` take the place of those of ``sklearn.neural_network``: the same
arguments, attributes, methods, errors and random draws. docs/scikit-learn.md says what is the
same, what is more and what differs. They need scikit-learn: ``pip install 'cynn-learn[sklearn]'``.
"""

# A way in: imports whatever stands below `model`, and scikit-learn; imported by nobody.

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "cynn.estimators needs scikit-learn: pip install 'cynn-learn[sklearn]'"
    ) from error

from typing import TYPE_CHECKING

from .._specs.names import missing_from
from ._classifier import MLPClassifier
from ._realmlp import RealMLPClassifier, RealMLPRegressor
from ._regressor import MLPRegressor
from ._tabm import TabMClassifier, TabMRegressor

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "RealMLPClassifier",
    "RealMLPRegressor",
    "TabMClassifier",
    "TabMRegressor",
]

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)

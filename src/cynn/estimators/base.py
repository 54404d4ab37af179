"""What the two estimators share: arguments, attributes, and the way through a fit."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import lbfgs, stochastic
from .threads import threads_of
from .weights import HIDDEN, Form, Weights

STOCHASTIC = ("sgd", "adam")
"""The solvers that go from batch to batch."""

FEW_ROWS = 32
"""Rows up to which a prediction is dominated by what is done around it."""


class BaseMLP(BaseEstimator):
    """Base of the estimators; they say what their targets are."""

    loss: str
    _best_weights: NDArray[Any] | None = None  # flat, with early stopping

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(HIDDEN))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    # -- weights

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """The matrix of each layer, of shape (fan_in, fan_out)."""
        return self._shown(0)

    @coefs_.setter
    def coefs_(self, value: list[NDArray[Any]]) -> None:
        self._put(0, value)

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """The vector of each layer, of shape (fan_out,)."""
        return self._shown(1)

    @intercepts_.setter
    def intercepts_(self, value: list[NDArray[Any]]) -> None:
        self._put(1, value)

    def _shown(self, part: int) -> list[NDArray[Any]]:
        weights: Weights | None = self.__dict__.get("_weights")
        found = None if weights is None else weights.show()[part]
        if found is None:
            name = ("coefs_", "intercepts_")[part]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return found

    def _put(self, part: int, value: list[NDArray[Any]]) -> None:
        weights: Weights = self.__dict__.setdefault("_weights", Weights())
        both = list(weights.show())
        both[part] = value
        weights.put(*both)

    def _form(self) -> Form:
        return self._weights.form(self.activation, self.out_activation_)

    # -- fitting

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Self:
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if np.any(np.array(sizes) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        fresh = "_weights" not in self.__dict__ or not (self.warm_start or incremental)
        X, y = self._validate_input(X, y, incremental, reset=fresh)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        if y.ndim == 1:
            y = y.reshape(-1, 1)
        self.n_outputs_ = y.shape[1]
        if not fresh:
            self._expect_the_same_form([X.shape[1], *sizes, self.n_outputs_])
        self._random_state = check_random_state(self.random_state)
        if fresh:
            self._initialize([X.shape[1], *sizes, self.n_outputs_], X.dtype)
        if self.solver in STOCHASTIC:
            stochastic.fit(self, X, y, sample_weight, incremental)
        else:
            lbfgs.fit(self, X, y, sample_weight)
        if not self._weights.are_finite():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        return self

    def _expect_the_same_form(self, units: Sequence[int]) -> None:
        """Refuse to go on with layers or outputs that the weights are not for."""
        held = [size[0] for size in self._weights.shapes[::2]] + [self._weights.shapes[-1][0]]
        if units[-1] != held[-1]:
            raise ValueError(f"y has {units[-1]} outputs, in the previous fit it had {held[-1]}")
        if len(units) != len(held) or (self.solver == "lbfgs" and list(units) != held):
            raise ValueError(
                "A fit that goes on needs the hidden_layer_sizes of the previous one, "
                f"{held[1:-1]}, got {list(units[1:-1])}"
            )

    def _initialize(self, units: Sequence[int], dtype: Any) -> None:
        """Draw the weights, and forget what was learned."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self._out_activation()
        self._weights = Weights(*self._drawn(units, dtype))
        self._best_weights = None
        if self.solver in STOCHASTIC:
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            watches = self.early_stopping
            self.validation_scores_: list[float] | None = [] if watches else None
            self.best_validation_score_ = -np.inf if watches else None
            self.best_loss_ = None if watches else np.inf

    def _drawn(
        self, units: Sequence[int], dtype: Any
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Draw weights as scikit-learn does: uniform, W and then b of each layer.

        The bounds are those of Glorot and Bengio, Understanding the difficulty of training deep
        feedforward neural networks, 2010; a third of the variance for the logistic function.
        """
        coefs: list[NDArray[Any]] = []
        intercepts: list[NDArray[Any]] = []
        factor = 2.0 if self.activation == "logistic" else 6.0
        for fan_in, fan_out in pairwise(units):
            bound = np.sqrt(factor / (fan_in + fan_out))
            for found, size in ((coefs, (fan_in, fan_out)), (intercepts, (fan_out,))):
                drawn = self._random_state.uniform(-bound, bound, size)
                found.append(drawn.astype(dtype, copy=False))
        return coefs, intercepts

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    # -- use

    def _outputs(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        """Give what the last layer gives for each row, checked before or not."""
        if check_input and not self._is_plain(X):
            check_is_fitted(self)
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._weights.predict(X, self.activation, self.out_activation_, self._threads)

    def _is_plain(self, X: Any) -> bool:
        """Say whether few rows need no more checks: validation takes longer than the network."""
        own = self.__dict__
        if type(X) is not np.ndarray or X.ndim != 2 or "_weights" not in own:
            return False
        rows, columns = X.shape
        if not 0 < rows <= FEW_ROWS or columns != own["n_features_in_"]:
            return False
        if X.dtype.char not in "fd" or not X.dtype.isnative or "feature_names_in_" in own:
            return False
        return math.isfinite(np.vdot(X, X))  # an overflow is left to those who look closely

    def _stratifies(self) -> bool:
        """Say whether rows set aside are to have the classes' shares: not of several outputs."""
        return bool(is_classifier(self)) and self.n_outputs_ == 1

    def _threads(self) -> int:
        return threads_of(self.n_jobs)

    def _scored(self, X: Any, y: Any, sample_weight: Any, score: Callable[..., float]) -> float:
        """Score rows that are checked; NaN where the network gives no finite numbers."""
        found = self._predict(X, check_input=False)
        if np.issubdtype(found.dtype, np.floating) and not np.isfinite(found).all():
            return np.nan
        return float(score(y, found, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        """Say that sparse rows are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

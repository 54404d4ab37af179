"""What the two estimators share: arguments, attributes, and the way through a fit."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._model.loops import naming
from .._specs.names import Explained
from .._specs.validation import shown
from ..callbacks import ModelCheckpoint, get_all
from ..optimizers import Optimizer
from ..schedules import Schedule
from . import _lbfgs, _stochastic
from ._coefficients import KNOWN, Activation, Form, Weights, activations_of, of_layers
from ._heads import Head, head_of
from ._n_jobs import threads_of
from ._objective import expect_mean

STOCHASTIC = ("sgd", "adam")
"""The solvers that go from batch to batch."""

FEW_ROWS = 32
"""Rows up to which a prediction is dominated by what is done around it."""


class BaseMLP(Explained, BaseEstimator):
    """Base of the estimators; they say what their targets are."""

    loss: Any
    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: float
    batch_size: Any
    learning_rate: Any
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    dropout: Any
    callbacks: Any
    n_jobs: int | None
    _best_weights: NDArray[Any] | None = None  # flat, with early stopping

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(KNOWN), tuple, list],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"}), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), Schedule],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose", StrOptions({"bar"})],
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
        "dropout": [Interval(Real, 0, 1, closed="left"), tuple, list],
        "callbacks": [tuple, list, None],
        "n_jobs": [
            None,
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
    }

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Set the arguments of the constructor, whose names are in its signature, as they came."""
        for name in self._get_param_names():
            setattr(self, name, arguments[name])

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
        arrays = None if weights is None else weights.show()[part]
        if arrays is None:
            name = ("coefs_", "intercepts_")[part]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return arrays

    def _put(self, part: int, value: list[NDArray[Any]]) -> None:
        weights: Weights = self.__dict__.setdefault("_weights", Weights())
        lists = list(weights.show())
        lists[part] = value
        weights.put(*lists)

    def _form(self) -> Form:
        return self._weights.form(self._activation(), self.out_activation_)

    def _activation(self) -> Activation:
        activation = self.activation
        return tuple(activation) if isinstance(activation, list) else activation

    def _head(self) -> Head:
        return head_of(self.out_activation_, self.loss)

    def _dropout(self, n_hidden: int) -> tuple[float, ...]:
        """Return the part of each hidden layer's outputs that is dropped; empty: none."""
        rates = of_layers("dropout", self.dropout, n_hidden)
        if not all(isinstance(rate, Real) and 0 <= float(rate) < 1 for rate in rates):
            raise ValueError(f"dropout must be at least 0 and less than 1, got {self.dropout!r}")
        return tuple(float(rate) for rate in rates) if any(rates) else ()

    def _hidden_sizes(self) -> list[int]:
        """Return the units of each hidden layer."""
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        for size in sizes:
            if isinstance(size, bool | np.bool_) or not isinstance(size, Integral):
                raise TypeError(f"hidden_layer_sizes must be whole numbers, got {shown(sizes)}")
            if size <= 0:
                raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return [int(size) for size in sizes]

    # -- fitting

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the estimator.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows; float32 and float64 are kept.
        y : array_like, shape (n,) or (n, n_outputs)
            Of a classifier labels of any type, or for each row and label whether it has it; of a
            regressor numbers.
        sample_weight : array_like, shape (n,), optional
            What each row counts.
        X_val, y_val : array_like, optional
            Rows to validate on after each epoch: `validation_scores_` and `validation_loss_curve_`
            keep what comes of it, and with `early_stopping` they take the place of rows set aside.
        sample_weight_val : array_like, optional
            What each of these counts.

        Returns
        -------
        MLPClassifier or MLPRegressor
            Itself.
        """
        held_out = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, incremental=False, held_out=held_out)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        incremental: bool,
        held_out: tuple[Any, Any, Any] = (None, None, None),
    ) -> Self:
        sizes = self._hidden_sizes()
        self._check_extensions(len(sizes), any(argument is not None for argument in held_out))
        is_fresh = "_weights" not in self.__dict__ or not (self.warm_start or incremental)
        X, y = self._validate_input(X, y, incremental, reset=is_fresh)
        if sample_weight is not None:
            with within_floats("sample_weight"):
                sample_weight = _check_sample_weight(sample_weight, X)
        sample_weight = self._weighted(y, sample_weight, X.dtype, incremental)
        dtype = X.dtype if is_fresh else self._weights.dtype
        expect_mean(sample_weight, dtype=dtype if self._goes_by_batches() else np.float64)
        y = as_columns(y)
        self.n_outputs_ = y.shape[1]
        if not is_fresh:
            self._expect_the_same_form([X.shape[1], *sizes, self.n_outputs_])
        self._random_state = check_random_state(self.random_state)
        if is_fresh:
            self._initialize([X.shape[1], *sizes, self.n_outputs_], X.dtype)
        validation_rows = self._held_out(*held_out)
        if self._goes_by_batches():
            _stochastic.fit(self, X, y, sample_weight, incremental, validation_rows)
        else:
            _lbfgs.fit(self, X, y, sample_weight)
        if not self._weights.are_finite():
            raise ValueError(_stochastic.NOT_FINITE)
        return self

    def _check_extensions(self, n_hidden: int, validates: bool) -> None:
        """Refuse what is not scikit-learn's where it is wrong, before anything is forgotten."""
        activations_of(self._activation(), n_hidden)
        callbacks = get_all(self.callbacks)
        if any(isinstance(callback, ModelCheckpoint) for callback in callbacks):
            raise TypeError(
                "callbacks must be without a ModelCheckpoint, got one: an estimator cannot be "
                "saved as a model file, but with joblib.dump"
            )
        for name, is_set in (
            ("dropout", bool(self._dropout(n_hidden))),
            ("callbacks", bool(callbacks)),
            ("X_val", validates),
        ):
            if is_set and not self._goes_by_batches():
                raise ValueError(
                    f"{name} must be left at its default for solver='lbfgs', which has no "
                    f"mini-batches, got {getattr(self, name, 'rows')!r}"
                )

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """Check rows and targets, which stay as they are."""
        with within_floats("X and y"):
            checked: tuple[Any, Any] = validate_data(
                self,
                X,
                y,
                accept_sparse=["csr", "csc"],
                multi_output=True,
                y_numeric=not is_classifier(self),
                dtype=(np.float64, np.float32),
                reset=reset,
            )
        return checked

    def _goes_by_batches(self) -> bool:
        return isinstance(self.solver, Optimizer) or self.solver in STOCHASTIC

    def _weighted(self, y: NDArray[Any], weight: Any, dtype: Any, incremental: bool) -> Any:
        """Return what each row counts."""
        return weight

    def _held_out(self, X: Any, y: Any, weight: Any) -> _stochastic.HeldOut | None:
        """Check the rows that the caller gave to validate on."""
        if X is None and y is None and weight is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val must be given together, got one without the other")
        with naming("X_val, y_val"):
            X, y, targets = self._validate_held_out(X, y)
            if weight is not None:
                weight = _check_sample_weight(weight, X)
            targets = as_columns(targets)
            if targets.shape[1] != self.n_outputs_:
                raise ValueError(
                    f"y_val must have {self.n_outputs_} outputs, got {targets.shape[1]}"
                )
        return _stochastic.HeldOut(X, y, weight, targets)

    def _expect_the_same_form(self, units: Sequence[int]) -> None:
        """Refuse to go on with layers or outputs that the weights are not for."""
        sizes = [size[0] for size in self._weights.shapes[::2]] + [self._weights.shapes[-1][0]]
        if units[-1] != sizes[-1]:
            raise ValueError(
                f"y must have {sizes[-1]} outputs, as in the previous fit, got {units[-1]}"
            )
        if len(units) != len(sizes) or (self.solver == "lbfgs" and list(units) != sizes):
            raise ValueError(
                f"hidden_layer_sizes must be {sizes[1:-1]}, as in the previous fit, got "
                f"{list(units[1:-1])}"
            )

    def _initialize(self, units: Sequence[int], dtype: Any) -> None:
        """Draw the weights, and forget what was learned."""
        output = self._out_activation()
        head_of(output, self.loss)  # refuses a loss that does not go with it
        self.__dict__.pop("validation_loss_curve_", None)
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = output
        try:
            self._weights = Weights(*self._drawn(units, dtype))
        except (MemoryError, OverflowError, ValueError):  # NumPy's, of arrays that are too large
            raise ValueError(
                f"hidden_layer_sizes must fit into memory, got {list(units[1:-1])}"
            ) from None
        self._best_weights = None
        if self._goes_by_batches():
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
        activations = activations_of(self._activation(), len(units) - 2)
        last = activations[-1] if activations else self.activation
        for (fan_in, fan_out), name in zip(pairwise(units), (*activations, last), strict=True):
            factor = 2.0 if name in ("logistic", "sigmoid") else 6.0
            bound = np.sqrt(factor / (fan_in + fan_out))
            for arrays, size in ((coefs, (fan_in, fan_out)), (intercepts, (fan_out,))):
                values = self._random_state.uniform(-bound, bound, size)
                arrays.append(values.astype(dtype, copy=False))
        return coefs, intercepts

    def _check_solver(self) -> bool:
        if not self._goes_by_batches():
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    # -- use

    def _outputs(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        """Return what the last layer gives for each row, checked before or not."""
        if check_input and not self._is_plain(X):
            check_is_fitted(self)
            with within_floats("X"):
                X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
                X = X.astype(np.float64) if X.dtype.kind == "O" else X
        return self._weights.predict(X, self._activation(), self.out_activation_, self._threads)

    def _is_plain(self, X: Any) -> bool:
        """Return whether few rows need no more checks: validation takes longer than the network."""
        attributes = self.__dict__
        if type(X) is not np.ndarray or X.ndim != 2 or "_weights" not in attributes:
            return False
        rows, columns = X.shape
        if not 0 < rows <= FEW_ROWS or columns != attributes["n_features_in_"]:
            return False
        if X.dtype.char not in "fd" or not X.dtype.isnative or "feature_names_in_" in attributes:
            return False
        return math.isfinite(np.vdot(X, X))  # an overflow is left to those who look closely

    def _stratifies(self) -> bool:
        """Return whether rows set aside are to have the classes' shares: not of several outputs."""
        return bool(is_classifier(self)) and self.n_outputs_ == 1

    def _threads(self) -> int:
        return threads_of(self.n_jobs)

    def _scored(self, X: Any, y: Any, sample_weight: Any, score: Callable[..., float]) -> float:
        """Score rows that are checked; NaN where the network gives no finite numbers."""
        predictions = self._predict(X, check_input=False)
        if np.issubdtype(predictions.dtype, np.floating) and not np.isfinite(predictions).all():
            return np.nan
        return float(score(y, predictions, sample_weight=sample_weight))

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there are weights: a fit that was refused leaves none."""
        return "_weights" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        """Say that sparse rows are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextlib.contextmanager
def within_floats(name: str) -> Iterator[None]:
    """Refuse integers of Python that no float can be."""
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"{name} must hold finite numbers, got one too large: {error}") from None


def as_columns(y: NDArray[Any]) -> NDArray[Any]:
    """Return targets a column an output."""
    return y.reshape(-1, 1) if y.ndim == 1 else y

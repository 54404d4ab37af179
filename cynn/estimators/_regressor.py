"""The regressor: numbers, one or several a row."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions

from .._data.sparse import is_sparse
from ._docs import documented
from ._heads import OF_NUMBERS, names
from ._mlp import BaseMLP


@documented
class MLPRegressor(RegressorMixin, BaseMLP):
    """A network of dense layers for numbers: ``sklearn.neural_network.MLPRegressor``, faster.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default "squared_error"
        Half the squared error, the mean over the outputs; or half the Poisson deviance of targets
        that are not negative, where the network's last activation is the exponential function.
    {network}
    {training}

    Attributes
    ----------
    {learned}

    See Also
    --------
    MLPClassifier : The same for classes, where the solvers' sources are named.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> y = X[:, 0] ** 2
    >>> reg = MLPRegressor(solver="lbfgs", random_state=0, max_iter=500).fit(X, y)
    >>> reg.score(X, y) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"} | names(OF_NUMBERS)), *OF_NUMBERS],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        callbacks: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Check X and y."""
        X, y = self._checked(X, y, reset)
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "biuf":
            description = f"a sparse {type(y).__name__}" if is_sparse(y) else f"dtype {y.dtype}"
            raise TypeError(f"y must be an array of numbers, got {description}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any, Any]:
        X, y = self._validate_input(X, y, incremental=False, reset=False)
        return X, y, y

    def _user_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        return y

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, from the weights as they are.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows; float32 and float64 are kept.
        y : array_like, shape (n,) or (n, n_outputs)
            Numbers.
        sample_weight : array_like, shape (n,), optional
            What each row counts.

        Returns
        -------
        MLPRegressor
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument, or a parameter of the estimator, is not as described.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the prediction for each row.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n,) or (n, n_outputs)
            Numbers.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` does not hold rows of `n_features_in_` finite numbers.
        """
        return self._predict(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R2, of the predictions.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows.
        y : array_like, shape (n,) or (n, n_outputs)
            What is right.
        sample_weight : array_like, shape (n,), optional
            What each row counts.

        Returns
        -------
        float
            As in scikit-learn, with several outputs the mean of theirs; and 1 or 0 where all of `y`
            are equal, whatever number they are.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If an argument is not as described.

        See Also
        --------
        cynn.metrics.R2 : The same of a model.
        """
        return _r2(y, self.predict(X), sample_weight=sample_weight)

    def _predict(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        outputs = self._outputs(X, check_input)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._scored(X, y, sample_weight, _r2)


def _r2(y: Any, predictions: NDArray[Any], *, sample_weight: Any) -> float:
    """Return scikit-learn's score; equal targets have no spread, not even that of rounding."""
    targets = np.asarray(y)
    if targets.dtype.kind in "iuf" and len(targets):
        equal = (targets == targets[0]).all(axis=0)
        common = np.where(equal, targets[0], 0)
        if targets.shape == predictions.shape and np.any(common):
            y, predictions = targets - common, predictions - common
    return float(r2_score(y, predictions, sample_weight=sample_weight))

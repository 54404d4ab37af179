"""The regressor: numbers, one or several a row."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import validate_data

from .._data.sparse import is_sparse
from ._heads import OF_NUMBERS, names
from ._mlp import BaseMLP


class MLPRegressor(RegressorMixin, BaseMLP):
    """A network of dense layers for numbers: ``sklearn.neural_network.MLPRegressor``, faster.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default "squared_error"
        Half the squared error, the mean over the outputs; or half the Poisson deviance of targets
        that are not negative, where the network's last activation is the exponential function.
    hidden_layer_sizes : array_like of int, default (100,)
        The units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default "relu"
        The activation of the hidden layers; others of ``cynn.layers.ACTIVATIONS`` too. A tuple has
        one for each layer.
    solver : {"lbfgs", "sgd", "adam"} or Optimizer, default "adam"
        How the loss is made small: by SciPy's quasi-Newton method over all rows, or by batches.
        An optimizer of `cynn.optimizers` has a rate and numbers of its own, and PyTorch's rule.
    alpha : float, default 0.0001
        The factor of the penalty ``alpha / 2 * sum(coefs**2)``, which is divided by the batch's
        rows, or their weights' sum.
    batch_size : int or "auto", default "auto"
        Rows of a batch; "auto": 200, or all there are. Not used by "lbfgs".
    learning_rate : {"constant", "invscaling", "adaptive"} or Schedule, default "constant"
        How the rate of "sgd" goes on from `learning_rate_init`: it stays; is divided by
        ``(t_ + 1)**power_t`` after each epoch; or is divided by 5 each time when there is no
        progress, until 1e-6.
        A schedule of `cynn.schedules` gives the rate of each step of "sgd" and "adam".
    learning_rate_init : float, default 0.001
        The first rate of "sgd" and "adam".
    power_t : float, default 0.5
        The exponent of "invscaling".
    max_iter : int, default 200
        The most epochs, or iterations of "lbfgs".
    shuffle : bool, default True
        Whether the rows come in a new order in each epoch.
    random_state : int, RandomState or None, default None
        Draws the first weights, the rows set aside and the order of the rows; with the same one
        all three are those of scikit-learn's estimator.
    tol : float, default 1e-4
        What counts as progress of the loss or the score.
    verbose : bool or "bar", default False
        Print a line an epoch; "bar": a bar, which needs tqdm.
    warm_start : bool, default False
        Whether another `fit` goes on from the weights of the last one.
    momentum : float, default 0.9
        Of "sgd", from 0 to 1.
    nesterovs_momentum : bool, default True
        Whether "sgd" looks ahead.
    early_stopping : bool, default False
        Set rows aside, stop when their score makes no progress, and keep the best weights.
    validation_fraction : float, default 0.1
        The part that is set aside.
    beta_1, beta_2 : float, default 0.9 and 0.999
        The decay of the moments of "adam".
    epsilon : float, default 1e-8
        The small number in the divisor of "adam".
    n_iter_no_change : int, default 10
        Epochs without progress before the training stops.
    max_fun : int, default 15000
        The most evaluations of the loss by "lbfgs".
    dropout : float or tuple of float, default 0.0
        The part of the hidden layers' outputs, or of each layer's, that is dropped in training.
    callbacks : list of Callback, optional
        Callbacks of `cynn.callbacks`, told of the epochs of `fit`; their logs have ``loss`` and,
        where rows are validated on, ``val_score`` and ``val_loss``.
    n_jobs : int or None, default None
        Threads to use: so many, -1 for all cores. None: as `cynn.get_num_threads` says, and in a
        process of joblib its share. The results are the same at any number.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        The matrix (fan_in, fan_out) and the vector (fan_out,) of each layer. Predictions follow
        what is written into them.
    loss_ : float
        The loss in the last epoch.
    best_loss_ : float or None
        The lowest loss; None with `early_stopping`.
    loss_curve_ : list of float
        The loss in each epoch.
    validation_scores_ : list of float or None
        The score after each epoch, with `early_stopping` or `X_val`.
    best_validation_score_ : float or None
        The best of them.
    validation_loss_curve_ : list of float
        The loss of `X_val` after each epoch, without the penalty.
    t_ : int
        The rows seen.
    n_iter_ : int
        The epochs or iterations of the last fit.
    n_layers_, n_outputs_, n_features_in_ : int
        Layers with input and output; outputs; columns of X.
    feature_names_in_ : ndarray of str
        The names of the columns, where X had such.
    out_activation_ : str
        The last activation.

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
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.callbacks = callbacks
        self.n_jobs = n_jobs

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        found: tuple[Any, Any] = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        return found

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Check X and y."""
        X, y = self._checked(X, y, reset)
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "biuf":
            found = f"a sparse {type(y).__name__}" if is_sparse(y) else f"dtype {y.dtype}"
            raise TypeError(f"y must be an array of numbers, got {found}")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any, Any]:
        X, y = self._validate_input(X, y, incremental=False, reset=False)
        return X, y, y

    def _given_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        return y

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
        """Train the regressor.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows; float32 and float64 are kept.
        y : array_like, shape (n,) or (n, n_outputs)
            Numbers.
        sample_weight : array_like, shape (n,), optional
            What each row counts.
        X_val, y_val : array_like, optional
            Rows to validate on after each epoch: `validation_scores_` and `validation_loss_curve_`
            keep what comes of it, and with `early_stopping` they take the place of rows set aside.
        sample_weight_val : array_like, optional
            What each of these counts.

        Returns
        -------
        MLPRegressor
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument, or a parameter of the estimator, is not as described.
        """
        held_out = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, incremental=False, held_out=held_out)

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

    def _predict(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        found = self._outputs(X, check_input)
        return found.ravel() if found.shape[1] == 1 else found

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._scored(X, y, sample_weight, r2_score)

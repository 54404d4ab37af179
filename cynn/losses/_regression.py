"""Losses of real numbers and counts."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs.activation_table import ACTIVATIONS
from .._specs.validation import array, choice, flag, integer, number, numbers, rows
from ._loss import Kernel, Loss

__all__ = ["MeanSquaredError", "MeanAbsoluteError", "Huber", "Quantile", "Poisson"]


class MeanSquaredError(Loss):
    """Mean squared error, for real numbers.

    For a row with n predictions p and targets t::

        loss = mean((p - t)**2)

    See Also
    --------
    Huber : Less sensitive to outliers.
    MeanAbsoluteError : The least is at the median.

    Notes
    -----
    Targets are finite, of shape (n,) or (n, 1) for one output and (n, k) for k of them.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 5.1.4. Bishop, Pattern
    Recognition and Machine Learning, Springer 2006, equation 1.2 (there half the sum).

    Examples
    --------
    >>> MeanSquaredError().targets([0.5, -2], 1, "float64")
    array([[ 0.5],
           [-2. ]])
    """

    names = ("mean_squared_error", "mse")

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``mean_squared_error``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return "mean_squared_error"

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of finite numbers; see `Loss.targets`."""
        return _rows(y, n_outputs, dtype)


class MeanAbsoluteError(Loss):
    """Mean absolute error, for real numbers.

    For a row with n predictions p and targets t::

        loss = mean(abs(p - t))

    The prediction that makes it least is the median of the targets. Where p is t the gradient is 0.

    See Also
    --------
    Huber : Squared for small errors, with a gradient that vanishes at 0.
    Quantile : The least is at another quantile than the median.

    Notes
    -----
    Targets are finite, of shape (n,) or (n, 1) for one output and (n, k) for k of them.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, Springer 2006, section 1.5.5.

    Examples
    --------
    >>> MeanAbsoluteError().kernel("identity")
    'mean_absolute_error'
    """

    names = ("mean_absolute_error", "mae")

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``mean_absolute_error``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return "mean_absolute_error"

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of finite numbers; see `Loss.targets`."""
        return _rows(y, n_outputs, dtype)


class Huber(Loss):
    """Huber's loss, for real numbers among outliers.

    For a row with n predictions p and targets t, e being ``p - t``::

        loss = mean(e**2 / 2                          where abs(e) <= delta
                    delta * (abs(e) - delta / 2)      elsewhere)

    Parameters
    ----------
    delta : float, default 1.0
        The error, above 0, from which on the loss grows along a line.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    MeanSquaredError : Without a bound of the gradient.
    MeanAbsoluteError : With the same gradient for all errors.

    Notes
    -----
    Targets are finite, of shape (n,) or (n, 1) for one output and (n, k) for k of them.

    References
    ----------
    Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> Huber(0.5).kernel("identity")
    ('huber', 0.5)
    """

    names = ("huber",)

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = number("delta", delta, "a finite number above 0", lambda d: d > 0)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``huber``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return ("huber", self.delta)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of finite numbers; see `Loss.targets`."""
        return _rows(y, n_outputs, dtype)


class Quantile(Loss):
    """Quantile (pinball) loss: the prediction is a bound that a part q of the targets stays below.

    For a row with n predictions p and targets t::

        loss = mean(q * (t - p)            where p < t
                    (1 - q) * (p - t)      elsewhere)

    Where p is t the gradient is 0.

    Parameters
    ----------
    q : float or sequence of float, default 0.5
        The part, between 0 and 1; 0.5 is the median, and half the mean absolute error. A sequence
        has one for each output: one network learns several quantiles, an interval say.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    MeanAbsoluteError : Twice the loss of the median.

    Notes
    -----
    Targets are finite, of shape (n,) or (n, 1) for one output and (n, k) for k of them. Several
    quantiles are those of one number each row, of shape (n,) or (n, 1), or of k numbers. Nothing
    keeps a higher quantile above a lower one where there is little to learn from:
    ``np.sort(predictions)`` does.

    References
    ----------
    Koenker and Bassett, Regression quantiles, Econometrica 46, 1978.

    Examples
    --------
    >>> Quantile(0.9).kernel("identity")
    ('quantile', 0.9)
    >>> Quantile([0.05, 0.95]).targets([1.0, 2.0], 2, "float64")
    array([[1., 1.],
           [2., 2.]])
    """

    names = ("quantile",)

    def __init__(self, q: float | Sequence[float] = 0.5) -> None:
        read: Any = numbers if isinstance(q, tuple | list | np.ndarray) else number
        self.q: float | tuple[float, ...] = read("q", q, "a number between 0 and 1", _is_part)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``quantile``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return ("quantile", self.q)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of finite numbers, of one number once for each quantile; see `Loss.targets`.

        Parameters
        ----------
        y : array_like
            What the user passed.
        n_outputs : int
            The numbers in one row of the prediction: as many as there are quantiles.
        dtype : dtype
            The network's type: float32 or float64.

        Returns
        -------
        ndarray of dtype, shape (n, n_outputs)
            The targets.

        Raises
        ------
        TypeError, ValueError
            If `y` is something else, or there is another number of quantiles than of outputs.
        """
        if not isinstance(self.q, tuple):
            return _rows(y, n_outputs, dtype)
        if len(self.q) != n_outputs:
            raise ValueError(
                f"loss must have as many quantiles as the model has outputs, {n_outputs}, got "
                f"{len(self.q)}"
            )
        y = array("y", y)
        if y.ndim == 1 or y.shape[1:] == (1,):
            return np.repeat(_rows(y, 1, dtype), n_outputs, axis=1)
        return _rows(y, n_outputs, dtype)


class Poisson(Loss):
    """Poisson loss, for counts.

    For a row with n rates p and counts t, from the rates' logarithms z or from the rates::

        loss = mean(exp(z) - t * z)
        loss = mean(p - t * log(p))

    It is the negative log-likelihood of the counts, without ``log(t!)``, which no prediction
    changes.

    Parameters
    ----------
    log_rate : bool, default True
        The last layer gives the logarithms of the rates, which may be any numbers: it is linear,
        and ``np.exp(model.predict(x))`` are the rates. False: it gives the rates, above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    MeanSquaredError : For numbers that are no counts.

    Notes
    -----
    Targets are finite and not negative, of shape (n,) or (n, 1) for one output and (n, k) for k of
    them; they need not be whole.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, Springer 2006, section 4.3.6. McCullagh and
    Nelder, Generalized Linear Models, Chapman and Hall 1989, chapter 6.

    Examples
    --------
    >>> Poisson().kernel("identity")
    'log_poisson'
    """

    names = ("poisson",)

    def __init__(self, log_rate: bool = True) -> None:
        self.log_rate = flag("log_rate", log_rate)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``[log_]poisson``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return "log_poisson" if self.log_rate else "poisson"

    def caution(self, last_activation: str) -> str:
        """Return where the outputs are no rates, or no logarithms; see `Loss.caution`."""
        if self.log_rate and last_activation != "identity":
            return (
                f"{self!r} takes logarithms of rates, which are any numbers, and "
                f"{last_activation!r} of the last layer bounds them: make it linear"
            )
        if not self.log_rate and last_activation not in ("softplus", "sigmoid", "softmax"):
            return (
                f"{self!r} takes rates, which are above 0, and {last_activation!r} of the last "
                "layer gives other numbers too: make it linear and leave out log_rate=False"
            )
        return ""

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of numbers that are not negative; see `Loss.targets`."""
        return _rows(y, n_outputs, dtype, 0.0)


def _is_part(q: float) -> bool:
    return 0 < q < 1


def _rows(y: Any, n_outputs: int, dtype: DTypeLike, low: float = -math.inf) -> NDArray[Any]:
    wanted = "finite numbers" if low < 0 else "finite numbers that are not negative"
    return rows("y", y, integer("n_outputs", n_outputs), dtype, low, math.inf, wanted)

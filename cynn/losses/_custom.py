"""A user-defined loss: a function over arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs import user_functions
from .._specs.activation_table import ACTIVATIONS
from .._specs.validation import array, choice, integer, rows
from ._loss import Kernel, Loss

__all__ = ["Custom"]


class Custom(Loss):
    """A loss given as a function over arrays; ``compile(loss=function)`` makes it.

    Parameters
    ----------
    function : callable
        ``function(y_true, y_pred)`` gives a pair: the loss of each row, of shape (n,), and the
        gradient of each row's loss for its prediction, of the shape of `y_pred`, (n, n_outputs).
        Both without weights and not divided by n, which the network does. It sees some of the rows
        at a time, and a row's loss must not depend on the other rows.

    Raises
    ------
    TypeError
        If it is no function.

    See Also
    --------
    cynn.activations.Custom : An activation given as a function.

    Notes
    -----
    Targets are numbers of shape (n,) or (n, k), k being any number, whatever the outputs are. The
    function sees k columns, one for targets of shape (n,). Whole numbers of shape (n,) are labels
    where there are several outputs, and come as integers; all else is finite, and comes in the type
    of `y_pred`: the model's, or float64 under ``CYNN_TARGET=reference``.

    Where the function gives other shapes, no numbers, or for finite predictions some that are not,
    what asked for it raises a TypeError or a ValueError. What it raises itself comes out unchanged.
    The model is then as it was after the last whole batch.

    Without the gradient there is no training, and none is found by differences: that would cost a
    call for each output, and half of the digits.

    A model file does not carry the function: call ``compile`` after ``load``.

    Examples
    --------
    >>> def squared(y_true, y_pred):
    ...     error = y_pred - y_true
    ...     return (error**2).mean(axis=1), 2 * error / error.shape[1]
    >>> Custom(squared)
    Custom(squared)
    >>> Custom(squared).targets([1, 2], 1, "float32")
    array([[1.],
           [2.]], dtype=float32)
    """

    empty_rows = staticmethod(user_functions.empty_rows)

    def __init__(
        self, function: Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]
    ) -> None:
        self.function = user_functions.function("function", function, "y_true", "y_pred")

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``("function", self)``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return ("function", self)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return labels or rows, as `y` has them; see `Loss.targets`."""
        targets = array("y", y)
        n_outputs = integer("n_outputs", n_outputs)
        if targets.ndim == 1 and n_outputs > 1 and np.can_cast(targets.dtype, np.int64):
            return np.ascontiguousarray(targets, np.int64)
        if targets.ndim not in (1, 2) or targets.shape[1:] == (0,):
            raise ValueError(f"y must have shape (n,) or (n, k), got shape {targets.shape}")
        columns = targets.shape[1] if targets.ndim == 2 else 1
        return rows("y", targets, columns, dtype, -np.inf, np.inf, "finite numbers")

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return the labels, or the classes of rows; see `Loss.classes`."""
        if targets.ndim == 2:
            return super().classes(targets)
        if len(targets) and targets.min() < 0:
            raise ValueError(f"y must hold labels from 0 for class_weight, got {targets.min()}")
        return targets

    def of_rows(
        self, y: Any, order: Any, start: int, prediction: Any
    ) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the losses and the gradient of some rows, checked; the network calls this.

        Parameters
        ----------
        y : array_like
            All targets, as `targets` gives them.
        order : ndarray of int or None
            The order in which they come; None: as they stand.
        start : int
            Where in it the rows begin.
        prediction : array_like, shape (n, n_outputs)
            What the network says of them.

        Returns
        -------
        losses : ndarray of float64, shape (n,)
            The loss of each row.
        gradient : ndarray, shape (n, n_outputs)
            The gradient of each row's loss with respect to its prediction, of the dtype of
            `prediction`.

        Raises
        ------
        TypeError, ValueError
            If the function does not return such a pair, or returns numbers that are not finite for
            finite predictions.
        """
        predicted = user_functions.as_rows(prediction)
        stop = start + len(predicted)
        indices = np.arange(start, stop) if order is None else np.asarray(order)[start:stop]
        targets = user_functions.as_rows(y)[indices].reshape(len(predicted), -1)
        finite = np.isfinite(predicted).all(axis=1)
        n, shape, dtype = len(predicted), predicted.shape, predicted.dtype
        result = self.function(targets, predicted)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise TypeError(
                f"function of {self!r} must return a pair: the loss of each row, of shape ({n},), "
                f"and its gradient for the prediction, of shape {shape}, got "
                f"{type(result).__name__}"
            )
        return (
            user_functions.checked_result(
                f"losses of {self!r}", result[0], (n,), np.float64, finite
            ),
            user_functions.checked_result(f"gradient of {self!r}", result[1], shape, dtype, finite),
        )

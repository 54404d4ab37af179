"""User-defined activations: functions over arrays, beside those that the kernels know by name.

They are slower than a name: the network stops for each, on one thread, and hands it a copy of its
numbers.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._specs import user_functions
from ._specs.activation_table import ACTIVATIONS
from ._specs.names import hint, missing_from, synonym
from ._specs.spec import Spec
from ._specs.validation import choice

Elementwise = Callable[[NDArray[Any]], NDArray[Any]]
Backward = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


class Custom(Spec):
    """An activation given as a function, and the way back through it as another.

    Parameters
    ----------
    function : callable
        ``function(x)`` gives y, of the shape of x: (rows, units). It sees some of the rows at a
        time, and what it gives for a row must not depend on the others. x is of the model's dtype;
        of float64 under ``CYNN_TARGET=reference``.
    derivative : callable, optional
        Where the function takes each number by itself: ``derivative(x)`` gives its slopes, of the
        shape of x.
    backward : callable, optional
        Or, where it mixes the numbers of a row: ``backward(x, gradient)`` gives the gradient of the
        loss for x from that for y, both of the shape of x.

    Raises
    ------
    TypeError
        If an argument is no function, or both of `derivative` and `backward` are given, or neither:
        differences in their place would cost a call for each number and half of the digits.

    See Also
    --------
    cynn.losses.Custom : A loss given as a function.

    Notes
    -----
    Where a function gives another shape, no numbers, or for finite numbers some that are not, what
    asked for it raises a TypeError or a ValueError. What the function raises itself comes out
    unchanged. The model is then as it was after the last whole batch.

    A model file carries no functions: see `Model.save`.

    Examples
    --------
    >>> sine = Custom(np.sin, np.cos)
    >>> sine
    Custom(sin, cos)
    >>> sine.gradient(np.array([[0.0, np.pi]]), np.array([[1.0, 2.0]]))
    array([[ 1., -2.]])
    """

    empty_rows = staticmethod(user_functions.empty_rows)

    def __init__(
        self,
        function: Elementwise,
        derivative: Elementwise | None = None,
        *,
        backward: Backward | None = None,
    ) -> None:
        self.function = user_functions.function("function", function, "x")
        if (derivative is None) == (backward is None):
            raise TypeError(
                "either derivative, the slopes for x, or backward, the gradient for x from x and "
                f"that for y, must be given, got {'neither' if backward is None else 'both'}"
            )
        self.derivative: Any = derivative and user_functions.function("derivative", derivative, "x")
        self.backward: Any = backward and user_functions.function(
            "backward", backward, "x", "gradient"
        )

    def value(self, x: Any) -> NDArray[Any]:
        """Return the activation of some rows, checked; the network calls this.

        Parameters
        ----------
        x : array_like, shape (rows, units)
            The input of the activation.

        Returns
        -------
        ndarray, shape (rows, units)
            The output, contiguous and of the dtype of `x`.

        Raises
        ------
        TypeError, ValueError
            If the function returns no real numbers, another shape, or numbers that are not finite
            for a finite row.
        """
        rows = user_functions.as_rows(x)
        return user_functions.call_checked(f"function of {self!r}", self.function, rows)

    def gradient(self, x: Any, gradient: Any) -> NDArray[Any]:
        """Return the gradient for the input of some rows, checked; the network calls this.

        Parameters
        ----------
        x : array_like, shape (rows, units)
            The input of the activation.
        gradient : array_like, shape (rows, units)
            The gradient of the loss with respect to the output.

        Returns
        -------
        ndarray, shape (rows, units)
            The gradient of the loss with respect to `x`.

        Raises
        ------
        TypeError, ValueError
            As for `value`, of `derivative` or `backward`.
        """
        rows, output_gradient = user_functions.as_rows(x), user_functions.as_rows(gradient)
        if self.backward is not None:
            return user_functions.call_checked(
                f"backward of {self!r}", self.backward, rows, output_gradient
            )
        slopes = user_functions.call_checked(f"derivative of {self!r}", self.derivative, rows)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging loss tells it
            input_gradient: NDArray[Any] = slopes * output_gradient
        return input_gradient


def checked(name: str, value: Any) -> str | Custom:
    """Return an activation: one of ``ACTIVATIONS`` by name, or a `Custom`; for None the identity.

    Parameters
    ----------
    name : str
        The name of the argument, for the message.
    value : object
        What was passed for it.

    Returns
    -------
    str or Custom
        The value itself; of a name of another library the one here.

    Raises
    ------
    TypeError, ValueError
        If it is neither.

    Examples
    --------
    >>> checked("activation", "relu")
    'relu'
    >>> checked("activation", "linear"), checked("activation", None)
    ('identity', 'identity')
    >>> checked("activation", abs)
    Traceback (most recent call last):
    TypeError: activation must be a name or cynn.activations.Custom(function, derivative), got a \
function without its derivative
    """
    if isinstance(value, Custom):
        return value
    if value is None:
        return "identity"
    if callable(value):
        word = str(getattr(value, "__name__", type(value).__name__))
        known = synonym("activation", word, ACTIVATIONS)
        advice = f": write {known!r}" if known in ACTIVATIONS else hint("activation", word, ())
        raise TypeError(
            f"{name} must be a name or cynn.activations.Custom(function, derivative), got a "
            f"function without its derivative{advice}"
        )
    return choice(name, value, ACTIVATIONS, "activation")


if not TYPE_CHECKING:
    __getattr__ = missing_from(
        __name__, "activation", "a name: Dense(128, {!r})".format, ACTIVATIONS
    )

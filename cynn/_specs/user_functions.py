"""User-defined functions over arrays: their arguments, and the check of what they return.

The network asks them in the midst of its work, with arrays of their own, which they may keep and
change. What they give is checked, so that a slip is told where it is made and spoils no weights.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .validation import shown


def expect_takes(name: str, value: Any, arguments: Iterable[str]) -> None:
    """Refuse what cannot be called with so many arguments, before it is called.

    Parameters
    ----------
    name : str
        What it is called.
    value : object
        The function.
    arguments : iterable of str
        What it will be given, in order, by the names for the message.

    Raises
    ------
    TypeError
        If it is no function, or takes something else.

    Examples
    --------
    >>> expect_takes("function", lambda x: x, ["y_true", "y_pred"])
    Traceback (most recent call last):
    TypeError: function must take (y_true, y_pred), got one that takes (x)
    """
    wanted = f"{name} must take ({', '.join(arguments)})"
    if not callable(value):
        raise TypeError(f"{wanted}, got {shown(value)}")
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # of what is compiled nothing may be known
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise TypeError(f"{wanted}, got one that takes {signature}") from None


def function(name: str, value: Any, *arguments: str) -> Callable[..., Any]:
    """Return a function that takes these arguments, or refuse what is none.

    Raises
    ------
    TypeError
        If it cannot be called, or not so.

    Examples
    --------
    >>> function("derivative", 1.0, "x")
    Traceback (most recent call last):
    TypeError: derivative must be a function over arrays, got 1.0
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function over arrays, got {shown(value)}")
    expect_takes(name, value, arguments)
    user_function: Callable[..., Any] = value
    return user_function


def empty_rows(rows: int, columns: int, size: int) -> NDArray[Any]:
    """Return an uninitialised array of rows for a function to read, of floats of `size` bytes.

    Parameters
    ----------
    rows, columns : int
        The shape.
    size : int
        Bytes of a number: 4 or 8.

    Returns
    -------
    ndarray, shape (rows, columns)
        Not initialized.
    """
    return np.empty((rows, columns), f"f{size}")


def as_rows(rows: Any) -> NDArray[Any]:
    """Return rows as an array; the reference has lists of float."""
    return np.asarray(rows)


def call_checked(name: str, user_function: Callable[..., Any], *rows: NDArray[Any]) -> NDArray[Any]:
    """Call a function on rows and return its result, of their shape and type.

    Parameters
    ----------
    name : str
        The function's name, for the message.
    user_function : callable
        The function.
    *rows : ndarray, shape (n, k)
        What it is given, each of the same shape.

    Returns
    -------
    ndarray, shape (n, k)
        Contiguous, of the rows' type.

    Raises
    ------
    TypeError, ValueError
        If it gives no real numbers, another shape, or what is not finite for a finite row.

    Examples
    --------
    >>> with np.errstate(divide="ignore"):
    ...     call_checked("log", np.log, np.array([[1.0, 0.0]]))
    Traceback (most recent call last):
    ValueError: log must return finite numbers for finite ones, got -inf in row 0 of 1
    """
    finite = np.logical_and.reduce([np.isfinite(each).all(axis=1) for each in rows])
    return checked_result(name, user_function(*rows), rows[0].shape, rows[0].dtype, finite)


def checked_result(
    name: str, value: Any, shape: tuple[int, ...], dtype: Any, finite: NDArray[np.bool_]
) -> NDArray[Any]:
    """Return what a function gave, contiguous and of that type.

    Parameters
    ----------
    name : str
        The name of what returned it, for the message.
    value : array_like
        What came.
    shape : tuple of int
        What it must have.
    dtype : dtype
        float32 or float64.
    finite : ndarray of bool, shape (n,)
        The rows that must be finite, as what it was given was.

    Raises
    ------
    TypeError, ValueError
        If it is not so.
    """
    try:
        result = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must return a regular array of numbers, got {type(value).__name__}: {error}"
        ) from error
    if result.dtype.kind not in "biuf":
        kind = type(value).__name__ if result.ndim == 0 else f"dtype {result.dtype}"
        raise TypeError(f"{name} must return an array of real numbers, got {kind}")
    if result.shape != shape:
        raise ValueError(f"{name} must return an array of shape {shape}, got shape {result.shape}")
    with np.errstate(over="ignore"):  # overflow is caught below
        result = np.require(result, dtype, ["C", "A"])
    finite_values = np.isfinite(result)
    if not finite_values.all():
        bad = finite & ~finite_values.reshape(len(result), -1).all(axis=1)
        if bad.any():
            row = int(bad.argmax())
            bad_value = result[row][~finite_values[row]].ravel()[0]
            raise ValueError(
                f"{name} must return finite numbers for finite ones, got {bad_value} in row {row} "
                f"of {len(result)}"
            )
    return result

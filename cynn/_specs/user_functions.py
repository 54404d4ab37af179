"""Functions of a person's own over arrays: what they are given, and what they have to give back.

The network asks them in the midst of its work, with arrays of their own, which they may keep and
change. What they give is checked, so that a slip is told where it is made and spoils no weights.
"""

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def function(name: str, value: Any) -> Callable[..., Any]:
    """Return a function back, or refuse what is none.

    Raises
    ------
    TypeError
        If it cannot be called.

    Examples
    --------
    >>> function("derivative", 1.0)
    Traceback (most recent call last):
    TypeError: derivative must be a function over arrays, got 1.0
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function over arrays, got {reprlib.repr(value)}")
    found: Callable[..., Any] = value
    return found


def room(rows: int, columns: int, size: int) -> NDArray[Any]:
    """Return an array for the rows that a function is to see, of floats of so many bytes."""
    return np.empty((rows, columns), f"f{size}")


def given(rows: Any) -> NDArray[Any]:
    """Return rows as an array; the reference has lists of float."""
    return np.asarray(rows)


def checked(who: str, ask: Callable[..., Any], *rows: NDArray[Any]) -> NDArray[Any]:
    """Ask a function about rows and give what it gives, of their shape and type.

    Parameters
    ----------
    who : str
        The function's name, for the message.
    ask : callable
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
    ...     checked("log", np.log, np.array([[1.0, 0.0]]))
    Traceback (most recent call last):
    ValueError: log must return finite numbers for finite ones, got -inf in row 0 of 1
    """
    finite = np.logical_and.reduce([np.isfinite(each).all(axis=1) for each in rows])
    return answer(who, ask(*rows), rows[0].shape, rows[0].dtype, finite)


def answer(
    who: str, value: Any, shape: tuple[int, ...], dtype: Any, finite: NDArray[np.bool_]
) -> NDArray[Any]:
    """Return what a function gave, contiguous and of that type.

    Parameters
    ----------
    who : str
        What gave it, for the message.
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
        found = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{who} must return a regular array of numbers, got {type(value).__name__}: {error}"
        ) from error
    if found.dtype.kind not in "biuf":
        came = type(value).__name__ if found.ndim == 0 else f"dtype {found.dtype}"
        raise TypeError(f"{who} must return an array of real numbers, got {came}")
    if found.shape != shape:
        raise ValueError(f"{who} must return an array of shape {shape}, got shape {found.shape}")
    with np.errstate(over="ignore"):  # found below
        found = np.require(found, dtype, ["C", "A"])
    good = np.isfinite(found)
    if not good.all():
        bad = finite & ~good.reshape(len(found), -1).all(axis=1)
        if bad.any():
            row = int(bad.argmax())
            came = found[row][~good[row]].ravel()[0]
            raise ValueError(
                f"{who} must return finite numbers for finite ones, got {came} in row {row} of "
                f"{len(found)}"
            )
    return found

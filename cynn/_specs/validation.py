"""Check the arguments of public functions, in one place and with one form of message.

Every function takes the argument's name and what came, and gives back a clean value (a plain
``int``, ``float`` or ``bool``, or a NumPy array of a known type), or raises one clear message:
which argument, what is wanted, what came. A value of the wrong kind is a ``TypeError``, one of the
right kind but out of bounds is a ``ValueError``.
"""

import math
import reprlib
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

MAX_LABEL = 2**31 - 2
"""The largest label: labels travel as 32-bit integers, and their number must fit one as well."""


def integer(name: str, value: object, low: int = 1) -> int:
    """Return `value` as an ``int`` of at least `low`; bools and floats are refused.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What came: an ``int`` or a NumPy integer.
    low : int, default 1
        The smallest value allowed.

    Returns
    -------
    int
        The value.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below `low`.

    Examples
    --------
    >>> integer("units", 128)
    128
    >>> integer("units", 0)
    Traceback (most recent call last):
    ValueError: units must be a positive integer, got 0
    """
    wanted = {0: "a non-negative integer", 1: "a positive integer"}.get(
        low, f"an integer of at least {low}"
    )
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {wanted}, got {reprlib.repr(value)}")
    if value < low:
        raise ValueError(f"{name} must be {wanted}, got {int(value)}")
    return int(value)


def number(
    name: str,
    value: object,
    wanted: str = "a finite number",
    holds: Callable[[float], bool] = math.isfinite,
) -> float:
    """Return `value` as a finite ``float`` for which `holds` is true; bools and NaN are refused.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What came: any real number of Python or NumPy.
    wanted : str
        What is wanted, for the message.
    holds : callable, default math.isfinite
        The condition, asked of finite values only.

    Returns
    -------
    float
        The value.

    Raises
    ------
    TypeError
        If it is not a real number.
    ValueError
        If it is not finite, or `holds` is false.

    Examples
    --------
    >>> number("momentum", 1.5, "at least 0 and less than 1", lambda m: 0 <= m < 1)
    Traceback (most recent call last):
    ValueError: momentum must be at least 0 and less than 1, got 1.5
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {wanted}, got {reprlib.repr(value)}")
    try:
        real = float(value)
    except OverflowError:  # an int beyond the largest float
        real = math.inf
    if not (math.isfinite(real) and holds(real)):
        raise ValueError(f"{name} must be {wanted}, got {real!r}")
    return real


def numbers(
    name: str,
    value: object,
    wanted: str = "a finite number",
    holds: Callable[[float], bool] = math.isfinite,
) -> tuple[float, ...]:
    """Return a sequence of numbers, at least one, as a tuple of ``float``.

    Examples
    --------
    >>> numbers("mean", [1, 2.5])
    (1.0, 2.5)
    >>> numbers("mean", [1, "2"])
    Traceback (most recent call last):
    TypeError: mean[1] must be a finite number, got '2'
    """
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a list of numbers, got {reprlib.repr(value)}")
    if not value:
        raise ValueError(f"{name} must hold at least one number, got none")
    return tuple(number(f"{name}[{i}]", each, wanted, holds) for i, each in enumerate(value))


def flag(name: str, value: object) -> bool:
    """Return `value` as a ``bool``; numbers are refused.

    Examples
    --------
    >>> flag("nesterov", 1)
    Traceback (most recent call last):
    TypeError: nesterov must be True or False, got 1
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {reprlib.repr(value)}")
    return bool(value)


def choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the strings in `choices`.

    Examples
    --------
    >>> choice("activation", "Relu", ("relu", "tanh"))
    Traceback (most recent call last):
    ValueError: activation must be one of 'relu', 'tanh', got 'Relu'
    """
    choices = tuple(choices)
    wanted = f"{name} must be one of {', '.join(map(repr, choices))}"
    if not isinstance(value, str):
        raise TypeError(f"{wanted}, got {reprlib.repr(value)}")
    if value not in choices:
        raise ValueError(f"{wanted}, got {reprlib.repr(value)}")
    return value


def shape(name: str, value: object) -> tuple[int, ...]:
    """Return `value` as a tuple of positive ints: the shape of one row, without the batch axis.

    Examples
    --------
    >>> shape("input_shape", [28, 28])
    (28, 28)
    """
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a tuple of positive integers, got {reprlib.repr(value)}")
    return tuple(integer(f"{name}[{i}]", size) for i, size in enumerate(value))


def real_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return `dtype` as one of the two types that the kernels compute in, in native byte order.

    Examples
    --------
    >>> real_dtype("float32")
    dtype('float32')
    >>> real_dtype(int)
    Traceback (most recent call last):
    ValueError: dtype must be float32 or float64, got int64
    """
    try:
        requested = None if dtype is None else np.dtype(dtype)  # np.dtype(None) is float64
    except TypeError:
        requested = None
    if requested is None:
        raise TypeError(f"dtype must be float32 or float64, got {reprlib.repr(dtype)}")
    if requested not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64, got {requested}")
    return requested


def array(name: str, value: Any) -> NDArray[Any]:
    """Return `value` as an array of real numbers or bools, without a copy where it is one.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like
        What came: anything that ``np.asarray`` takes.

    Returns
    -------
    ndarray
        Of a bool, integer or floating dtype, any shape and strides.

    Raises
    ------
    TypeError
        If it holds strings, objects, dates or complex numbers.
    ValueError
        If it is ragged or has masked entries.

    Examples
    --------
    >>> array("y", ["cat", "dog"])
    Traceback (most recent call last):
    TypeError: y must hold numbers, got strings (dtype <U3): encode the classes as whole numbers \
from 0 first, for example with np.unique(y, return_inverse=True)
    """
    # np.asarray would drop the mask and use what lies behind it.
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} must not have masked entries, got some: drop or fill them first")
    try:
        values = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must be a regular array of numbers, got {type(value).__name__}: {error}"
        ) from error
    if values.dtype.kind in "biuf":
        return values
    if values.dtype.kind in "UST":
        raise TypeError(
            f"{name} must hold numbers, got strings (dtype {values.dtype}): encode the classes as "
            f"whole numbers from 0 first, for example with np.unique({name}, return_inverse=True)"
        )
    kind = type(value).__name__ if values.ndim == 0 else f"dtype {values.dtype}"
    hint = "convert it first, for example to float32"
    if hasattr(value, "toarray"):
        hint = f"pass {name}.toarray()"
    raise TypeError(f"{name} must hold numbers, got {kind}: {hint}")


def labels(name: str, value: Any, n_classes: int | None = None) -> NDArray[np.int32]:
    """Return class labels as contiguous int32, without a copy where they are that already.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like, shape (n,) or (n, 1)
        Bools, integers, or floats that hold whole numbers.
    n_classes : int, optional
        Labels must be below it.

    Returns
    -------
    ndarray of int32, shape (n,)
        Each from 0 to ``n_classes - 1``.

    Raises
    ------
    TypeError, ValueError
        If something in it is not a label; the message names the first bad row.

    Examples
    --------
    >>> labels("y", [3.0, 1.0], n_classes=4)
    array([3, 1], dtype=int32)
    >>> labels("y", [3, 4], n_classes=4)
    Traceback (most recent call last):
    ValueError: y must hold whole numbers from 0 to 3, got 4 in row 1
    """
    y = array(name, value)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(f"{name} must be labels of shape (n,) or (n, 1), got shape {y.shape}")
    last = MAX_LABEL if n_classes is None else min(n_classes - 1, MAX_LABEL)
    # Bounds first, in the type that came: a cast would wrap 2**32 to 0 and make NaN anything.
    with np.errstate(invalid="ignore", over="ignore"):
        # As Python numbers, compared exactly; with a NaN both are NaN and no comparison holds.
        if y.size and not (y.min().item() >= 0 and y.max().item() <= last):
            valid = (y >= 0) & (y <= last)
        else:
            integers = np.require(y, np.int32, ["C", "A"])
            if y.dtype.kind != "f" or bool((integers == y).all()):
                return integers
            valid = integers == y
    row = int(np.argmin(valid))
    raise ValueError(
        f"{name} must hold whole numbers from 0 to {last}, got {y[row].item()} in row {row}"
    )


def rows(
    name: str, value: Any, n_columns: int, dtype: DTypeLike, low: float, high: float, wanted: str
) -> NDArray[Any]:
    """Return rows of real numbers within bounds, contiguous, without a copy where they are that.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like, shape (n, n_columns), or (n,) where there is one column
        Any real type.
    n_columns : int
        The columns wanted.
    dtype : dtype
        float32 or float64; values are converted first and checked then.
    low, high : float
        The bounds, both allowed; infinity means any finite number.
    wanted : str
        What is wanted, for the message.

    Returns
    -------
    ndarray of dtype, shape (n, n_columns)
        The rows, finite.

    Raises
    ------
    TypeError, ValueError
        If a value is NaN, infinite or out of bounds (the message names the row), or the shape is
        another.

    Examples
    --------
    >>> rows("y", [0, 1], 1, "float32", 0, 1, "numbers from 0 to 1")
    array([[0.],
           [1.]], dtype=float32)
    """
    y = array(name, value)
    if y.ndim == 1 and n_columns == 1:
        y = y[:, np.newaxis]
    if y.ndim != 2 or y.shape[1] != n_columns:
        also = " or (n,)" if n_columns == 1 else ""
        raise ValueError(f"{name} must have shape (n, {n_columns}){also}, got shape {y.shape}")
    real = real_dtype(dtype)
    largest = float(np.finfo(real).max)
    low, high = max(low, -largest), min(high, largest)
    with np.errstate(invalid="ignore", over="ignore"):
        converted = np.require(y, real, ["C", "A"])
        # min and max carry NaN, so that this is the whole check, in two fast passes.
        if not converted.size or (low <= converted.min() and converted.max() <= high):
            return converted
        invalid = ~((converted >= low) & (converted <= high))
    row, column = (int(i) for i in np.argwhere(invalid)[0])
    where = f"row {row}" if n_columns == 1 else f"row {row}, column {column}"
    raise ValueError(f"{name} must hold {wanted}, got {y[row, column].item()} in {where}")

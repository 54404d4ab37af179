"""Check the arguments of public functions, in one place and with one form of message.

Every function takes the argument's name and what came, and gives back a clean value (a plain
``int``, ``float`` or ``bool``, or a NumPy array of a known type), or raises one clear message:
which argument, what is wanted, what came. A value of the wrong kind is a ``TypeError``, one of the
right kind but out of bounds is a ``ValueError``.
"""

import math
import os
import reprlib
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import names
from .frames import frame_array, holds_strings, string_advice

MOST_AXES = 31
"""Of a row: with that of the rows they are as many as any NumPy's array may have."""

MAX_LABEL = 2**31 - 2
"""The largest label: labels travel as 32-bit integers, and their number must fit one as well."""

LISTED = 200
"""The letters of a list after which a message says no more of it."""

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 200


def shown(value: object) -> str:
    """Return what came as a message shows it: words whole, and no more than some lines of it.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        Its ``repr``, which may fail; of a long one the middle is left out. Of an array its shape.

    Examples
    --------
    >>> shown("sparse_categorical_crossentropy"), shown(np.zeros((3, 2)))
    ("'sparse_categorical_crossentropy'", 'an array of shape (3, 2)')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    text = _SHOWN.repr(value)
    return text if isinstance(value, str) else " ".join(text.split())


def listed(words: Iterable[object]) -> str:
    """Return words for a message, each of them whole, and no more than some lines of them.

    Examples
    --------
    >>> listed(["a", "b"]), listed(map(str, range(100)))[-15:]
    ("'a', 'b'", "'34', '35', ...")
    """
    text = ""
    for word in words:
        if len(text) > LISTED:
            return f"{text}, ..."
        text += f"{', ' if text else ''}{shown(word)}"
    return text or "none"


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
        raise TypeError(f"{name} must be {wanted}, got {shown(value)}")
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
        raise TypeError(f"{name} must be {wanted}, got {shown(value)}")
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
        raise TypeError(f"{name} must be a list of numbers, got {shown(value)}")
    if not value:
        raise ValueError(f"{name} must hold at least one number, got none")
    reals = []
    for i, each in enumerate(value):
        # There may be millions: the name, for the message, would take most of the time.
        real = each if type(each) is float else math.nan
        if type(each) is int and abs(each) < 1 << 53:
            real = float(each)
        if math.isfinite(real) and holds(real):
            reals.append(real)
        else:
            reals.append(number(f"{name}[{i}]", each, wanted, holds))
    return tuple(reals)


def flag(name: str, value: object) -> bool:
    """Return `value` as a ``bool``; numbers are refused.

    Examples
    --------
    >>> flag("nesterov", 1)
    Traceback (most recent call last):
    TypeError: nesterov must be True or False, got 1
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(name: str, value: object, choices: Iterable[str], kind: str | None = None) -> str:
    """Return `value`, or what a word of another library is here, if that is one of `choices`.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What came.
    choices : iterable of str
        What there is.
    kind : str, optional
        The kind of name in `cynn._specs.aliases`, by default `name`.

    Returns
    -------
    str
        One of `choices`.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is none of `choices`; the message says what is meant.

    Examples
    --------
    >>> choice("activation", "linear", ("identity", "relu"))
    'identity'
    >>> choice("activation", "Relu", ("relu", "tanh"))
    Traceback (most recent call last):
    ValueError: activation must be one of 'relu', 'tanh', got 'Relu': did you mean 'relu'?
    """
    choices = tuple(choices)
    wanted = f"{name} must be one of {', '.join(map(repr, choices))}"
    if not isinstance(value, str):
        raise TypeError(f"{wanted}, got {shown(value)}")
    if value in choices:
        return value
    kind = name if kind is None else kind
    meant = names.synonym(kind, value, choices)
    if meant not in choices:
        text = names.hint(kind, value, choices)
        raise ValueError(f"{wanted}, got {shown(value)}{text}")
    return meant


def words(name: str, value: object) -> list[str]:
    """Return a sequence of strings as a list.

    Examples
    --------
    >>> words("columns", ("a", "b"))
    ['a', 'b']
    >>> words("columns", "ab")
    Traceback (most recent call last):
    TypeError: columns must be a list of strings, got 'ab'
    """
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, tuple | list) and all(isinstance(each, str) for each in value):
        return list(value)
    raise TypeError(f"{name} must be a list of strings, got {shown(value)}")


def file_path(name: str, value: object) -> Path:
    """Return `value` as the path of a file or a folder.

    Examples
    --------
    >>> file_path("path", 3)
    Traceback (most recent call last):
    TypeError: path must be a path, got 3
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path, got {shown(value)}")
    try:
        path = Path(value)
        if b"\0" in os.fsencode(path):
            raise ValueError
    except (TypeError, ValueError):  # of bytes; with a zero byte; with half a character
        raise ValueError(f"{name} must be a path as text, got {shown(value)}") from None
    return path


def shape(name: str, value: object) -> tuple[int, ...]:
    """Return `value` as a tuple of positive ints: the shape of one row, without the batch axis.

    Examples
    --------
    >>> shape("input_shape", [28, 28])
    (28, 28)
    """
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a tuple of positive integers, got {shown(value)}")
    if len(value) > MOST_AXES:
        raise ValueError(f"{name} must have at most {MOST_AXES} axes, got {len(value)}")
    if len(value) > 1 and value[0] is None:  # as Keras writes it
        raise TypeError(
            f"{name} must be the shape of one row, got {shown(value)}: leave out the axis of rows"
        )
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
    except Exception:  # whatever the object itself raises
        requested = None
    if requested is None:
        raise TypeError(f"dtype must be float32 or float64, got {shown(dtype)}")
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
        What came: anything that ``np.asarray`` takes, or a data frame or a series of pandas, polars
        or Arrow.

    Returns
    -------
    ndarray
        Of a bool, integer or floating dtype, any shape and strides.

    Raises
    ------
    TypeError
        If it holds strings, objects, dates or complex numbers.
    ValueError
        If it is ragged, has masked entries, or a nullable column lacks a value.

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
    frame = None if isinstance(value, np.ndarray | list) else frame_array(name, value)
    try:
        values = np.asarray(value) if frame is None else frame
    except ValueError as error:
        raise ValueError(
            f"{name} must be a regular array of numbers, got {type(value).__name__}: {error}"
        ) from error
    if values.dtype.kind in "biuf":
        return values
    if holds_strings(values):
        advice = string_advice(name)
        raise TypeError(f"{name} must hold numbers, got strings (dtype {values.dtype}): {advice}")
    kind = type(value).__name__ if values.ndim == 0 else f"dtype {values.dtype}"
    hint = "convert it first, for example to float32"
    if hasattr(value, "toarray"):
        hint = f"pass {name}.toarray()"
    elif hasattr(value, "collect"):  # a frame of polars that is not computed yet
        hint = f"pass {name}.collect()"
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

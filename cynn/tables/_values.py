"""What stands in a column: numbers, or texts, or neither; and what counts as missing."""

import math
import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset(("", "?", "na", "n/a", "nan", "null", "none"))
"""Texts that stand for a missing number, in any case. Of texts only the empty one is missing."""


def numbers(values: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return a column as numbers, NaN where one is missing; None if something else stands there.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Of any type; texts are read as Python reads a float, without underscores.

    Returns
    -------
    ndarray of float64, shape (n,), or None
        The numbers.

    Examples
    --------
    >>> numbers(np.array(["1", "2.5e1", "NA"]))
    array([ 1., 25., nan])
    >>> numbers(np.array(["1", "2", "three"])) is None
    True
    """
    if values.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            return values.astype(np.float64)
    if not _holds_objects(values):
        return None
    floats = [_number(value) for value in values]
    return None if None in floats else np.array(floats, np.float64)


def texts(values: NDArray[Any]) -> list[str] | None:
    """Return a column as texts, empty where one is missing; None if something else stands there.

    A whole number is written without a point, so that 1.0 of one file is "1" of another.

    Examples
    --------
    >>> texts(np.array([1.0, 2.5, np.nan]))
    ['1', '2.5', '']
    >>> texts(np.array([" red", None], dtype=object))
    ['red', '']
    """
    if values.dtype.kind not in "biuf" and not _holds_objects(values):
        return None
    words = [_text(value) for value in values.tolist()]
    return None if None in words else [text for text in words if text is not None]


def first_non_number(values: NDArray[Any]) -> str:
    """Describe the first value that is no number, and its row, for an error message."""
    if values.dtype.kind in "USO":
        for row, value in enumerate(values, 1):
            if _number(value) is None:
                return f"{reprlib.repr(value)} in row {row}"
    return f"values of type {values.dtype}"


def _holds_objects(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "USO"


def _number(value: object) -> float | None:
    """Return a number, NaN for a missing one, or None."""
    if value is None:
        return math.nan
    if isinstance(value, bool | int | float | np.number | np.bool_):
        try:
            return None if isinstance(value, np.complexfloating) else float(value)
        except OverflowError:
            return math.inf
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        number = float(text)
    except ValueError:
        return math.nan if text.casefold() in MISSING else None
    if math.isnan(number):
        return number
    # what Python alone would read so is a text; so is what is too large for a number
    return number if math.isfinite(number) and text.isascii() and "_" not in text else None


def _text(value: object) -> str | None:
    """Return a text, empty for a missing one, or None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else repr(value)
    if value is None:
        return ""
    return str(value) if isinstance(value, bool | int) else None

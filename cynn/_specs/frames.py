"""Data frames and series of pandas, polars and Arrow as arrays of numbers; none of them is loaded.

NumPy makes objects of columns of several types, and NaN of what a nullable column lacks. Here each
column is converted by itself, and what it lacks is refused.
"""

import sys
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAMES = (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))
COLUMNS = (
    ("pandas", "Series"),
    ("pandas", "Index"),
    ("pandas.api.extensions", "ExtensionArray"),
    ("polars", "Series"),
    ("pyarrow", "Array"),
    ("pyarrow", "ChunkedArray"),
)

NUMBERS = (Real, Decimal, np.bool_)
"""What a column of objects may hold."""


def frame_array(name: str, value: Any) -> NDArray[Any] | None:
    """Return a frame, or a column of one, as an array of numbers or bools.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What came.

    Returns
    -------
    ndarray or None
        Of shape (rows, columns), or (rows,); of the type that holds all columns. None: what came
        is neither frame nor column.

    Raises
    ------
    TypeError
        If a column holds something else than numbers or bools; the message names it.
    ValueError
        If a value is missing in a nullable column; the message names the row.

    Examples
    --------
    >>> frame_array("x", [1.0]) is None
    True
    """
    if _is_one_of(value, COLUMNS):
        return _numbers(name, value, "")
    if not _is_one_of(value, FRAMES):
        return None
    columns = list(_columns(value))
    arrays = [
        _numbers(name, column, f"column {label!r}" if len(columns) > 1 else "")
        for label, column in columns
    ]
    if not arrays:
        return np.empty(value.shape, np.float64)
    return np.stack(arrays, axis=1, dtype=np.result_type(*arrays))


def _is_one_of(value: Any, classes: Iterable[tuple[str, str]]) -> bool:
    """Return whether an object is of one of these classes, as far as their libraries are loaded."""
    return any(
        isinstance(value, kind)
        for module, cls in classes
        if isinstance(kind := getattr(sys.modules.get(module), cls, None), type)
    )


def _columns(frame: Any) -> Iterable[tuple[str, Any]]:
    """Return the names and the columns of a frame, of which names may be the same."""
    if hasattr(frame, "iloc"):
        return ((str(label), frame.iloc[:, i]) for i, label in enumerate(frame.columns))
    if hasattr(frame, "itercolumns"):
        return zip(frame.column_names, frame.itercolumns(), strict=True)
    return ((column.name, column) for column in frame.iter_columns())


def _numbers(name: str, column: Any, place: str) -> NDArray[Any]:
    """Return a column's values."""
    _expect_none_missing(name, column, place)
    numpy_dtype = getattr(getattr(column, "dtype", None), "numpy_dtype", None)  # of pandas' own
    if numpy_dtype is not None and numpy_dtype.kind in "biuf":
        converted: NDArray[Any] = column.to_numpy(dtype=numpy_dtype)
        return converted
    values = np.asarray(column)
    if values.dtype.kind in "biuf" and values.ndim == 1:
        return values
    where = f" in {place}" if place else ""
    if holds_strings(values):
        advice = string_advice(name)
        if place:
            advice = "leave it out, or encode the table with cynn.tables.TableEncoder"
        raise TypeError(f"{name} must hold numbers, got strings{where}: {advice}")
    if values.dtype.kind == "O" and all(isinstance(each, NUMBERS) for each in values.flat):
        return values.astype(np.float64)
    kind = column.dtype if hasattr(column, "dtype") else column.type
    raise TypeError(
        f"{name} must hold numbers, got {kind}{where}: convert it first, for example to float32"
    )


def string_advice(name: str) -> str:
    """Return what to do with strings where numbers are wanted: those of targets are classes."""
    if not name.startswith("y"):
        return (
            "convert them first, for example to float32; words of a table are encoded with "
            "cynn.tables.TableEncoder"
        )
    return (
        "encode the classes as whole numbers from 0 first, for example with "
        f"np.unique({name}, return_inverse=True)"
    )


def holds_strings(values: NDArray[Any]) -> bool:
    """Return whether an array holds text, by its type or in objects.

    Examples
    --------
    >>> [holds_strings(np.array(values)) for values in (["a"], [None, "a"], [1.0])]
    [True, True, False]
    """
    if values.dtype.kind == "O":
        return any(isinstance(value, str) for value in values.flat)
    return values.dtype.kind in "UST"


def _expect_none_missing(name: str, column: Any, place: str) -> None:
    """Refuse what a nullable column lacks; a NaN of plain floats is a number like any here."""
    null_count = getattr(column, "null_count", None)
    if null_count is not None:  # of polars and Arrow
        n_missing = null_count() if callable(null_count) else null_count
        missing = np.asarray(column.is_null()) if n_missing else np.zeros(0, bool)
    elif isinstance(getattr(column, "dtype", None), np.dtype):
        return
    else:
        missing = np.asarray(column.isna())
    if missing.any():
        where = f"row {int(missing.argmax())}{', ' if place else ''}{place}"
        raise ValueError(
            f"{name} must have a value in every row, got none in {where} "
            f"({int(missing.sum()):,} in all): drop or fill them first"
        )

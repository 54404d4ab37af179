"""Tables that people have in memory, as columns by name: frames of other libraries, rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._values import missing_texts, without

_SCALARS = (str, bytes, bool, int, float, complex, type(None), np.generic)


def columns_of(table: Any, names: Iterable[str] | None = None) -> Mapping[str, Any]:
    """Return a table as its columns by name.

    Parameters
    ----------
    table : mapping of str to array_like or scalar, sequence of mappings, or data frame
        Columns by name; or one row, of scalars by name; or rows; or a frame of pandas or polars, a
        table of pyarrow, an array of NumPy with named fields.
    names : iterable of str, optional
        The values that rows must have; by default those of any of them.

    Returns
    -------
    mapping of str to array_like or scalar
        A mapping as it came; of anything else arrays. Names that are no texts are written as such.

    Raises
    ------
    TypeError
        If it is something else.
    ValueError
        If two columns have the same name, or a row lacks a value.

    Examples
    --------
    >>> columns_of([{"size": 1.5, "kind": "a"}, {"kind": "b", "size": 2}])
    {'size': array([1.5, 2. ]), 'kind': array(['a', 'b'], dtype=object)}
    """
    if isinstance(table, Mapping):
        return _named_by_texts(table)
    if isinstance(table, list | tuple):
        return _of_rows(table, names)
    if isinstance(table, np.ndarray) and table.dtype.names is not None:
        return {name: table[name] for name in table.dtype.names}
    if hasattr(table, "column_names") and hasattr(table, "column"):  # pyarrow
        return _named(table.column_names, [table.column(i) for i in range(table.num_columns)])
    if hasattr(table, "get_columns"):  # polars
        return _named(table.columns, table.get_columns())
    if hasattr(table, "iloc") and hasattr(table, "columns"):  # pandas
        return _named(table.columns, [table.iloc[:, i] for i in range(table.shape[1])])
    hint = ": call its collect() first" if hasattr(table, "collect") else ""
    raise TypeError(
        "table must be a mapping of names to columns, rows as mappings, or a frame of pandas, "
        f"polars or pyarrow, got {type(table).__name__}{hint}"
    )


def array_of(values: Any) -> NDArray[Any]:
    """Return a column as an array: of numbers, bools or texts, or of objects.

    Parameters
    ----------
    values : array_like, or a column of pandas, polars or pyarrow
        Of any length; a scalar gives an array without axes.

    Returns
    -------
    ndarray
        None, or NaN among numbers, stands where a value is missing.

    Examples
    --------
    >>> array_of(["a", None]), array_of(True)
    (array(['a', None], dtype=object), array(True))
    """
    if isinstance(values, np.ma.MaskedArray):
        values = _without_masked(values)
    if isinstance(values, np.ndarray):
        return _seconds(values if values.dtype.kind != "T" else values.astype(object))
    if hasattr(values, "combine_chunks") or hasattr(values, "dictionary_encode"):  # pyarrow
        values = array_of_arrow(values)
    elif hasattr(values, "to_numpy"):  # pandas, polars
        values = _array_of_series(values)
    return _seconds(np.asarray(values) if _is_regular(values) else _objects(values))


def _array_of_series(values: Any) -> Any:
    """Return a column of pandas or polars as an array, or as a list where NumPy lacks its type."""
    kind = str(getattr(values, "dtype", ""))
    if kind.startswith(("List", "Array", "Struct", "Int128", "UInt128")):  # of polars
        return _objects(values.to_list())
    if kind.startswith("period"):  # of pandas
        values = values.astype("datetime64[us]")
    if kind == "category" and hasattr(values, "cat"):
        values = values.cat.rename_categories(_name)
    elif kind.startswith("interval"):
        values = values.map(_name)
    numpy = values.to_numpy()
    exact = not hasattr(values, "to_list") or not _may_have_lost_digits(numpy, values.dtype)
    return numpy if exact else values.to_list()


def array_of_arrow(column: Any) -> NDArray[Any]:
    """Return the values of a column of pyarrow.

    Whole numbers that floats do not hold become objects where one is missing, or where they are
    decimals: as names of categories they count to the last digit.
    """
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_decimal(column.type) and (column.type.scale > 0 or column.type.precision <= 15):
        column = column.cast("string").cast("float64")  # at once it gives neighbours of 0.07
    numpy: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return _objects(column.to_pylist()) if _may_have_lost_digits(numpy, column.type) else numpy


def mark_missing(table: Any, missing: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return a table with nothing in place of the values that some texts call missing.

    Parameters
    ----------
    table : mapping of str to array_like, shape (n,), or a data frame
        The columns by name.
    missing : iterable of str
        The texts, beside those that count as missing anyway, in any case. One that is a number
        stands for the number, however it is written.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        None or NaN stand in their place.

    Raises
    ------
    TypeError
        If `missing` is no sequence of strings.

    Examples
    --------
    >>> mark_missing({"age": np.array(["31", "unknown"], object)}, ["unknown"])
    {'age': array(['31', None], dtype=object)}
    """
    chosen = missing_texts(missing)
    return {name: without(array_of(values), chosen) for name, values in columns_of(table).items()}


def is_scalar(value: object) -> bool:
    """Return whether a value is one of a row, and no column.

    Examples
    --------
    >>> is_scalar("red"), is_scalar(None), is_scalar(["red"]), is_scalar(np.array(1.5))
    (True, True, False, True)
    """
    if isinstance(value, _SCALARS):
        return True
    return not value.ndim if isinstance(value, np.ndarray) else not hasattr(value, "__len__")


def _of_rows(
    rows: list[Any] | tuple[Any, ...], names: Iterable[str] | None
) -> dict[str, NDArray[Any]]:
    for i, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise TypeError(f"rows[{i}] must be a mapping of names to values, got {row!r:.100}")
    if not rows:
        raise ValueError("rows must be one at least, got none")
    rows = [_named_by_texts(row) for row in rows]
    columns: dict[str, NDArray[Any]] = {}
    for name in dict.fromkeys(name for row in rows for name in row) if names is None else names:
        for i, row in enumerate(rows):
            if name not in row:
                known = ", ".join(map(repr, row))
                raise ValueError(f"rows[{i}] must have a value for {name!r:.100}, got {known:.200}")
        columns[name] = array_of([row[name] for row in rows])
    return columns


def _named(names: Any, columns: list[Any]) -> dict[str, NDArray[Any]]:
    texts = _different(names)
    return {name: array_of(values) for name, values in zip(texts, columns, strict=True)}


def _named_by_texts(table: Mapping[Any, Any]) -> Mapping[str, Any]:
    if all(isinstance(name, str) for name in table):
        return table
    return dict(zip(_different(table), table.values(), strict=True))


def _different(names: Iterable[Any]) -> list[str]:
    """Return names as texts, or raise where two are the same."""
    texts = [str(name) for name in names]
    if len(set(texts)) < len(texts):
        twice = next(name for i, name in enumerate(texts) if name in texts[:i])
        raise ValueError(f"table must have columns of different names, got {twice!r:.100} twice")
    return texts


def _name(value: Any) -> Any:
    """Return a category, an interval as a text, say."""
    return value if isinstance(value, _SCALARS) else str(value)


def _without_masked(values: Any) -> NDArray[Any]:
    """Return a masked array as one where None stands for what is masked, or NaN among floats."""
    if not np.ma.getmaskarray(values).any():
        return np.asarray(values.data)
    if values.dtype.kind in "biuf":
        return np.asarray(values.astype(np.float64).filled(np.nan))
    rest = values.data.astype(object)
    rest[np.ma.getmaskarray(values)] = None
    return np.asarray(rest)


def _seconds(values: NDArray[Any]) -> NDArray[Any]:
    """Return durations as their seconds, NaN where one is missing; any other values as they are."""
    if values.dtype.kind != "m":
        return values
    return np.asarray(values / np.timedelta64(1, "s"))


def _is_regular(values: Any) -> bool:
    """Return whether NumPy finds one type for all values: it makes texts of None beside texts."""
    if not isinstance(values, list | tuple):
        return True
    kinds = {type(value) for value in values}
    return not kinds & {str, type(None)} and all(issubclass(kind, _SCALARS) for kind in kinds)


def _may_have_lost_digits(values: NDArray[Any], kind: object) -> bool:
    """Return whether whole numbers became floats, for want of others of which one is missing."""
    if values.dtype.kind != "f" or "int" not in str(kind).lower():
        return False
    return bool((np.abs(values) >= 2**53).any())


def _objects(values: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    """Return an array of one axis, also where values are sequences."""
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return array

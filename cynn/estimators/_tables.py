"""Rows of mixed kinds on their way into an estimator: frames, dicts, arrays as columns by name."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_feature_names, validate_data

from .._specs.validation import listed
from ..tables import TableEncoder
from ..tables._choosing import NO_TEXTS
from ..tables._frames import array_of, columns_of
from ..tables._numbers import first_non_text

Columns = dict[str, NDArray[Any]]


def is_frame(X: Any) -> bool:
    """Return whether X has columns with names: a frame, a mapping, or rows that are mappings."""
    if isinstance(X, Mapping):
        return True
    if isinstance(X, np.ndarray):
        return X.dtype.names is not None
    if isinstance(X, list | tuple):
        return len(X) > 0 and isinstance(X[0], Mapping)
    kind = type(X)  # to ask a LazyFrame itself for its columns is work, and a warning
    return hasattr(kind, "columns") or hasattr(kind, "column_names") or hasattr(X, "iloc")


def columns_to_fit(estimator: Any, X: Any) -> Columns:
    """Return the columns of X by name, and write down in the estimator what they are called.

    Raises
    ------
    TypeError, ValueError
        If X is no table, or two columns have the same name.
    """
    if not is_frame(X):
        rows = _array(estimator, X, reset=True)
        return {f"x{i}": column for i, column in enumerate(rows.T)}
    columns = _frame(X)
    _check_feature_names(estimator, X if hasattr(X, "columns") else None, reset=True)
    estimator.n_features_in_ = len(columns)
    if not hasattr(estimator, "feature_names_in_"):
        estimator.feature_names_in_ = np.array(list(columns), object)
    return columns


def columns_to_predict(estimator: Any, X: Any, names: tuple[str, ...]) -> Columns:
    """Return those columns of X, found by name where X and the estimator have names.

    Raises
    ------
    TypeError, ValueError
        If X is no table, or lacks a column.
    """
    has_names = hasattr(estimator, "feature_names_in_")
    if not is_frame(X):
        rows = _array(estimator, X, reset=False)
        known = (
            estimator.feature_names_in_ if has_names else [f"x{i}" for i in range(rows.shape[1])]
        )
        return {str(name): column for name, column in zip(known, rows.T, strict=True)}
    columns = _frame(X)
    if not has_names:
        _check_feature_names(estimator, X if hasattr(X, "columns") else None, reset=False)
        if len(columns) != estimator.n_features_in_:
            raise ValueError(
                f"X has {len(columns)} features, but {type(estimator).__name__} is expecting "
                f"{estimator.n_features_in_} features as input"
            )
        return {f"x{i}": column for i, column in enumerate(columns.values())}
    missing = [name for name in names if name not in columns]
    if missing:
        raise ValueError(
            "The feature names should match those that were passed during fit: X must have the "
            f"columns {listed(missing)}, got {listed(columns)}"
        )
    return columns


def category_names(X: Any, columns: Columns, chosen: Any) -> list[str]:
    """Return the columns whose numbers are names of categories.

    Parameters
    ----------
    X : frame or array
        As it came.
    columns : dict
        Its columns.
    chosen : "from_dtype", sequence or None
        What `categorical_features` says: by the types of a frame's columns, or by names, places or
        a mask.

    Raises
    ------
    ValueError
        If one that is named is not there.
    """
    names = list(columns)
    if chosen is None:
        return []
    if isinstance(chosen, str):
        types = dict(zip(names, X.dtypes, strict=True)) if hasattr(X, "dtypes") else {}
        return [name for name in names if "categor" in str(types.get(name, "")).lower()]
    chosen = np.asarray(chosen)
    if chosen.dtype.kind == "b":
        if chosen.shape != (len(names),):
            raise ValueError(
                f"categorical_features must be a mask of {len(names)} columns, got shape "
                f"{chosen.shape}"
            )
        return [name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen]
    found = []
    for each in chosen.ravel().tolist():
        is_place = isinstance(each, int) and 0 <= each < len(names)
        if not is_place and str(each) not in columns:
            raise ValueError(
                f"categorical_features must name columns or their places, got {each!r:.100}; there "
                f"are {listed(names)}"
            )
        found.append(names[each] if is_place else str(each))
    return found


def expect_used(encoder: TableEncoder, columns: Columns) -> None:
    """Raise if a column was left out for what it holds, lists, say.

    Raises
    ------
    ValueError
        It names the first value that is none of a table.
    """
    for each in encoder.left_out:
        if each.why == NO_TEXTS:
            raise ValueError(
                f"column {each.name!r:.100} of X must hold numbers and strings, or dates alone, "
                f"got {first_non_text(columns[each.name])}: leave the column out"
            )


@contextmanager
def told_to_estimators() -> Iterator[None]:
    """Let errors of tables name what an estimator's user can do: they name the command line's."""
    try:
        yield
    except ValueError as error:
        told = re.sub(
            r": pass missing=\[.*\] \(--missing .*\) if it stands",
            ": write None or NaN in its place if it stands",
            str(error),
        )
        told = re.sub(
            r"categorical=(\[.*\]) \(--categorical .*?\)", r"categorical_features=\1", told
        )
        if told == str(error):
            raise
        raise ValueError(told) from None


def n_rows(columns: Columns) -> int:
    """Return how many rows there are, the same in all columns.

    Raises
    ------
    ValueError
        If there is no column, or they are of different lengths.
    """
    if not columns:
        raise ValueError("X must have at least one column, got none")
    lengths = {name: len(column) for name, column in columns.items()}
    first = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != first:
            raise ValueError(
                f"X must have columns of one length, got {length} rows in {name!r:.100} and "
                f"{first} in {next(iter(lengths))!r:.100}"
            )
    return first


def _frame(X: Any) -> Columns:
    columns = {str(name): array_of(values) for name, values in columns_of(X).items()}
    for name, values in columns.items():
        if values.ndim != 1:
            raise ValueError(
                f"column {name!r:.100} of X must have shape (n,), got shape {values.shape}"
            )
    return columns


def _array(estimator: Any, X: Any, reset: bool) -> NDArray[Any]:
    """Check an array; objects stay what they are, and what is missing may be NaN or None.

    Infinite numbers are for the encoder to find, which names their column and row.
    """
    if isinstance(X, np.ma.MaskedArray) or isinstance(X, np.ndarray) and X.dtype.kind == "T":
        X = array_of(X)
    rows: NDArray[Any] = validate_data(
        estimator, X, reset=reset, dtype=None, ensure_all_finite=False
    )
    if rows.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must hold real numbers or strings")
    return rows

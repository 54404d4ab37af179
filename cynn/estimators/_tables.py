"""Rows of mixed kinds on their way into an estimator: frames, dicts, arrays as columns by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_feature_names, validate_data

from .._specs.validation import listed
from ..tables._frames import columns_of

Columns = dict[str, NDArray[Any]]


def is_frame(X: Any) -> bool:
    """Return whether X has columns with names: a frame, a mapping, or rows that are mappings."""
    if isinstance(X, Mapping):
        return True
    if isinstance(X, np.ndarray):
        return X.dtype.names is not None
    if isinstance(X, list | tuple):
        return len(X) > 0 and isinstance(X[0], Mapping)
    return hasattr(X, "columns") or hasattr(X, "column_names")


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
    from ..tables._frames import array_of

    columns = {str(name): array_of(values) for name, values in columns_of(X).items()}
    for name, values in columns.items():
        if values.ndim != 1:
            raise ValueError(
                f"column {name!r:.100} of X must have shape (n,), got shape {values.shape}"
            )
    return columns


def _array(estimator: Any, X: Any, reset: bool) -> NDArray[Any]:
    """Check an array; objects stay what they are, and what is missing may be NaN or None."""
    rows: NDArray[Any] = validate_data(
        estimator, X, reset=reset, dtype=None, ensure_all_finite="allow-nan"
    )
    if rows.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must hold real numbers or strings")
    return rows

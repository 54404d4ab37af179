"""An estimator of tables as a file: members, table, what scikit-learn knows of it; no pickle."""

import math
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from .. import storage
from ..ensemble import Ensemble


def notes_of(estimator: Any) -> dict[str, Any]:
    """Return what a file says of an estimator beside its members.

    Raises
    ------
    ValueError
        If the labels are such as a file cannot carry.
    """
    notes: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "parameters": {
            name: _plain(given)
            for name, given in estimator.get_params(deep=False).items()
            if name != "random_state" or isinstance(given, Integral)
        },
        "n_features": int(estimator.n_features_in_),
        "best_epochs": estimator.best_epochs_,
        "n_epochs": int(estimator.n_epochs_),
    }
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        notes["features"] = [str(name) for name in names]
    notes |= estimator._notes()
    return notes


def restore(estimator: Any, ensemble: Ensemble, path: Any) -> None:
    """Make an estimator that was not fitted the one that a file was written from.

    Raises
    ------
    cynn.storage.ModelFileError
        If the file is that of something else.
    """
    kind, notes = type(estimator).__name__, ensemble.notes
    try:
        if ensemble.table is None or notes.get("estimator") != kind:
            raise ValueError(f"it is of {notes.get('estimator', 'no estimator')!r:.100}")
        parameters = notes["parameters"]
        known = estimator.get_params(deep=False)
        if not isinstance(parameters, Mapping) or not set(parameters) <= set(known):
            raise ValueError("it has other parameters")
        estimator.set_params(**{name: _given(value) for name, value in parameters.items()})
        estimator._validate_params()
        estimator.n_features_in_ = int(notes["n_features"])
        if "features" in notes:
            estimator.feature_names_in_ = np.array(
                [str(each) for each in notes["features"]], object
            )
        estimator._restore(notes, ensemble.table.target)
        estimator.best_epochs_ = list(notes["best_epochs"])
        estimator.n_epochs_ = int(notes["n_epochs"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise storage.ModelFileError(f"{path} is not a {kind}: {error}") from error
    estimator._encoder = ensemble.table
    estimator.ensemble_ = ensemble


def _plain(value: Any) -> Any:
    """Return a parameter as JSON says it."""
    if isinstance(value, range) or hasattr(value, "__array__"):  # NumPy's, an index of pandas
        value = np.asarray(value).tolist()
    if isinstance(value, dict):  # of labels, which JSON would make texts
        return {"pairs": [[_plain(key), _plain(each)] for key, each in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_plain(each) for each in value]}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) else None


def _given(value: Any) -> Any:
    """Return what `_plain` was given."""
    if not isinstance(value, dict):
        return value
    return tuple(value["tuple"]) if "tuple" in value else dict(value["pairs"])

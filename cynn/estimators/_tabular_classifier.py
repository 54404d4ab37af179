"""What the estimators of tables for classes share."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from ..tables import Classes, Target
from ..tables._columns import MAX_CATEGORIES
from ..tables._values import text_of
from ._tabular import Tabular, free_name

LABELS = "biufU"
"""The kinds of labels that a file carries; of objects those that are texts."""


class TabularClassifier(ClassifierMixin, Tabular):
    """Base of the estimators of tables for classes."""

    class_weight: Any

    classes_: NDArray[Any]

    _task = "classification"
    _metrics: ClassVar[dict[str, tuple[str, str | None]]] = {
        "accuracy": ("val_accuracy", "accuracy"),
        "log_loss": ("val_loss", None),
        "auc": ("val_auc", "auc"),
        "balanced_accuracy": ("val_balanced_accuracy", "balanced_accuracy"),
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Tabular._parameter_constraints,
        "metric": [StrOptions(set(_metrics)), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def _read_targets(self, y: Any, reset: bool) -> NDArray[Any]:
        y = _labels(column_or_1d(y, warn=True))
        assert_all_finite(y, input_name="y")
        with np.errstate(invalid="ignore"):  # it makes whole numbers of floats of any size
            check_classification_targets(y)
        if reset:
            self.classes_ = np.unique(y)
            if len(self.classes_) < 2:
                raise ValueError(
                    "y must have two classes at least, got 1 class: "
                    f"{self.classes_.tolist()[0]!r:.100} in all rows"
                )
            if len(self.classes_) > MAX_CATEGORIES:
                raise ValueError(
                    f"y must have at most {MAX_CATEGORIES:,} classes, got {len(self.classes_):,}"
                )
        places = np.searchsorted(self.classes_, y)
        places = np.minimum(places, len(self.classes_) - 1)
        unknown = self.classes_[places] != y
        if unknown.any():
            raise ValueError(
                f"y_val must hold classes of y, got {y[unknown].tolist()[0]!r:.100} in row "
                f"{int(unknown.argmax()) + 1}"
            )
        return np.asarray(places, np.int64)

    def _target(self, y: NDArray[Any], name: str) -> Target:
        labels = [str(label) for label in self.classes_.tolist()]
        blank = free_name(" ", labels, " ")
        return Classes(name, [label or blank for label in labels])

    def _weights(self, y: NDArray[Any], sample_weight: Any) -> NDArray[Any] | None:
        weight = super()._weights(y, sample_weight)
        if self.class_weight is None:
            return weight
        factors: NDArray[Any] = compute_sample_weight(self.class_weight, self.classes_[y])
        if not (factors >= 0).all() or np.isinf(factors).any():
            raise ValueError(
                "class_weight must hold finite numbers that are not negative, got "
                f"{self.class_weight!r:.100}"
            )
        return factors if weight is None else factors * weight

    def _notes(self) -> dict[str, Any]:
        classes = self.classes_
        texts = classes.dtype.kind == "O" and all(isinstance(each, str) for each in classes)
        if classes.dtype.kind not in LABELS and not texts:
            raise ValueError(
                "classes_ must be numbers, strings or bools to be saved, got dtype "
                f"{classes.dtype}: train on such labels"
            )
        plain = classes.astype(float) if classes.dtype.kind == "f" else classes
        return {"classes": {"dtype": classes.dtype.str, "labels": plain.tolist()}}

    def _restore(self, notes: Mapping[str, Any], target: Target) -> None:
        labels, dtype = notes["classes"]["labels"], np.dtype(notes["classes"]["dtype"])
        if dtype.kind not in LABELS + "O" or len(labels) != target.n_outputs:
            raise ValueError("its labels are none")
        if dtype.kind == "O" and not all(isinstance(each, str) for each in labels):
            raise ValueError("its labels are none")
        self.classes_ = np.array(labels, dtype)

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return y

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class: the mean of the members'.

        Parameters
        ----------
        X : data frame, mapping of str to array_like, or array_like, shape (n, n_features)
            The rows; the columns of a frame are found by name, in any order. A category that was
            not in the training set counts as a missing one.

        Returns
        -------
        ndarray of float32, shape (n, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If `X` lacks a column, or one holds what it cannot.
        """
        return self._outputs(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row; parameters and errors as `predict_proba`.

        Parameters
        ----------
        X : data frame, mapping of str to array_like, or array_like, shape (n, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n,)
            Labels.
        """
        places = self._outputs(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[places]
        return labels


def _labels(y: NDArray[Any]) -> NDArray[Any]:
    """Return labels as an array of one type, objects too; raise where one is missing or another."""
    if y.dtype.kind == "T":
        y = y.astype(object)
    if y.dtype.kind != "O":
        return y
    labels = y.tolist()
    for row, label in enumerate(labels, 1):
        if not isinstance(label, str) and text_of(label) == "":
            raise ValueError(
                "Input y contains NaN or infinity: y must hold a class in each row, got "
                f"{label!r:.100} in row {row}"
            )
    kinds = [_kind(label) for label in labels]
    other = next((row for row, kind in enumerate(kinds) if kind != kinds[0]), None)
    if other is not None:
        raise ValueError(
            f"y must hold labels of one type, got {labels[0]!r:.100} in row 1 and "
            f"{labels[other]!r:.100} in row {other + 1}"
        )
    return np.array(labels) if kinds and kinds[0] in ("bool", "number") else y


def _kind(label: object) -> str:
    if isinstance(label, bool | np.bool_):
        return "bool"
    if isinstance(label, int | float | np.number):
        return "number"
    return "str" if isinstance(label, str) else type(label).__name__

"""RealMLP for classes."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from .._realmlp import presets
from ..tables import Classes, Target
from ..tables._columns import MAX_CATEGORIES
from ..tables._values import text_of
from ._docs import documented
from ._realmlp import BaseRealMLP, free_name


@documented
class RealMLPClassifier(ClassifierMixin, BaseRealMLP):
    """RealMLP for classes: tuned defaults with which a dense network is at its best on tables.

    Parameters
    ----------
    {realmlp}
    label_smoothing : float, optional
        How much of each class is divided among all; by default 0.1, and 0 where `metric` looks at
        probabilities.
    metric : {"accuracy", "log_loss", "auc", "balanced_accuracy"}, default "accuracy"
        What decides the best epoch.
    class_weight : dict, "balanced" or None, default None
        What the rows of each class count beside `sample_weight`.
    {realmlp_rest}

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    {realmlp_learned}

    See Also
    --------
    RealMLPRegressor : The same for numbers.
    MLPClassifier : A network as scikit-learn has it.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data, NeurIPS 2024.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> colour = rng.choice(["red", "green"], 300)
    >>> size = rng.normal(size=300)
    >>> X = {"colour": colour, "size": size}
    >>> y = np.where((colour == "red") & (size > 0), "take", "leave")
    >>> clf = RealMLPClassifier(n_epochs=32, random_state=0).fit(X, y)
    >>> clf.predict({"colour": ["red", "green"], "size": [1.5, 1.5]})
    array(['take', 'leave'], dtype='<U5')
    """

    _task = "classification"
    _metrics: ClassVar[dict[str, tuple[str, str | None]]] = {
        "accuracy": ("val_accuracy", "accuracy"),
        "log_loss": ("val_loss", None),
        "auc": ("val_auc", "auc"),
        "balanced_accuracy": ("val_balanced_accuracy", "balanced_accuracy"),
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseRealMLP._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), None],
        "metric": [StrOptions(set(_metrics)), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        preset: str = "td",
        *,
        n_members: int = 1,
        n_epochs: int = 256,
        batch_size: int = 256,
        hidden_layer_sizes: Any = (256, 256, 256),
        learning_rate: float | None = None,
        dropout: float | None = None,
        weight_decay: float | None = None,
        label_smoothing: float | None = None,
        metric: str | None = None,
        class_weight: Any = None,
        validation_fraction: float = 0.2,
        categorical_features: Any = "from_dtype",
        time_limit: float | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self._keep(locals())

    def _chosen_preset(self) -> presets.Preset:
        preset = super()._chosen_preset()
        if self.label_smoothing is None and self.metric in ("log_loss", "auc"):
            return preset._replace(label_smoothing=0.0)
        return preset

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

"""What a report is on, from what people have: a model or an estimator, rows and their targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, rows, shown
from ..convert import from_sklearn
from ..ensemble import Ensemble, models_of
from ..losses import (
    BinaryCrossEntropy,
    CategoricalHinge,
    CrossEntropy,
    Custom,
    Hinge,
    Loss,
    Quantile,
)
from ..metrics._classification import label_of
from ..model import Model
from ..plots._images import as_images
from ..plots._style import count_of
from ..tables import Classes, Quantity, TableEncoder
from ..tables._frames import array_of, columns_of
from ._contents import DIVERGED, Classified, Predicted, Rows, of_target, wholly_finite

OTHER = (
    "Confusion and agreement are shown for one class or one number a row; this network gives "
    "something else."
)


@dataclass
class Subject:
    """A network, and what it says of rows.

    Attributes
    ----------
    models : tuple of Model
        One, or several whose predictions are averaged.
    seed : str
        What it began with.
    history : History, mapping or None
        Of its training, or that of the first of several.
    answers : Classified, Predicted or None
        What it says of the rows.
    missing : str
        Why there are no answers.
    measures : dict of str to float
        How good it is on them.
    data : list of (str, object)
        What is known of the rows.
    """

    models: tuple[Model, ...]
    seed: str
    history: Any
    answers: Classified | Predicted | None = None
    missing: str = ""
    measures: dict[str, float] = field(default_factory=dict)
    data: list[tuple[str, object]] = field(default_factory=list)

    @property
    def encoder(self) -> TableEncoder | None:
        """How rows of a table become those of the network."""
        return self.models[0].table


def subject_of(model: Any, x: Any, y: Any, classes: Any, shape: Any) -> Subject:
    """Return what a report is on; arguments and errors are those of `cynn.report.write`."""
    models = models_of(model)
    if isinstance(model, Model | Ensemble):
        seed = ", ".join(str(each.seed) for each in models)
        subject = Subject(models, seed, models[0].history)
        said = _of_table(subject, model, x, y) if subject.encoder else _of_arrays(model, x, y)
    elif models or hasattr(model, "coefs_"):
        seed = f"random_state={shown(getattr(model, 'random_state', None))}"
        subject = Subject(models or (from_sklearn(model),), seed, _history_of(model))
        said = _of_estimator(model, x, y)
    else:
        raise TypeError(
            "model must be a cynn.Model, an Ensemble or a trained estimator of cynn.estimators, "
            f"got {shown(model)}"
        )
    subject.data = _facts(x, subject.encoder)
    if said is None:
        subject.missing = OTHER
    elif not wholly_finite(said.outputs):
        subject.missing = DIVERGED
    else:
        beside = Rows(np.arange(len(said.true)), images=_images(x, shape), columns=_columns(x))
        subject.answers = said.answers(classes, beside)
        subject.measures = said.measures()
    if isinstance(model, Model) and model.loss is not None and model.table is None:
        own = model.evaluate(x, y)
        known = list(subject.measures.values())
        for name, value in own.items():  # mae, say, is there under its own name
            if name == "loss" or not np.isclose(value, known, 1e-5).any():
                subject.measures.setdefault(name, value)
    return subject


@dataclass
class _Said:
    """True and predicted: places of classes and (n, k), or numbers and (n,)."""

    true: NDArray[Any]
    outputs: NDArray[Any]
    labels: Sequence[str] | None = None
    name: str = "y"
    are_probabilities: bool = True

    def __post_init__(self) -> None:
        if len(self.true) != len(self.outputs):
            raise ValueError(
                f"x and y must be of one length, got {len(self.outputs)} and {len(self.true)}"
            )
        if not len(self.true):
            raise ValueError("x must have at least one row, got none")

    def answers(self, classes: Any, beside: Rows) -> Classified | Predicted:
        if self.labels is None:
            if classes is not None:
                raise ValueError(
                    f"classes must be None for a network that says numbers, got {shown(classes)}"
                )
            return Predicted(self.true, self.outputs, self.name, beside)
        labels = self.labels
        if classes is not None:
            if count_of(classes) != len(labels):
                raise ValueError(f"classes must hold {len(labels)} names, got {count_of(classes)}")
            labels = [str(name) for name in classes]
        return Classified(self.true, self.outputs, labels, beside, self.are_probabilities)

    def measures(self) -> dict[str, float]:
        if self.labels is None:
            measured = Quantity("y", 0.0, 1.0).measure(self.true, self.outputs[:, np.newaxis])
        else:
            places = [str(place) for place in range(len(self.labels))]
            measured = Classes("y", places).measure(self.true, self.outputs)
        return {name: value for name, value in measured.items() if not np.isnan(value)}


def _of_table(subject: Subject, model: Model | Ensemble, x: Any, y: Any) -> _Said | None:
    """Return what a network of a table says: in the table's words and units."""
    encoder = subject.encoder
    assert encoder is not None
    outputs = model.predict(encoder.encode(x, subject.models[0].dtype))
    target, values = encoder.target, array_of(y)
    if isinstance(target, Classes):
        return _Said(target.encode(values), outputs, target.labels, target.name)
    if not isinstance(target, Quantity):
        return None
    true = Quantity(target.name, 0.0, 1.0, *target.notation).encode(values)
    said = outputs if wholly_finite(outputs) else np.full_like(outputs, np.nan)
    return _Said(true, target.middle(said), None, target.name)


def _of_arrays(model: Model | Ensemble, x: Any, y: Any) -> _Said | None:
    """Return what a network of numbers says, by its loss, else by its targets."""
    outputs = model.predict(x)
    loss = models_of(model)[0].loss
    k = outputs.shape[1]
    if isinstance(loss, BinaryCrossEntropy | Hinge):
        return _of_yes_or_no(loss, outputs, y) if k == 1 else None
    if isinstance(loss, Quantile) and isinstance(loss.q, tuple):
        middle = int(np.argmin(np.abs(np.asarray(loss.q) - 0.5)))
        return _Said(_numbers(y), outputs[:, middle])
    of_classes = isinstance(loss, CrossEntropy | CategoricalHinge)
    if loss is None or isinstance(loss, Custom):  # then the targets tell
        of_classes = k > 1 and array("y", y).dtype.kind in "iu"
    if of_classes:
        true = label_of("y", array("y", y), k)
        are_probabilities = bool((outputs >= 0).all() and (outputs <= 1).all())
        return _Said(true, outputs, [str(i) for i in range(k)], "y", are_probabilities)
    return _Said(_numbers(y), outputs[:, 0]) if k == 1 else None


def _of_yes_or_no(loss: Loss, outputs: NDArray[Any], y: Any) -> _Said:
    true = (loss.targets(y, 1, "float64")[:, 0] > 0.5).astype(np.int64)
    if isinstance(loss, Hinge):  # above 0 is yes
        return _Said(true, np.hstack([-outputs, outputs]), ["0", "1"], "y", False)
    return _Said(true, np.hstack([1 - outputs, outputs]), ["0", "1"])


def _of_estimator(model: Any, x: Any, y: Any) -> _Said | None:
    """Return what an estimator says, in the labels or the units of its targets."""
    values = np.asarray(array_of(y))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        return None
    if not hasattr(model, "classes_"):
        predicted = np.asarray(model.predict(x), np.float64)
        return _Said(_numbers(values), predicted) if predicted.ndim == 1 else None
    labels = model.classes_.tolist()
    places = {label: place for place, label in enumerate(labels)}
    unknown = [label for label in values.tolist() if label not in places]
    if unknown:
        raise ValueError(f"y must hold classes of the model, got {shown(unknown[0])}")
    true = np.array([places[label] for label in values.tolist()], np.int64)
    return _Said(true, model.predict_proba(x), [str(label) for label in labels])


def _numbers(y: Any) -> NDArray[np.float64]:
    true: NDArray[np.float64] = rows("y", y, 1, "float64", -np.inf, np.inf, "finite numbers")[:, 0]
    return true


def _history_of(estimator: Any) -> Any:
    """Return what an estimator keeps of its training: of members the first one's."""
    if getattr(estimator, "histories_", None):
        return estimator.histories_[0]
    curves = {
        "loss": getattr(estimator, "loss_curve_", None),
        "validation score": getattr(estimator, "validation_scores_", None),
    }
    return {name: values for name, values in curves.items() if values} or None


def _facts(x: Any, encoder: TableEncoder | None) -> list[tuple[str, object]]:
    if encoder is not None:
        columns = f"{len(encoder.columns):,}, as {encoder.width:,} inputs"
        return [("columns", columns), ("target", of_target(encoder.target))]
    size = getattr(x, "shape", None) or np.shape(x)
    if len(size) == 2:
        return [("columns", f"{size[1]:,}")]
    kind = [("type", str(x.dtype))] if hasattr(x, "dtype") else []
    return [("shape of a row", " x ".join(map(str, size[1:]))), *kind]


def _images(x: Any, shape: Any) -> NDArray[Any] | None:
    """Return the rows as images, if they are."""
    if isinstance(x, np.ndarray) and (x.ndim > 2 or shape is not None) and x.dtype.kind in "biuf":
        if x.ndim < 4 or x.ndim == 4 and x.shape[3] in (1, 3):
            return as_images(x, shape)
    if shape is not None:
        raise ValueError(f"shape must be None for rows that are no images, got {shown(shape)}")
    return None


def _columns(x: Any) -> Mapping[str, Any]:
    """Return the columns of what has such, by name."""
    if isinstance(x, np.ndarray) and x.dtype.names is None:
        return {f"x{i}": x[:, i] for i in range(x.shape[1])} if x.ndim == 2 else {}
    try:
        return {name: np.atleast_1d(array_of(each)) for name, each in columns_of(x).items()}
    except (TypeError, ValueError):
        return {}

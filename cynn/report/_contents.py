"""What a page is made of: a network, the rows it was measured on, and what it said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Model
from ..tables import Categorical, Classes, Dates, Quantity, TableEncoder, Target
from ..tables._columns import Number
from ..tables._words import of_column, of_number, some

WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

MOST_COLUMNS = 200
"""Columns of a table that are listed."""

DIVERGED = "The outputs are NaN or infinite: the training has diverged; try a lower learning rate."


@dataclass
class Rows:
    """What stands beside a row's mistake: its number, its image, its values.

    Attributes
    ----------
    numbers : ndarray of int, shape (n,)
        The number of each row where it comes from.
    counted : str
        How these count.
    images : ndarray, shape (n, height, width) or (n, height, width, 3), optional
        The rows as images.
    columns : mapping of str to sequence
        The rows as those of a table.
    """

    numbers: NDArray[Any]
    counted: str = "rows count from 0"
    images: NDArray[Any] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Classified:
    """True classes, and the outputs for each: probabilities, or what is largest for the predicted.

    Attributes
    ----------
    true : ndarray of int, shape (n,)
        The place of each row's class.
    outputs : ndarray, shape (n, k)
        Finite.
    labels : sequence of str
        What the k classes are called.
    rows : Rows
        Of which these are.
    are_probabilities : bool
        Whether the outputs are.
    """

    true: NDArray[Any]
    outputs: NDArray[Any]
    labels: Sequence[str]
    rows: Rows
    are_probabilities: bool = True


@dataclass
class Predicted:
    """True and predicted numbers.

    Attributes
    ----------
    true, predicted : ndarray, shape (n,)
        Finite, in one unit.
    name : str
        What they are.
    rows : Rows
        Of which these are.
    """

    true: NDArray[Any]
    predicted: NDArray[Any]
    name: str
    rows: Rows


@dataclass
class Contents:
    """All that a page says.

    Attributes
    ----------
    title : str
        What the page is called.
    models : tuple of Model
        The networks: several whose predictions are averaged, or one.
    part : str
        What the rows are called that were measured last and are looked at, such as "test images".
    seed : str
        What the training began with.
    data : sequence of (str, object)
        What is known of the data, by name.
    measures : mapping of str to mapping of str to float
        By the rows that were measured, `part` among them, the measures by name.
    columns : sequence of (str, str)
        The columns of a table, and what each is.
    answers : Classified, Predicted or None
        What was said of the rows that were looked at.
    missing : str
        Why there are no answers.
    history : History, mapping or None
        What was measured in each epoch.
    training : sequence of (str, object)
        What is known of the training, by name.
    inputs, outputs : sequence of str, optional
        What is drawn beside the first and the last neurons.
    notes, command : str, optional
        What its writer has to say, and how to do the same again.
    """

    title: str
    models: tuple[Model, ...]
    part: str
    seed: str
    data: Sequence[tuple[str, object]] = ()
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    columns: Sequence[tuple[str, str]] = ()
    answers: Classified | Predicted | None = None
    missing: str = ""
    history: Any = None
    training: Sequence[tuple[str, object]] = ()
    inputs: Sequence[str] | None = None
    outputs: Sequence[str] | None = None
    notes: str | None = None
    command: str | None = None


def of_target(target: Target) -> str:
    """Return what is predicted, in words."""
    if isinstance(target, Classes):
        return f"{target.name}, one of {len(target.labels):,} classes: {some(target.labels)}"
    if isinstance(target, Quantity):
        return f"{target.name}, {of_number(target)}"
    return target.name


def of_columns(encoder: TableEncoder) -> list[tuple[str, str]]:
    """Return the columns of a table, and what each is; those that are not used last."""
    used = [(each.name, of_column(each)) for each in encoder.columns]
    return used + [(each.name, f"ignored: {each.why}") for each in encoder.left_out]


def inputs_of(encoder: TableEncoder) -> list[str]:
    """Return a name for each number that a table's row gives."""
    names: list[str] = []
    for each in encoder.columns:
        parts: tuple[str, ...] = ()
        if isinstance(each, Dates):
            parts = each.parts + WEEKDAYS * each.weekday + ("missing",) * each.missing
        elif isinstance(each, Categorical) and each.width > 1:
            parts = each.categories
        elif isinstance(each, Number):
            parts = ("", "missing")[: each.width]
        if len(parts) != each.width:  # of one that came later, or of a user
            parts = ("",) * each.width
        names += [f"{each.name} {part}".strip() for part in parts]
    return names


def of_training(models: Sequence[Model]) -> list[tuple[str, object]]:
    """Return what models say of their training."""
    first = models[0]
    told: list[tuple[str, object]] = []
    if len(models) > 1:
        told.append(("members", f"{len(models)}, whose predictions are averaged"))
    told.append(("epochs", _different(model.epochs for model in models)))
    told.append(("computed in", first.dtype.name))
    if first.loss is not None:
        told += [("loss", first.loss), ("optimizer", first.optimizer)]
    noted = {"batch_size": "mini-batch", "class_weight": "class weight"}
    told += [(words, first.training[key]) for key, words in noted.items() if key in first.training]
    if "checksum" in first.training:
        told.append(("checksum of the rows", f"{str(first.training['checksum']):.16}…"))
    return told


def _different(values: Any) -> str:
    """Return numbers, the same ones said once."""
    return ", ".join(f"{value:d}" for value in dict.fromkeys(values))


def wholly_finite(outputs: NDArray[Any]) -> bool:
    """Return whether there is no NaN and nothing infinite."""
    return bool(np.isfinite(outputs).all())

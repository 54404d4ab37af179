"""What a table's network is to say: one of several classes, or a quantity."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.spec import Spec
from .._specs.validation import choice, number
from ..metrics import R2
from ._columns import MAX_CATEGORIES, distinct, mean_and_std, positive, text
from ._values import first_that_is_no_number, numbers, texts

TASKS = ("classification", "regression")

MANY = 20
"""Whole numbers of more different values than this are a quantity, unless told otherwise."""


class Target(Spec):
    """Base of the targets.

    Attributes
    ----------
    name : str
        The column's name.
    task : str
        "classification" or "regression".
    n_outputs : int
        The units of the last layer.
    activation, loss, metric : str
        What the last layer, the training and its epochs take.
    header : tuple of str
        The names of the columns that `said` gives.
    """

    task: str
    activation: str
    loss: str
    metric: str
    name: str

    @property
    def n_outputs(self) -> int:
        """The units of the last layer."""
        raise NotImplementedError

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns that `said` gives."""
        raise NotImplementedError

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the targets as the loss takes them, shape (n,).

        Raises
        ------
        ValueError
            If a value is missing, or cannot be.
        """
        raise NotImplementedError

    def said(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return what a network's outputs say, in the words of the table.

        Raises
        ------
        ValueError
            If an output is NaN or infinite.
        """
        raise NotImplementedError

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return how well outputs meet encoded targets, in the units of the table."""
        raise NotImplementedError


class Classes(Target):
    """A target that is one of several classes.

    Parameters
    ----------
    name : str
        The column's name.
    labels : sequence of str
        What the classes are called, two at least.

    Examples
    --------
    >>> target = Classes("answer", ["no", "yes"])
    >>> target.encode(np.array(["yes", "no"]))
    array([1, 0])
    >>> target.said(np.array([[0.25, 0.75]]))
    [('yes', '0.75')]
    """

    task, activation, loss, metric = "classification", "softmax", "cross_entropy", "accuracy"

    def __init__(self, name: str, labels: Any) -> None:
        self.name = text("name", name)
        self.labels = distinct("labels", labels)
        if len(self.labels) < 2:
            raise ValueError(f"target {name!r} must have two classes at least, got {labels}")

    @property
    def n_outputs(self) -> int:
        """One for each class."""
        return len(self.labels)

    @property
    def header(self) -> tuple[str, ...]:
        """The class, and its probability."""
        return self.name, "probability"

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the number of each row's class; see `Target.encode`."""
        found = texts(values)
        if found is None:
            raise ValueError(f"target {self.name!r} must hold strings, got dtype {values.dtype}")
        _expect_all(self.name, np.array([not each for each in found], bool))
        places = {label: place for place, label in enumerate(self.labels)}
        for row, each in enumerate(found, 1):
            if each not in places:
                raise ValueError(
                    f"target {self.name!r} must hold the classes of the training set, got "
                    f"{each!r:.100} in row {row}"
                )
        return np.array([places[each] for each in found], np.int64)

    def said(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return each row's class and its probability; see `Target.said`."""
        _expect_finite(outputs)
        best = outputs.argmax(axis=1)
        most = outputs.max(axis=1).tolist()
        return [(self.labels[i], f"{p:.6g}") for i, p in zip(best, most, strict=True)]

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return the part of the rows whose class is met."""
        return {"accuracy": float((outputs.argmax(axis=1) == y).mean())}


class Quantity(Target):
    """A target that is a number; the network learns it brought to mean 0 and deviation 1.

    Parameters
    ----------
    name : str
        The column's name.
    mean, std : float
        What is subtracted, and by what is divided then.

    Examples
    --------
    >>> target = Quantity("price", mean=100, std=20)
    >>> target.encode(np.array(["120", "90"]))
    array([ 1. , -0.5])
    >>> target.said(np.array([[0.5]]))
    [('110',)]
    """

    task, activation, loss, metric = "regression", "identity", "mean_squared_error", "r2"

    def __init__(self, name: str, mean: float, std: float) -> None:
        self.name = text("name", name)
        self.mean = number("mean", mean)
        self.std = positive("std", std)

    @property
    def n_outputs(self) -> int:
        """One."""
        return 1

    @property
    def header(self) -> tuple[str, ...]:
        """The quantity."""
        return (self.name,)

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return each row's quantity in the network's units; see `Target.encode`."""
        found = _numbers(self.name, values)
        with np.errstate(over="ignore"):
            scaled: NDArray[Any] = (found - self.mean) / self.std
        return scaled

    def said(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return each row's quantity; see `Target.said`."""
        _expect_finite(outputs)
        return [(f"{value:.7g}",) for value in self.decode(outputs[:, 0]).tolist()]

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return the mean absolute error, the root of the mean squared one, and R2."""
        away = (outputs[:, 0].astype(np.float64) - y) * self.std
        r2 = R2()
        r2.update(y, outputs)
        return {
            "mean absolute error": float(np.abs(away).mean()),
            "root mean squared error": float(np.sqrt((away**2).mean())),
            "R2": r2.result(),
        }

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return quantities in the units of the table, from those of the network."""
        found: NDArray[np.float64] = outputs.astype(np.float64) * self.std + self.mean
        return found


def target_of(table: Mapping[str, NDArray[Any]], name: str, task: str | None = None) -> Target:
    """Return what a column asks of a network.

    Parameters
    ----------
    table : mapping of str to ndarray, shape (n,)
        The columns by name.
    name : str
        The target's.
    task : "classification" or "regression", optional
        By default classification of texts, of bools, and of whole numbers that have few values: at
        most 20, and four rows each; but two always.

    Returns
    -------
    Target
        `Classes` or `Quantity`.

    Raises
    ------
    ValueError
        If there is no such column, a value is missing, all are the same, or there are too many
        classes.

    Examples
    --------
    >>> target_of({"size": np.array([3.5, 4.5])}, "size")
    Quantity('size', 4.0, 0.5)
    >>> target_of({"size": np.array([3.5, 4.5])}, "size", "classification")
    Classes('size', ('3.5', '4.5'))
    """
    if task is not None:
        choice("task", task, TASKS)
    values = column(table, name)
    if not len(values):
        raise ValueError(f"target {name!r} must have at least one row, got none")
    found = numbers(values)
    if task is None and found is not None:
        task = _task(values, found)
    if task == "regression":
        found = _numbers(name, values)
        mean, std = mean_and_std(f"target {name!r}", found)
        if (found == found[0]).all():
            raise ValueError(
                f"target {name!r} must differ between rows, got {found[0]} in all of them"
            )
        return Quantity(name, mean, std)
    words = texts(values)
    if words is None:
        raise ValueError(f"target {name!r} must hold numbers or strings, got dtype {values.dtype}")
    gone = np.array([not each for each in words], bool) if found is None else np.isnan(found)
    _expect_all(name, gone)
    counts = Counter(words)
    if len(counts) == 1:
        raise ValueError(
            f"target {name!r} must differ between rows, got {words[0]!r:.100} in all of them"
        )
    if len(counts) > MAX_CATEGORIES or len(counts) > max(2, len(words) / 2):
        raise ValueError(
            f"target {name!r} must have few different values to be classes, got {len(counts):,} in "
            f"{len(words):,} rows"
        )
    order = dict(zip(words, words if found is None else found.tolist(), strict=True))
    return Classes(name, sorted(counts, key=lambda word: order[word]))


def column(table: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Return a column, or say what columns there are."""
    if name not in table:
        there = ", ".join(repr(each)[:40] for each in list(table)[:20])
        more = ", ..." if len(table) > 20 else ""
        raise ValueError(f"table must have the column {name!r:.100}, got {there}{more}")
    return np.asarray(table[name])


def _task(values: NDArray[Any], found: NDArray[np.float64]) -> str:
    if values.dtype.kind == "b":
        return "classification"
    present = found[np.isfinite(found)]
    if (present != np.floor(present)).any():
        return "regression"
    few = len(np.unique(present)) <= max(2, min(MANY, len(present) // 4))
    return "classification" if few else "regression"


def _numbers(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    found = numbers(values)
    if found is None:
        raise ValueError(
            f"target {name!r} must hold numbers, got {first_that_is_no_number(values)}"
        )
    _expect_all(name, np.isnan(found))
    return found


def _expect_all(name: str, gone: NDArray[np.bool_]) -> None:
    if gone.any():
        row, n = int(gone.argmax()) + 1, int(gone.sum())
        raise ValueError(
            f"target {name!r} must have a value in every row, got none in {n:,} of {len(gone):,}, "
            f"row {row} the first"
        )


def _expect_finite(outputs: NDArray[Any]) -> None:
    if not np.isfinite(outputs).all():
        raise ValueError("outputs must be finite, got NaN or infinity: the training has diverged")

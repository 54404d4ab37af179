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
from ._values import first_non_number, numbers, texts

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
        The names of the columns that `as_text` gives.

    See Also
    --------
    Classes : One of several classes.
    Quantity : A number.

    Examples
    --------
    >>> target = target_of({"answer": np.array(["no", "yes"])}, "answer")
    >>> isinstance(target, Target), target.task, target.n_outputs, target.loss
    (True, 'classification', 2, 'cross_entropy')
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
        """The names of the columns that `as_text` gives."""
        raise NotImplementedError

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the targets as the loss takes them, shape (n,).

        Parameters
        ----------
        values : ndarray, shape (n,)
            The values of the column.

        Returns
        -------
        ndarray, shape (n,)
            Labels, int64, of classes; float64 of a quantity.

        Raises
        ------
        ValueError
            If a value is missing, or cannot be.
        """
        raise NotImplementedError

    def as_text(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return what a network's outputs say, in the words of the table.

        Parameters
        ----------
        outputs : ndarray, shape (n, n_outputs)
            What the network predicts.

        Returns
        -------
        list of tuple of str
            For each row a text for each column of `header`.

        Raises
        ------
        ValueError
            If an output is NaN or infinite.
        """
        raise NotImplementedError

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return how well outputs meet encoded targets, in the units of the table.

        Parameters
        ----------
        y : ndarray, shape (n,)
            The targets, as `encode` returns them.
        outputs : ndarray, shape (n, n_outputs)
            What the network predicts.

        Returns
        -------
        dict of str to float
            The measures by name.

        Raises
        ------
        NotImplementedError
            Unless a subclass defines it.
        """
        raise NotImplementedError


class Classes(Target):
    """A target that is one of several classes.

    Parameters
    ----------
    name : str
        The column's name.
    labels : sequence of str
        What the classes are called, two at least.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    target_of : Choose between the two.
    Quantity : A number.

    Examples
    --------
    >>> target = Classes("answer", ["no", "yes"])
    >>> target.encode(np.array(["yes", "no"]))
    array([1, 0])
    >>> target.as_text(np.array([[0.25, 0.75]]))
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
        words = texts(values)
        if words is None:
            raise ValueError(f"target {self.name!r} must hold strings, got dtype {values.dtype}")
        _expect_all(self.name, np.array([not word for word in words], bool))
        places = {label: place for place, label in enumerate(self.labels)}
        for row, word in enumerate(words, 1):
            if word not in places:
                raise ValueError(
                    f"target {self.name!r} must hold the classes of the training set, got "
                    f"{word!r:.100} in row {row}"
                )
        return np.array([places[word] for word in words], np.int64)

    def as_text(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return each row's class and its probability; see `Target.as_text`."""
        _expect_finite(outputs)
        best = outputs.argmax(axis=1)
        highest = outputs.max(axis=1).tolist()
        return [(self.labels[i], f"{p:.6g}") for i, p in zip(best, highest, strict=True)]

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return the part of the rows whose class is met; see `Target.measure`."""
        return {"accuracy": float((outputs.argmax(axis=1) == y).mean())}


class Quantity(Target):
    """A target that is a number; the network learns it brought to mean 0 and deviation 1.

    Parameters
    ----------
    name : str
        The column's name.
    mean, std : float
        What is subtracted, and by what is divided then.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    target_of : Choose between the two.
    Classes : One of several classes.

    Examples
    --------
    >>> target = Quantity("price", mean=100, std=20)
    >>> target.encode(np.array(["120", "90"]))
    array([ 1. , -0.5])
    >>> target.as_text(np.array([[0.5]]))
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
        floats = _numbers(self.name, values)
        with np.errstate(over="ignore"):
            scaled: NDArray[Any] = (floats - self.mean) / self.std
        return scaled

    def as_text(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return each row's quantity; see `Target.as_text`."""
        _expect_finite(outputs)
        return [(f"{value:.7g}",) for value in self.decode(outputs[:, 0]).tolist()]

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return the mean absolute error, the root of the mean squared one, and R2.

        See `Target.measure`.
        """
        errors = (outputs[:, 0].astype(np.float64) - y) * self.std
        r2 = R2()
        r2.update(y, outputs)
        return {
            "mean absolute error": float(np.abs(errors).mean()),
            "root mean squared error": float(np.sqrt((errors**2).mean())),
            "R2": r2.result(),
        }

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return quantities in the units of the table, from those of the network.

        Parameters
        ----------
        outputs : ndarray of float, of any shape
            Numbers in the units of the network: of mean 0 and standard deviation 1.

        Returns
        -------
        ndarray of float64
            ``outputs * std + mean``.
        """
        quantities: NDArray[np.float64] = outputs.astype(np.float64) * self.std + self.mean
        return quantities


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
    floats = numbers(values)
    if task is None and floats is not None:
        task = _task(values, floats)
    if task == "regression":
        floats = _numbers(name, values)
        mean, std = mean_and_std(f"target {name!r}", floats)
        if (floats == floats[0]).all():
            raise ValueError(
                f"target {name!r} must differ between rows, got {floats[0]} in all of them"
            )
        return Quantity(name, mean, std)
    words = texts(values)
    if words is None:
        raise ValueError(f"target {name!r} must hold numbers or strings, got dtype {values.dtype}")
    missing = np.array([not word for word in words], bool) if floats is None else np.isnan(floats)
    _expect_all(name, missing)
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
    order = dict(zip(words, words if floats is None else floats.tolist(), strict=True))
    return Classes(name, sorted(counts, key=lambda word: order[word]))


def column(table: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Return a column, or say what columns there are."""
    if name not in table:
        known = ", ".join(repr(key)[:40] for key in list(table)[:20])
        ellipsis = ", ..." if len(table) > 20 else ""
        raise ValueError(f"table must have the column {name!r:.100}, got {known}{ellipsis}")
    return np.asarray(table[name])


def _task(values: NDArray[Any], floats: NDArray[np.float64]) -> str:
    if values.dtype.kind == "b":
        return "classification"
    present = floats[np.isfinite(floats)]
    if (present != np.floor(present)).any():
        return "regression"
    few = len(np.unique(present)) <= max(2, min(MANY, len(present) // 4))
    return "classification" if few else "regression"


def _numbers(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    floats = numbers(values)
    if floats is None:
        raise ValueError(f"target {name!r} must hold numbers, got {first_non_number(values)}")
    _expect_all(name, np.isnan(floats))
    return floats


def _expect_all(name: str, missing: NDArray[np.bool_]) -> None:
    if missing.any():
        row, n = int(missing.argmax()) + 1, int(missing.sum())
        raise ValueError(
            f"target {name!r} must have a value in every row, got none in {n:,} of "
            f"{len(missing):,}, row {row} the first"
        )


def _expect_finite(outputs: NDArray[Any]) -> None:
    if not np.isfinite(outputs).all():
        raise ValueError("outputs must be finite, got NaN or infinity: the training has diverged")

"""What a table's network is to say: one of several classes, or a quantity."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.names import near
from .._specs.spec import Spec
from .._specs.validation import choice, listed, number, shown
from .._specs.validation import numbers as number_list
from ..losses import Loss, Quantile
from ..metrics import AUC, F1, R2, Accuracy, BalancedAccuracy, Metric
from ._categories import Places, labels_of, spellings_of
from ._choosing import mean_and_std
from ._columns import (
    MAX_CATEGORIES,
    Written,
    distinct,
    positive,
    text,
)
from ._frames import array_of, columns_of
from ._notation import Notation
from ._numbers import (
    decimal_of,
    expect_numbers,
    first_non_number,
    first_non_text,
    notation_and_numbers,
    notation_of_names,
)
from ._values import category, numbers, texts

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
    activation, metric : str
        What the last layer and the training's epochs take.
    loss : str or Loss
        What the training takes.
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
    metric: str
    name: str

    @property
    def loss(self) -> str | Loss:
        """What the training makes small."""
        raise NotImplementedError

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

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return what a network's outputs say: the labels of classes, or quantities.

        Parameters
        ----------
        outputs : ndarray, shape (n, n_outputs)
            What the network predicts.

        Returns
        -------
        ndarray, shape (n,)
            Labels as the table writes them, or float64 in the units of the table.

        Raises
        ------
        ValueError
            If an output of classes is NaN or infinite.
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


class Classes(Written, Target):
    """A target that is one of several classes.

    Parameters
    ----------
    name : str
        The column's name.
    labels : sequence of str
        What the classes are called, two at least. Values are equal as those of a `Categorical` are:
        numbers by value, bools as 1 and 0.
    decimal, unit : str, default ""
        How texts write numbers; see `Numeric`.

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

    def __init__(self, name: str, labels: Any, decimal: str = "", unit: str = "") -> None:
        self.name = text("name", name)
        self.labels = distinct("labels", labels)
        self.decimal = choice("decimal", decimal, ("", ".", ","))
        self.unit = text("unit", unit, "")
        if len(self.labels) < 2:
            raise ValueError(f"target {name!r} must have two classes at least, got {labels}")

    @property
    def n_outputs(self) -> int:
        """One for each class."""
        return len(self.labels)

    @property
    def header(self) -> tuple[str, ...]:
        """The class, and its probability; a name that is taken has a number behind it."""
        return different((self.name, "probability"))

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the number of each row's class; see `Target.encode`."""
        values = array_of(values)
        words = texts(values, self.notation)
        if words is None:
            raise ValueError(
                f"target {self.name!r} must hold strings, got {first_non_text(values)}"
            )
        places = {word: self._places.of(word) for word in set(words)}
        unknown = {word for word, place in places.items() if place < 0}
        missing = {word for word in unknown if not category(word, self.notation)}
        _expect_all(self.name, np.array([word in missing for word in words], bool))
        for row, word in enumerate(words, 1):
            if word in unknown:
                raise ValueError(
                    f"target {self.name!r} must hold the classes of the training set, got "
                    f"{word!r:.100} in row {row}"
                )
        return np.array([places[word] for word in words], np.int64)

    @cached_property
    def _places(self) -> Places:
        return Places(self.labels, self.notation)

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return each row's class; see `Target.decode`."""
        _expect_finite(outputs)
        labels: NDArray[Any] = np.array(self.labels)[outputs.argmax(axis=1)]
        return labels

    def as_text(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return each row's class and its probability; see `Target.as_text`."""
        _expect_finite(outputs)
        best = outputs.argmax(axis=1)
        highest = outputs.max(axis=1).tolist()
        return [(self.labels[i], f"{p:.6g}") for i, p in zip(best, highest, strict=True)]

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return the part of the rows whose class is met, and what also hears small classes.

        See `Target.measure`: by name the accuracy, the balanced accuracy, F1 (the mean over the
        classes) and AUC, which is left out where there are more than 20 classes.
        """
        metrics: dict[str, Metric] = {
            "accuracy": Accuracy(), "balanced accuracy": BalancedAccuracy(), "F1": F1()
        }  # fmt: skip
        if len(self.labels) <= MANY:
            metrics["AUC"] = AUC()
        for metric in metrics.values():
            metric.update(y, outputs)
        return {name: metric.result() for name, metric in metrics.items()}


SCALES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear": (np.asarray, np.asarray),
    "log": (np.log, np.exp),
    "log1p": (np.log1p, np.expm1),
}
"""What a quantity may be learned as, and the way back."""


class Quantity(Written, Target):
    """A target that is a number; the network learns it brought to mean 0 and deviation 1.

    Parameters
    ----------
    name : str
        The column's name.
    mean, std : float
        What is subtracted, and by what is divided then.
    decimal, unit : str, default ""
        How texts write the numbers; see `Numeric`.
    low, high : float, optional
        What no prediction lies below and above: the range of what was trained on, say.
    scale : {"linear", "log", "log1p"}, default "linear"
        What the mean and the deviation are those of: the numbers, their logarithms, or those of
        the numbers plus 1.
    quantiles : sequence of float, optional
        Which quantiles of the numbers the network says, between 0 and 1, ascending: each is an
        output. None: it says one number, the mean.

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
    >>> Quantity("price", 4.0, 1.0, low=10, high=90, scale="log").decode(np.array([0.0, 9.0]))
    array([54.59815003, 90.        ])
    >>> between = Quantity("price", mean=100, std=20, quantiles=(0.1, 0.9))
    >>> between.loss, between.header
    (Quantile((0.1, 0.9)), ('price 0.1', 'price 0.9'))
    """

    task, activation, metric = "regression", "identity", "r2"

    def __init__(
        self,
        name: str,
        mean: float,
        std: float,
        decimal: str = "",
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
        scale: str = "linear",
        quantiles: Sequence[float] | None = None,
    ) -> None:
        self.name = text("name", name)
        self.mean = number("mean", mean)
        self.std = positive("std", std)
        self.decimal = choice("decimal", decimal, ("", ".", ","))
        self.unit = text("unit", unit, "")
        self.low = None if low is None else number("low", low)
        self.high = None if high is None else number("high", high)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"high must be at least low, {self.low}, got {self.high}")
        self.scale = choice("scale", scale, SCALES)
        self.quantiles = None if quantiles is None else _ascending(quantiles)

    @property
    def loss(self) -> str | Loss:
        """The squared error, or that of the quantiles."""
        return "mean_squared_error" if self.quantiles is None else Quantile(self.quantiles)

    @property
    def n_outputs(self) -> int:
        """One, or one for each quantile."""
        return len(self.quantiles or (None,))

    @property
    def header(self) -> tuple[str, ...]:
        """The quantity, or each of its quantiles."""
        if self.quantiles is None:
            return (self.name,)
        return tuple(f"{self.name} {q}" for q in self.quantiles)

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return each row's quantity in the network's units; see `Target.encode`."""
        floats = _numbers(self.name, array_of(values), self.notation)
        least = {"linear": -np.inf, "log": 0.0, "log1p": -1.0}[self.scale]
        if not (floats > least).all():
            row = int((floats > least).argmin())
            raise ValueError(
                f"target {self.name!r} must be above {least:g} for its scale {self.scale!r}, got "
                f"{floats[row]} in row {row + 1}"
            )
        with np.errstate(over="ignore"):
            scaled: NDArray[Any] = (SCALES[self.scale][0](floats) - self.mean) / self.std
        return scaled

    def as_text(self, outputs: NDArray[Any]) -> list[tuple[str, ...]]:
        """Return each row's quantity, or its quantiles; see `Target.as_text`."""
        _expect_finite(outputs)
        said = self.decode(outputs).reshape(len(outputs), self.n_outputs)
        return [tuple(f"{value:.7g}" for value in row) for row in said.tolist()]

    def middle(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return one number for each row: of several quantiles the one nearest to 0.5.

        Parameters
        ----------
        outputs : ndarray, shape (n, n_outputs)
            What the network predicts.

        Returns
        -------
        ndarray of float64, shape (n,)
            In the units of the table.

        Examples
        --------
        >>> target = Quantity("price", mean=100, std=20, quantiles=(0.1, 0.5, 0.9))
        >>> target.middle(np.array([[-1.0, 0.5, 2.0]]))
        array([110.])
        """
        apart = [abs(q - 0.5) for q in self.quantiles or (0.5,)]
        return self.decode(outputs).reshape(len(outputs), self.n_outputs)[:, np.argmin(apart)]

    def measure(self, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
        """Return the mean absolute error, the root of the mean squared one, and R2.

        See `Target.measure`. Of several quantiles they are those of the one nearest to 0.5.
        """
        unit = self.std
        bounded = self.low is not None or self.high is not None
        if self.scale != "linear" or bounded or self.quantiles is not None:
            unit = 1.0
            y, outputs = self.decode(y), self.middle(outputs)[:, np.newaxis]
        errors = np.abs(outputs[:, 0].astype(np.float64) - y)
        largest = float(errors.max()) or 1.0  # in its unit no square overflows
        r2 = R2()
        r2.update(y, outputs)
        return {
            "mean absolute error": float(errors.mean()) * unit,
            "root mean squared error": float(np.sqrt(((errors / largest) ** 2).mean()))
            * largest
            * unit,
            "R2": r2.result(),
        }

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return quantities in the units of the table, from those of the network.

        Parameters
        ----------
        outputs : ndarray of float, shape (n, 1) or any other
            Numbers in the units of the network: of mean 0 and standard deviation 1.

        Returns
        -------
        ndarray of float64, shape (n,), or the other
            ``outputs * std + mean`` on the scale of the table, from `low` to `high`. Quantiles of a
            row, in (n, k), are sorted, so that no lower one is above a higher one.
        """
        if outputs.ndim == 2 and outputs.shape[1] == 1:
            outputs = outputs.ravel()
        elif outputs.ndim == 2 and self.quantiles is not None:
            outputs = np.sort(outputs, axis=1)
        with np.errstate(over="ignore"):
            numbers = SCALES[self.scale][1](outputs.astype(np.float64) * self.std + self.mean)
        if self.low is None and self.high is None:
            return np.asarray(numbers)
        return np.asarray(np.clip(numbers, self.low, self.high))


def target_of(table: Any, name: str, task: str | None = None, decimal: str | None = None) -> Target:
    """Return what a column asks of a network.

    Parameters
    ----------
    table : mapping of str to ndarray, shape (n,), or a data frame
        The columns by name; see `TableEncoder.fit`.
    name : str
        The target's.
    task : "classification" or "regression", optional
        By default classification of texts, of bools, and of whole numbers that have few values: at
        most 20, and four rows each; but two always.
    decimal : "." or ",", optional
        What stands before the decimals of texts, where the columns do not tell it.

    Returns
    -------
    Target
        `Classes` or `Quantity`.

    Raises
    ------
    ValueError
        If there is no such column, a value is missing, all are the same, there are too many
        classes, or nearly all are numbers and some are not.

    Examples
    --------
    >>> target_of({"size": np.array([3.5, 4.5])}, "size")
    Quantity('size', 4.0, 0.5)
    >>> target_of({"size": np.array([3.5, 4.5])}, "size", "classification")
    Classes('size', ('3.5', '4.5'))
    >>> target_of({"answer": np.array(["1", "0", "1.0", "0.0", "1"])}, "answer")
    Classes('answer', ('0', '1'))
    """
    if task is not None:
        choice("task", task, TASKS)
    table = columns_of(table)
    elsewhere = cache(lambda: decimal_of(column(table, other) for other in table))
    return target_beside(column(table, name), name, task, decimal, elsewhere)


def target_beside(
    values: NDArray[Any],
    name: str,
    task: str | None,
    decimal: str | None,
    elsewhere: Callable[[], str | None],
) -> Target:
    """Return what a column asks of a network, where the table tells its notation; see `target_of`.

    Parameters
    ----------
    values : ndarray, shape (n,)
        The column.
    name, task, decimal
        See `target_of`.
    elsewhere : callable
        See `notation_of`.

    Returns
    -------
    Target
        `Classes` or `Quantity`.
    """
    if not len(values):
        raise ValueError(f"target {name!r} must have at least one row, got none")
    what = f"target {name!r}"
    read = None
    if task != "classification":
        read = notation_and_numbers(what, values, decimal, elsewhere)
    if read is None:
        notation = notation_of_names(what, values, decimal, elsewhere)
        floats = numbers(values, notation) if task == "classification" else None
    else:
        notation, floats = read
    if task is None and floats is not None:
        task = _task(values, floats)
    elif task is None:
        expect_numbers(what, values, "task='classification' (--task classification)")
    if task == "regression":
        floats = _numbers(name, values, notation)
        mean, std = mean_and_std(what, floats)
        if (floats == floats[0]).all():
            raise ValueError(
                f"target {name!r} must differ between rows, got {floats[0]} in all of them"
            )
        return Quantity(name, mean, std, *notation)
    words = texts(values, notation)
    if words is None:
        raise ValueError(f"target {name!r} must hold numbers or strings, got dtype {values.dtype}")
    spellings = spellings_of(words, notation)
    gone = spellings.get("", ())
    missing = np.array([word in gone for word in words]) if floats is None else np.isnan(floats)
    _expect_all(name, missing)
    if len(spellings) == 1:
        raise ValueError(
            f"target {name!r} must differ between rows, got {words[0]!r:.100} in all of them"
        )
    if len(spellings) > MAX_CATEGORIES or len(spellings) > max(2, len(words) / 2):
        raise ValueError(
            f"target {name!r} must have few different values to be classes, got "
            f"{len(spellings):,} in {len(words):,} rows"
        )
    order = dict(zip(words, words if floats is None else floats.tolist(), strict=True))
    labels = sorted(labels_of(spellings), key=lambda word: order[word])
    return Classes(name, labels, *notation)


def different(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of columns with a number behind those that stand before, as pandas has them.

    Examples
    --------
    >>> different(["a", "b", "a", "a.1"])
    ('a', 'b', 'a.2', 'a.1')
    """
    wanted = tuple(names)
    given: list[str] = []
    for name in wanted:
        new, n = name, 0
        while new in given or n and new in wanted:
            n += 1
            new = f"{name}.{n}"
        given.append(new)
    return tuple(given)


def column(table: Mapping[str, Any], name: str) -> NDArray[Any]:
    """Return a column, or say what columns there are."""
    if name not in table:
        raise ValueError(
            f"table must have the column {shown(name)}, got {listed(table)}{near(name, table)}"
        )
    values = array_of(table[name])
    if values.ndim != 1:
        raise ValueError(f"column {name!r:.100} must have shape (n,), got shape {values.shape}")
    return values


def _task(values: NDArray[Any], floats: NDArray[np.float64]) -> str:
    if values.dtype.kind == "b":
        return "classification"
    present = floats[np.isfinite(floats)]
    if (present != np.floor(present)).any():
        return "regression"
    few = len(np.unique(present)) <= max(2, min(MANY, len(present) // 4))
    return "classification" if few else "regression"


def _numbers(name: str, values: NDArray[Any], notation: Notation) -> NDArray[np.float64]:
    floats = numbers(values, notation)
    if floats is None:
        raise ValueError(
            f"target {name!r} must hold numbers, got {first_non_number(values, notation)}"
        )
    _expect_all(name, np.isnan(floats))
    infinite = np.isinf(floats)
    if infinite.any():
        row = int(infinite.argmax())
        raise ValueError(
            f"target {name!r} must hold finite numbers, got {floats[row]} in row {row + 1}"
        )
    return floats


def _expect_all(name: str, missing: NDArray[np.bool_]) -> None:
    if missing.any():
        row, n = int(missing.argmax()) + 1, int(missing.sum())
        raise ValueError(
            f"target {name!r} must have a value in every row, got none in {n:,} of "
            f"{len(missing):,}, row {row} the first"
        )


def _ascending(quantiles: Any) -> tuple[float, ...]:
    read: tuple[float, ...] = number_list(
        "quantiles", quantiles, "a number between 0 and 1", lambda q: 0 < q < 1
    )
    if any(high <= low for low, high in pairwise(read)):
        raise ValueError(f"quantiles must ascend, got {shown(quantiles)}")
    return read


def _expect_finite(outputs: NDArray[Any]) -> None:
    if not np.isfinite(outputs).all():
        raise ValueError("outputs must be finite, got NaN or infinity: the training has diverged")

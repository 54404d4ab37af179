"""Columns of a table, each with what it takes to turn its values into numbers."""

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.spec import Spec
from .._specs.validation import flag, number
from ._values import first_non_number, numbers, texts

MAX_CATEGORIES = 1000
"""The most categories of a column: each is an input of the network."""

FEW = 10
"""A column with no more different texts than this is never taken for free text."""


class Column(Spec):
    """Base of the columns.

    Attributes
    ----------
    name : str
        The column's name.
    width : int
        How many numbers it gives for a row.

    See Also
    --------
    Numeric : A column of numbers.
    Categorical : A column of texts.

    Examples
    --------
    >>> class Length(Column):
    ...     width = 1
    ...     def __init__(self, name):
    ...         self.name = name
    ...     def encode(self, values, out):
    ...         out[:, 0] = [len(value) for value in values]
    >>> out = np.zeros((2, 1))
    >>> Length("title").encode(np.array(["cat", "mouse"]), out)
    >>> out.tolist()
    [[3.0], [5.0]]
    """

    name: str

    @property
    def width(self) -> int:
        """How many numbers the column gives for a row."""
        raise NotImplementedError

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values.

        Parameters
        ----------
        values : ndarray, shape (n,)
            The values of the column.
        out : ndarray, shape (n, width)
            Written; zeros before.

        Raises
        ------
        ValueError
            If the column cannot hold one of the values.
        """
        raise NotImplementedError


class Numeric(Column):
    """A column of numbers, brought to mean 0 and standard deviation 1.

    Parameters
    ----------
    name : str
        The column's name.
    mean, std : float
        What is subtracted, and by what is divided then. A missing number counts as the mean.
    missing : bool, default False
        Whether a second number says, by 1, that the first was missing.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Categorical : A column of texts.

    Examples
    --------
    >>> out = np.zeros((3, 2))
    >>> Numeric("age", mean=40, std=10, missing=True).encode(np.array(["50", "", "40"]), out)
    >>> out
    array([[1., 0.],
           [0., 1.],
           [0., 0.]])
    """

    def __init__(self, name: str, mean: float, std: float, missing: bool = False) -> None:
        self.name = text("name", name)
        self.mean = number("mean", mean)
        self.std = positive("std", std)
        self.missing = flag("missing", missing)

    @property
    def width(self) -> int:
        """One number, or two."""
        return 1 + self.missing

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values; see `Column.encode`."""
        floats = numbers(values)
        if floats is None:
            raise ValueError(
                f"column {self.name!r} must hold numbers, got {first_non_number(values)}"
            )
        missing = np.isnan(floats)
        with np.errstate(over="ignore", invalid="ignore"):
            out[:, 0] = np.where(missing, 0.0, (floats - self.mean) / self.std)
        if not np.isfinite(out[:, 0]).all():
            row = int(np.argmin(np.isfinite(out[:, 0])))
            raise ValueError(
                f"column {self.name!r} must hold numbers that float64 can scale, got {floats[row]} "
                f"in row {row + 1}"
            )
        if self.missing:
            out[:, 1] = missing


class Categorical(Column):
    """A column of texts: a number for each category, 1 for that of the row and 0 for the others.

    Parameters
    ----------
    name : str
        The column's name.
    categories : sequence of str
        The texts it knows. Any other, and a missing one, gives zeros only.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Numeric : A column of numbers.

    Examples
    --------
    >>> out = np.zeros((3, 2))
    >>> Categorical("colour", ["green", "red"]).encode(np.array(["red", "blue", "green"]), out)
    >>> out
    array([[0., 1.],
           [0., 0.],
           [1., 0.]])
    """

    def __init__(self, name: str, categories: Any) -> None:
        self.name = text("name", name)
        self.categories = distinct("categories", categories)

    @property
    def width(self) -> int:
        """As many numbers as categories."""
        return len(self.categories)

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values; see `Column.encode`."""
        words = texts(values)
        if words is None:
            raise ValueError(f"column {self.name!r} must hold strings, got dtype {values.dtype}")
        places = {category: place for place, category in enumerate(self.categories)}
        indices = np.array([places.get(word, -1) for word in words], np.intp)
        rows = np.flatnonzero(indices >= 0)
        out[rows, indices[rows]] = 1


class LeftOut(Spec):
    """A column that the network does not get, and why.

    Parameters
    ----------
    name : str
        The column's name; empty if it has none.
    why : str
        The reason, for people.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> LeftOut("id", "it is constant")
    LeftOut('id', 'it is constant')
    """

    def __init__(self, name: str, why: str) -> None:
        self.name = text("name", name, "")
        self.why = text("why", why)


def column_of(
    name: str, values: NDArray[Any], rows: NDArray[np.intp], categorical: bool
) -> Column | LeftOut:
    """Return what a column is, from what stands in it.

    Parameters
    ----------
    name : str
        The column's name.
    values : ndarray, shape (n,)
        All that stands there; it says whether these are numbers.
    rows : ndarray of int
        The rows that mean, deviation and categories are taken from.
    categorical : bool
        Whether numbers are categories too.

    Returns
    -------
    Column or LeftOut
        Left out is what is constant, has no name, or is text that hardly repeats.

    Raises
    ------
    ValueError
        If there is an infinite number.
    """
    if not name:
        return LeftOut(name, "it has no name")
    floats = None if categorical else numbers(values)
    if floats is not None:
        return _numeric(name, floats[rows])
    words = texts(values[rows])
    if words is None:
        return LeftOut(name, "it holds neither numbers nor strings")
    counts = Counter(words)
    n_missing = counts.pop("", 0)
    if not counts:
        return LeftOut(name, "it is empty")
    if len(counts) == 1 and not n_missing:
        return LeftOut(name, "it is constant")
    n = len(words) - n_missing
    if len(counts) > MAX_CATEGORIES or not categorical and len(counts) > max(FEW, n / 2):
        return LeftOut(name, f"it has {len(counts):,} different strings in {n:,} rows")
    return Categorical(name, sorted(counts))


def _numeric(name: str, values: NDArray[np.float64]) -> Column | LeftOut:
    missing = np.isnan(values)
    present = values[~missing]
    if not len(present):
        return LeftOut(name, "it is empty")
    low, high = float(present.min()), float(present.max())
    if low == high and not missing.any():
        return LeftOut(name, "it is constant")
    mean, std = mean_and_std(f"column {name!r}", present)
    return Numeric(name, mean, std, bool(missing.any()))


def mean_and_std(what: str, values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the standard deviation, or 1 if that is 0, of numbers of any size.

    Raises
    ------
    ValueError
        If there is an infinite number, or the span of all is.
    """
    low = float(values.min())
    span = float(values.max()) - low
    if not math.isfinite(span):
        raise ValueError(f"{what} must hold finite numbers, got {low} to {float(values.max())}")
    if span == 0:
        return low, 1.0
    with np.errstate(under="ignore"):
        scaled = (values - low) / span  # squares of these neither overflow nor vanish
    return low + span * float(scaled.mean()), max(span * float(scaled.std()), 5e-324)


def text(name: str, value: object, *allowed: str) -> str:
    """Return a text that is not empty, or one of the allowed."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r:.100}")
    if not value and value not in allowed:
        raise ValueError(f"{name} must not be empty, got ''")
    return value


def positive(name: str, value: object) -> float:
    """Return a finite number above 0."""
    wanted = "a finite number above 0"
    return number(name, value, wanted, lambda real: math.isfinite(real) and real > 0)


def distinct(name: str, value: object) -> tuple[str, ...]:
    """Return different texts, 1 to `MAX_CATEGORIES`, as a tuple."""
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a sequence of strings, got {value!r:.100}")
    words = tuple(text(f"{name}[{i}]", word) for i, word in enumerate(value))
    if len(set(words)) < len(words) or not 1 <= len(words) <= MAX_CATEGORIES:
        raise ValueError(
            f"{name} must be 1 to {MAX_CATEGORIES} different strings, got {len(words)}, "
            f"{len(set(words))} of them different"
        )
    return words

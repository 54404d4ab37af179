"""Columns of a table, each with what it takes to turn its values into numbers."""

import math
from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.spec import Spec
from .._specs.validation import choice, flag, number
from ..preprocessing._columns import smooth_clip
from ._categories import Places
from ._notation import Notation
from ._numbers import first_non_number, first_non_text
from ._values import category, number_of, numbers, text_of, texts

MAX_CATEGORIES = 1000
"""The most categories of a column: each is an input of the network."""

LARGE = 3e38
"""Numbers below it are float32."""


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

    @property
    def groups(self) -> tuple[int, ...]:
        """How many of the numbers in a row say one thing together, as those of a category do."""
        return (1,) * self.width

    @property
    def input_names(self) -> tuple[str, ...]:
        """What each of its numbers is called: the column's name, and what tells several apart."""
        if self.width == 1:
            return (self.name,)
        return tuple(f"{self.name} {i}" for i in range(self.width))

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

    def encode_value(self, value: Any, out: NDArray[Any], start: int) -> None:
        """Write the numbers of one value: `encode` in a microsecond, for a row at a time.

        Parameters
        ----------
        value : object
            The value.
        out : ndarray, shape (n,)
            Written from `start` on; zeros before.
        start : int
            Where.

        Raises
        ------
        ValueError
            If the column cannot hold the value.
        """
        values = np.empty(1, object)
        values[0] = value
        self.encode(values, out[np.newaxis, start : start + self.width])


class Written(Spec):
    """Base of what texts say in a notation, which its ``decimal`` and ``unit`` are."""

    decimal: str
    unit: str

    @cached_property
    def notation(self) -> Notation:
        """How texts write the numbers."""
        return Notation(self.decimal, self.unit)


class Number(Written, Column):
    """Base of the columns of numbers, which may be missing."""

    missing: bool

    @property
    def width(self) -> int:
        """One number, or two."""
        return 1 + self.missing

    @property
    def input_names(self) -> tuple[str, ...]:
        """The column, and whether its number is missing."""
        return (self.name, f"{self.name} missing")[: self.width]

    def _scaled(self, floats: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers as the network gets them: NaN stays NaN, what is infinite is so after."""
        raise NotImplementedError

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values; see `Column.encode`."""
        floats = numbers(values, self.notation)
        if floats is None:
            raise ValueError(
                f"column {self.name!r} must hold numbers, "
                f"got {first_non_number(values, self.notation)}"
            )
        missing = np.isnan(floats)
        with np.errstate(over="ignore", invalid="ignore"):
            out[:, 0] = np.where(missing, 0.0, self._scaled(floats))
        if not np.isfinite(out[:, 0]).all():
            row = int(np.argmin(np.isfinite(out[:, 0])))
            raise ValueError(
                f"column {self.name!r} must hold numbers that {out.dtype} can scale, got "
                f"{floats[row]} in row {row + 1}"
            )
        if self.missing:
            out[:, 1] = missing


class Numeric(Number):
    """A column of numbers, brought to mean 0 and standard deviation 1, or by others than these.

    Parameters
    ----------
    name : str
        The column's name.
    mean, std : float
        What is subtracted, and by what is divided then: the median and the distance of the
        quartiles, say. A missing number counts as the mean.
    missing : bool, default False
        Whether a second number says, by 1, that the first was missing.
    decimal : "", "." or ",", default ""
        What stands before the decimals in texts that group thousands, by the other of the two or by
        spaces. By default texts are read as Python reads a float.
    unit : str, default ""
        The currency that may stand beside the numbers of texts, or "%", which must.
    clip : float, default 0.0
        What no number exceeds in size afterwards: z becomes ``z / sqrt(1 + (z / clip)**2)``, which
        changes small ones little (Holzmüller, Grinsztajn and Steinwart 2024). 0: they stay.

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
    >>> out = np.zeros((1, 1))
    >>> Numeric("price", 0, 1000, decimal=",", unit="€").encode(np.array(["1.250,50 €"]), out)
    >>> out
    array([[1.2505]])
    >>> out = np.zeros((2, 1))
    >>> Numeric("price", 0, 1, clip=3).encode(np.array([4.0, 1e30]), out)
    >>> out
    array([[2.4],
           [3. ]])
    """

    def __init__(
        self,
        name: str,
        mean: float,
        std: float,
        missing: bool = False,
        decimal: str = "",
        unit: str = "",
        clip: float = 0.0,
    ) -> None:
        self.name = text("name", name)
        self.mean = number("mean", mean)
        self.std = positive("std", std)
        self.missing = flag("missing", missing)
        self.decimal = choice("decimal", decimal, ("", ".", ","))
        self.unit = text("unit", unit, "")
        self.clip = number("clip", clip, "a finite number of at least 0", lambda x: x >= 0)

    def _scaled(self, floats: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (floats - self.mean) / self.std
        clipped = self.clip and not np.isinf(floats).any()
        return smooth_clip(scaled, self.clip) if clipped else scaled

    def encode_value(self, value: Any, out: NDArray[Any], start: int) -> None:
        """Write the numbers of one value; see `Column.encode_value`."""
        real = value if isinstance(value, float) else number_of(value, self.notation)
        if real is not None:
            scaled = (real - self.mean) / self.std
            if -LARGE < scaled < LARGE:
                if self.clip:  # as `smooth_clip`, in a tenth of the time
                    scaled = self.clip * (scaled / self.clip / math.hypot(1.0, scaled / self.clip))
                out[start] = scaled
                return
        super().encode_value(value, out, start)  # missing, or an error


class Categorical(Written, Column):
    """A column of texts: a number for each category, 1 for that of the row and 0 for the others.

    Parameters
    ----------
    name : str
        The column's name.
    categories : sequence of str
        The texts it knows. Any other, and a missing one, gives zeros only. Numbers are equal by
        value, "1" and "1.0", and bools are 1 and 0, "True" and "true".
    decimal, unit : str, default ""
        How texts write numbers, those of `categories` too; see `Numeric`.

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
    >>> out = np.zeros((2, 1))
    >>> Categorical("zip", ["10115"]).encode(np.array([10115.0, 10117.0]), out)
    >>> out.tolist()
    [[1.0], [0.0]]
    >>> out = np.zeros((2, 1))
    >>> Categorical("size", ["1.250"], decimal=",").encode(np.array(["1250,0", "1,25"]), out)
    >>> out.tolist()
    [[1.0], [0.0]]
    """

    def __init__(self, name: str, categories: Any, decimal: str = "", unit: str = "") -> None:
        self.name = text("name", name)
        self.categories = distinct("categories", categories)
        self.decimal = choice("decimal", decimal, ("", ".", ","))
        self.unit = text("unit", unit, "")

    @property
    def width(self) -> int:
        """As many numbers as categories."""
        return len(self.categories)

    @property
    def groups(self) -> tuple[int, ...]:
        """All of them."""
        return (self.width,)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The column with each of its categories."""
        return tuple(f"{self.name} = {each}" for each in self.categories)

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values; see `Column.encode`."""
        words = self._texts(values)
        places = {word: self._places.of(word) for word in set(words)}
        indices = np.array([places[word] for word in words], np.intp)
        rows = np.flatnonzero(indices >= 0)
        out[rows, indices[rows]] = 1

    def encode_value(self, value: Any, out: NDArray[Any], start: int) -> None:
        """Write the numbers of one value; see `Column.encode_value`."""
        place = self._place(value)
        if place is None:
            return super().encode_value(value, out, start)  # an error
        if place >= 0:
            out[start + place] = 1
        return None

    def _place(self, value: Any) -> int | None:
        """Return the place of a value's category, -1 if it is none, None if it can be none."""
        place = self._places.by_word.get(value) if isinstance(value, str) else None
        if place is None:
            word = text_of(value, self.notation)
            return None if word is None else self._places.of(word)
        return place

    def unseen(self, values: NDArray[Any]) -> dict[str, int]:
        """Return how often each text stands there that is no category, and is not missing.

        Parameters
        ----------
        values : ndarray, shape (n,)
            The values of the column.

        Returns
        -------
        dict of str to int
            The most frequent first.

        Raises
        ------
        ValueError
            If the column cannot hold one of the values.

        Examples
        --------
        >>> Categorical("colour", ["green", "red"]).unseen(np.array(["red", "blue", ""]))
        {'blue': 1}
        """
        counts = Counter(self._texts(values)).most_common()
        unknown = {word: n for word, n in counts if self._places.of(word) < 0}
        return {word: n for word, n in unknown.items() if category(word, self.notation)}

    def _texts(self, values: NDArray[Any]) -> list[str]:
        words = texts(values, self.notation)
        if words is None:
            raise ValueError(
                f"column {self.name!r} must hold strings, got {first_non_text(values)}"
            )
        return words

    @cached_property
    def _places(self) -> Places:
        return Places(self.categories, self.notation)


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

"""Dates and times of day: what a network learns from, the day's number, its weekday, its hour."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import choice, flag, numbers
from ..preprocessing._columns import smooth_clip
from ._columns import Column, text
from ._numbers import remedy, shown
from ._values import is_missing, text_of

WEEKDAYS = 7
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CLIP = 3.0
"""As of a `Numeric` with robust scaling: days far from those of the training say no more."""

NO_DATE = np.datetime64("NaT", "us")
"""What stands for a missing date."""

_DAY = np.timedelta64(1, "D")


def _day(instants: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Days since 1970, with the part of the day that has passed."""
    days: NDArray[np.float64] = (instants - np.datetime64(0, "s")) / _DAY
    return days


def _since(instants: NDArray[np.datetime64], unit: str, of: str) -> NDArray[np.float64]:
    """How many of a unit have passed since the year, the month or the day began."""
    whole = instants.astype(f"datetime64[{of}]").astype(f"datetime64[{unit}]")
    passed: NDArray[Any] = instants.astype(f"datetime64[{unit}]") - whole
    return passed.astype(np.float64)


PARTS: dict[str, Callable[[NDArray[np.datetime64]], NDArray[np.float64]]] = {
    "day": _day,
    "day of year": lambda instants: _since(instants, "D", "Y"),
    "day of month": lambda instants: _since(instants, "D", "M"),
    "month": lambda instants: _since(instants, "M", "Y"),
    "minute of day": lambda instants: _since(instants, "m", "D"),
}
"""The numbers that a date has, each by its name."""


class Dates(Column):
    """A column of dates: their numbers, such as the day's, and seven for the day of the week.

    Parameters
    ----------
    name : str
        The column's name.
    parts : sequence of {"day", "day of year", "day of month", "month", "minute of day"}
        Which numbers there are: days since 1970, those since the year and since the month began,
        the month, the minute of the day.
    means, stds : sequence of float
        What is subtracted from each of them, and by what is divided then, as `Numeric` does with a
        `clip` of 3. A date that is missing counts as the means.
    weekday : bool, default True
        Whether seven numbers more are 1 for its day of the week, Monday the first, and 0 otherwise.
    missing : bool, default False
        Whether a last number says, by 1, that the date was missing.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Numeric : A column of numbers.

    Notes
    -----
    A date is one of NumPy, pandas, polars, pyarrow or Python, or a text as ISO 8601 writes it:
    ``2026-11-30``, ``2026-11-30T08:15`` or with a space for the T. Where it has an offset from UTC,
    the time is taken as the clock there shows it.

    Examples
    --------
    >>> column = Dates("sold", ["month"], [6.0], [3.0])
    >>> out = np.zeros((1, column.width))
    >>> column.encode(np.array(["2026-12-01"]), out)
    >>> out.round(2)
    array([[1.46, 0.  , 1.  , 0.  , 0.  , 0.  , 0.  , 0.  ]])
    """

    def __init__(
        self,
        name: str,
        parts: Any,
        means: Any,
        stds: Any,
        weekday: bool = True,
        missing: bool = False,
    ) -> None:
        self.name = text("name", name)
        if not isinstance(parts, tuple | list):
            raise TypeError(f"parts must be a sequence of strings, got {parts!r:.100}")
        self.parts = tuple(choice("parts", part, PARTS) for part in parts)
        self.means = numbers("means", means) if len(means) else ()
        wanted = "a finite number above 0"
        self.stds = numbers("stds", stds, wanted, lambda x: x > 0) if len(stds) else ()
        if not len(self.parts) == len(self.means) == len(self.stds):
            raise ValueError(
                f"parts, means and stds must be of one length, got {len(self.parts)}, "
                f"{len(self.means)} and {len(self.stds)}"
            )
        self.weekday = flag("weekday", weekday)
        self.missing = flag("missing", missing)

    @property
    def width(self) -> int:
        """A number for each part, seven for the weekday, one for what is missing."""
        return sum(self.groups)

    @property
    def groups(self) -> tuple[int, ...]:
        """The weekday's belong together."""
        return (1,) * len(self.parts) + (WEEKDAYS,) * self.weekday + (1,) * self.missing

    @property
    def input_names(self) -> tuple[str, ...]:
        """The column with each part, with each weekday, and whether the date is missing."""
        days = DAYS * self.weekday + ("missing",) * self.missing
        return tuple(f"{self.name} {part}" for part in (*self.parts, *days))

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values; see `Column.encode`."""
        instants = dates(values)
        if instants is None:
            row = next(i for i, value in enumerate(values.tolist()) if _date_of(value) is None)
            raise ValueError(
                f"column {self.name!r} must hold dates such as 2026-11-30, got "
                f"{values.tolist()[row]!r:.100} in row {row + 1}"
            )
        there = np.flatnonzero(~np.isnat(instants))
        if self.missing:
            out[np.isnat(instants), -1] = 1
        instants = instants[there]
        for i, (part, mean, std) in enumerate(zip(self.parts, self.means, self.stds, strict=True)):
            scaled = (PARTS[part](instants) - mean) / std
            out[there, i] = smooth_clip(scaled, CLIP)
        if self.weekday:  # the first day of 1970 was a Thursday
            days = instants.astype("datetime64[D]").astype(np.int64)
            out[there, len(self.parts) + (days + 3) % WEEKDAYS] = 1


def dates(values: NDArray[Any]) -> NDArray[np.datetime64] | None:
    """Return a column as dates, NaT where one is missing; None if something else stands there.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Of any type.

    Returns
    -------
    ndarray of datetime64[us], shape (n,), or None
        The dates, without their offset from UTC.

    Examples
    --------
    >>> dates(np.array(["2026-11-30", "NA"]))
    array(['2026-11-30T00:00:00.000000',                        'NaT'],
          dtype='datetime64[us]')
    >>> dates(np.array(["2026", "monday"])) is None
    True
    """
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]")
    if values.dtype.kind == "f" and np.isnan(values).all():  # as frames write a column of none
        return np.full(len(values), NO_DATE, "datetime64[us]")
    if values.dtype.kind not in "USO":
        return None
    read: dict[Any, np.datetime64 | None] = {}
    found = []
    for value in values.tolist():
        if not isinstance(value, str | date) and value is not None:
            instant = _date_of(value)
        else:  # each once
            if value not in read:
                read[value] = _date_of(value)
            instant = read[value]
        if instant is None:
            return None
        found.append(instant)
    return np.array(found, "datetime64[us]")


def expect_dates(what: str, values: NDArray[Any], names: str) -> None:
    """Raise if nine in ten of the values of a column that holds others too are dates.

    Parameters
    ----------
    what : str
        The column, for the message.
    values : ndarray, shape (n,)
        What stands in it.
    names : str
        What makes the dates names of categories, for the message.

    Raises
    ------
    ValueError
        It names the first value that is no date.

    Examples
    --------
    >>> values = np.array([*(f"2026-11-{day}" for day in range(10, 30)), "soon"])
    >>> expect_dates("column 'sold'", values, "--categorical sold")
    Traceback (most recent call last):
    ValueError: column 'sold' must hold dates alone, got 'soon' in row 21, 1 of 21 values that is \
none: pass missing=['soon'] (--missing 'soon') if it stands for a missing value, --categorical \
sold if the dates are names
    """
    if values.dtype.kind not in "UO":
        return
    found = [_date_of(value) for value in values.tolist()]
    odd = [row for row, instant in enumerate(found) if instant is None]
    n = len(odd) + sum(instant is not None and not np.isnat(instant) for instant in found)
    if not odd or len(odd) > n / 10:
        return
    first, verb = values.tolist()[odd[0]], "is" if len(odd) == 1 else "are"
    raise ValueError(
        f"{what} must hold dates alone, got {shown(first)} in row {odd[0] + 1}, {len(odd):,} of "
        f"{n:,} values that {verb} none{remedy(first)}, {names} if the dates are names"
    )


def _date_of(value: object) -> np.datetime64 | None:
    """Return a date, NaT for a missing one, or None."""
    if isinstance(value, str):
        word = value.strip()
        if is_missing(word):
            return NO_DATE
        if not 8 <= len(word) <= 40 or not word[:4].isdecimal() or word[4] not in "-/":
            return None  # "20261130" is a number
        try:
            value = datetime.fromisoformat(word.replace("/", "-"))
        except ValueError:
            return None
    if text_of(value) == "" or str(value) == "NaT":
        return NO_DATE
    if isinstance(value, datetime):
        return np.datetime64(value.replace(tzinfo=None), "us")
    if isinstance(value, date):
        return np.datetime64(value, "us")
    return value.astype("datetime64[us]") if isinstance(value, np.datetime64) else None

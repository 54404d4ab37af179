"""The numbers of a column and their quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = float(np.finfo(np.float64).tiny)  # a width below has no finite inverse

LARGEST = 1e300  # what is beyond counts as that: its products are finite, or infinity


def center_and_width(known: NDArray[Any]) -> tuple[float, float]:
    """Return the median, and the distance of the quartiles or, where that is 0, half of the span.

    Parameters
    ----------
    known : ndarray, shape (n,)
        Finite numbers, one at least.

    Returns
    -------
    center, width : float
        The width is 0 of numbers that are all the same.

    Examples
    --------
    >>> center_and_width(np.array([0.0, 1.0, 2.0, 3.0, 100.0]))
    (2.0, 2.0)
    >>> center_and_width(np.array([0.0, 0.0, 0.0, 0.0, 4.0]))
    (0.0, 2.0)
    """
    low, center, high = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
    width = high - low
    if width < LEAST:
        width = float(known.max()) / 2 - float(known.min()) / 2
    return center, width


def in_float64(values: NDArray[Any], start: int, column: int | None = None) -> NDArray[np.float64]:
    """Return a copy in float64 of rows from that one on, or of that column of theirs.

    Parameters
    ----------
    values : ndarray, shape (n, columns) or (n,)
        Numbers, or NaN where one is missing.
    start : int
        The number of the first row, for the message.
    column : int, optional
        That of the column, where there is one.

    Returns
    -------
    ndarray of float64
        The copy, of the same shape.

    Raises
    ------
    ValueError
        If a number is infinite, which NaN is not.

    Examples
    --------
    >>> in_float64(np.array([[1], [2]]), 0)
    array([[1.],
           [2.]])
    """
    with np.errstate(over="ignore"):  # of a type that is wider
        wide = values.astype(np.float64)
    infinite = np.isinf(wide)
    if infinite.any():
        row, *place = (int(i) for i in np.argwhere(infinite)[0])
        got = values[(row, *place)].item()
        raise ValueError(
            f"x must hold finite numbers, or NaN for a missing one, got {got} in row "
            f"{start + row}, column {place[0] if place else column}"
        )
    return wide


def known_numbers(values: NDArray[Any], column: int) -> NDArray[np.float64]:
    """Return the numbers of a column that are not missing.

    Parameters
    ----------
    values : ndarray, shape (n, columns)
        Numbers, or NaN where one is missing.
    column : int
        Which column.

    Returns
    -------
    ndarray of float64, shape (known,)
        In the order of the rows.

    Raises
    ------
    ValueError
        If one is infinite, or they lie so far apart that their distance is.

    Examples
    --------
    >>> known_numbers(np.array([[1, np.nan], [2, 3]]), 1)
    array([3.])
    """
    wide = in_float64(values[:, column], 0, column)
    known = wide[~np.isnan(wide)]
    if len(known):
        low, high = float(known.min()), float(known.max())
        if high - low > LARGEST:
            raise ValueError(
                f"x must hold numbers at most {LARGEST:g} apart in each column, got {low} and "
                f"{high} in column {column}"
            )
    return known


def even_quantiles(known: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return so many quantiles of some numbers in even steps; zeros where there are none.

    Their places are found in whole numbers. A rounded place beside that of a number, as
    `np.quantile` has it, would give what is almost the number, and no longer equal to it.

    Parameters
    ----------
    known : ndarray, shape (n,)
        Finite numbers.
    count : int
        How many, at least 1.

    Returns
    -------
    ndarray of float64, shape (count,)
        Ascending, from the least number to the largest.

    Examples
    --------
    >>> even_quantiles(np.array([4.0, 0.0, 1.0]), 5)
    array([0. , 0.5, 1. , 2.5, 4. ])
    """
    if not len(known):
        return np.zeros(count)
    known = np.sort(known)
    place, rest = np.divmod(np.arange(count) * (len(known) - 1), max(1, count - 1))
    low, high = known[place], known[np.minimum(place + 1, len(known) - 1)]
    between: NDArray[np.float64] = low + (high - low) * (rest / max(1, count - 1))
    np.minimum(between, high, out=between)
    return between

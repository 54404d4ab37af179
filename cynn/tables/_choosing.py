"""What a column of a table is, by what stands in it, and how it becomes numbers."""

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..preprocessing import QuantileNormal
from ..preprocessing._quantiles import LARGEST, center_and_width
from ._categories import labels_of, spellings_of
from ._coded import Coded
from ._columns import MAX_CATEGORIES, Categorical, Column, LeftOut, Number, Numeric
from ._dates import PARTS, Dates, dates, expect_dates
from ._notation import Notation
from ._numbers import expect_numbers, notation_and_numbers, notation_of_names
from ._quantiles import QuantileNumeric
from ._values import texts

FEW_TEXTS = 10
"""A column with no more different texts than this is never taken for free text."""

NO_TEXTS = "it holds neither numbers nor strings"
"""Why a column of lists, say, is left out."""

NOISE = 1e-5
"""The standard deviation, in the least distance of two numbers, of the noise that the quantiles of
a column are taken with: so a number that many rows share, 0 say, is in the midst of them also where
it is the least. (TabM's is 1e-5, that of whole numbers, whatever the unit.)"""

SEED = 20_250_424
"""Of the noise: not one by which people draw tables, whose numbers it would be like."""

NAMELESS = r"Unnamed: \d+(\.\d+)*"
"""What pandas calls the columns without a name of a file that it reads, its own index of old."""


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


def median_and_spread(what: str, values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median and the distance of the quartiles, of numbers of any size.

    Where the quartiles are equal half of the span stands for their distance, or 1 if that is 0.

    Raises
    ------
    ValueError
        If there is an infinite number, or the span of all is.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024.

    Examples
    --------
    >>> median_and_spread("x", np.array([7.0, 7.0]))
    (7.0, 1.0)
    """
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(high - low):
        raise ValueError(f"{what} must hold finite numbers, got {low} to {high}")
    center, width = center_and_width(values)
    return center, width or 1.0


class Recipe(NamedTuple):
    """How columns become numbers.

    Attributes
    ----------
    numeric : callable
        ``numeric(name, present, missing, notation)`` returns the column of these numbers.
    one_hot : int
        The most categories that are a number each; of more each is a code.
    reads_dates : bool
        Whether dates are taken; else they are left out.
    """

    numeric: Callable[[str, NDArray[np.float64], bool, Notation], Number]
    one_hot: int
    reads_dates: bool


def _standard(
    name: str, present: NDArray[np.float64], missing: bool, notation: Notation
) -> Numeric:
    return Numeric(name, *mean_and_std(f"column {name!r}", present), missing, *notation)


def _robust(name: str, present: NDArray[np.float64], missing: bool, notation: Notation) -> Numeric:
    scale = median_and_spread(f"column {name!r}", present)
    return Numeric(name, *scale, missing, *notation, clip=3.0)


def _by_quantiles(
    name: str, present: NDArray[np.float64], missing: bool, notation: Notation
) -> QuantileNumeric:
    different = np.unique(present)
    if not different[-1] / 2 - different[0] / 2 < LARGEST / 2:
        raise ValueError(
            f"column {name!r} must hold finite numbers, at most {LARGEST:g} apart, got "
            f"{different[0]} to {different[-1]}"
        )
    noise = NOISE * float(np.diff(different).min(initial=np.inf)) if len(different) > 1 else 0.0
    n_quantiles = max(10, min(1000, len(present) // 30))
    rows = present[:, np.newaxis]
    learned = QuantileNormal.adapt(rows, n_quantiles=n_quantiles, noise=noise, seed=SEED)
    return QuantileNumeric(name, learned.quantiles[0], missing, *notation)


RECIPES = {
    "standard": Recipe(_standard, MAX_CATEGORIES, False),
    "robust": Recipe(_robust, 8, True),
    "robust one-hot": Recipe(_robust, MAX_CATEGORIES, True),
    "quantile": Recipe(_by_quantiles, MAX_CATEGORIES, True),
}
"""By name: mean and standard deviation; RealMLP's, with codes for embeddings, and without; and
TabM's."""


def column_of(
    name: str,
    values: NDArray[Any],
    rows: NDArray[np.intp],
    categorical: bool,
    decimal: str | None = None,
    elsewhere: Callable[[], str | None] = lambda: None,
    recipe: Recipe = RECIPES["standard"],
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
    decimal, elsewhere
        See `notation_of`.
    recipe : Recipe
        How it becomes numbers.

    Returns
    -------
    Column or LeftOut
        Left out is what is constant, has no name, or is text that hardly repeats.

    Raises
    ------
    ValueError
        If there is an infinite number, or nearly all are numbers and some are not.
    """
    if not name or not categorical and re.fullmatch(NAMELESS, name):
        return LeftOut(name, "it has no name")
    what = f"column {name!r}"
    read = None if categorical else notation_and_numbers(what, values, decimal, elsewhere)
    if read is not None:
        notation, floats = read
        return _numeric(name, floats[rows], notation, recipe)
    if not categorical:
        as_names = f"categorical=[{name!r}] (--categorical {name})"
        if recipe.reads_dates:
            instants = dates(values)
            if instants is not None:
                return _dates(name, instants[rows])
            expect_dates(what, values, as_names)
        expect_numbers(what, values, as_names)
    notation = notation_of_names(what, values, decimal, elsewhere)
    words = texts(values[rows], notation)
    if words is None:
        return LeftOut(name, NO_TEXTS)
    spellings = spellings_of(words, notation)
    n_missing = sum(spellings.pop("", {}).values())
    if not spellings:
        return LeftOut(name, "it is empty")
    if len(spellings) == 1 and not n_missing:
        return LeftOut(name, "it is constant")
    n = len(words) - n_missing
    if len(spellings) > recipe.one_hot:
        return _coded(name, spellings, n, notation, categorical)
    most = MAX_CATEGORIES if categorical else min(MAX_CATEGORIES, max(FEW_TEXTS, n / 2))
    if len(spellings) > most:
        return LeftOut(name, f"it has {len(spellings):,} different strings in {n:,} rows")
    return Categorical(name, sorted(labels_of(spellings)), *notation)


def _coded(
    name: str,
    spellings: dict[str, Counter[str]],
    n: int,
    notation: Notation,
    categorical: bool,
) -> Column | LeftOut:
    """Return a column of many categories: those that stand there twice, the most frequent first."""
    counts = {word: sum(each.values()) for word, each in spellings.items()}
    often = [word for word, count in counts.items() if count > 1]
    repeated = sum(counts[word] for word in often)
    if not categorical and repeated < n / 2 and len(spellings) > FEW_TEXTS:
        return LeftOut(name, f"it has {len(spellings):,} different strings in {n:,} rows")
    kept = sorted(often or counts, key=lambda word: (-counts[word], word))[:MAX_CATEGORIES]
    labels = labels_of({word: spellings[word] for word in kept})
    return Coded(name, sorted(labels), *notation)


def _dates(name: str, instants: NDArray[np.datetime64]) -> Column | LeftOut:
    missing = np.isnat(instants)
    present = instants[~missing]
    if not len(present):
        return LeftOut(name, "it is empty")
    if (present == present[0]).all() and not missing.any():
        return LeftOut(name, "it is constant")
    parts = {part: number(present) for part, number in PARTS.items()}
    varied = {part: values for part, values in parts.items() if values.min() < values.max()}
    scales = [median_and_spread(f"column {name!r}", values) for values in varied.values()]
    days = present.astype("datetime64[D]").astype(np.int64) % 7
    return Dates(
        name,
        tuple(varied),
        tuple(mean for mean, _ in scales),
        tuple(std for _, std in scales),
        bool((days != days[0]).any()),
        bool(missing.any()),
    )


def _numeric(
    name: str, values: NDArray[np.float64], notation: Notation, recipe: Recipe
) -> Column | LeftOut:
    missing = np.isnan(values)
    present = values[~missing]
    if not len(present):
        return LeftOut(name, "it is empty")
    low, high = float(present.min()), float(present.max())
    if low == high and not missing.any():
        return LeftOut(name, "it is constant")
    return recipe.numeric(name, present, bool(missing.any()), notation)

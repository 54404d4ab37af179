"""Columns of numbers brought to a common size, whatever their tails: by quantiles of the rows.

Each is a declaration: the numbers that it learned of the columns are its arguments, so that a
model file can hold them. A number that is missing is NaN, which is left out of what is learned and
stays NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._specs.spec import Spec
from .._specs.validation import array, integer, number, numbers, shown
from ._quantiles import (
    LARGEST,
    LEAST,
    center_and_width,
    even_quantiles,
    in_float64,
    known_numbers,
)

__all__ = ["QuantileNormal", "RobustScale"]

BLOCK = 1 << 20  # numbers that are transformed at a time, in float64

LEAST_PROBABILITY = 1e-7
"""The least and, from 1, the largest probability of `QuantileNormal`: 5.2 standard deviations."""


def smooth_clip(z: NDArray[np.float64], clip: float) -> NDArray[np.float64]:
    """Return ``z / sqrt(1 + (z / clip)**2)``, also where the square overflows; infinity is `clip`.

    Examples
    --------
    >>> smooth_clip(np.array([0.0, 4.0, -np.inf]), 3.0)
    array([ 0. ,  2.4, -3. ])
    """
    with np.errstate(over="ignore"):
        parts = np.clip(z / clip, -LARGEST, LARGEST)
    clipped: NDArray[np.float64] = clip * (parts / np.hypot(1.0, parts))
    return clipped


class Columns(Spec):
    """Base of what is done to each column by numbers of its own."""

    @property
    def n_columns(self) -> int:
        """How many columns it is for."""
        raise NotImplementedError

    def transform(self, x: ArrayLike) -> NDArray[Any]:
        """Return the rows with each column transformed.

        Parameters
        ----------
        x : array_like, shape (n, n_columns)
            Numbers, or NaN where one is missing.

        Returns
        -------
        ndarray of float64 if `x` is that or wider, else of float32, shape (n, n_columns)
            A new array; computed in float64. NaN stays NaN.

        Raises
        ------
        TypeError, ValueError
            If `x` holds something else, such as infinity: the message names the row and the column.
        """
        values = _rows(x)
        if values.shape[1] != self.n_columns:
            raise ValueError(f"x must have {self.n_columns} columns, got {values.shape[1]}")
        wide = values.dtype.kind == "f" and values.dtype.itemsize >= 8
        done: NDArray[Any] = np.empty(values.shape, np.float64 if wide else np.float32)
        step = max(1, BLOCK // self.n_columns)
        for start in range(0, len(values), step):
            block = in_float64(values[start : start + step], start)
            with np.errstate(over="ignore"):  # what float32 cannot hold is infinite in it
                done[start : start + step] = self._transformed(block)
        return done

    def _transformed(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return some of the rows transformed; they may be written to."""
        raise NotImplementedError


class RobustScale(Columns):
    """Each column less its median, divided by the distance of its quartiles, its tails bent in.

    ``z = factor * (x - center)``, then ``z / sqrt(1 + (z / clip)**2)``: near 0 that is z, and far
    from it no more than `clip`, so that a number far out cannot make a training diverge.

    Parameters
    ----------
    center : sequence of float
        The median of each column; finite.
    factor : sequence of float
        As many factors; finite, at least 0.
    clip : float or None, default 3.0
        Where the tails end; more than 0. None bends nothing.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    QuantileNormal : Keep nothing of a column but the order of its numbers.
    cynn.layers.Normalize : Mean and standard deviation, as a layer of the model.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024, section 3 ("robust scaling and smooth clipping").

    Examples
    --------
    >>> scale = RobustScale.adapt([[1.0], [2.0], [3.0], [4.0], [1000.0]])
    >>> scale
    RobustScale((3.0,), (0.5,))
    >>> scale.transform([[3.0], [5.0], [1000.0], [np.nan]]).round(2).ravel()
    array([0.  , 0.95, 3.  ,  nan])
    """

    def __init__(
        self, center: Sequence[float], factor: Sequence[float], clip: float | None = 3.0
    ) -> None:
        self.center = numbers("center", center)
        wanted = "a finite number of at least 0"
        self.factor = numbers("factor", factor, wanted, lambda each: each >= 0)
        if len(self.factor) != len(self.center):
            raise ValueError(
                f"factor must hold {len(self.center)} numbers like center, got {len(self.factor)}"
            )
        wanted = "a finite number above 0, or None"
        self.clip = None if clip is None else number("clip", clip, wanted, lambda each: each > 0)

    @property
    def n_columns(self) -> int:
        """How many columns it is for."""
        return len(self.center)

    @classmethod
    def adapt(cls, x: ArrayLike, *, clip: float | None = 3.0) -> Self:
        """Learn the median and the quartiles of each column of `x`.

        Parameters
        ----------
        x : array_like, shape (n, columns)
            Rows, at least one: numbers, or NaN where one is missing. Give those to train on alone.
        clip : float or None, default 3.0
            As above.

        Returns
        -------
        RobustScale
            Its factor is 1 over the distance of the quartiles; where that is 0, 2 over the distance
            of the least and the largest number; where that is 0 too, as of a column without a
            number, 0.

        Raises
        ------
        TypeError, ValueError
            If `x` holds no rows of such numbers, such as infinity; the message names the column.
        """
        values = _rows(x, 1)
        centers, factors = [], []
        for j in range(values.shape[1]):
            known = known_numbers(values, j)
            center, width = center_and_width(known) if len(known) else (0.0, 0.0)
            centers.append(center)
            factors.append(0.0 if width < LEAST else 1 / width)
        return cls(centers, factors, clip)

    def _transformed(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        rows -= np.array(self.center)
        np.clip(rows, -LARGEST, LARGEST, out=rows)
        rows *= np.array(self.factor)
        return rows if self.clip is None else smooth_clip(rows, self.clip)


class QuantileNormal(Columns):
    """Each column made normally distributed, by the quantiles of its numbers.

    A number becomes what a normal variable of mean 0 and standard deviation 1 has at the same
    quantile: nothing is left of the column but the order of its numbers.

    Parameters
    ----------
    quantiles : sequence of sequence of float
        For each column its quantiles in even steps from its least number to its largest: finite,
        ascending, of each column as many.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    RobustScale : Keep the distances of all but the tails.

    Notes
    -----
    As scikit-learn's ``QuantileTransformer(output_distribution="normal", subsample=None)``: between
    two quantiles it interpolates, of equal quantiles it takes the middle, and what is at or beyond
    the least or the largest of a column becomes ∓5.2. In three things it differs: a column that is
    the same in all rows becomes 0, not -5.2; at an end is a number that is equal to it, not one
    that is within 1e-7; and no rounding of a quantile hides that it is equal to a number.

    References
    ----------
    Wichura, Algorithm AS 241: the percentage points of the normal distribution, Applied Statistics
    37, 1988; the noise: Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning
    with parameter-efficient ensembling, ICLR 2025.

    Examples
    --------
    >>> to_normal = QuantileNormal.adapt([[1], [10], [100], [1000], [10000]])
    >>> to_normal.transform([[10], [100], [1000], [4000]]).round(3).ravel()
    array([-0.674,  0.   ,  0.674,  0.967], dtype=float32)
    """

    def __init__(self, quantiles: Sequence[Sequence[float]]) -> None:
        if not isinstance(quantiles, tuple | list) or not quantiles:
            raise TypeError(
                f"quantiles must be a list with those of each column, got {shown(quantiles)}"
            )
        self.quantiles = tuple(
            numbers(f"quantiles[{j}]", column) for j, column in enumerate(quantiles)
        )
        for j, column in enumerate(self.quantiles):
            if len(column) != len(self.quantiles[0]):
                raise ValueError(
                    f"quantiles[{j}] must hold {len(self.quantiles[0])} numbers like the first, "
                    f"got {len(column)}"
                )
            if (np.diff(column) < 0).any():
                raise ValueError(f"quantiles[{j}] must ascend, got a number below the one before")

    @property
    def n_columns(self) -> int:
        """How many columns it is for."""
        return len(self.quantiles)

    @classmethod
    def adapt(
        cls,
        x: ArrayLike,
        *,
        n_quantiles: int = 1000,
        noise: float = 0.0,
        seed: int | None = None,
    ) -> Self:
        """Learn the quantiles of each column of `x`.

        Parameters
        ----------
        x : array_like, shape (n, columns)
            Rows, at least one: numbers, or NaN where one is missing. Give those to train on alone.
        n_quantiles : int, default 1000
            How many are kept of each column, at least 2; no more than there are rows.
        noise : float, default 0.0
            The standard deviation of normal noise that is added to the numbers before, and only
            here. So a number that many rows share becomes what is in the midst of them also where
            it is the least or the largest of its column, which is else ∓5.2. TabM adds 1e-5,
            whatever the size of a column's numbers.
        seed : int or None, default None
            Of the noise, which is ``numpy.random.default_rng(seed).normal(0, noise, x.shape)``.
            None: another at each call.

        Returns
        -------
        QuantileNormal
            A column without a number has zeros.

        Raises
        ------
        TypeError, ValueError
            If `x` holds no rows of such numbers, such as infinity; the message names the column.
        """
        values = _rows(x, 1)
        count = min(integer("n_quantiles", n_quantiles, 2), len(values))
        wanted = "a finite number of at least 0"
        spread = number("noise", noise, wanted, lambda each: each >= 0)
        rng = np.random.default_rng(None if seed is None else integer("seed", seed, 0))
        if spread:
            values = values + rng.normal(0.0, spread, values.shape)
        known = (known_numbers(values, j) for j in range(values.shape[1]))
        return cls([even_quantiles(column, count).tolist() for column in known])

    def _transformed(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        steps = np.linspace(0, 1, len(self.quantiles[0]))
        for j, column in enumerate(self.quantiles):
            x, quantiles = rows[:, j], np.array(column)
            if column[0] == column[-1]:
                x[~np.isnan(x)] = 0.5
                continue
            # Of several equal quantiles one way finds the last, the other the first.
            found = np.interp(x, quantiles, steps)
            found -= np.interp(-x, -quantiles[::-1], -steps[::-1])
            rows[:, j] = np.where(x <= column[0], 0.0, np.where(x >= column[-1], 1.0, found / 2))
        return _normal_quantile(np.clip(rows, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))


def _rows(x: ArrayLike, least: int = 0) -> NDArray[Any]:
    """Return rows of numbers.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or there are fewer than that.
    """
    values = array("x", x)
    if values.ndim != 2 or values.shape[1] == 0 or len(values) < least:
        raise ValueError(f"x must hold rows of numbers, got shape {values.shape}")
    return values


def _normal_quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the normal distribution has these probabilities, from 1e-10 to 1 - 1e-10.

    By Wichura's AS 241: two quotients of polynomials, right to 16 digits.
    """
    q = p - 0.5
    r = 0.180625 - q * q
    middle = q * np.polyval(_MIDDLE[0], r) / np.polyval(_MIDDLE[1], r)
    r = np.sqrt(-np.log(np.minimum(p, 1 - p))) - 1.6
    tail = np.copysign(np.polyval(_TAIL[0], r) / np.polyval(_TAIL[1], r), q)
    return np.asarray(np.where(abs(q) <= 0.425, middle, tail), np.float64)


_MIDDLE = (
    (
        2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
        4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
        1.3314166789178437745e2, 3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
        2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
        4.2313330701600911252e1, 1.0,
    ),
)  # fmt: skip
_TAIL = (
    (
        7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
        1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
        4.63033784615654529590e0, 1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
        1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
        2.05319162663775882187e0, 1.0,
    ),
)  # fmt: skip
"""Of each quotient the coefficients above and below, the highest power first."""

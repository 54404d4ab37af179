"""Numbers brought to another size: all alike, or each column with its own."""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._specs.validation import array, number, numbers
from ._layer import Layer

LEAST_STD = 1e-37
"""The least standard deviation of `Normalize`: its inverse is a float32."""

ADAPT_BLOCK = 1 << 20  # numbers that `Normalize.adapt` takes at a time


class Rescale(Layer):
    """Each number times `scale`, plus `offset`; pixels come to [0, 1] by ``Rescale(1 / 255)``.

    Parameters
    ----------
    scale : float
        Finite.
    offset : float, default 0.0
        Finite.
    name : str, optional
        A name of your own for it.

    Examples
    --------
    >>> Rescale(2, -1).step()
    ('rescale', 2.0, -1.0)
    """

    def __init__(self, scale: float, offset: float = 0.0, *, name: str | None = None) -> None:
        self.scale = number("scale", scale)
        self.offset = number("offset", offset)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("rescale", scale, offset)``."""
        return ("rescale", self.scale, self.offset)


class Normalize(Layer):
    """Each column less its mean, divided by its standard deviation.

    Parameters
    ----------
    mean : sequence of float
        The mean of each number of a row, in C order; finite.
    std : sequence of float
        As many standard deviations; finite, at least `LEAST_STD`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    See Also
    --------
    Normalize.adapt : Make the layer from data.

    Examples
    --------
    >>> Normalize.adapt([[1, 10], [3, 10]])
    Normalize((2.0, 10.0), (1.0, 1.0))
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], *, name: str | None = None
    ) -> None:
        self.mean = numbers("mean", mean)
        wanted = f"a finite number, at least {LEAST_STD}"
        self.std = numbers("std", std, wanted, lambda value: value >= LEAST_STD)
        count = len(self.mean)
        if len(self.std) != count:
            raise ValueError(f"std must hold {count} numbers like mean, got {len(self.std)}")
        super().__init__(name=name)

    @classmethod
    def adapt(cls, x: ArrayLike, *, name: str | None = None) -> Normalize:
        """Make the layer that brings each column of `x` to mean 0 and standard deviation 1.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            Rows, at least one; finite. Give those to train on alone.
        name : str, optional
            A name of your own for it.

        Returns
        -------
        Normalize
            The standard deviation is over n; that of a column that is the same in every row counts
            as 1.

        Raises
        ------
        TypeError, ValueError
            If `x` holds no rows of finite numbers.
        """
        found = array("x", x)
        if found.ndim < 2 or found.size == 0:
            raise ValueError(f"x must hold rows of numbers, got shape {found.shape}")
        total = np.zeros(found.shape[1:])
        squares = np.zeros_like(total)
        blocks = range(0, len(found), max(1, ADAPT_BLOCK // total.size))
        step = max(1, ADAPT_BLOCK // total.size)
        for i in blocks:
            total += found[i : i + step].sum(axis=0, dtype=np.float64)
        mean = total / len(found)
        for i in blocks:  # once more, so that a large mean costs no digits
            squares += ((found[i : i + step] - mean) ** 2).sum(axis=0)
        std = np.sqrt(squares / len(found))
        if not np.isfinite(std).all():
            raise ValueError(
                "x must hold finite numbers, got NaN, infinity or a sum of squares that overflows"
            )
        std[std < LEAST_STD] = 1
        return cls(mean.ravel().tolist(), std.ravel().tolist(), name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of as many numbers as `mean`; see `Layer.output_shape`."""
        sizes = super().output_shape(input_shape)
        if math.prod(sizes) != len(self.mean):
            raise ValueError(
                f"rows must have {len(self.mean)} numbers, as the mean of Normalize, got shape "
                f"{sizes}"
            )
        return sizes

    def step(self) -> tuple[Any, ...]:
        """Return ``("normalize", mean, std)``."""
        return ("normalize", self.mean, self.std)

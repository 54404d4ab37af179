"""Numbers brought to another size: all alike, each column with its own, or by factors learned.

And numbers kept within limits.
"""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._specs.validation import array, integer, number, numbers, real_dtype
from ._layer import Layer, one_axis

__all__ = ["LEAST_STD", "Clip", "Normalize", "Rescale", "Scale"]

LEAST_STD = 1e-37
"""The least standard deviation of `Normalize`: its inverse is a float32."""

ROUNDING = 1e-7
"""How many standard deviations `Normalize.adapt` lets a mean be off: float32 cannot tell them."""

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

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described. A model refuses numbers that its dtype cannot hold.

    See Also
    --------
    Normalize : Scale each column by its own mean and standard deviation.

    Notes
    -----
    At the start of a float32 model whose input lies far from 0 (an offset above 256, or one that
    brings numbers above 65,536 to 0), the number that comes to 0 is taken off in float64, before
    the input is rounded.

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
        """Return ``("rescale", scale, offset)``; see `Layer.step`."""
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
        If an argument is not as described.

    See Also
    --------
    Normalize.adapt : Make the layer from data.

    Notes
    -----
    At the start of a float32 model the mean of a column that lies more than 256 standard deviations
    from 0 (times in seconds, numbers of years) is taken off in float64, before the input is
    rounded: rows of float64 and of whole numbers keep what tells them apart.

    Examples
    --------
    >>> Normalize.adapt([[1, 10], [3, 10]])
    Normalize((2.0, 10.0), (1.0, 1.0))
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], *, name: str | None = None
    ) -> None:
        self.mean = numbers("mean", mean)
        requirement = f"a finite number, at least {LEAST_STD}"
        self.std = numbers("std", std, requirement, lambda value: value >= LEAST_STD)
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
            as 1, and its mean is that number.

        Raises
        ------
        TypeError, ValueError
            If `x` holds no rows of finite numbers.
        """
        rows = array("x", x)
        if rows.ndim < 2 or rows.size == 0:
            raise ValueError(f"x must hold rows of numbers, got shape {rows.shape}")
        total = np.zeros(rows.shape[1:])
        first = rows[0].astype(np.float64)
        constant = np.isfinite(first)
        step = max(1, ADAPT_BLOCK // total.size)
        blocks = range(0, len(rows), step)
        with np.errstate(over="ignore", invalid="ignore"):
            for i in blocks:
                total += rows[i : i + step].sum(axis=0, dtype=np.float64)
                constant &= (rows[i : i + step] == rows[0]).all(axis=0)
            mean = np.where(constant, first, total / len(rows))
            for _ in range(2):  # the sum of large numbers is rounded: its mean may be off
                rest, squares = np.zeros_like(total), np.zeros_like(total)
                for i in blocks:  # once more, so that a large mean costs no digits
                    apart = rows[i : i + step] - mean
                    rest += apart.sum(axis=0)
                    squares += (apart**2).sum(axis=0)
                std = np.sqrt(squares / len(rows))
                is_off = np.abs(rest / len(rows)) > ROUNDING * std
                if not is_off.any():
                    break
                mean = np.where(is_off, mean + rest / len(rows), mean)
        if not np.isfinite(std).all():
            raise ValueError(
                "x must hold finite numbers, got NaN, infinity or a sum of squares that overflows"
            )
        std[constant | (std < LEAST_STD)] = 1  # that of equal numbers is the rounding of their mean
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
        """Return ``("normalize", mean, std)``; see `Layer.step`."""
        return ("normalize", self.mean, self.std)


class Scale(Layer):
    """Each column times a factor that is learned: ``y = s * x``, s beginning with 1.

    In front of a network for tables it learns how much each column counts.

    Parameters
    ----------
    learning_rate_factor, weight_decay_factor : float or mapping of str to float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by here: one number for
        all weights, or numbers by the names of `weight_names`. Finite, at least 0; weights whose
        learning rate is multiplied by 0 are frozen.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Rescale : One factor for all numbers, which is not learned.
    Normalize : Factors from the data.

    Notes
    -----
    The gradient of s is the sum over the rows of ``x * dL/dy``. It takes rows of shape (n,).

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024 (there "scaling layer").

    Examples
    --------
    >>> layer = Scale()
    >>> layer.output_shape((4,)), layer.step(), layer.weight_names()
    ((4,), ('scale',), ['weight'])
    >>> layer.initial_weights(4, np.random.default_rng(0))
    [array([1., 1., 1., 1.], dtype=float32)]
    >>> Scale(learning_rate_factor=6).factors()
    [(6.0, 1.0)]
    """

    def __init__(
        self,
        *,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of one axis; see `Layer.output_shape`."""
        return one_axis(self, input_shape)

    def step(self) -> tuple[Any, ...]:
        """Return ``("scale",)``; see `Layer.step`."""
        return ("scale",)

    def weight_names(self) -> list[str]:
        """Return ``["weight"]``: s; see `Layer.weight_names`."""
        return ["weight"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shape of s: ``[(n_inputs,)]``; see `Layer.weight_shapes`."""
        return [(integer("n_inputs", n_inputs),)]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Return ones; nothing is drawn; see `Layer.initial_weights`."""
        return [np.ones(n_inputs, real_dtype(dtype))]


class Clip(Layer):
    """Numbers kept within limits in use: ``y = min(max(x, low), high)``.

    At the end of a network for quantities it keeps predictions among the values that were seen.
    While the network is trained it changes nothing, so that a prediction beyond the limits is drawn
    back as any other.

    Parameters
    ----------
    low, high : float or sequence of float
        The limits: one number, or one for each number of a row, in C order; finite, `low` at most
        `high`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described. A model refuses numbers that its dtype cannot hold.

    See Also
    --------
    Rescale : A factor and an offset, also in training.

    Notes
    -----
    In use its gradient (`Model.input_gradient`) is that of x from `low` to `high` and 0 beyond. NaN
    stays NaN.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024.

    Examples
    --------
    >>> layer = Clip(0, [1, 2])
    >>> layer, layer.output_shape((2,))
    (Clip(0.0, (1.0, 2.0)), (2,))
    >>> layer.step()
    ('clip', 0.0, (1.0, 2.0))
    """

    def __init__(
        self,
        low: float | Sequence[float],
        high: float | Sequence[float],
        *,
        name: str | None = None,
    ) -> None:
        self.low, self.high = _limit("low", low), _limit("high", high)
        columns = self._columns()
        lows, highs = np.broadcast_arrays(self.low, self.high) if columns else (self.low, self.high)
        beyond = np.flatnonzero(np.greater(lows, highs))
        if beyond.size:
            i = int(beyond[0])
            raise ValueError(
                f"low must be at most high, got {np.ravel(lows)[i]} and {np.ravel(highs)[i]}"
            )
        super().__init__(name=name)

    def _columns(self) -> int:
        """Return how many numbers a row must have; 0 where any number will do."""
        lengths = {len(limit) for limit in (self.low, self.high) if isinstance(limit, tuple)}
        if len(lengths) > 1:
            raise ValueError(
                f"high must hold {len(self.low)} numbers like low, got {len(self.high)}"  # type: ignore[arg-type]
            )
        return max(lengths, default=0)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of a number for each limit; see `Layer.output_shape`."""
        sizes = super().output_shape(input_shape)
        if self._columns() not in (0, math.prod(sizes)):
            raise ValueError(
                f"rows must have {self._columns()} numbers, as the limits of Clip, got shape "
                f"{sizes}"
            )
        return sizes

    def step(self) -> tuple[Any, ...]:
        """Return ``("clip", low, high)``; see `Layer.step`."""
        return ("clip", self.low, self.high)


def _limit(name: str, value: Any) -> float | tuple[float, ...]:
    is_one = np.ndim(value) == 0 if not isinstance(value, tuple | list) else False
    return number(name, value) if is_one else numbers(name, value)

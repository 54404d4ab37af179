"""Columns as several learned numbers each: categories by tables, numbers by waves."""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs.validation import choice, flag, integer, number, real_dtype
from ._columns import ColumnEmbedding, bounded_units, distinct_columns, whole_numbers

__all__ = ["MOST_FREQUENCIES", "LARGEST_TABLE", "Embedding", "PeriodicEmbedding"]

MOST_FREQUENCIES = 256
"""The most waves of a `PeriodicEmbedding`, for each column."""

LARGEST_TABLE = 1 << 24
"""The most rows of a table of an `Embedding`: float32 has all whole numbers below."""


class Embedding(ColumnEmbedding):
    """Categories as numbers that are learned: each as the row of a table of its column.

    A column holds whole numbers, 0 to size - 1, of which each stands for a category. The columns
    that are not embedded come first in the output, in order, then for each of `columns` in turn the
    `units` numbers of its category.

    Parameters
    ----------
    columns : sequence of int
        The columns that are embedded, counted from 0, each once.
    sizes : sequence of int
        How many categories each of them has; at most `LARGEST_TABLE`.
    units : int, default 8
        How many numbers stand for a category.
    learning_rate_factor, weight_decay_factor : float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by; see `Dense`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    PeriodicEmbedding, PiecewiseLinearEmbedding : The same for quantities.
    Dense : On one-hot columns it is an embedding too, which costs more the more categories there
        are.

    Notes
    -----
    A number counts as the nearest whole one. What is none of the table, and NaN, is unknown: it
    gives zeros and nothing is learned of it. So -1 may stand for what is missing. Nothing goes back
    to the input through an embedded column: there `Model.input_gradient` is 0.

    The tables begin with draws from the normal distribution of mean 0 and deviation 1. It takes
    rows of shape (n,), which are no sparse matrix.

    References
    ----------
    Guo and Berkhahn, Entity embeddings of categorical variables, 2016, arXiv:1604.06737.

    Examples
    --------
    >>> layer = Embedding([0, 2], [3, 10], units=4)
    >>> layer.output_shape((5,)), layer.weight_names(), layer.weight_shapes(5)
    ((11,), ['table0', 'table2'], [(3, 4), (10, 4)])
    """

    def __init__(
        self,
        columns: Sequence[int],
        sizes: Sequence[int],
        units: int = 8,
        *,
        learning_rate_factor: float = 1.0,
        weight_decay_factor: float = 1.0,
        name: str | None = None,
    ) -> None:
        self.columns = distinct_columns("columns", columns)
        self.sizes = whole_numbers("sizes", sizes, 1)
        if len(self.sizes) != len(self.columns):
            raise ValueError(
                f"sizes must hold {len(self.columns)} numbers like columns, got {len(self.sizes)}"
            )
        if max(self.sizes) > LARGEST_TABLE:
            raise ValueError(f"sizes must be at most {LARGEST_TABLE}, got {max(self.sizes)}")
        self.units = bounded_units("units", units, 1)
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("embedding", columns, sizes, units)``; see `Layer.step`."""
        return ("embedding", self.columns, self.sizes, self.units)

    def weight_names(self) -> list[str]:
        """Return ``table`` with the column's number for each table; see `Layer.weight_names`."""
        assert self.columns is not None
        return [f"table{column}" for column in self.columns]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return ``(size, units)`` for each table; see `Layer.weight_shapes`."""
        self._embedded(n_inputs)
        return [(size, self.units) for size in self.sizes]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw the tables; see `Layer.initial_weights`."""
        real = real_dtype(dtype)
        return [rng.standard_normal(shape, real) for shape in self.weight_shapes(n_inputs)]

    def _learned(self) -> int:
        return self.units


class PeriodicEmbedding(ColumnEmbedding):
    """Quantities as waves of learned frequencies and what a small map of each column makes of them.

    Of a column x come ``c_k = cos(2 pi w_k x + b_k)`` for each frequency w with its phase b, then
    ``activation(c @ W + B)``, with w, b, W and B of the column's own. So a network can make a step
    or a peak of a single column, which plain layers learn slowly.

    The columns that stay as they are come first in the output, in order: all of them, or without
    `with_input` those that are not embedded; then for each embedded column in turn its learned
    numbers.

    Parameters
    ----------
    columns : sequence of int, optional
        The columns that are embedded, counted from 0, each once; by default all.
    frequencies : int, default 16
        How many waves a column has, at most `MOST_FREQUENCIES`.
    units : int, default 4
        How many numbers stand for a column, x itself counted, where that is among them.
    sigma : float, default 0.1
        The standard deviation of the first frequencies, in waves for each unit of x; above 0. It
        is what matters most: for columns of deviation 1 try 0.01 to 10.
    activation : str, default "identity"
        ``"identity"`` or ``"relu"``.
    cos_bias : bool, default True
        Whether each wave has a phase b. Without it half of the waves are
        ``cos(2 pi w x)``, the others ``sin(2 pi w x)`` of the same w.
    with_input : bool, default True
        Whether x itself is among its numbers.
    learning_rate_factor, weight_decay_factor : float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by; see `Dense`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Embedding : The same for categories.
    PiecewiseLinearEmbedding : By bins in place of waves.
    Normalize : Brings the columns to the deviation that `sigma` is chosen for.

    Notes
    -----
    w begins with draws from the normal distribution of deviation `sigma`, b with uniform ones from
    -pi to pi, W and B with uniform ones within ``1 / sqrt(frequencies)`` of 0. In each weight the
    embedded columns are the last axis. NaN and infinity give NaN. It takes rows of shape (n,),
    which are no sparse matrix.

    With the defaults it is the "PBLD" of RealMLP; with "relu" and without `cos_bias` and
    `with_input` the "PLR" of Gorishniy, Rubachev and Babenko.

    References
    ----------
    Gorishniy, Rubachev and Babenko, On embeddings for numerical features in tabular deep learning,
    NeurIPS 2022; Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data, NeurIPS 2024.

    Examples
    --------
    >>> layer = PeriodicEmbedding()
    >>> layer.output_shape((10,)), layer.weight_names()
    ((40,), ['frequency', 'phase', 'weight', 'bias'])
    >>> layer.weight_shapes(10)
    [(16, 10), (16, 10), (16, 3, 10), (3, 10)]
    >>> PeriodicEmbedding([1], units=6, with_input=False).output_shape((10,))
    (15,)
    """

    def __init__(
        self,
        columns: Sequence[int] | None = None,
        *,
        frequencies: int = 16,
        units: int = 4,
        sigma: float = 0.1,
        activation: str = "identity",
        cos_bias: bool = True,
        with_input: bool = True,
        learning_rate_factor: float = 1.0,
        weight_decay_factor: float = 1.0,
        name: str | None = None,
    ) -> None:
        self.columns = None if columns is None else distinct_columns("columns", columns)
        self.frequencies = integer("frequencies", frequencies)
        self.sigma = number("sigma", sigma, "a finite number above 0", lambda x: x > 0)
        self.activation = choice("activation", activation, ("identity", "relu"), "activation")
        self.cos_bias = flag("cos_bias", cos_bias)
        self.with_input = flag("with_input", with_input)
        self.units = bounded_units("units", units, 1 + int(self.with_input))
        if self.frequencies > MOST_FREQUENCIES:
            raise ValueError(f"frequencies must be at most {MOST_FREQUENCIES}, got {frequencies}")
        if not self.cos_bias and self.frequencies % 2:
            raise ValueError(
                f"frequencies must be even without cos_bias, as many cosines as sines, got "
                f"{frequencies}"
            )
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("periodic", columns, frequencies, ...)``; see `Layer.step`."""
        shape = (self.columns, self.frequencies, self.units)
        return ("periodic", *shape, self.activation, self.cos_bias, self.with_input)

    def weight_names(self) -> list[str]:
        """Return ``["frequency", "phase", "weight", "bias"]``: w, b, W and B; without b the others.

        See `Layer.weight_names`.
        """
        return ["frequency", *["phase"] * self.cos_bias, "weight", "bias"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes, of which the embedded columns are the last axis.

        See `Layer.weight_shapes`.
        """
        n, waves = len(self._embedded(n_inputs)), self.frequencies
        of_waves = [(waves, n)] * 2 if self.cos_bias else [(waves // 2, n)]
        return [*of_waves, (waves, self._learned(), n), (self._learned(), n)]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw w, b, W and B; see `Layer.initial_weights`."""
        real, bound = real_dtype(dtype), 1 / math.sqrt(self.frequencies)
        bounds = {"phase": math.pi, "weight": bound, "bias": bound}
        drawn = []
        for name, shape in zip(self.weight_names(), self.weight_shapes(n_inputs), strict=True):
            if name == "frequency":
                drawn.append(rng.standard_normal(shape, real) * real.type(self.sigma))
            else:
                drawn.append((2 * rng.random(shape, real) - 1) * real.type(bounds[name]))
        return drawn

    def _keeps_input(self) -> bool:
        return self.with_input

    def _learned(self) -> int:
        return self.units - int(self.with_input)

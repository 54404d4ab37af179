"""Quantities by the bins that they lie in."""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._specs.validation import array, choice, integer, numbers, real_dtype, shown
from ..preprocessing._quantiles import even_quantiles, known_numbers
from ._columns import ColumnEmbedding, bounded_units, distinct_columns

__all__ = ["MOST_BINS", "PiecewiseLinearEmbedding"]

MOST_BINS = 256
"""The most bins of a `PiecewiseLinearEmbedding`, for each column."""

LEAST_WIDTH = 1e-37
"""The least width of a bin: its inverse is a float32."""


class PiecewiseLinearEmbedding(ColumnEmbedding):
    """Quantities by bins: for each bin how much of it lies below x, and a small map of that.

    Of a column x with the edges e_0 < e_1 < ... < e_n of its bins come
    ``c_t = (x - e_t) / (e_(t+1) - e_t)``, within [0, 1], but of the first bin also below 0, and of
    the last also above 1. With w, b and W of the column's own its learned numbers are

    - version "A": ``activation(c @ W + b)``,
    - version "B": ``w * x + b + activation(c @ W)``.

    Each is a function of x that is linear in every bin: it may rise in one and fall in the next,
    which plain layers learn slowly.

    The columns that are not embedded come first in the output, in order, then for each embedded
    column in turn its `units` numbers.

    Parameters
    ----------
    columns : sequence of int or None
        The columns that are embedded, counted from 0, each once; None: all.
    bins : sequence of sequence of float
        The edges of the bins of each of them, at least two and at most ``MOST_BINS + 1``: finite,
        ascending.
    units : int, default 16
        How many numbers stand for a column.
    version : str, default "B"
        ``"A"`` or ``"B"``, as above.
    activation : str, default "identity"
        ``"identity"`` or ``"relu"``.
    learning_rate_factor, weight_decay_factor : float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by; see `Dense`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described. A model refuses numbers that its dtype cannot hold.

    See Also
    --------
    PiecewiseLinearEmbedding.adapt : Make the layer from data.
    PeriodicEmbedding : By waves in place of bins.
    Embedding : The same for categories.
    cynn.preprocessing.QuantileNormal : Brings columns of any size near 0, where float32 has digits.

    Notes
    -----
    In version B, w and b begin with uniform draws within ``1 / sqrt(units)`` of 0, and W with
    zeros: the embedding begins as a linear one, and learns the bins on top of it. In version A, W
    and b begin with uniform draws within ``1 / sqrt(n)`` of 0, n the most bins of a column. The
    edges are arguments: they are not trained. At an edge the slope is that of the bin that begins
    there. NaN gives NaN. It takes rows of shape (n,), which are no sparse matrix.

    Version "B" with "identity" is that of TabM; version "A" with "relu" the "PLE-LR" of Gorishniy,
    Rubachev and Babenko, 2022, without an activation their "PLE-L".

    References
    ----------
    Gorishniy, Rubachev and Babenko, On embeddings for numerical features in tabular deep learning,
    NeurIPS 2022; version B: Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep
    learning with parameter-efficient ensembling, ICLR 2025.

    Examples
    --------
    >>> layer = PiecewiseLinearEmbedding([1], [[0.0, 0.5, 2.0]], units=4)
    >>> layer.output_shape((3,)), layer.sources(3)
    ((6,), [0, 2, 1, 1, 1, 1])
    >>> layer.weight_names(), layer.weight_shapes(3)
    (['linear', 'bias', 'weight'], [(1, 4), (1, 4), (2, 4)])
    """

    def __init__(
        self,
        columns: Sequence[int] | None,
        bins: Sequence[Sequence[float]],
        units: int = 16,
        *,
        version: str = "B",
        activation: str = "identity",
        learning_rate_factor: float = 1.0,
        weight_decay_factor: float = 1.0,
        name: str | None = None,
    ) -> None:
        self.columns = None if columns is None else distinct_columns("columns", columns)
        self.bins = _bins(bins)
        if self.columns is not None and len(self.bins) != len(self.columns):
            raise ValueError(
                f"bins must hold those of {len(self.columns)} columns, as columns names, got "
                f"{len(self.bins)}"
            )
        self.units = bounded_units("units", units, 1)
        self.version = choice("version", version, ("A", "B"))
        self.activation = choice("activation", activation, ("identity", "relu"), "activation")
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    @classmethod
    def adapt(
        cls,
        x: ArrayLike,
        columns: Sequence[int] | None = None,
        units: int = 16,
        *,
        n_bins: int = 48,
        version: str = "B",
        activation: str = "identity",
        learning_rate_factor: float = 1.0,
        weight_decay_factor: float = 1.0,
        name: str | None = None,
    ) -> PiecewiseLinearEmbedding:
        """Make the layer whose bins hold equally many of the rows of `x`.

        Parameters
        ----------
        x : array_like, shape (n, columns)
            Rows, at least one: numbers, or NaN where one is missing. Give those to train on alone.
        columns : sequence of int or None, default None
            The columns that are embedded, counted from 0, each once; None: all.
        units : int, default 16
            How many numbers stand for a column.
        n_bins : int, default 48
            How many bins a column has, at most `MOST_BINS`. Their edges are its quantiles in even
            steps, each once: where many numbers are equal, there are fewer.
        version, activation, learning_rate_factor, weight_decay_factor, name : optional
            As above.

        Returns
        -------
        PiecewiseLinearEmbedding
            The layer.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or an embedded column has the same number in all
            rows: leave it out of `columns`.

        Examples
        --------
        >>> x = [[0.0], [1.0], [1.0], [1.0], [5.0]]
        >>> PiecewiseLinearEmbedding.adapt(x, n_bins=4)
        PiecewiseLinearEmbedding(None, ((0.0, 1.0, 5.0),))
        """
        rows = array("x", x)
        if rows.ndim != 2 or rows.size == 0:
            raise ValueError(f"x must hold rows of numbers, got shape {rows.shape}")
        count = integer("n_bins", n_bins)
        if count > MOST_BINS:
            raise ValueError(f"n_bins must be at most {MOST_BINS}, got {count}")
        chosen = range(rows.shape[1]) if columns is None else distinct_columns("columns", columns)
        if max(chosen) >= rows.shape[1]:
            raise ValueError(f"columns must be below the {rows.shape[1]} of x, got {max(chosen)}")
        return cls(
            columns,
            [_edges(rows, count, column) for column in chosen],
            units,
            version=version,
            activation=activation,
            learning_rate_factor=learning_rate_factor,
            weight_decay_factor=weight_decay_factor,
            name=name,
        )

    def step(self) -> tuple[Any, ...]:
        """Return ``("piecewise", columns, bins, ...)``; see `Layer.step`."""
        return ("piecewise", self.columns, self.bins, self.units, self.version, self.activation)

    def weight_names(self) -> list[str]:
        """Return ``["linear", "bias", "weight"]``: w, b and W; in version A the last two.

        See `Layer.weight_names`.
        """
        return [*["linear"] * (self.version == "B"), "bias", "weight"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes; W has the bins of all columns below each other.

        See `Layer.weight_shapes`.
        """
        self._embedded(n_inputs)
        of_columns = (len(self.bins), self.units)
        of_bins = (sum(len(edges) - 1 for edges in self.bins), self.units)
        return [*[of_columns] * (self.version == "B"), of_columns, of_bins]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw w, b and W; see `Layer.initial_weights`."""
        real, is_b = real_dtype(dtype), self.version == "B"
        bound = 1 / math.sqrt(self.units if is_b else max(map(len, self.bins)) - 1)
        drawn = []
        for name, shape in zip(self.weight_names(), self.weight_shapes(n_inputs), strict=True):
            if is_b and name == "weight":
                drawn.append(np.zeros(shape, real))
            else:
                drawn.append((2 * rng.random(shape, real) - 1) * real.type(bound))
        return drawn

    def _embedded(self, n_inputs: int) -> Sequence[int]:
        columns = super()._embedded(n_inputs)
        if len(columns) != len(self.bins):
            raise ValueError(
                f"rows must have {len(self.bins)} numbers, as the bins of {self!r:.100}, got "
                f"{len(columns)}"
            )
        return columns

    def _learned(self) -> int:
        return self.units


def _bins(value: Any) -> tuple[tuple[float, ...], ...]:
    """Return the edges of the bins of each column, checked."""
    if isinstance(value, np.ndarray) and value.ndim == 2:
        value = value.tolist()
    if not isinstance(value, tuple | list) or not value:
        raise TypeError(f"bins must be a list with the edges of each column, got {shown(value)}")
    bins = tuple(numbers(f"bins[{j}]", edges) for j, edges in enumerate(value))
    for j, edges in enumerate(bins):
        if not 2 <= len(edges) <= MOST_BINS + 1:
            raise ValueError(
                f"bins[{j}] must hold from 2 to {MOST_BINS + 1} edges, got {len(edges)}"
            )
        with np.errstate(over="ignore"):
            widths = np.diff(edges)
        is_bad = ~((widths >= LEAST_WIDTH) & np.isfinite(widths))
        if is_bad.any():
            t = int(np.argmax(is_bad))
            raise ValueError(
                f"bins[{j}] must ascend, by a finite width of at least {LEAST_WIDTH}, got "
                f"{edges[t + 1]} after {edges[t]}"
            )
    return bins


def _edges(rows: NDArray[Any], count: int, column: int) -> list[float]:
    """Return the edges of that many bins of a column, fewer where quantiles are equal."""
    known = known_numbers(rows, column)
    edges: list[float] = np.unique(even_quantiles(known, count + 1)).tolist()
    if len(edges) < 2:
        got = f"{edges[0]} alone" if len(known) else "none"
        raise ValueError(
            f"x must have different numbers in each embedded column, got {got} in column {column}: "
            "leave it out of columns"
        )
    return edges

"""A rank's share of an epoch: its part of each batch, in an order that all ranks draw alike.

And what a fit asks of its ranks where there is one process: `SingleProcess`.
"""

import contextlib
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._data.sparse import SparseInput
from .._model.loops import Batches, Exchange, Measures
from .._runtime.threads import get_num_threads

SAMPLE = 256  # rows looked at to see whether two ranks have the same ones


class Shard:
    """A rank's share of an epoch: its rows of some data, and how many steps all ranks take.

    Parameters
    ----------
    n : int
        The rows that the rank has been given.
    n_most : int
        The rows of the rank that has most.
    shared : bool
        Whether all ranks have been given the same rows, of which each takes a part of each batch.
    rank, size : int
        Which rank of how many.
    """

    def __init__(self, n: int, n_most: int, shared: bool, rank: int, size: int) -> None:
        self.n, self._n_most, self._shared = n, n_most, shared
        self._rank, self._size = rank, size

    def steps(self, batch_size: int) -> int:
        """Return how many steps of so many rows a rank an epoch has, the same on all ranks."""
        return -(-self._n_most // (batch_size * self._size if self._shared else batch_size))

    def length(self, batch_size: int) -> int:
        """Return how many rows the rank goes through in an epoch."""
        return len(self.order(batch_size, None)) if self._shared else self.n

    def order(
        self, batch_size: int, permute: Callable[[NDArray[np.int64], int], object] | None
    ) -> NDArray[np.int64]:
        """Return the rank's rows in the order of an epoch.

        Parameters
        ----------
        batch_size : int
            Rows of a step on each rank. Of shared rows the last batch is split evenly.
        permute : callable or None
            Shuffles an array, by a number that tells shuffles apart.
        """
        rows = np.arange(self.n)
        if permute is not None:
            permute(rows, 0 if self._shared else self._rank)
        if not self._shared:
            return rows
        step_rows = batch_size * self._size
        n_even = self.n // step_rows * step_rows
        own_rows = rows[:n_even].reshape(-1, self._size, batch_size)[:, self._rank].ravel()
        return np.concatenate([own_rows, rows[n_even:][self._slice(self.n - n_even)]])

    def own(self, data: Batches) -> Batches:
        """Return the rows that only this rank evaluates, where each row counts once."""
        if not self._shared:
            return data
        rows = np.arange(self.n) if data.rows is None else data.rows
        return data._replace(rows=rows[self._slice(self.n)])

    def place(self, step: int, batch_size: int) -> int:
        """Return where in the batch of all ranks this one's rows begin, in a step of an epoch."""
        step_rows = batch_size * self._size
        if self._shared and (step + 1) * step_rows > self.n:
            start: int = self._slice(self.n % step_rows).start
            return start
        return batch_size * self._rank

    def _slice(self, n: int) -> slice:
        return slice(n * self._rank // self._size, n * (self._rank + 1) // self._size)


def fingerprint(data: Batches) -> bytes:
    """Return a number for rows, the same where a sample of them is, with targets and weights."""
    rows = np.unique(np.linspace(0, max(0, data.n_rows - 1), SAMPLE).astype(np.int64))
    part = data.take(rows[: data.n_rows])
    numbers = part.x.values if isinstance(part.x, SparseInput) else part.x
    digest = hashlib.sha256(repr((data.x.shape, data.x.dtype, data.y.shape)).encode())
    for array in (numbers, part.y, part.weight):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.digest()


class SingleProcess:
    """One process, without a communicator."""

    rank, size = 0, 1

    threads: Callable[..., int] = staticmethod(get_num_threads)
    """Return how many threads a call may use."""

    agreed: Callable[..., AbstractContextManager[None]] = contextlib.nullcontext
    """Raise what one rank raises inside on all of them."""

    training: Callable[..., AbstractContextManager[None]] = contextlib.nullcontext
    """End the job where this rank raises inside, or dies."""

    any: Callable[..., bool] = staticmethod(bool)
    """Return whether one rank says yes."""

    def shared(self, value: Any) -> Any:
        """Return the first rank's value."""
        return value

    def expect_same(self, settings: dict[str, object]) -> None:
        """Refuse to go on where a rank has other settings than the first."""

    def begin_alike(self, model: Any, settings: Any, sample_weight: Any) -> None:
        """Broadcast what the first rank has learned, if all have the same model and settings."""

    def expect_alike(self, model: Any) -> None:
        """Refuse to go on where a rank has other weights, or another rate, than the first."""

    def shard(self, data: Batches) -> Shard:
        """Say what this rank does of data that it was given."""
        return Shard(data.n_rows, data.n_rows, False, 0, 1)

    def total(self, counts: NDArray[Any]) -> NDArray[Any]:
        """Add up arrays of all ranks."""
        return counts

    def result(self, measures: Measures) -> dict[str, float]:
        """Return what was measured on all ranks together."""
        return measures.result()

    def exchange(self, model: Any, shard: Shard, batch_size: int) -> Exchange | None:
        """Return what adds up gradients, or None where there is one network."""
        return None

    def blend_state(self, model: Any) -> None:
        """Set the running statistics of every rank to the mean over all."""


SINGLE = SingleProcess()

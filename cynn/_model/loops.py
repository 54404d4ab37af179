"""The loops over rows: an epoch of training, an evaluation, a prediction.

Each enters the network for a slice of the work at a time, so that signals are seen and progress is
shown between two slices.
"""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._data.inputs import Converted
from .._data.sparse import SparseInput, read
from ..metrics import Metric
from ..preprocessing import train_validation_split

SLICE_SECONDS = 0.05  # of training
SLICE_WORK = 5e8  # multiply-adds of a prediction: 0.1 s on one core of the slowest kind
SMALL_WORK = 1e6  # multiply-adds that one thread does before another has started
SLICE_NUMBERS = 1 << 21  # predictions kept for the metrics


class Batches(NamedTuple):
    """Rows ready for the network: numbers, targets and weights (None: all are one).

    `rows` are the numbers of those in use, None: all. So a part of them needs no copy.
    """

    x: NDArray[Any] | SparseInput | Converted
    y: NDArray[Any]
    weight: NDArray[Any] | None
    rows: NDArray[np.int64] | None = None

    @property
    def n_rows(self) -> int:
        """How many rows are in use."""
        return len(self.x) if self.rows is None else len(self.rows)

    def read_by(self, network: Any) -> tuple[Any, NDArray[Any], NDArray[Any] | None]:
        """Return them as the network reads them."""
        return read(self.x, network), self.y, self.weight

    def take(self, rows: Any) -> "Batches":
        """Copy some of the rows in use, by a slice or by their numbers."""
        if self.rows is not None:
            rows = self.rows[rows]
        weight = None if self.weight is None else self.weight[rows]
        return Batches(self.x[rows], self.y[rows], weight)


def split(data: Batches, part: float, seed: int) -> tuple[Batches, Batches]:
    """Set a part of the rows aside, drawn by the seed; both parts share the arrays.

    Raises
    ------
    ValueError
        If one of the two would have no rows, or only rows of weight 0.
    """
    n = len(data.x)
    if not 0 < round(part * n) < n:
        raise ValueError(
            f"validation_split must leave rows for training and for validation, got {part} of {n} "
            "rows"
        )
    rows = train_validation_split(np.arange(n), fraction=part, seed=seed)
    kept, held_out = (data._replace(rows=some) for some in rows)
    for some in rows:
        if data.weight is not None and not data.weight[some].any():
            raise ValueError(
                f"validation_split must leave weights above 0 on both sides, got {part}: change it "
                "or the seed"
            )
    return kept, held_out


class Measures:
    """The loss and the metrics, summed over slices."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = [copy.deepcopy(metric) for metric in metrics]
        for metric in self._metrics:
            metric.reset()
        self._loss = self._weight = 0.0

    def room(self, n: int, n_outputs: int, dtype: Any) -> NDArray[Any] | None:
        """Return an uninitialised array for n predictions; None without metrics."""
        return np.empty((n, n_outputs), dtype) if self._metrics else None

    def add(self, loss_sum: float, weight_sum: float) -> None:
        """Count the loss of some rows."""
        self._loss += loss_sum
        self._weight += weight_sum

    def look(self, data: Batches, rows: Any, outputs: NDArray[Any] | None) -> None:
        """Show the predictions of some rows of the data to the metrics."""
        if self._metrics:
            weight = None if data.weight is None else data.weight[rows]
            y = data.y[rows]
            for metric in self._metrics:
                try:
                    metric.update(y, outputs, weight)
                except (TypeError, ValueError) as error:
                    kind = TypeError if isinstance(error, TypeError) else ValueError
                    raise kind(f"metric {metric.name!r}: {error}") from error

    def merge(self, other: "Measures") -> None:
        """Count what others, of the same metrics, have seen."""
        self.add(other._loss, other._weight)
        for metric, more in zip(self._metrics, other._metrics, strict=True):
            metric.merge(more)

    def result(self) -> dict[str, float]:
        """Return ``loss`` and each metric by name: weighted means."""
        loss = self._loss / self._weight if self._weight else math.nan
        return {"loss": loss} | {metric.name: metric.result() for metric in self._metrics}


def train_epoch(
    network: Any,
    data: Batches,
    order: NDArray[np.int64],
    batch_size: int,
    rates: NDArray[np.float64],
    momenta: NDArray[np.float64],
    measures: Measures,
    advance: Callable[[int], None],
    threads: int,
    largest_batch: int,
    dtype: np.dtype[Any],
    moment: tuple[int, int, int] = (0, 0, 0),
    exchange: "Exchange | None" = None,
) -> None:
    """Train on the rows that `order` names, once.

    Parameters
    ----------
    network : Network
        What learns.
    data : Batches
        All rows.
    order : ndarray of int64
        Which of the rows in use the epoch has, in order.
    batch_size : int
        Rows of a step; the last batch has what is left.
    rates, momenta : ndarray of float64
        One value a step.
    measures : Measures
        Sees losses and predictions as the weights change.
    advance : callable
        Told how many more rows are done.
    threads : int
        The most threads to use.
    largest_batch : int
        What the network takes as one batch; larger ones are summed block by block.
    dtype : dtype
        The network's.
    moment : (int, int, int)
        The seed, the epoch and the first step, for what is drawn by chance.
    exchange : Exchange, optional
        Adds up each step's gradient over several networks, of which this one has a part of each
        batch, some of them perhaps none.

    Raises
    ------
    ValueError
        If the network has to see all rows of a batch at once, and those are too many.
    """
    expect_room(network, batch_size, largest_batch)
    *key, before = moment
    steps = len(rates)
    if data.rows is not None:
        order, data = data.rows[order], data._replace(rows=None)
    width = network.n_outputs
    converted = isinstance(data.x, Converted)
    if converted:
        width = max(width, data.x.shape[1])
    else:
        rows = data.read_by(network)
    at_once = max(1, SLICE_NUMBERS // (batch_size * width))
    for first in range(0, steps, at_once):
        past = min(first + at_once, steps)
        part = order[first * batch_size : past * batch_size]
        if converted:  # the rows of this part of the epoch alone are in memory
            taken = data.take(part)
            part = np.arange(len(part))
            rows = taken.read_by(network)
        else:
            taken = data
        outputs = measures.room(len(part), network.n_outputs, dtype)
        step, sums = 0, [0.0, 0.0]  # of losses and weights since the part began
        while step < past - first:
            begin, end = step * batch_size, (step + 1) * batch_size
            if batch_size <= largest_batch and exchange is None:
                step, *sums = network.train_epoch(
                    *rows, part, rates[first:past], momenta[first:past], batch_size, step,
                    SLICE_SECONDS, outputs, threads, (*key, before + first, 0),
                )  # fmt: skip
            else:
                room = None if outputs is None else outputs[begin:end]
                rate, momentum = rates[first + step], momenta[first + step]
                place = 0 if exchange is None else exchange.place(first + step)
                more = _large_step(
                    network, taken, part[begin:end], rate, momentum, room, threads, largest_batch,
                    dtype, (*key, before + first + step, place), exchange,
                )  # fmt: skip
                sums = [sums[0] + more[0], sums[1] + more[1]]
                step += 1
            advance(max(0, min(step * batch_size, len(part)) - begin))
        measures.add(*sums)
        measures.look(taken, part, outputs)


def expect_room(network: Any, batch_size: int, largest_batch: int) -> None:
    """Refuse batches that the network cannot take.

    Raises
    ------
    ValueError
        If the network has to see all rows of a batch at once, and those are too many.
    """
    if network.n_state and batch_size > largest_batch:
        raise ValueError(
            f"batch_size must be {largest_batch} at most with a BatchNorm, which needs all rows of "
            f"a batch at once, got {batch_size}"
        )


class Exchange(Protocol):
    """What adds up gradients over several networks."""

    gradient: NDArray[Any]
    """Room for this network's, in its dtype; see `sum`."""

    def sum(self, weight: float) -> float:
        """Replace `gradient` by the sum of all networks'; give the sum of the rows' weights."""

    def place(self, step: int) -> int:
        """Return where in a step's batch of all networks this one's rows begin."""


@np.errstate(over="ignore", invalid="ignore")  # a training that diverges is told of by its loss
def _large_step(
    network: Any,
    data: Batches,
    rows: NDArray[np.int64],
    rate: float,
    momentum: float,
    outputs: NDArray[Any] | None,
    threads: int,
    block: int,
    dtype: np.dtype[Any],
    moment: tuple[int, ...],
    exchange: Exchange | None,
) -> list[float]:
    """One step on a batch too large for the network's workspace, or in several networks at once."""
    *key, place = moment
    gradient = np.empty(network.n_params, dtype) if exchange is None else exchange.gradient
    alone = exchange is not None and len(rows) <= block  # one block is its own sum
    total = gradient if alone else np.zeros(network.n_params)
    loss_sum = weight_sum = 0.0
    for start in range(0, max(1, len(rows)), block):
        part = data.take(rows[start : start + block])
        room = None if outputs is None else outputs[start : start + block]
        loss, weight = network.gradients(
            *part.read_by(network), gradient, threads, (*key, place + start), room
        )
        if not alone:
            total += gradient
        loss_sum, weight_sum = loss_sum + loss, weight_sum + weight
    all_weights = weight_sum
    if exchange is not None:
        gradient[:] = total
        total, all_weights = gradient, exchange.sum(weight_sum)
    if all_weights:
        total /= all_weights
        network.update(total.astype(dtype, copy=False), rate, momentum)
    return [loss_sum, weight_sum]


def evaluate(
    network: Any, data: Batches, measures: Measures, threads: int, dtype: np.dtype[Any]
) -> None:
    """Measure the network on all rows."""
    copies = data.rows is not None or isinstance(data.x, Converted)
    for rows in slices(network, data.n_rows, copies):
        part = data.take(rows)
        outputs = measures.room(len(part.x), network.n_outputs, dtype)
        measures.add(*network.evaluate(*part.read_by(network), outputs, threads))
        measures.look(part, slice(None), outputs)


def predict(
    network: Any,
    x: NDArray[Any] | SparseInput | Converted,
    threads: Callable[[], int],
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """Return the network's outputs for all rows; `threads` is asked only where it matters."""
    out = np.empty((len(x), network.n_outputs), dtype)
    if len(x) * network.n_params <= SMALL_WORK:
        network.predict(read(x[:] if isinstance(x, Converted) else x, network), out, 1)
        return out
    most = threads()
    for rows in slices(network, len(x), isinstance(x, Converted)):
        network.predict(read(x[rows], network), out[rows], most)
    return out


def slices(network: Any, n: int, copies: bool = False) -> list[slice]:
    """Cut n rows into slices between which signals are seen, small ones where each is copied."""
    by_work = int(SLICE_WORK / (network.n_params + network.n_inputs))
    width = max(network.n_outputs, network.n_inputs if copies else 1)
    block = max(1, min(by_work, SLICE_NUMBERS // width))
    count = -(-n // block)
    return [slice(n * i // count, n * (i + 1) // count) for i in range(count)]

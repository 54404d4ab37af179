"""Rows on their way through a network: batches, what is measured on them, predictions.

Each loop here enters the network for a slice of the work at a time, so that signals are seen in
between. The loop of a training is in `cynn._training.fitting`.
"""

import contextlib
import copy
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._data.inputs import Converted, expect_trainable, row_array, weight_array
from .._data.sparse import SparseInput, is_sparse
from .._specs.validation import array, shown
from ..metrics import Metric
from ..preprocessing import train_validation_split
from .plan import Plan

SLICE_WORK = 5e8  # multiply-adds of a prediction: 0.1 s on one core of the slowest kind
SMALL_WORK = 1e6  # multiply-adds that one thread does before another has started
SLICE_NUMBERS = 1 << 21  # predictions kept for the metrics

Rows = NDArray[Any] | SparseInput | Converted
"""Rows as this module takes them."""


def rows_of(plan: Plan, name: str, x: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Rows:
    """Return the rows of `x` for these layers; see `cynn._data.inputs.row_array`.

    Raises
    ------
    TypeError, ValueError
        Also if they are sparse, and the layers need every number.
    """
    if plan.shift is not None:  # taken off in float64
        dtype = np.dtype(np.float64)
    rows = row_array(name, x, dtype, shape, plan.takes_any_shape)
    if isinstance(rows, SparseInput) and not plan.skips_zeros:
        raise ValueError(
            f"{name} must be dense unless the first layer is Dense, without a Rescale with an "
            f"offset before it, got a sparse matrix: pass {name}.toarray()"
        )
    return rows


def read(x: Rows, network: Any) -> Any:
    """Return rows as a network reads them: arrays as they are, sparse ones converted."""
    return x.read_by(network) if isinstance(x, SparseInput) else x


class Batches(NamedTuple):
    """Rows ready for the network: numbers, targets and weights (None: all are one).

    `rows` are the numbers of those in use, None: all. So a part of them needs no copy.
    """

    x: Rows
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


def batches_of(model: Any, x: Any, y: Any, weight: Any, input_shape: tuple[int, ...]) -> Batches:
    """Return rows of that shape, their targets and their weights, as a model reads them.

    Raises
    ------
    TypeError, ValueError
        If the model, or its loss, cannot take them.
    """
    rows = rows_of(model._plan, "x", x, model.dtype, input_shape)
    targets = model.loss.targets(y, model._n_outputs(input_shape), model.dtype)
    if len(targets) != len(rows):
        raise ValueError(
            f"y must have a row for each of the {len(rows)} rows of x, got {len(targets)}"
        )
    if targets.dtype == np.int32:  # a label that another thread changed would index anything
        targets = targets.copy()
    weights = weight_array("sample_weight", weight, len(rows), model.dtype)
    return Batches(rows, targets, weights)


def training_batches(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    validation: tuple[Any, Any, Any] | float | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> tuple[Batches, Batches | None, tuple[int, ...]]:
    """Return the rows to train on, those to validate on, and the shape of one.

    Raises
    ------
    TypeError, ValueError
        If they are not as `Model.fit` says.
    """
    if type(x) is not np.ndarray and not is_sparse(x):
        x = array("x", x)
    input_shape = input_shape or model._input_shape or x.shape[1:]
    data = batches_of(model, x, y, sample_weight, input_shape)
    expect_trainable("x", data.x, model.dtype)
    held_out: Batches | None = None
    if isinstance(validation, float):
        data, held_out = split(data, validation, model.seed)
    if isinstance(validation, tuple):
        held_out = validation_batches(model, validation, input_shape)
    return data, held_out, input_shape


def validation_batches(
    model: Any, validation: tuple[Any, Any, Any], input_shape: tuple[int, ...]
) -> Batches:
    """Return rows to validate on.

    Raises
    ------
    TypeError, ValueError
        If the model, its loss or a metric cannot take them.
    """
    with naming("validation_data"):
        held_out = batches_of(model, *validation, input_shape)
        expect_measurable(model, held_out, input_shape)
    return held_out


def expect_measurable(model: Any, data: Batches, input_shape: tuple[int, ...]) -> None:
    """Refuse metrics that cannot read the targets, before a step is trained and not after it.

    Raises
    ------
    TypeError, ValueError
        If one cannot read the first rows; its name is in the message.
    """
    if model.metrics:
        first = slice(0, 100) if data.rows is None else data.rows[:100]
        zeros = np.zeros((len(data.y[first]), model._n_outputs(input_shape)), model.dtype)
        Measures(model.metrics).look(data, first, zeros)


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
    """Say in the error for which data it is."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from None


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
    kept, held_out = (data._replace(rows=subset) for subset in rows)
    for subset in rows:
        if data.weight is not None and not data.weight[subset].any():
            raise ValueError(
                f"validation_split must leave weights above 0 on both sides, got {part}: change it "
                "or the seed"
            )
    return kept, held_out


class Measures:
    """The loss and the metrics, summed over slices."""

    by_step = False
    """Whether the loss of every step has to be seen; see `of_step`."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = [copy.deepcopy(metric) for metric in metrics]
        for metric in self._metrics:
            metric.reset()
        self._loss = self._weight = 0.0

    def outputs(self, n: int, n_outputs: int, dtype: Any) -> NDArray[Any] | None:
        """Return an uninitialised array for n predictions; None without metrics."""
        return np.empty((n, n_outputs), dtype) if self._metrics else None

    def slice_rows(self, width: int) -> int:
        """Return how many rows of so many numbers may be kept between two calls of `look`."""
        return SLICE_NUMBERS // width

    def before_step(self) -> None:
        """Note what has to be known of the weights before a step; not asked without `by_step`."""

    def of_step(self, n: int, loss_sum: float, weight_sum: float) -> tuple[float, float]:
        """Return what a step of n rows counts for in the epoch's sums."""
        return loss_sum, weight_sum

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
        for metric, other_metric in zip(self._metrics, other._metrics, strict=True):
            metric.merge(other_metric)

    def result(self) -> dict[str, float]:
        """Return ``loss`` and each metric by name: weighted means."""
        loss = self._loss / self._weight if self._weight else math.nan
        return {"loss": loss} | {metric.name: _value_of(metric) for metric in self._metrics}


def _value_of(metric: Metric) -> float:
    """Return what a metric gives, or refuse what is no number."""
    value: Any = metric.result()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"result of the metric {metric.name!r} must be a number, got {shown(value)}"
        ) from None


class Exchange(Protocol):
    """What adds up gradients over several networks."""

    gradient: NDArray[Any]
    """Where this network's is written, in its dtype; see `sum`."""

    def sum(self, weight: float) -> float:
        """Replace `gradient` by the sum of all networks'; give the sum of the rows' weights."""

    def place(self, step: int) -> int:
        """Return where in a step's batch of all networks this one's rows begin."""


def evaluate(
    network: Any, data: Batches, measures: Measures, threads: int, dtype: np.dtype[Any]
) -> None:
    """Measure the network on all rows."""
    copies = data.rows is not None or isinstance(data.x, Converted)
    for rows in slices(network, data.n_rows, copies):
        part = data.take(rows)
        outputs = measures.outputs(len(part.x), network.n_outputs, dtype)
        measures.add(*network.evaluate(*part.read_by(network), outputs, threads))
        measures.look(part, slice(None), outputs)


def predict(
    network: Any, x: Rows, threads: Callable[[], int], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return the network's outputs for all rows; `threads` is asked only where it matters."""
    out = np.empty((len(x), network.n_outputs), dtype)
    if len(x) * network.n_params <= SMALL_WORK:
        network.predict(read(x[:] if isinstance(x, Converted) else x, network), out, 1)
        return out
    n_threads = threads()
    for rows in slices(network, len(x), isinstance(x, Converted)):
        network.predict(read(x[rows], network), out[rows], n_threads)
    return out


def slices(network: Any, n: int, copies: bool = False) -> list[slice]:
    """Cut n rows into slices between which signals are seen, small ones where each is copied."""
    by_work = int(SLICE_WORK / (network.n_params + network.n_inputs))
    width = max(network.n_outputs, network.n_inputs if copies else 1)
    block = max(1, min(by_work, SLICE_NUMBERS // width))
    count = -(-n // block)
    return [slice(n * i // count, n * (i + 1) // count) for i in range(count)]

"""What `Model.fit` does: which rows it trains on, and its epochs."""

import contextlib
import functools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _backend, layers
from .._comm.ranks import SINGLE, SingleProcess, cannot_merge
from .._comm.shards import Shard
from .._data.inputs import balanced, class_weight_array, expect_trainable, weight_array
from .._data.sparse import is_sparse, mostly_zeros
from .._model import loops, plan
from .._model.loops import Batches, Exchange, Measures
from .._runtime.progress import Progress
from .._specs.validation import array, choice, flag, integer
from .._version import VERSION
from ..augmentation import Augment
from ..callbacks import Callback, History
from ..schedules import Schedule


class Settings(NamedTuple):
    """The numbers of a fit; see `Model.fit`."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    seek_zeros: bool
    augment: Augment | None


def settings(
    batch_size: Any, epochs: Any, initial_epoch: Any, shuffle: Any, sparse: Any, augment: Any
) -> Settings:
    """Check them.

    Raises
    ------
    TypeError, ValueError
        If one is not as `Model.fit` says.
    """
    if not (augment is None or isinstance(augment, Augment)):
        raise TypeError(f"augment must be an Augment object or None, got {augment!r}")
    if sparse is not None:
        choice("sparse", sparse, ("auto",))
    return Settings(
        integer("batch_size", batch_size),
        integer("epochs", epochs, 0),
        integer("initial_epoch", initial_epoch, 0),
        flag("shuffle", shuffle),
        sparse is not None,
        augment,
    )


def batches(model: Any, x: Any, y: Any, weight: Any, input_shape: tuple[int, ...]) -> Batches:
    """Check rows of that shape, their targets and their weights."""
    _, loss = model._compiled()
    rows = plan.rows(model.layers, "x", x, model.dtype, input_shape)
    n_outputs = layers.output_shapes(model.layers, input_shape)[-1][0]
    targets = loss.targets(y, n_outputs, model.dtype)
    if len(targets) != len(rows):
        raise ValueError(
            f"y must have a row for each of the {len(rows)} rows of x, got {len(targets)}"
        )
    if targets.dtype == np.int32:  # a label that another thread changed would index anything
        targets = targets.copy()
    weights = weight_array("sample_weight", weight, len(rows), model.dtype)
    return Batches(rows, targets, weights)


def rows(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    validation: tuple[Any, Any, Any] | float | None,
    input_shape: tuple[int, ...],
) -> tuple[Batches, Batches | None]:
    """Return the rows to train on and those to validate on, checked.

    Raises
    ------
    TypeError, ValueError
        If they are not as `Model.fit` says.
    """
    data = batches(model, x, y, sample_weight, input_shape)
    expect_trainable("x", data.x, model.dtype)
    held_out: Batches | None = None
    if isinstance(validation, float):
        data, held_out = loops.split(data, validation, model.seed)
    elif validation is not None:
        with naming("validation_data"):
            held_out = batches(model, *validation, input_shape)
    return data, held_out


def expect_measurable(model: Any, data: Batches, input_shape: tuple[int, ...]) -> None:
    """Refuse metrics that cannot read the targets, before a step is trained and not after it.

    Raises
    ------
    TypeError, ValueError
        If one cannot read the first rows; its name is in the message.
    """
    n_outputs = layers.output_shapes(model.layers, input_shape)[-1][0]
    first = slice(0, 100) if data.rows is None else data.rows[:100]
    zeros = np.zeros((len(data.y[first]), n_outputs), model.dtype)
    Measures(model.metrics).look(data, first, zeros)


def class_weighted(
    model: Any, data: Batches, class_weight: Any, input_shape: tuple[int, ...], ranks: SingleProcess
) -> Batches:
    """Return the rows with what those of each class count.

    Raises
    ------
    TypeError, ValueError
        If `class_weight` is not as `Model.fit` says.
    """
    words = class_weight if isinstance(class_weight, str | None) else "numbers"
    ranks.expect_same({"class_weight": words})  # what follows asks all ranks, or none
    if class_weight is None:
        return data
    used = slice(None) if data.rows is None else data.rows
    n_classes = max(2, layers.output_shapes(model.layers, input_shape)[-1][0])
    with ranks.agreed():
        classes = model.loss.classes(data.y[used])
        if isinstance(class_weight, str):
            choice("class_weight", class_weight, ("balanced",))
    if isinstance(class_weight, str):  # by the rows of all ranks
        class_weight = balanced(ranks.total(np.bincount(classes, minlength=n_classes)))
    weight = np.ones(len(data.x), model.dtype)
    with ranks.agreed():
        each = class_weight_array(class_weight, np.arange(n_classes), n_classes, None, np.float64)
        own = None if data.weight is None else data.weight[used]
        weight[used] = class_weight_array(each, classes, n_classes, own, model.dtype)
    ranks.expect_same({"class_weight": each.tolist()})
    return data._replace(weight=weight)


def expect_same_settings(
    model: Any, settings: Settings, sample_weight: Any, validation: Any, ranks: SingleProcess
) -> None:
    """Refuse to train where the ranks have not got the same model and settings.

    Raises
    ------
    ValueError
        On all ranks, if it is so.
    """
    if ranks.size == 1:
        return
    with ranks.agreed():
        if names := cannot_merge(model.metrics):
            raise ValueError(f"metrics: {names[0]} must define merge(other) to be used with comm")
    ranks.expect_same(
        {
            "the version of cynn": VERSION,
            "the target": _backend.target(),
            "the model": repr(list(model.layers)),
            "dtype": model.dtype,
            "the shape of a row": model.input_shape,
            "optimizer": repr(model.optimizer),
            "loss": repr(model.loss),
            "metrics": [metric.name for metric in model.metrics],
            "sample_weight": "not given" if sample_weight is None else "given",
            "validation_data": "given" if isinstance(validation, tuple) else "not given",
            "validation_split": validation if isinstance(validation, float) else 0.0,
        }
        | settings._asdict()
    )


@contextlib.contextmanager
def naming(which: str) -> Iterator[None]:
    """Say in the error for which data it is."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{which}: {error}") from None


def run(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    validation: tuple[Any, Any, Any] | float | None,
    settings: Settings,
    callbacks: Sequence[Callback],
    progress: Progress,
    ranks: SingleProcess,
) -> History:
    """Train a model on all rows in each epoch; see `Model.fit`."""
    with ranks.agreed():
        given: Any = x if is_sparse(x) else array("x", x)
        input_shape = model.input_shape or given.shape[1:]
        data, held_out = rows(model, given, y, sample_weight, validation, input_shape)
        expect_measurable(model, data, input_shape)
        if held_out is not None:
            with naming("validation_data"):
                expect_measurable(model, held_out, input_shape)
    data = class_weighted(model, data, class_weight, input_shape, ranks)
    with ranks.agreed():
        if model._network is None:  # after the checks: a slip leaves the model as it was
            model._build(input_shape)
    expect_same_settings(model, settings, sample_weight, validation, ranks)
    ranks.begin_alike(model)
    part = ranks.part(data)
    if held_out is not None:
        held_out = ranks.part(held_out).own(held_out)
    batch_size = settings.batch_size if ranks.size > 1 else min(settings.batch_size, part.n)
    with ranks.agreed():
        loops.expect_room(model._network, batch_size, model._kernels.LARGEST_BATCH)
    steps = part.steps(batch_size)
    exchange = ranks.exchange(model, part, batch_size)
    seeks = (
        settings.seek_zeros
        and not settings.augment
        and isinstance(data.x, np.ndarray)
        and mostly_zeros(data.x)
    )

    def train(epoch: int) -> dict[str, float]:
        span = (epoch * steps, (epoch + 1) * steps, settings.epochs * steps)
        order = _order(model, part, batch_size, settings.shuffle)
        return _epoch(model, data, order, batch_size, span, progress, ranks, exchange)

    try:
        model._network.seek_zeros = seeks and plan.can_skip_zeros(model.layers)
        n = part.length(batch_size)
        return run_epochs(model, train, n, held_out, settings, callbacks, progress, ranks)
    finally:
        model._network.seek_zeros = False


def run_epochs(
    model: Any,
    train: Callable[[int], dict[str, float]],
    n_rows: int | None,
    held_out: Batches | None,
    settings: Settings,
    callbacks: Sequence[Callback],
    progress: Progress,
    ranks: SingleProcess = SINGLE,
) -> History:
    """Go through the epochs and tell who listens; `train` does one and gives its logs.

    `n_rows` are those of an epoch, None where nobody knows.
    """
    augment = settings.augment and settings.augment.kernel(model.input_shape)
    model.history = history = History()
    if settings.initial_epoch == 0:
        model.rate_factor, model.callback_state, model.callback_weights = 1.0, {}, {}
    listeners = [history, *(c for c in callbacks if ranks.rank == 0 or not c.writes_files)]

    def tell(hook: str, *arguments: Any) -> None:
        with ranks.agreed():
            for listener in listeners:
                getattr(listener, hook)(*arguments)
        ranks.expect_alike(model)

    model.stop_training = False
    tell("set_model", model)
    tell("on_train_begin")
    progress.begin(settings.epochs, n_rows)
    logs: dict[str, float] = {}
    try:
        model._network.augmentation = augment
        model._network.keeps_threads = True
        for epoch in range(settings.initial_epoch, settings.epochs):
            if ranks.any(model.stop_training):
                break
            tell("on_epoch_begin", epoch)
            progress.begin_epoch(epoch)
            logs = train(epoch)
            if held_out is not None:
                measured = evaluate(model, held_out, ranks)
                logs |= {f"val_{name}": value for name, value in measured.items()}
            progress.end_epoch(logs)
            tell("on_epoch_end", epoch, logs)
    finally:
        model._network.keeps_threads = False
        model._network.augmentation = None
        progress.close()
    tell("on_train_end", logs)
    return history


def one_step(model: Any, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
    """Train a step on all rows as one batch; see `Model.train_on_batch`."""
    optimizer, _ = model._compiled()
    if isinstance(optimizer.learning_rate, Schedule):
        raise ValueError(
            "train_on_batch needs a learning rate that is a number: a step alone does not know "
            f"its place in the run of {optimizer.learning_rate!r}"
        )
    given: Any = x if is_sparse(x) else array("x", x)
    input_shape = model.input_shape or given.shape[1:]
    data, _ = rows(model, given, y, sample_weight, None, input_shape)
    if model._network is None:
        model._build(input_shape)
    measures = Measures(model.metrics)
    train_steps(model, data, np.arange(len(data.x)), len(data.x), (0, 1, 1), measures)
    return measures.result()


def train_steps(
    model: Any, data: Batches, order: NDArray[np.int64], batch_size: int,
    span: tuple[int, int, int], measures: Measures,
    advance: Callable[[int], None] = lambda rows: None, ranks: SingleProcess = SINGLE,
    exchange: Exchange | None = None,
) -> None:  # fmt: skip
    """Train on the rows that `order` names; `span` as for `_epoch`."""
    rates = model.optimizer.rates(*span) * model.rate_factor
    loops.train_epoch(
        model._network, data, order, batch_size, rates, model.optimizer.momenta(*span),
        measures, advance, ranks.threads(), model._kernels.LARGEST_BATCH, model.dtype,
        (model.seed % (1 << 64), model.epochs, model._network.updates), exchange,
    )  # fmt: skip
    model.learning_rate = float(rates[-1])


ODD = 0x9E3779B97F4A7C15
"""Sets the seeds of the ranks' orders far apart: 2**64 over the golden ratio."""


def _order(model: Any, part: Shard, batch_size: int, shuffle: bool) -> NDArray[np.int64]:
    """Return the rows of the epoch that comes."""
    return part.order(batch_size, functools.partial(_permute, model) if shuffle else None)


def _permute(model: Any, rows: NDArray[np.int64], which: int) -> None:
    model._kernels.permutation(rows, (model.seed + which * ODD) % (1 << 64), model.epochs)


def _epoch(
    model: Any, data: Batches, order: NDArray[np.int64], batch_size: int,
    span: tuple[int, int, int], progress: Progress, ranks: SingleProcess, exchange: Exchange | None,
) -> dict[str, float]:  # fmt: skip
    """Train on the rows of an epoch; give the loss and the metrics, over the epoch as it went.

    `span` holds the epoch's first step, its end, and the steps of the whole run.
    """
    measures = Measures(model.metrics)
    advance = progress.advance
    train_steps(model, data, order, batch_size, span, measures, advance, ranks, exchange)
    ranks.blend_state(model)
    return end_epoch(model, measures, ranks)


def end_epoch(model: Any, measures: Measures, ranks: SingleProcess = SINGLE) -> dict[str, float]:
    """Count the epoch; give its loss and metrics, and warn of a loss that is no number."""
    model.epochs += 1
    logs = ranks.result(measures)
    with ranks.agreed():
        if ranks.rank == 0 and not math.isfinite(logs["loss"]):
            warnings.warn(
                f"the loss is {logs['loss']}: the training has diverged; a lower learning rate "
                "may help",
                RuntimeWarning,
                stacklevel=8,  # who called Model.fit
            )
    return logs


def evaluate(model: Any, data: Batches, ranks: SingleProcess = SINGLE) -> dict[str, float]:
    """Measure a model on all rows; see `Model.evaluate`."""
    measures = Measures(model.metrics)
    loops.evaluate(model._network, data, measures, ranks.threads(), model.dtype)
    return ranks.result(measures)

"""What `Model.fit` does: which rows it trains on, and its epochs."""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import layers, loops, plan
from .augmentation import Augment
from .callbacks import Callback, History
from .checks import array, choice, flag, integer
from .inputs import class_weight_array, expect_trainable, row_array, weight_array
from .loops import Batches, Measures
from .progress import Progress
from .schedules import Schedule
from .sparse import is_sparse, mostly_zeros
from .threads import get_num_threads


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
    rows = row_array("x", x, model.dtype, input_shape, plan.flattens(model.layers))
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
    class_weight: Any,
    validation: tuple[Any, Any, Any] | float | None,
    input_shape: tuple[int, ...],
) -> tuple[Batches, Batches | None]:
    """Give the rows to train on and those to validate on, checked.

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
    if class_weight is not None:
        used = slice(None) if data.rows is None else data.rows
        classes = model.loss.classes(data.y[used])
        n_classes = max(2, layers.output_shapes(model.layers, input_shape)[-1][0])
        own = None if data.weight is None else data.weight[used]
        weight = np.ones(len(data.x), model.dtype)
        weight[used] = class_weight_array(class_weight, classes, n_classes, own, model.dtype)
        data = data._replace(weight=weight)
    return data, held_out


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
    data: Batches,
    held_out: Batches | None,
    settings: Settings,
    callbacks: Sequence[Callback],
    progress: Progress,
) -> History:
    """Train a model that is built on all rows in each epoch."""
    n = data.n_rows
    batch_size = min(settings.batch_size, n)
    steps = -(-n // batch_size)
    seeks = (
        settings.seek_zeros
        and not settings.augment
        and isinstance(data.x, np.ndarray)
        and mostly_zeros(data.x)
    )

    def train(epoch: int) -> dict[str, float]:
        span = (epoch * steps, (epoch + 1) * steps, settings.epochs * steps)
        return _epoch(model, data, batch_size, settings.shuffle, span, progress)

    try:
        model._network.seek_zeros = seeks and plan.can_skip_zeros(model.layers)
        return run_epochs(model, train, n, held_out, settings, callbacks, progress)
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
) -> History:
    """Go through the epochs and tell who listens; `train` does one and gives its logs.

    `n_rows` are those of an epoch, None where nobody knows.
    """
    augment = settings.augment and settings.augment.kernel(model.input_shape)
    model.history = history = History()
    if settings.initial_epoch == 0:
        model.rate_factor, model.callback_state = 1.0, {}
    listeners = [history, *callbacks]
    for listener in listeners:
        listener.set_model(model)
        listener.on_train_begin()
    progress.begin(settings.epochs, n_rows)
    logs: dict[str, float] = {}
    model.stop_training = False
    try:
        model._network.augmentation = augment
        for epoch in range(settings.initial_epoch, settings.epochs):
            for listener in listeners:
                listener.on_epoch_begin(epoch)
            progress.begin_epoch(epoch)
            logs = train(epoch)
            if held_out is not None:
                measured = evaluate(model, held_out)
                logs |= {f"val_{name}": value for name, value in measured.items()}
            progress.end_epoch(logs)
            for listener in listeners:
                listener.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:
        model._network.augmentation = None
        progress.close()
    for listener in listeners:
        listener.on_train_end(logs)
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
    data, _ = rows(model, given, y, sample_weight, None, None, input_shape)
    if model._network is None:
        model._build(input_shape)
    measures = Measures(model.metrics)
    train_steps(model, data, np.arange(len(data.x)), len(data.x), (0, 1, 1), measures)
    return measures.result()


def train_steps(
    model: Any, data: Batches, order: NDArray[np.int64], batch_size: int,
    span: tuple[int, int, int], measures: Measures,
    advance: Callable[[int], None] = lambda rows: None,
) -> None:  # fmt: skip
    """Train on the rows that `order` names; `span` as for `_epoch`."""
    rates = model.optimizer.rates(*span) * model.rate_factor
    loops.train_epoch(
        model._network, data, order, batch_size, rates, model.optimizer.momenta(*span),
        measures, advance, get_num_threads(), model._kernels.LARGEST_BATCH, model.dtype,
        (model.seed % (1 << 64), model.epochs, model._network.updates),
    )  # fmt: skip
    model.learning_rate = float(rates[-1])


def _epoch(
    model: Any, data: Batches, batch_size: int, shuffle: bool, span: tuple[int, int, int],
    progress: Progress,
) -> dict[str, float]:  # fmt: skip
    """Train on all rows once; give the loss and the metrics, over the epoch as it went.

    `span` holds the epoch's first step, its end, and the steps of the whole run.
    """
    order = np.arange(data.n_rows)
    if shuffle:
        model._kernels.permutation(order, model.seed % (1 << 64), model.epochs)
    measures = Measures(model.metrics)
    train_steps(model, data, order, batch_size, span, measures, progress.advance)
    return end_epoch(model, measures)


def end_epoch(model: Any, measures: Measures) -> dict[str, float]:
    """Count the epoch; give its loss and metrics, and warn of a loss that is no number."""
    model.epochs += 1
    logs = measures.result()
    if not math.isfinite(logs["loss"]):
        warnings.warn(
            f"the loss is {logs['loss']}: the training has diverged; a lower learning rate "
            "may help",
            RuntimeWarning,
            stacklevel=8,  # who called Model.fit
        )
    return logs


def evaluate(model: Any, data: Batches) -> dict[str, float]:
    """Measure a model on all rows; see `Model.evaluate`."""
    measures = Measures(model.metrics)
    loops.evaluate(model._network, data, measures, get_num_threads(), model.dtype)
    return measures.result()

"""The loop of a training, under `Model` and under the estimators: epochs, and the steps of each.

What a fit is asked to do are its `FitSettings`, what changes from step to step `StepValues`; a
`Fit` is one under way. Which rows an epoch has, in which order, and when there has been enough is
said by those that use it: `fit_rows`, `cynn._training.streams`, and `cynn.estimators` by
scikit-learn's rules.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._comm.shards import SINGLE, SingleProcess
from .._data.inputs import Converted, validation_rows
from .._data.sparse import mostly_zeros
from .._model.loops import (
    Batches,
    Exchange,
    Measures,
    evaluate,
    expect_measurable,
    training_batches,
)
from .._model.weights import flat
from .._runtime.progress import Progress
from .._specs.validation import choice, flag, integer, number
from ..augmentation import Augment
from ..callbacks import HOOKS, Callback, History, Monitor, checkpoints_after
from ..schedules import Schedule, fractions
from .class_weights import class_weighted
from .divergence import (
    Place,
    error_of_loss,
    error_of_means,
    error_of_statistics,
    error_of_validation,
    error_of_weights,
)
from .first_weights import finish_first_weights
from .settings import Chunk, FitSettings, Span, StepValues, TrainingRows

SLICE_SECONDS = 0.05  # of training between two looks at signals


def checked_settings(
    *,
    batch_size: Any,
    epochs: Any,
    initial_epoch: Any,
    shuffle: Any,
    sparse: Any,
    augment: Any,
    validation_data: Any,
    validation_split: Any,
    steps_per_epoch: Any,
) -> FitSettings:
    """Return the settings that the caller gave.

    Raises
    ------
    TypeError, ValueError
        If one is not as `Model.fit` says.
    """
    if not (augment is None or isinstance(augment, Augment)):
        raise TypeError(f"augment must be an Augment object or None, got {augment!r}")
    requirement = "at least 0 and less than 1"
    fraction = number("validation_split", validation_split, requirement)
    if not 0 <= fraction < 1:
        raise ValueError(f"validation_split must be {requirement}, got {fraction!r}")
    return FitSettings(
        batch_size=integer("batch_size", batch_size),
        epochs=integer("epochs", epochs, 0),
        initial_epoch=integer("initial_epoch", initial_epoch, 0),
        shuffle=flag("shuffle", shuffle),
        sparse=None if sparse is None else choice("sparse", sparse, ("auto",)),
        augment=augment,
        steps_per_epoch=(
            None if steps_per_epoch is None else integer("steps_per_epoch", steps_per_epoch)
        ),
        validation=validation_rows(validation_data, fraction),
    )


class Fit:
    """A fit under way: who learns, by which settings, who listens, and how the steps are taken.

    Parameters
    ----------
    learner : Model, or what an estimator has in its place
        What learns. Of it are used ``_network``, ``_kernels``, ``dtype``, ``optimizer`` (its rates
        and momenta), ``_draw_seed()`` (the seed and the epoch of what is drawn by chance), and what
        callbacks read and set: ``stop_training``, ``rate_factor``, ``learning_rate``.
    settings : FitSettings
        What is asked.
    callbacks : sequence of Callback
        Who is told.
    progress : Progress, optional
        What is shown.
    ranks : SingleProcess
        This process, or one of several.

    Attributes
    ----------
    exchange : Exchange or None
        Adds up the gradient of each step over several networks, of which this one has a part of
        each batch, some of them perhaps none.
    is_stopped : bool
        Whether a callback ended the training in the midst of an epoch.
    epoch : int or None
        The epoch under way, counted from 0; None before the first.
    last_step : int
        The last step taken, counted from 0 in its epoch.
    """

    def __init__(
        self,
        learner: Any,
        settings: FitSettings,
        callbacks: Sequence[Callback] = (),
        progress: Progress | None = None,
        ranks: SingleProcess = SINGLE,
    ) -> None:
        self.learner, self.settings, self.ranks = learner, settings, ranks
        own = [c for c in callbacks if ranks.rank == 0 or not c.writes_files]
        self.callbacks = checkpoints_after(own) if own else own
        self.progress = progress
        self.exchange: Exchange | None = None
        self._statistics_error: FloatingPointError | None = None  # of this rank, in the step
        self._tells_batches = False  # whether any rank has a hook to call for every batch
        self.is_stopped = False
        self.epoch: int | None = None
        self.last_step = -1

    # -- epochs

    def run(
        self,
        train: Callable[[int], dict[str, float]],
        n_rows: int | None,
        history: History | None = None,
        is_done: Callable[[], bool] = lambda: False,
    ) -> None:
        """Go through the epochs.

        Parameters
        ----------
        train : callable
            Trains an epoch, whose number it is given, and gives its logs.
        n_rows : int or None
            The rows of an epoch; None where it is unknown.
        history : History, optional
            Hears of the epochs first.
        is_done : callable
            Asked after each epoch whether it was the last.
        """
        learner, network, settings = self.learner, self.learner._network, self.settings
        progress = self.progress = self.progress or Progress(0)
        learner.stop_training = False
        self._begin(history)
        progress.begin(settings.epochs, n_rows)
        logs: dict[str, float] = {}
        try:
            if settings.augment:
                network.augmentation = settings.augment.kernel(learner.input_shape)
            network.keeps_threads = True
            for epoch in range(settings.initial_epoch, settings.epochs):
                if self.ranks.any(learner.stop_training):
                    break
                self.epoch = epoch
                self.tell("on_epoch_begin", epoch)
                progress.begin_epoch(epoch)
                logs = train(epoch)
                progress.end_epoch(logs)
                self.tell("on_epoch_end", epoch, logs)
                if is_done():
                    break
        finally:
            network.keeps_threads = False
            network.augmentation = None
            progress.close()
        self.tell("on_train_end", logs)

    def expect_callbacks(self, measured: Mapping[str, bool | None]) -> None:
        """Tell the callbacks what the logs will hold; see `Callback.set_measures`.

        Raises
        ------
        ValueError
            If one needs something else, or does not know which values of it are better.
        """
        numbers = Counter[str]()
        is_complete = True
        for callback in self.callbacks:
            callback.is_first_rank = self.ranks.rank == 0
            callback.set_measures(measured, is_complete)
            if isinstance(callback, Monitor):
                callback.number = 1
                numbers[callback.key] += 1
                callback.number = numbers[callback.key]
            is_complete = is_complete and not _may_add_to_logs(callback)

    def _begin(self, history: History | None) -> None:
        """Collect the callbacks of each hook, and tell them which model is trained."""
        listeners = self.callbacks if history is None else [history, *self.callbacks]
        self._hooks = {
            hook: [getattr(listener, hook) for listener in listeners if _defines(listener, hook)]
            for hook in HOOKS
        }
        batches = self._hooks["on_batch_begin"] + self._hooks["on_batch_end"]
        self._tells_batches = self.ranks.any(bool(batches))
        self._hooks["set_model"] = [listener.set_model for listener in self.callbacks]
        self.tell("set_model", self.learner)
        self.tell("on_train_begin")

    def tell(self, hook: str, *arguments: Any) -> None:
        """Call a hook of all who have it, and see that they left the same model on all ranks."""
        calls = self._hooks[hook]
        if self.ranks.size == 1:
            for call in calls:
                call(*arguments)
            return
        with self.ranks.agreed():
            for call in calls:
                call(*arguments)
        if not hook.startswith("on_batch"):  # what these leave is seen at the end of the epoch
            self.ranks.expect_alike(self.learner)

    # -- steps

    def train(
        self,
        data: Batches,
        order: NDArray[np.int64],
        batch_size: int,
        span: Span,
        measures: Measures,
        number: int = 0,
    ) -> None:
        """Train on the rows that `order` names, once, a batch a step.

        Parameters
        ----------
        data : Batches
            All rows.
        order : ndarray of int64
            Which of the rows in use there are, in order.
        batch_size : int
            Rows of a step; the last batch has what is left.
        span : Span
            Which steps of the run they are.
        measures : Measures
            Sees losses and predictions as the weights change.
        number : int
            That of the first batch in the epoch.

        Raises
        ------
        FloatingPointError
            At the first step whose loss is not finite; the weights are those before it.
        """
        learner, network = self.learner, self.learner._network
        rates, momenta, decays = learner.optimizer.by_step(*span)
        values = StepValues(rates, momenta, decays, *_drawn(learner, span))
        threads, draws, updates = self.ranks.threads(), learner._draw_seed(), network.updates
        step_by_step = self.exchange is not None or measures.by_step or self._tells_batches
        take = self._take_each_step if step_by_step else self._take_steps
        if data.rows is not None:
            order, data = data.rows[order], data._replace(rows=None)
        converted = isinstance(data.x, Converted)
        width = max(network.n_outputs, data.x.shape[1] if converted else 1)
        chunk_steps = max(1, measures.slice_rows(width) // batch_size)
        self.is_stopped = False
        for first in range(0, span.stop - span.start, chunk_steps):
            rows, source = order[first * batch_size : (first + chunk_steps) * batch_size], data
            if converted:  # the rows of this chunk of the epoch alone are in memory
                source, rows = data.take(rows), np.arange(len(rows))
            outputs = measures.outputs(len(rows), network.n_outputs, learner.dtype)
            chunk = Chunk(
                source, rows, outputs, _between(values, first, first + chunk_steps), number + first,
                (*draws, updates + first), batch_size, threads,
            )  # fmt: skip
            done = take(chunk, measures)
            self.last_step = chunk.number - 1 - (-done // batch_size)
            measures.look(source, rows[:done], None if outputs is None else outputs[:done])
            if self.is_stopped:
                break

    def _take_steps(self, chunk: Chunk, measures: Measures) -> int:
        """Take the steps of a chunk in the network; return how many rows they had."""
        network, n = self.learner._network, len(chunk.order)
        values = _scaled(chunk.values, self.learner.rate_factor)
        read = chunk.data.read_by(network)
        step, sums = 0, [0.0, 0.0]
        while step < len(values.rate):
            begin = step * chunk.batch_size
            updates = network.updates
            try:
                step, *sums = network.train_epoch(
                    *read, chunk.order, values, chunk.batch_size, step, SLICE_SECONDS,
                    chunk.outputs, chunk.threads, (*chunk.draw_key, 0),
                )  # fmt: skip
            except FloatingPointError as error:
                step += network.updates - updates
                self.learner.learning_rate = float(values.rate[step])
                raise error_of_statistics(error, self.place(chunk.number + step)) from error
            if not math.isfinite(sums[0]):
                self.learner.learning_rate = float(values.rate[step - 1])
                self._end_diverged(sums[0], chunk.number + step - 1)
            if self.progress is not None:
                self.progress.advance(min(step * chunk.batch_size, n) - begin)
        measures.add(*sums)
        self.learner.learning_rate = float(values.rate[-1])
        return n

    def _take_each_step(self, chunk: Chunk, measures: Measures) -> int:
        """Do the same to the same bits one step at a time, until a callback stops the training."""
        learner, size, sums, done = self.learner, chunk.batch_size, (0.0, 0.0), 0
        for step in range(len(chunk.values.rate)):
            rows = slice(step * size, (step + 1) * size)
            if self._tells_batches:
                self.tell("on_batch_begin", chunk.number + step)
            values = _scaled(_between(chunk.values, step, step + 1), learner.rate_factor)
            learner.learning_rate = float(values.rate[0])
            measures.before_step()
            take = self._take_step if self.exchange is None else self._take_shared_step
            try:
                loss = take(chunk, rows, values, step)
            except FloatingPointError as error:
                raise error_of_statistics(error, self.place(chunk.number + step)) from error
            if not math.isfinite(loss[0]):  # on all ranks, or on none
                self._end_diverged(loss[0], chunk.number + step)
            n = len(chunk.order[rows])
            loss = measures.of_step(n, *loss)
            sums, done = (sums[0] + loss[0], sums[1] + loss[1]), done + n
            if self.progress is not None:
                self.progress.advance(n)
            if self._tells_batches:
                self._tell_end_of_batch(chunk.number + step, *loss)
                if self.is_stopped:
                    break
        measures.add(*sums)
        return done

    def place(self, step: int) -> Place:
        """Return where in the training a step is; the rate is that of the last one."""
        learner = self.learner
        limit = learner.optimizer.clips()[1]
        return Place(
            self.epoch, step, learner.learning_rate, learner._network.updates,
            limit if limit < math.inf else None,
        )  # fmt: skip

    def _end_diverged(self, loss: float, step: int) -> None:
        place, own = self.place(step), self._statistics_error
        is_of_statistics = self.ranks.any(own is not None)
        with self.ranks.agreed():
            if own is not None:
                raise error_of_statistics(own, place) from own
            if not is_of_statistics:  # else the rank that knows it says it
                raise error_of_loss(loss, place)

    def _tell_end_of_batch(self, number: int, loss_sum: float, weight_sum: float) -> None:
        """Tell of a batch, with the mean over all ranks."""
        loss, weight = self.ranks.total(np.array([loss_sum, weight_sum]))
        mean = float(loss / weight) if weight else math.nan
        logs = {"loss": mean, "learning_rate": self.learner.learning_rate}
        self.tell("on_batch_end", number, logs)
        self.is_stopped = self.ranks.any(self.learner.stop_training)

    def _take_step(
        self, chunk: Chunk, rows: slice, values: StepValues, step: int
    ) -> tuple[float, float]:
        """Take one step in the network; return the sums of losses and of weights."""
        network, batch = self.learner._network, chunk.order[rows]
        outputs = None if chunk.outputs is None else chunk.outputs[rows]
        *key, updates = chunk.draw_key
        _, loss_sum, weight_sum = network.train_epoch(
            *chunk.data.read_by(network), batch, values, len(batch), 0, math.inf, outputs,
            chunk.threads, (*key, updates + step, 0),
        )  # fmt: skip
        return loss_sum, weight_sum

    @np.errstate(over="ignore", invalid="ignore")  # a loss that diverges is an error in its own way
    def _take_shared_step(
        self, chunk: Chunk, rows: slice, values: StepValues, step: int
    ) -> tuple[float, float]:
        """Take one step in several networks; return the sums of this one's losses and weights.

        A loss that is not finite changes no weight; all networks return the sum of theirs.
        """
        network, exchange = self.learner._network, self.exchange
        assert exchange is not None
        batch, outputs = chunk.order[rows], None if chunk.outputs is None else chunk.outputs[rows]
        *key, updates = chunk.draw_key
        gradient = exchange.gradient
        try:
            loss_sum, weight_sum = network.gradients(
                *chunk.data.take(batch).read_by(network), gradient, chunk.threads,
                (*key, updates + step, exchange.place(chunk.number + step)), outputs, values,
            )  # fmt: skip
        except FloatingPointError as error:
            self._statistics_error = error
            loss_sum, weight_sum = math.nan, 0.0  # the other ranks end with this one
        known = weight_sum if math.isfinite(loss_sum) else math.nan  # tells all of it
        total_weight = exchange.sum(known)
        if math.isnan(total_weight):
            loss_sum = float(self.ranks.total(np.array([loss_sum]))[0])
        if total_weight and math.isfinite(loss_sum):
            gradient /= total_weight
            numbers = [None if each is None else float(each[0]) for each in values[:3]]
            network.update(gradient, *numbers)
        return loss_sum, weight_sum


def _scaled(values: StepValues, factor: float) -> StepValues:
    """Return the values with other learning rates."""
    return values if factor == 1 else values._replace(rate=values.rate * factor)


def _between(values: StepValues, first: int, past: int) -> StepValues:
    """Return the values of the steps from `first` up to, and not including, `past`."""
    if first == 0 and past >= len(values.rate):
        return values
    return StepValues._make(None if each is None else each[first:past] for each in values)


def _drawn(
    learner: Any, span: Span
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return the rates of dropout and the label smoothing of each step, each if it changes."""
    rates, smoothing = learner._dropouts, getattr(learner.loss, "label_smoothing", None)
    dropout = np.empty((span.stop - span.start, len(rates))) if rates else None
    for i, rate in enumerate(rates):
        dropout[:, i] = fractions("rate of Dropout", rate, *span)  # type: ignore[index]
    if isinstance(smoothing, Schedule):
        return dropout, fractions("label_smoothing", smoothing, *span)
    return dropout, None


def scheduled(model: Any) -> tuple[str, Schedule] | None:
    """Return a setting of a model that is a schedule, by its name, if any is."""
    settings = {
        "learning_rate": model.optimizer.learning_rate,
        "weight_decay": model.optimizer.weight_decay,
        "label_smoothing": getattr(model.loss, "label_smoothing", None),
        **{f"the rate of dropout {i}": rate for i, rate in enumerate(model._dropouts)},
    }
    found = ((name, value) for name, value in settings.items() if isinstance(value, Schedule))
    return next(found, None)


def _defines(callback: Callback, hook: str) -> bool:
    """Return whether a callback does something at a hook: the base class does nothing."""
    method = getattr(callback, hook)
    return getattr(method, "__func__", None) is not getattr(Callback, hook)


def _may_add_to_logs(callback: Callback) -> bool:
    """Return whether a callback's end of an epoch is code of a user: it may write into the logs."""
    module = getattr(callback.on_epoch_end, "__module__", "")
    return not str(module).startswith("cynn.")


# -- a model's


def fit_rows(fit: Fit, rows: TrainingRows) -> History:
    """Train a model on all rows in each epoch; see `Model.fit`."""
    model, settings, ranks = fit.learner, fit.settings, fit.ranks
    with ranks.agreed():
        if settings.steps_per_epoch is not None:
            raise ValueError("steps_per_epoch must be None where y is given, got a number")
        data, held_out, input_shape = training_batches(
            model, rows.x, rows.y, rows.sample_weight, settings.validation
        )
        expect_measurable(model, data, input_shape)
        expect_callbacks(fit, held_out is not None)
    if rows.class_weight is not None or ranks.size > 1:
        data = class_weighted(model, data, rows.class_weight, input_shape, ranks)
    with ranks.agreed():
        if model._network is None:  # after the checks: a slip leaves the model as it was
            model._build(input_shape)
        if model._awaits_rows:  # the others get what the first rank makes of its own
            finish_first_weights(model, data if ranks.rank == 0 else None, ranks.threads)
    ranks.begin_alike(model, settings, rows.sample_weight)
    shard = ranks.shard(data)
    if held_out is not None:
        held_out = ranks.shard(held_out).own(held_out)
    batch_size = settings.batch_size if ranks.size > 1 else min(settings.batch_size, shard.n)
    steps, n_rows = shard.steps(batch_size), shard.length(batch_size)
    fit.exchange = ranks.exchange(model, shard, batch_size)

    def train(epoch: int) -> dict[str, float]:
        measures = Measures(model.metrics)
        order = shard.order(batch_size, permute if settings.shuffle else None)
        span = Span(epoch * steps, (epoch + 1) * steps, settings.epochs * steps)
        fit.train(data, order, batch_size, span, measures)
        if fit.exchange is not None:
            ranks.blend_state(model)
        return end_epoch(fit, measures, held_out)

    def permute(rows: NDArray[np.int64], rank: int) -> None:
        model._kernels.permutation(rows, (model.seed + rank * ODD) % (1 << 64), model.epochs)

    seeks = settings.sparse is not None and not settings.augment and model._plan.skips_zeros
    try:
        model._network.seek_zeros = (
            seeks and isinstance(data.x, np.ndarray) and mostly_zeros(data.x)
        )
        return fit_epochs(fit, train, n_rows)
    finally:
        model._network.seek_zeros = False


def expect_callbacks(fit: Fit, validates: bool) -> None:
    """Tell the callbacks of a model's fit what will be measured, before anything is changed.

    Raises
    ------
    ValueError
        If one of them cannot do with that.
    """
    if not fit.callbacks:
        return
    measured = {"loss": False} | {m.name: m.more_is_better for m in fit.learner.metrics}
    if validates:
        measured |= {f"val_{name}": more for name, more in measured.items()}
    fit.expect_callbacks(measured)


ODD = 0x9E3779B97F4A7C15
"""Sets the seeds of the ranks' orders far apart: 2**64 over the golden ratio."""


def fit_epochs(fit: Fit, train: Callable[[int], dict[str, float]], n_rows: int | None) -> History:
    """Go through the epochs of a model; see `Fit.run`."""
    model = fit.learner
    model.history = history = History()
    history.model = model
    if fit.settings.initial_epoch == 0:
        model.rate_factor, model.callback_state, model.callback_weights = 1.0, {}, {}
    try:
        fit.run(train, n_rows, history)
    except FloatingPointError:
        history.diverged_epoch = fit.epoch
        raise
    return history


def end_epoch(fit: Fit, measures: Measures, held_out: Batches | None) -> dict[str, float]:
    """Count a model's epoch; return its loss and metrics, and those of the rows held out.

    Raises
    ------
    FloatingPointError
        If a loss, or a weight, is not finite, or a running mean too large to predict with.
    """
    model, ranks = fit.learner, fit.ranks
    logs = ranks.result(measures)
    with ranks.agreed():
        if not math.isfinite(logs["loss"]):
            raise error_of_loss(logs["loss"], fit.place(fit.last_step))
        if not model._network.is_finite():
            raise error_of_weights(fit.place(fit.last_step))
        if model._network.n_state:
            _expect_finite_squares(model, fit.place(fit.last_step))
    model.epochs += 1
    if held_out is not None:
        measures = Measures(model.metrics)
        evaluate(model._network, held_out, measures, ranks.threads(), model.dtype)
        logs |= {f"val_{name}": value for name, value in ranks.result(measures).items()}
        if not math.isfinite(logs["val_loss"]) and ranks.any(held_out.n_rows > 0):
            with ranks.agreed():
                raise error_of_validation(logs["val_loss"], fit.place(fit.last_step))
    return logs


def _expect_finite_squares(model: Any, place: Place) -> None:
    """Refuse running means with which nothing can be predicted.

    A column that is always 3e38 has a variance of 0, and no other sign of what it is.
    """
    means = flat(model.get_state()[::2], model.dtype)
    large = abs(means) > math.sqrt(np.finfo(model.dtype).max)
    if large.any():
        raise error_of_means(float(means[large][0]), place)


def train_on_batch(model: Any, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
    """Train a step on all rows as one batch; see `Model.train_on_batch`."""
    model._expect_compiled()
    if found := scheduled(model):
        raise ValueError(
            f"{found[0]} must be a number for train_on_batch, got {found[1]!r}: a single step has "
            "no place in a schedule"
        )
    data, _, input_shape = training_batches(model, x, y, sample_weight)
    if model._network is None:
        model._build(input_shape)
    if model._awaits_rows:
        finish_first_weights(model, data)
    n, measures, step = len(data.x), Measures(model.metrics), model._network.updates
    fit = Fit(model, FitSettings())
    fit.train(data, np.arange(n), n, Span(0, 1, 1), measures, step)
    if not model._network.is_finite():
        raise error_of_weights(fit.place(step))
    if model._network.n_state:
        _expect_finite_squares(model, fit.place(step))
    return measures.result()

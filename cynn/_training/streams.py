"""A fit from an iterable of batches: each is a step, and only what is asked for is in memory."""

import itertools
from collections.abc import Iterable, Iterator, Sized
from typing import Any

import numpy as np

from .._comm.shards import SINGLE, SingleProcess
from .._data.sparse import is_sparse
from .._model.loops import (
    Batches,
    Measures,
    expect_measurable,
    naming,
    training_batches,
    validation_batches,
)
from .._runtime.caller import warn
from .._specs.validation import array
from ..callbacks import History
from .class_weights import class_weighted
from .first_weights import finish_first_weights
from .fitting import Fit, end_epoch, expect_callbacks, fit_epochs, scheduled
from .settings import FitSettings, Span, TrainingRows


def expect_no_rows(rows: TrainingRows, settings: FitSettings, ranks: SingleProcess) -> None:
    """Refuse what is said of rows, where there are batches.

    Raises
    ------
    ValueError
        If there is something.
    """
    if ranks is not SINGLE:
        raise ValueError(
            "y must be given with comm, got None: ranks train on rows, not on mini-batches"
        )
    if rows.sample_weight is not None:
        raise ValueError(
            "sample_weight must be None without y, got weights: yield (x, y, sample_weight)"
        )
    if isinstance(settings.validation, float):
        raise ValueError(
            f"validation_split must be 0 without y, got {settings.validation}: pass validation_data"
        )
    if settings.sparse is not None:
        raise ValueError(
            f"sparse must be None without y, got {settings.sparse!r}: mini-batches may be sparse"
        )


class Stream:
    """The batches of the epochs.

    Parameters
    ----------
    model : Model
        What is to learn from them.
    batches : iterable
        Of ``(x, y)`` or ``(x, y, sample_weight)``.
    settings : FitSettings
        The fit's.
    class_weight
        As for `Model.fit`, but not "balanced".

    Attributes
    ----------
    input_shape : tuple of int
        The shape of a row, by the first batch, which is asked for at once.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or there is no batch.
    """

    def __init__(self, model: Any, batches: Any, settings: FitSettings, class_weight: Any) -> None:
        if is_sparse(batches) or hasattr(batches, "__array__") or isinstance(batches, str | bytes):
            raise TypeError(
                "y must be an array, got None: only an iterable of mini-batches goes without it"
            )
        if not isinstance(batches, Iterable):
            raise TypeError(
                f"x must be an array or an iterable of mini-batches, got {type(batches).__name__}"
            )
        if isinstance(class_weight, str):
            raise ValueError(
                f"class_weight must be numbers without y, got {class_weight!r}: it needs all rows"
            )
        steps = settings.steps_per_epoch
        if steps is None and isinstance(batches, Sized):
            steps = len(batches)
        self._model, self._batches, self._class_weight = model, batches, class_weight
        self._steps, self._epochs = steps, settings.epochs
        iterator = iter(batches)
        self._goes_on = iterator is batches
        if steps is None:
            if found := scheduled(model):
                raise ValueError(
                    f"steps_per_epoch must be given where {found[0]} is a schedule, got None"
                )
            if self._goes_on and settings.epochs - settings.initial_epoch > 1:
                raise ValueError(
                    "steps_per_epoch must be given for an iterator of several epochs, got None"
                )
        first = self._parts(_next(iterator), 0)[0]
        self.input_shape = model.input_shape or np.shape(first)[1:]
        # The batch that was asked for is the first of the first pass.
        self._ahead: Iterator[Any] | None = iterator
        self._first: list[Any] = [self._seen]

    def _parts(self, batch: Any, number: int) -> tuple[Any, Any, Any]:
        self._seen = batch
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise TypeError(
                "x must yield (x, y) or (x, y, sample_weight), got "
                f"{type(batch).__name__} as batch {number}"
            )
        x, y, *weight = batch
        with naming(f"batch {number}"):
            x = x if is_sparse(x) else array("x", x)
        return x, y, weight[0] if weight else None

    def checked(self, batch: Any, number: int) -> Batches:
        """Return a batch as the network reads it; `number` is for the message."""
        x, y, weight = self._parts(batch, number)
        with naming(f"batch {number}"):
            data, *_ = training_batches(self._model, x, y, weight, None, self.input_shape)
            if self._class_weight is None:
                return data
            return class_weighted(self._model, data, self._class_weight, self.input_shape, SINGLE)

    def first(self) -> Batches:
        """Return the first batch, or refuse it where the model cannot take it."""
        data = self.checked(self._first[0], 0)
        expect_measurable(self._model, data, self.input_shape)
        return data

    def train(self, fit: Fit, epoch: int) -> Measures:
        """Train on the batches of an epoch; return what was measured."""
        steps = self._steps
        if self._ahead is None:
            self._ahead = iter(self._batches)
        batches = itertools.chain(self._first, self._ahead)
        measures, done = Measures(self._model.metrics), 0
        for batch in itertools.islice(batches, steps):
            data = self.checked(batch, done)
            n = len(data.x)
            span = Span(0, 1, 1)
            if steps is not None:
                first = epoch * steps + done
                span = Span(first, first + 1, self._epochs * steps)
            fit.train(data, np.arange(n), n, span, measures, done)
            done += 1
            if fit.is_stopped:
                break
        if not done:
            raise ValueError(f"x must yield at least one mini-batch, got none in epoch {epoch + 1}")
        self._first = []
        if fit.is_stopped:
            self._ahead = None
        else:
            self._look_ahead(epoch, done)
        return measures

    def _look_ahead(self, epoch: int, done: int) -> None:
        """Get ready for the next epoch; without batches for it the training ends."""
        is_last = epoch + 1 == self._epochs
        if self._steps is not None and done < self._steps:
            shortfall = f"{done} of {self._steps} batches in epoch {epoch + 1}"
        elif self._goes_on and not is_last:
            assert self._ahead is not None
            self._first = list(itertools.islice(self._ahead, 1))
            shortfall = (
                "" if self._first else f"its last batch in epoch {epoch + 1} of {self._epochs}"
            )
        else:
            shortfall = ""
        if not self._goes_on:
            self._ahead = None
        if shortfall:
            self._model.stop_training = True
            warn(
                f"x must yield the batches of all epochs, got {shortfall}: the training ends",
                RuntimeWarning,
            )


def fit_batches(fit: Fit, rows: TrainingRows) -> History:
    """Train a model on batches as they come; see `Model.fit`."""
    model, settings = fit.learner, fit.settings
    with fit.ranks.agreed():
        expect_no_rows(rows, settings, fit.ranks)
    stream = Stream(model, rows.x, settings, rows.class_weight)
    first = stream.first()
    held_out = None
    if isinstance(settings.validation, tuple):
        held_out = validation_batches(model, settings.validation, stream.input_shape)
    expect_callbacks(fit, held_out is not None)
    if model._network is None:
        model._build(stream.input_shape)
    if model._awaits_rows:
        finish_first_weights(model, first)
    del first  # a mini-batch may be large

    def train(epoch: int) -> dict[str, float]:
        return end_epoch(fit, stream.train(fit, epoch), held_out)

    return fit_epochs(fit, train, None)


def _next(batches: Iterator[Any]) -> Any:
    for batch in batches:
        return batch
    raise ValueError("x must yield at least one mini-batch, got none")

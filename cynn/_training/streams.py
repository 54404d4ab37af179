"""A fit from an iterable of batches: each is a step, and only what is asked for is in memory."""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from .._comm.ranks import SINGLE
from .._data.sparse import is_sparse
from .._model.loops import Batches, Measures
from .._runtime.progress import Progress
from .._specs.validation import array, integer
from ..callbacks import Callback, History
from ..schedules import Schedule
from . import fitting
from .fitting import Settings, naming


def expect_rows_or_batches(y: Any, steps_per_epoch: Any, comm: Any) -> None:
    """Refuse what goes with batches where there are rows, and the other way round.

    Raises
    ------
    ValueError
        If there is something.
    """
    if y is None and comm is not None:
        raise ValueError("y must be given with comm: ranks train on rows, not on batches")
    if y is not None and steps_per_epoch is not None:
        raise ValueError("steps_per_epoch must be None where y is given")


def expect_no_rows(sample_weight: Any, validation_split: float, sparse: Any) -> None:
    """Refuse what is said of rows, where there are batches.

    Raises
    ------
    ValueError
        If there is something.
    """
    if sample_weight is not None:
        raise ValueError("sample_weight must be in the batches (x, y, sample_weight), without y")
    if validation_split:
        raise ValueError("validation_split must be 0 without y: give validation_data")
    if sparse is not None:
        raise ValueError("sparse must be None without y: batches may hold sparse matrices")


class Stream:
    """The batches of the epochs.

    Parameters
    ----------
    model : Model
        What is to learn from them.
    batches : iterable
        Of ``(x, y)`` or ``(x, y, sample_weight)``.
    steps : int or None
        The batches of an epoch, if a person said so.
    settings : Settings
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
        If an argument is not as said, or there is no batch.
    """

    def __init__(
        self, model: Any, batches: Any, steps: int | None, settings: Settings, class_weight: Any
    ) -> None:
        if is_sparse(batches) or hasattr(batches, "__array__") or isinstance(batches, str | bytes):
            raise TypeError("y must hold numbers, got NoneType: only x of batches goes without it")
        if not isinstance(batches, Iterable):
            raise TypeError(
                f"x must be an array, or an iterable of batches, got {type(batches).__name__}"
            )
        if isinstance(class_weight, str):
            raise ValueError('class_weight must be numbers without y: "balanced" needs all rows')
        if steps is None:
            steps = len(batches) if isinstance(batches, Sized) else None
        else:
            steps = integer("steps_per_epoch", steps)
        self._model, self._batches, self._class_weight = model, batches, class_weight
        self._steps, self._epochs = steps, settings.epochs
        ahead = iter(batches)
        self._goes_on = ahead is batches
        if steps is None:
            if isinstance(model.optimizer.learning_rate, Schedule):
                raise ValueError("steps_per_epoch must be given for a schedule of learning rates")
            if self._goes_on and settings.epochs - settings.initial_epoch > 1:
                raise ValueError("steps_per_epoch must be given for an iterator of several epochs")
        first = self._parts(_next(ahead), 0)[0]
        self.input_shape = model.input_shape or np.shape(first)[1:]
        # The batch that was asked for is the first of the first pass.
        self._ahead: Iterator[Any] | None = ahead
        self._first: list[Any] = [self._seen]

    def _parts(self, batch: Any, number: int) -> tuple[Any, Any, Any]:
        self._seen = batch
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise TypeError(
                "x must give batches (x, y) or (x, y, sample_weight), got "
                f"{type(batch).__name__} as batch {number}"
            )
        x, y, *weight = batch
        with naming(f"batch {number}"):
            given = x if is_sparse(x) else array("x", x)
        return given, y, weight[0] if weight else None

    def checked(self, batch: Any, number: int) -> Batches:
        """Return a batch as the network reads it; `number` is for the message."""
        x, y, weight = self._parts(batch, number)
        with naming(f"batch {number}"):
            data, _ = fitting.rows(self._model, x, y, weight, None, self.input_shape)
            return fitting.class_weighted(
                self._model, data, self._class_weight, self.input_shape, SINGLE
            )

    def check_first(self) -> None:
        """Refuse a first batch that the model cannot take."""
        fitting.expect_measurable(self._model, self.checked(self._first[0], 0), self.input_shape)

    def train(self, epoch: int, progress: Progress) -> dict[str, float]:
        """Train on the batches of an epoch; give its logs."""
        model, steps = self._model, self._steps
        if self._ahead is None:
            self._ahead = iter(self._batches)
        passing = itertools.chain(self._first, self._ahead)
        measures, done = Measures(model.metrics), 0
        for batch in itertools.islice(passing, steps):
            data = self.checked(batch, done)
            span = (0, 1, 1)
            if steps is not None:
                span = (epoch * steps + done, epoch * steps + done + 1, self._epochs * steps)
            n = len(data.x)
            fitting.train_steps(model, data, np.arange(n), n, span, measures)
            progress.advance(n)
            done += 1
        if not done:
            raise ValueError(f"x must give at least one batch, got none in epoch {epoch + 1}")
        self._first = []
        self._look_ahead(epoch, done)
        return fitting.end_epoch(model, measures)

    def _look_ahead(self, epoch: int, done: int) -> None:
        """Get ready for the next epoch; without batches for it the training ends."""
        last = epoch + 1 == self._epochs
        if self._steps is not None and done < self._steps:
            came = f"{done} of {self._steps} batches in epoch {epoch + 1}"
        elif self._goes_on and not last:
            assert self._ahead is not None
            self._first = list(itertools.islice(self._ahead, 1))
            came = "" if self._first else f"its last batch in epoch {epoch + 1} of {self._epochs}"
        else:
            came = ""
        if not self._goes_on:
            self._ahead = None
        if came:
            self._model.stop_training = True
            warnings.warn(f"x gave {came}: the training ends", RuntimeWarning, stacklevel=8)


def fit(
    model: Any,
    stream: Stream,
    validation: Any,
    settings: Settings,
    callbacks: Sequence[Callback],
    progress: Progress,
) -> History:
    """Train on the batches of a stream; see `Model.fit`."""
    stream.check_first()
    held_out = None
    if validation is not None:
        with naming("validation_data"):
            x, y, weight = validation
            held_out = fitting.batches(model, x, y, weight, stream.input_shape)
            fitting.expect_measurable(model, held_out, stream.input_shape)
    if model._network is None:
        model._build(stream.input_shape)
    return fitting.run_epochs(
        model, lambda epoch: stream.train(epoch, progress), None, held_out, settings, callbacks,
        progress,
    )  # fmt: skip


def _next(batches: Iterator[Any]) -> Any:
    for batch in batches:
        return batch
    raise ValueError("x must give at least one batch, got none")

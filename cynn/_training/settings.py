"""What a fit is asked to do, and what travels together within it: records, without a function."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._model.loops import Batches
from ..augmentation import Augment


class TrainingRows(NamedTuple):
    """What the caller gave to train on; see `Model.fit`."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    class_weight: Any = None


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """What a fit is asked to do; see `Model.fit`."""

    epochs: int = 1
    batch_size: int = 32
    initial_epoch: int = 0
    shuffle: bool = True
    sparse: str | None = None
    augment: Augment | None = None
    validation: tuple[Any, Any, Any] | float | None = None
    steps_per_epoch: int | None = None


class StepValues(NamedTuple):
    """What changes from step to step: for each name an array, a value a step.

    The kernels take them in this order, None for what stays as it is. What differs by parameter are
    `cynn._model.plan.Penalty` and `cynn._model.plan.Factors`.

    Attributes
    ----------
    dropout : ndarray of float64, shape (steps, dropouts), or None
        The rates of all steps of the network that drop numbers.
    smoothing : ndarray of float64, shape (steps,), or None
        The loss's own number.
    """

    rate: NDArray[np.float64]
    momentum: NDArray[np.float64]
    weight_decay: NDArray[np.float64] | None = None
    dropout: NDArray[np.float64] | None = None
    smoothing: NDArray[np.float64] | None = None


class Span(NamedTuple):
    """Steps of a run: from `start` up to, and not including, `stop`, of `total`."""

    start: int
    stop: int
    total: int


class Chunk(NamedTuple):
    """Steps of an epoch whose rows, and predictions, are in memory together.

    Attributes
    ----------
    order : ndarray of int64
        Which rows of the data there are, in order.
    number : int
        That of the first batch in the epoch.
    draw_key : (int, int, int)
        The seed, the epoch and the number of the first step, for what is drawn by chance.
    """

    data: Batches
    order: NDArray[np.int64]
    outputs: NDArray[Any] | None
    values: StepValues
    number: int
    draw_key: tuple[int, int, int]
    batch_size: int
    threads: int

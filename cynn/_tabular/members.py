"""Members of one network: which rows each learns from, and their trainings side by side."""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._comm.shards import SingleProcess
from .._runtime.progress import Progress
from .._training import fitting
from .._training.settings import FitSettings, TrainingRows
from ..callbacks import BestEpoch, Callback, EarlyStopping
from ..model import Model

RESERVE = 0.9
"""The part of a time limit that the epochs are planned for."""

TIMED = 4
"""Epochs that are timed for it."""


class Rows(NamedTuple):
    """Rows of a table, encoded.

    Attributes
    ----------
    x, y : ndarray
        What the network takes, and the targets as its loss takes them.
    weight : ndarray or None
        What each row counts.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    weight: NDArray[Any] | None = None

    def take(self, places: NDArray[np.intp]) -> "Rows":
        """Return some of the rows, in the order of their places."""
        weight = None if self.weight is None else self.weight[places]
        return Rows(self.x[places], self.y[places], weight)


class Part(NamedTuple):
    """What one member learns from, and what decides its best epoch.

    Attributes
    ----------
    training, validation : Rows
        The rows; of the second there may be none, where no epoch is the best.
    seed : int
        What is drawn by.
    """

    training: Rows
    validation: Rows | None
    seed: int


class Plan(NamedTuple):
    """How long members train, and what decides.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the rows, and the rows of a mini-batch.
    monitor : str
        What says which epoch is the best, such as "val_accuracy".
    threads : int
        How many threads all of them have together.
    patience : int or None
        How many epochs in a row may be no better before a member's training ends.
    deadline : float
        When to stop, by ``time.monotonic()``.
    verbose : int
        Whether a line tells of each member that is trained.
    """

    epochs: int
    batch_size: int
    monitor: str
    threads: int
    patience: int | None = None
    deadline: float = math.inf
    verbose: int = 0


class Trained(NamedTuple):
    """A member.

    Attributes
    ----------
    model : Model
        With the weights of the best epoch.
    best_epoch : int or None
        Which that is, counted from 0.
    history : dict of str to list of float
        The loss and what was measured, epoch by epoch.
    """

    model: Model
    best_epoch: int | None
    history: dict[str, list[float]]


class _Threads(SingleProcess):
    """One process whose calls use so many threads."""

    def __init__(self, n: int) -> None:
        self.threads = lambda: n


class Deadline(Callback):
    """Ends a training when its time is over.

    Parameters
    ----------
    deadline : float
        When that is, by ``time.monotonic()``.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        if time.monotonic() > self.deadline:
            self.model.stop_training = True


class _Clock(Callback):
    """Notes when epochs end."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self.ends.append(time.monotonic())


def folds(
    n: int, k: int, strata: NDArray[Any] | None, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield for each of k folds the rows to train on and, every row once in all, those held out.

    Parameters
    ----------
    n : int
        The rows.
    k : int
        The folds, 2 to n.
    strata : ndarray of int, shape (n,), optional
        The class of each row, of which each fold gets its share.
    rng : numpy.random.Generator
        What shuffles the rows.

    Yields
    ------
    training, held_out : ndarray of int
        Places of rows, in order.

    Examples
    --------
    >>> parts = list(folds(5, 2, None, np.random.default_rng(0)))
    >>> sorted(np.concatenate([held_out for _, held_out in parts]).tolist())
    [0, 1, 2, 3, 4]
    """
    order = rng.permutation(n)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    for i in range(k):
        held_out = np.sort(order[i::k])
        yield np.setdiff1d(np.arange(n), held_out, assume_unique=True), held_out


def cut(
    n: int, n_held_out: int, strata: NDArray[Any] | None, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows to train on, and so many that are held out; see `folds`.

    Examples
    --------
    >>> training, held_out = cut(10, 2, np.repeat([0, 1], 5), np.random.default_rng(0))
    >>> int((held_out < 5).sum()), len(training)
    (1, 8)
    """
    order = rng.permutation(n)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    held_out = np.sort(order[(np.arange(n_held_out) * n + n // 2) // n_held_out])
    return np.setdiff1d(np.arange(n), held_out, assume_unique=True), held_out


def even_batch(n: int, batch_size: int) -> int:
    """Return the size of batches of which an epoch has as many as whole ones of `batch_size`.

    The last one of an epoch is then no small one, whose step is as long as any other's. (The
    authors of RealMLP drop it.)

    Examples
    --------
    >>> even_batch(1000, 256), even_batch(100, 256)
    (334, 100)
    """
    return math.ceil(n / max(1, n // batch_size))


def train(make: Callable[[int], Model], parts: Sequence[Part], plan: Plan) -> list[Trained]:
    """Train a member on each part, side by side, to the same bits as one after the other.

    Parameters
    ----------
    make : callable
        ``make(seed)`` returns a model that is compiled.
    parts : sequence of Part
        What each member learns from.
    plan : Plan
        How long, and on how many threads. A member has one thread where there are several members.

    Returns
    -------
    list of Trained
        In the order of the parts.

    Raises
    ------
    FloatingPointError
        If the training of a member diverges.
    KeyboardInterrupt
        At Ctrl-C, when the trainings under way have ended their step.
    """
    workers = min(len(parts), plan.threads)
    threads = _Threads(max(1, plan.threads // workers))
    models: list[Model] = []

    def member(i: int) -> Trained:
        model = make(parts[i].seed)
        models.append(model)
        trained = _train_one(model, parts[i], plan, threads)
        if plan.verbose:
            _tell(i, len(parts), trained, plan.monitor)
        return trained

    if workers == 1:
        return [member(i) for i in range(len(parts))]
    with ThreadPoolExecutor(workers, "cynn-member") as pool:
        futures = [pool.submit(member, i) for i in range(len(parts))]
        try:
            _wait(futures)
        except BaseException:  # Ctrl-C comes to this thread alone
            for future in futures:
                future.cancel()
            for model in models:
                model.stop_training = True
            raise
    return [future.result() for future in futures]


def keeper(monitor: str, patience: int | None) -> BestEpoch | EarlyStopping:
    """Return what goes back to the best epoch: of all, or of those until there was enough.

    Parameters
    ----------
    monitor : str
        What says which epoch is the best.
    patience : int or None
        See `Plan`.

    Returns
    -------
    BestEpoch or EarlyStopping
        A callback.

    Examples
    --------
    >>> keeper("val_loss", 16).patience
    16
    """
    return BestEpoch(monitor) if patience is None else EarlyStopping(monitor, patience)


def _wait(futures: list[Future[Trained]]) -> None:
    """Wait for all, or for the first that fails."""
    while True:  # a wait without an end does not hear of Ctrl-C on Windows
        done, pending = wait(futures, 0.1, FIRST_EXCEPTION)
        for future in done:
            future.result()
        if not pending:
            return


def _train_one(
    model: Model, part: Part, plan: Plan, threads: SingleProcess, *more: Callback
) -> Trained:
    best = keeper(plan.monitor, plan.patience)
    callbacks: list[Callback] = [*more] if part.validation is None else [best, *more]
    if plan.deadline < math.inf:
        callbacks.append(Deadline(plan.deadline))
    settings = FitSettings(
        epochs=plan.epochs,
        batch_size=even_batch(len(part.training.x), plan.batch_size),
        validation=part.validation,
    )
    fit = fitting.Fit(model, settings, callbacks, Progress(0), threads)
    history = fitting.fit_rows(fit, TrainingRows(*part.training)).history
    return Trained(model, best.best_epoch, history)


def _tell(i: int, n: int, trained: Trained, monitor: str) -> None:
    line = f"member {i + 1} of {n}: {len(trained.history['loss'])} epochs"
    if trained.best_epoch is not None:
        value = trained.history[monitor][trained.best_epoch]
        line += f", the best {trained.best_epoch + 1}, {monitor} {value:.4g}"
    if sys.stdout is not None:
        print(line, flush=True)


def epochs_within(
    make: Callable[[int], Model], parts: Sequence[Part], plan: Plan, seconds: float
) -> int:
    """Return how many epochs all members can train within some seconds: at most those of the plan.

    A schedule has to know its end beforehand: a few epochs of a member that is thrown away are
    timed, and what comes before the first of them.

    Parameters
    ----------
    make, parts, plan
        See `train`.
    seconds : float
        The time that is left.

    Returns
    -------
    int
        At least 1.
    """
    clock = _Clock()
    begin = time.monotonic()
    trial = plan._replace(epochs=TIMED, patience=None, verbose=0)
    workers = min(len(parts), plan.threads)
    threads = _Threads(max(1, plan.threads // workers))
    _train_one(make(parts[0].seed), parts[0], trial, threads, clock)
    spent = time.monotonic() - begin
    first, *_, last = clock.ends
    epoch = (last - first) / (len(clock.ends) - 1)
    rounds = math.ceil(len(parts) / workers)
    left = (seconds - spent) / rounds - (spent - TIMED * epoch)
    return max(1, min(plan.epochs, int(RESERVE * left / epoch)))


def seeds(n: int, rng: np.random.Generator) -> Iterable[int]:
    """Return seeds for n members."""
    return [int(seed) for seed in rng.integers(1 << 62, size=n)]

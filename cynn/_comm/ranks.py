"""What a fit asks of its communicator: the same errors, the same start, and sums over all ranks.

A communicator is mpi4py's or anything with the same methods; nothing is imported here. A fit
without one runs through `cynn._comm.shards.SINGLE`, which has the same methods and does nothing.
"""

import contextlib
import os
import re
import socket
import sys
import time
import traceback
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _backend
from .._model import loops
from .._model.loops import Batches, Measures
from .._runtime import threads
from .._runtime.interrupts import INTERRUPTED
from .._version import VERSION
from ..metrics import Metric
from .shards import SINGLE, Shard, SingleProcess, fingerprint
from .watchdog import Watchdog

METHODS = ("Get_rank", "Get_size", "Allreduce", "Bcast", "allgather", "bcast", "gather", "Abort")
"""What is called of a communicator, as mpi4py has it."""

SAME_SETTINGS = ("batch_size", "epochs", "initial_epoch", "shuffle", "sparse", "augment")
"""Those of a fit that are compared as they are."""


PIECE = 1 << 20
"""Numbers of one Allreduce: MPI adds up a large array faster in pieces that a cache holds."""


class GradientSum:
    """Adds up gradients of each step, piece by piece; the sum of weights travels at their end."""

    def __init__(self, comm: Any, model: Any, shard: Shard, batch_size: int) -> None:
        self._comm, self._shard, self._batch_size = comm, shard, batch_size
        self._numbers = np.empty(model._network.n_params + 1, model.dtype)
        self.gradient = self._numbers[:-1]

    def place(self, step: int) -> int:
        """Return where in the batch of all ranks this one's rows begin, in a step of the epoch."""
        return self._shard.place(step, self._batch_size)

    def sum(self, weight: float) -> float:
        """Replace `gradient` by the sum of all ranks'; give the sum of the rows' weights."""
        self._numbers[-1] = weight
        for start in range(0, len(self._numbers), PIECE):
            self._comm.Allreduce(None, self._numbers[start : start + PIECE])  # None: in place
        return float(self._numbers[-1])


class Ranks(SingleProcess):
    """The processes of a communicator.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Or what has its methods.

    Raises
    ------
    TypeError, ValueError
        If it is no communicator that can be used.
    """

    def __init__(self, comm: Any) -> None:
        missing = [name for name in METHODS if not callable(getattr(comm, name, None))]
        if missing:
            raise TypeError(
                "comm must be a communicator such as mpi4py.MPI.COMM_WORLD, got "
                f"{type(comm).__name__} without {missing[0]}"
            )
        mpi = sys.modules.get(type(comm).__module__)  # asked out of its time, MPI ends the process
        is_initialized = getattr(mpi, "Is_initialized", None)
        is_finalized = getattr(mpi, "Is_finalized", None)
        if (is_initialized and not is_initialized()) or (is_finalized and is_finalized()):
            raise ValueError(
                "comm must be of a running MPI, got one that is not initialised yet, or finalised"
            )
        try:
            self.rank, self.size = int(comm.Get_rank()), int(comm.Get_size())
            is_intercommunicator = bool(getattr(comm, "Is_inter", bool)())
        except Exception as error:  # of a freed communicator, or of COMM_NULL
            message = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"comm must be a communicator in use, got an error of MPI: "
                f"{message.removesuffix(', error stack:')}"
            ) from error
        if is_intercommunicator:
            raise ValueError("comm must join ranks of one group, got an intercommunicator")
        self._comm = comm
        processes = comm.allgather((socket.gethostname(), _cores(), os.urandom(8).hex()))
        _expect_none_has_left(processes)
        own_host = processes[self.rank][0]
        self._first_here = next(i for i, process in enumerate(processes) if process[0] == own_host)
        self._name = processes[self._first_here][2]
        self._threads = _share(self.rank, own_host, processes)

    def threads(self) -> int:
        """Return how many threads a call may use: what was chosen, or a share of the cores."""
        chosen = threads.chosen_threads()
        return self._threads if chosen is None else chosen

    @contextlib.contextmanager
    def agreed(self) -> Iterator[None]:
        """Raise what one rank raises inside on all of them, saying which it was."""
        own_error: Exception | None = None
        try:
            yield
        except Exception as error:
            own_error = error
        reports = self._comm.allgather(None if own_error is None else _described(own_error))
        failures = [(rank, report) for rank, report in enumerate(reports) if report is not None]
        if not failures:
            return
        if (
            len(failures) == self.size
            and len({report for _, report in failures}) == 1
            and own_error
        ):
            shared_error: Exception = own_error  # all make the same mistake: no matter of ranks
        else:
            rank, (kind, text) = failures[0]
            shared_error = KINDS[kind](f"rank {rank} of {self.size}: {text}")
        setattr(shared_error, AGREED, True)
        raise shared_error from (own_error.__cause__ if own_error is shared_error else own_error)

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """End the job where this rank raises inside, or dies: the others would wait for ever."""
        is_first, barrier = self.rank == self._first_here, lambda: self._comm.allgather(None)
        watch = Watchdog(self.rank, self.size, is_first, self._name, barrier)
        try:
            yield
        except BaseException as error:
            if self.size == 1 or is_agreed(error):
                raise
            if not isinstance(error, KeyboardInterrupt):
                traceback.print_exc()
            watch.end(b"!")
            rank_name = f"rank {self.rank} of {self.size}"
            description = ": ".join(filter(None, (type(error).__name__, str(error))))
            status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
            end_all(self._comm, f"{rank_name} ends the training of all: {description}", status)
            raise  # by another communicator than MPI's
        finally:
            watch.end()

    def shared(self, value: Any) -> Any:
        """Return the first rank's value."""
        return self._comm.bcast(value, 0)

    def expect_same(self, settings: dict[str, object]) -> None:
        """Refuse to go on where a rank has other settings than the first."""
        own = {name: re.sub(r" at 0x[0-9a-f]+", "", str(v)) for name, v in settings.items()}
        first = self.shared(own)
        with self.agreed():
            for name in sorted({*own, *first}):
                if own.get(name) != first.get(name):
                    raise ValueError(
                        f"{name} must be the same on all ranks, got {own.get(name)}, "
                        f"and {first.get(name)} on rank 0"
                    )

    def _expect_same_fit(self, model: Any, settings: Any, sample_weight: Any) -> None:
        """Refuse to train where a rank has another model or other settings than the first."""
        with self.agreed():
            if names := cannot_merge(model.metrics):
                raise ValueError(
                    f"metrics must define merge(other) to be used with comm, got {names[0]}"
                )
        validation = settings.validation
        self.expect_same(
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
            | {name: getattr(settings, name) for name in SAME_SETTINGS}
        )

    def begin_alike(self, model: Any, settings: Any, sample_weight: Any) -> None:
        """Broadcast what the first rank has learned, if all have the same model and settings.

        Raises
        ------
        ValueError
            On all ranks, if one has others.
        """
        if self.size > 1:
            self._expect_same_fit(model, settings, sample_weight)
        network = model._network
        numbers = np.empty(network.n_params, model.dtype)
        network.get_params(numbers)
        self._comm.Bcast(numbers, 0)
        network.set_params(numbers)
        model.set_state(self.shared(model.get_state()))
        model.set_optimizer_state(self.shared(model.get_optimizer_state()))
        values = self.shared((model.rate_factor, model.callback_state, model.callback_weights))
        model.rate_factor, model.callback_state, model.callback_weights = values

    def expect_alike(self, model: Any) -> None:
        """Refuse to go on where a rank has other weights, or another rate, than the first."""
        if self.size == 1:
            return
        numbers = np.empty(model._network.n_params, model.dtype)
        model._network.get_params(numbers)
        numbers[np.isnan(numbers)] = np.nan  # a sum of two has the bits of one or the other
        self.expect_same(
            {
                "the rate_factor that callbacks left": model.rate_factor,
                "the checksum of the weights that callbacks left": zlib.crc32(numbers.data),
            }
        )

    def shard(self, data: Batches) -> Shard:
        """Say what this rank does of data that it was given.

        Where all ranks were given the same rows, these are shared: each does its part of them.
        """
        rows_by_rank = self._comm.allgather((data.n_rows, fingerprint(data)))
        is_same = all(other == rows_by_rank[0] for other in rows_by_rank)
        most_rows = max(n for n, _ in rows_by_rank)
        return Shard(data.n_rows, most_rows, is_same, self.rank, self.size)

    def total(self, counts: NDArray[Any]) -> NDArray[Any]:
        """Add up arrays of all ranks."""
        total = counts.copy()
        self._comm.Allreduce(None, total)
        return total

    def any(self, answer: bool) -> bool:
        """Return whether one rank says yes."""
        return any(self._comm.allgather(bool(answer)))

    def result(self, measures: Measures) -> dict[str, float]:
        """Return what was measured on all ranks together, merged on the first in order of rank."""
        parts = self._comm.gather(measures, 0)
        merged: dict[str, float] | None = None
        with self.agreed():
            if self.rank == 0:
                for other in parts[1:]:
                    parts[0].merge(other)
                merged = parts[0].result()
        result: dict[str, float] = self.shared(merged)
        return result

    def exchange(self, model: Any, shard: Shard, batch_size: int) -> loops.Exchange | None:
        """Return what adds up gradients, or None where there is one network."""
        return GradientSum(self._comm, model, shard, batch_size) if self.size > 1 else None

    def blend_state(self, model: Any) -> None:
        """Set the running statistics of every rank to the mean over all."""
        network = model._network
        if self.size > 1 and network.n_state:
            numbers = np.empty(network.n_state, model.dtype)
            network.get_state(numbers)
            self._comm.Allreduce(None, numbers)
            network.set_state(numbers / model.dtype.type(self.size))


def leave(comm: Any) -> None:
    """Wait for all ranks at the end of a job.

    Raises
    ------
    RuntimeError
        On all ranks, where some of them still want to do something together.
    """
    _expect_none_has_left(comm.allgather(None))


def _expect_none_has_left(answers: list[Any]) -> None:
    """Refuse to go on where some ranks are at the end of their job, and some are not."""
    ended = [rank for rank, answer in enumerate(answers) if answer is None]
    if 0 < len(ended) < len(answers):
        other = next(rank for rank, answer in enumerate(answers) if answer is not None)
        error = RuntimeError(
            f"rank {ended[0]} of {len(answers)} has come to its end, rank {other} trains or loads: "
            "all ranks must call fit, or none"
        )
        setattr(error, AGREED, True)
        raise error


def end_all(comm: Any, reason: str, status: int = 1) -> None:
    """Say why, and end all ranks."""
    try:
        print(f"cynn: {reason}", file=sys.stderr, flush=True)
        time.sleep(PASSED_ON)
    finally:  # also where Ctrl-C comes a second time, from the launcher after the terminal
        comm.Abort(status)


PASSED_ON = 0.2  # seconds in which a launcher shows what was written, before it kills all


def get(comm: Any) -> SingleProcess:
    """Return the ranks of a communicator; one alone where there is none."""
    return SINGLE if comm is None else Ranks(comm)


KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (ValueError, TypeError, OSError, ImportError, MemoryError, FloatingPointError)
}
"""The errors that are raised on all ranks as what they are; others are a RuntimeError there."""
KINDS["RuntimeError"] = RuntimeError


AGREED = "__cynn_agreed__"


def is_agreed(error: BaseException) -> bool:
    """Return whether all ranks raise this error, so that none waits for another."""
    return getattr(error, AGREED, False)


def _described(error: Exception) -> tuple[str, str]:
    """Return what other ranks need to raise an error: its kind, and what it says."""
    for name, kind in KINDS.items():
        if isinstance(error, kind):
            return name, str(error)
    return "RuntimeError", f"{type(error).__name__}: {error}"


def _cores() -> list[int]:
    """Return the numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _share(rank: int, own_host: str, processes: list[tuple[str, list[int], str]]) -> int:
    """Return the whole cores of a rank, where those that may run on a core have equal shares."""
    users: dict[int, int] = {}
    for host, cores, _ in processes:
        if host == own_host:
            for core in cores:
                users[core] = users.get(core, 0) + 1
    share = sum(1 / users[core] for core in processes[rank][1])
    return max(1, min(int(share + 1e-6), threads.available_cores()))


def cannot_merge(metrics: list[Metric]) -> list[str]:
    """Return the names of the metrics that do not say how two of them become one."""
    return [
        metric.name
        for kind, metric in ((type(metric), metric) for metric in metrics)
        if kind.merge is Metric.merge and (kind.add, kind.reset) != (Metric.add, Metric.reset)
    ]

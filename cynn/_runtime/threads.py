"""How many threads a call may use.

Threads are borrowed for the length of a call or a fit, where there is work for them; the count
changes the time that a result takes, never its bits.
"""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from .. import _backend
from .._specs.validation import integer

CONTROL_GROUP = Path("/sys/fs/cgroup")

LOCAL_RANKS = (
    "MPI_LOCALNRANKS",  # MPICH and Intel MPI
    "OMPI_COMM_WORLD_LOCAL_SIZE",  # Open MPI
    "MV2_COMM_WORLD_LOCAL_SIZE",  # MVAPICH
)
"""The variables by which launchers say how many ranks run on this machine."""

_chosen: int | None = None

_keepers = 0
_keepers_lock = threading.Lock()


def set_num_threads(n: int | None) -> None:
    """Set how many threads each call may use, in this process.

    Parameters
    ----------
    n : int or None
        At least 1; None goes back to ``CYNN_NUM_THREADS`` or, without it, to the cores that this
        process may run on.

    Raises
    ------
    TypeError, ValueError
        If `n` is no such number.

    Examples
    --------
    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(None)
    """
    global _chosen
    _chosen = None if n is None else min(integer("n", n), 1024)


def get_num_threads() -> int:
    """Return how many threads each call may use.

    Returns
    -------
    int
        What `set_num_threads` said; else the environment variable ``CYNN_NUM_THREADS``; else the
        cores that the process's affinity and its container's quota leave it.

    Raises
    ------
    ValueError
        If ``CYNN_NUM_THREADS`` is no whole number from 1.

    See Also
    --------
    set_num_threads : Choose the number.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    chosen = chosen_threads()
    return available_cores() if chosen is None else chosen


@contextlib.contextmanager
def keep_threads() -> Iterator[None]:
    """Keep threads between calls, for the length of a ``with`` statement.

    Otherwise a call starts its threads and ends them, which takes longer than to predict some
    hundred rows of a small network on one. Here they stay, for all calls of all models of this
    process, and stay awake for 0.3 ms after each: predictions of a few rows that follow each other
    closely are divided among them. They end with the last such statement, and a fork takes none
    along. Results do not depend on it, to the bit.

    Yields
    ------
    None

    See Also
    --------
    set_num_threads : Set how many threads a call may use.

    Notes
    -----
    Calls at the same time, from several threads of Python, do not share the kept threads: one has
    them, the others start their own.

    Examples
    --------
    >>> with keep_threads():
    ...     pass  # one prediction after the other
    """
    _change_keepers(1)
    try:
        yield
    finally:
        _change_keepers(-1)


def _change_keepers(change: int) -> None:
    global _keepers
    with _keepers_lock:
        _keepers += change
        if _backend.target() != "reference":
            for real in _backend.REALS:
                _backend.kernels(real).keep_threads(_keepers > 0)


def chosen_threads() -> int | None:
    """Return the number that `set_num_threads` or ``CYNN_NUM_THREADS`` says, or None.

    Raises
    ------
    ValueError
        If ``CYNN_NUM_THREADS`` is no whole number from 1.
    """
    chosen = _chosen  # once: another thread may change it in between
    if chosen is not None:
        return chosen
    text = os.environ.get("CYNN_NUM_THREADS", "")
    if not text:
        return None
    count = int(text) if text.isdecimal() and len(text) < 10 else 0
    if count < 1:
        raise ValueError(f"CYNN_NUM_THREADS must be a positive integer, got {text!r}")
    return min(count, 1024)


def is_chosen() -> bool:
    """Return whether the number of threads was set, here or by ``CYNN_NUM_THREADS``."""
    return _chosen is not None or bool(os.environ.get("CYNN_NUM_THREADS", ""))


def available_cores() -> int:
    """Return the cores that this process may use at once.

    Returns
    -------
    int
        By the process's affinity as it is now and, on Linux, the quota of its control group,
        which is read once. Where an MPI launcher started several ranks on this machine, no more
        than a rank's share of it.
    """
    machine = os.cpu_count() or 1
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    quota = _quota(CONTROL_GROUP)
    if quota is not None:
        count, machine = min(count, int(quota)), min(machine, int(quota))
    ranks = _local_ranks()
    return max(1, count if ranks == 1 else min(count, machine // ranks))


def _local_ranks() -> int:
    """Return how many ranks a launcher started on this machine; 1 without a launcher."""
    for name in LOCAL_RANKS:
        value = os.environ.get(name, "")
        if value.isdecimal() and 0 < len(value) < 7 and int(value) > 0:
            return int(value)
    return 1


@functools.cache
def _quota(root: Path) -> float | None:
    """Cores that a control group allows (cpu.max of version 2, cfs_quota_us of version 1)."""
    try:
        limit, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except (OSError, ValueError):
            return None
    if not limit.isdecimal() or not period.isdecimal() or int(period) == 0:
        return None  # "max", or -1: no limit
    return int(limit) / int(period)

"""Ranks for tests: threads with a communicator of their own, or processes of a real launcher."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

SECONDS = 60  # after which a job is killed: none takes more than a few

# What MPI's libraries write about a machine, as where a container has no /sys: not cynn's.
LIBRARIES = re.compile(r"^\[(hwloc/\w+\]|[\d.]+\] \[[^]]*\] .* UCX ) .*\n?", re.MULTILINE)


class Aborted(Exception):
    """Raised by `Abort` here, where MPI ends the process."""


class Group:
    """The state that the threads of a job share."""

    def __init__(self, size):
        self.size = size
        self.barrier = threading.Barrier(size, timeout=SECONDS)
        self.values = [None] * size
        self.calls = []


class ThreadComm:
    """A rank's communicator between threads, with those methods of mpi4py that `fit` calls."""

    def __init__(self, group, rank):
        self._group, self._rank = group, rank

    def Get_rank(self):
        return self._rank

    def Get_size(self):
        return self._group.size

    def allgather(self, value):
        group = self._group
        if self._rank == 0:
            group.calls.append(sys._getframe(1).f_code.co_name)
        group.values[self._rank] = value
        group.barrier.wait()
        values = list(group.values)
        group.barrier.wait()
        return values

    def gather(self, value, root):
        values = self.allgather(value)
        return values if self._rank == root else None

    def bcast(self, value, root):
        return self.allgather(value)[root]

    def Bcast(self, array, root):
        array[...] = self.allgather(array.copy())[root]

    def Allreduce(self, inside, array):
        assert inside is None
        array[...] = np.sum(self.allgather(array.copy()), axis=0)

    def Abort(self, code):
        self._group.barrier.abort()
        raise Aborted(code)


def run_ranks(size, work):
    """Return the result of ``work(comm)``, or the error that it raises, on each of the ranks."""
    group = Group(size)
    results = [None] * size

    def rank(i):
        try:
            results[i] = work(ThreadComm(group, i))
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=rank, args=(i,)) for i in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def launcher():
    """Return the command that starts ranks, or skip the test."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed", exc_type=ImportError)
    sibling = Path(sys.executable).with_name("mpiexec")
    command = str(sibling) if sibling.exists() else shutil.which("mpiexec")
    if command is None:
        pytest.skip("no mpiexec is installed")
    return command


def start(size, arguments, folder, **variables):
    """Start a job of ``python ARGUMENTS`` on that many ranks, in a session of its own."""
    settings = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    return subprocess.Popen(
        [launcher(), "-n", str(size), sys.executable, "-P", *map(str, arguments)],
        cwd=folder,
        env=os.environ | settings | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(job):
    """Return the job's status and output, without what MPI's libraries write about the machine.

    A job that hangs is killed, and fails the test.
    """
    try:
        out, err = job.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        out, err = job.communicate()
        pytest.fail(f"the job hung after {out!r} and {err!r}")
    return job.returncode, LIBRARIES.sub("", out), LIBRARIES.sub("", err)


def run(size, arguments, folder, **variables):
    """Run a job until it ends."""
    return finish(start(size, arguments, folder, **variables))

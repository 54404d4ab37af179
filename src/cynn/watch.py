"""Names a rank that is killed: a process of its own on each machine, which sleeps until one dies.

Launchers end a job when a rank dies, and some do not say which it was. The kernel says it, in the
order of the deaths, to who waits for them with epoll. This file is run as a program, so it imports
nothing but Python's own; where the kernel has no such service (pidfd, Linux 5.3), nobody watches.
"""

import contextlib
import os
import select
import subprocess
import sys


class Watch:
    """A process that watches others until `end`, and says on standard error which died.

    Parameters
    ----------
    processes : list of (int, int)
        Rank and process of those on this machine, this one first.
    size : int
        The ranks of the job.
    """

    def __init__(self, processes: list[tuple[int, int]], size: int) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if size == 1 or not hasattr(os, "pidfd_open") or not os.path.isfile(__file__):
            return
        named = [f"{rank}:{pid}" for rank, pid in processes]
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(size), *named],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # who kills the ranks' group does not mean this one
            )

    def end(self) -> None:
        """Let it go in peace."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(b".")
                self._process.stdin.close()
            self._process.wait()
            self._process = None


def main(size: str, *processes: str) -> None:
    """Wait for a death, or for the word on standard input that all is well."""
    waiting, ranks = select.epoll(), {}
    for rank, pid in (pair.split(":") for pair in processes):
        try:
            place = os.pidfd_open(int(pid))
        except OSError:  # gone, or in a container of its own
            continue
        ranks[place] = rank, pid
        waiting.register(place, select.EPOLLIN)
    waiting.register(0, select.EPOLLIN)
    first = waiting.poll(maxevents=1)[0][0]
    if first == 0:
        if os.read(0, 1):
            return
        rank, pid = processes[0].split(":")  # its end of the pipe was closed before it was gone
    else:
        rank, pid = ranks[first]
    host = os.uname().nodename
    sys.stderr.write(
        f"cynn: rank {rank} of {size} (process {pid} on {host}) died in the midst of the training\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

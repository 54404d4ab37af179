"""Names a rank that is killed: a process of its own on each machine, which sleeps until one dies.

Launchers end a job when a rank dies, and some do not say which it was, or name another. Here every
rank holds a connection to the watcher of its machine. The kernel closes it when the rank is gone,
and epoll tells of closed connections in the order of the deaths, however late the watcher wakes.

This file is run as a program, so it imports nothing but Python's own. Where the system is not
Linux, nobody watches.
"""

import contextlib
import os
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable

HIGH = 512  # of a process's files Linux closes those of high numbers first
PATIENCE = 60.0  # seconds until the first connection


class Watchdog:
    """A rank's connection to its machine's watcher, which the first rank there starts.

    Parameters
    ----------
    rank, size : int
        Which rank of how many.
    first : bool
        Whether it is the first on this machine.
    name : str
        What the watcher is called, the same for all on this machine and for no other.
    meet : callable
        Waits for the other ranks: the watcher is there before they connect.
    """

    def __init__(
        self, rank: int, size: int, first: bool, name: str, meet: Callable[[], object]
    ) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        usable = sys.platform == "linux" and size > 1 and os.path.isfile(__file__)
        address = f"\0cynn-{name}"  # in no folder: gone with the watcher
        if usable and first:
            with contextlib.suppress(OSError):
                self._process = _start(address, size)
        meet()
        if usable:
            with contextlib.suppress(OSError):
                self._connection = _connect(address, rank)

    def end(self, word: bytes = b".") -> None:
        """Leave in peace; with the word ``b"!"`` nobody is named, whoever dies now."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.sendall(word)
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.wait()
            self._process = None


def _start(address: str, size: int) -> "subprocess.Popen[bytes]":
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(4096)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(size)],
            stdin=listener.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # who kills the ranks' group does not mean this one
        )


def _connect(address: str, rank: int) -> socket.socket:
    import fcntl

    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(address)
        connection.sendall(struct.pack("!q", rank))
        try:
            descriptor = fcntl.fcntl(connection, fcntl.F_DUPFD_CLOEXEC, HIGH)
        except OSError:  # so many files are not allowed
            descriptor = os.dup(connection.fileno())
    return socket.socket(fileno=descriptor)


def main(size: str) -> None:
    """Wait for a death among the ranks that connect, or for the word of each that all is well."""
    listener = socket.socket(fileno=0)
    waiting = selectors.EpollSelector()
    waiting.register(listener, selectors.EVENT_READ)
    registered = waiting.get_map()  # the listener and the ranks
    while ready := waiting.select(None if len(registered) > 1 else PATIENCE):
        for key, _ in ready:  # in the order in which they came
            if key.data is None:
                connection = listener.accept()[0]
                peer = connection.getsockopt(socket.SOL_SOCKET, PEER, 12)
                pid, user, _ = struct.unpack("3i", peer)
                first = connection.recv(8)
                if user == os.getuid() and len(first) == 8:
                    about = connection, struct.unpack("!q", first)[0], pid
                    waiting.register(connection, selectors.EVENT_READ, about)
                continue
            connection, rank, pid = key.data
            word = connection.recv(1)
            if not word:
                now = time.time()
                clock = time.strftime("%H:%M:%S", time.localtime(now)) + f"{now % 1:.3f}"[1:]
                sys.stderr.write(
                    f"cynn: rank {rank} of {size} (process {pid} on {os.uname().nodename}) died in "
                    f"the midst of the training, at {clock}\n"
                )
            waiting.unregister(connection)
            if not word or word == b"!" or len(registered) == 1:
                return
            connection.close()


PEER = getattr(socket, "SO_PEERCRED", 0)

if __name__ == "__main__":
    main(*sys.argv[1:])

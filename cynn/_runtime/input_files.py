"""Files that others wrote: regular ones alone, and no more of them than was asked for."""

import errno
import io
import os
import stat
from typing import BinaryIO

MAX_BYTES = 1 << 30
"""The memory that the data of one file may take unless more is asked for."""


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to read; a pipe, which may have no writer, is not waited for.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    BinaryIO
        The open file.

    Raises
    ------
    OSError
        If it is missing, forbidden or a folder.
    ValueError
        If it is a pipe, a socket or a device: these may never end.

    Examples
    --------
    >>> open_regular(os.devnull)
    Traceback (most recent call last):
    ValueError: /dev/null: it must be a regular file, got a device
    """
    file = open(os.fspath(path), "rb", opener=_without_waiting)  # not a descriptor
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISREG(mode):
        return file
    file.close()
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    raise ValueError(f"{path}: it must be a regular file, got {kind}")


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def expect_size(what: str, n_bytes: int, max_bytes: int) -> None:
    """Raise where data would take more memory than they may.

    Parameters
    ----------
    what : str
        What it is, for the message.
    n_bytes : int
        What it takes.
    max_bytes : int
        What it may take.

    Raises
    ------
    ValueError
        If it takes more.

    Examples
    --------
    >>> expect_size("its text", 10, max_bytes=9)
    Traceback (most recent call last):
    ValueError: its text must take at most max_bytes=9 bytes, got 10: allow more (--max-bytes) \
if the file is to be trusted
    """
    if n_bytes > max_bytes:
        raise ValueError(
            f"{what} must take at most max_bytes={max_bytes:,} bytes, got {n_bytes:,}: allow more "
            "(--max-bytes) if the file is to be trusted"
        )


class Bounded(io.RawIOBase):
    """The bytes of another stream, up to a limit; to close it leaves the other open.

    Parameters
    ----------
    stream : BinaryIO
        Where they come from.
    max_bytes : int
        How many may come.

    Raises
    ------
    ValueError
        While reading, if more come.

    Examples
    --------
    >>> Bounded(io.BytesIO(b"abc"), 3).read()
    b'abc'
    """

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream, self._max_bytes, self._n_read = stream, max_bytes, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """Fill a buffer; see `io.RawIOBase.readinto`."""
        n: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self._n_read += n
        expect_size("what it unpacks to", self._n_read, self._max_bytes)
        return n

"""Files that are whole: written beside their name, and renamed when they are done.

A full disk or a killed process leaves what was there before. What a killed process leaves beside
it, a part of a file, goes when the next one writes to the same name: a writer holds a lock on its
part, which ends with its process, so that those of others who still write stay.
"""

import contextlib
import errno
import hashlib
import os
import platform
import re
import stat
from collections.abc import Iterator
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    _HAS_LOCKS = False
else:
    _HAS_LOCKS = True


def replace(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file whole, or leave what was there; an OSError says why."""
    with writing(path) as file:
        file.write(data)


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes its name when the block ends; after an error what was there stays.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = os.path.realpath(os.fsdecode(path))  # of a link, what it points to is replaced
    with _part_of(path) as (file, temporary):
        yield file
        file.flush()
        os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
        if not _HAS_LOCKS:
            file.close()  # or it cannot be renamed
        os.replace(temporary, path)


def try_to_write(path: str | os.PathLike[str]) -> None:
    """Raise an OSError where `replace` would, as far as can be known before; change nothing.

    Parts that killed processes left are removed, as `replace` does.
    """
    with _part_of(os.path.realpath(os.fsdecode(path))) as (file, temporary):
        if not _HAS_LOCKS:
            file.close()  # or it cannot be removed
        os.unlink(temporary)  # while it is held: nobody else does it


@contextlib.contextmanager
def _part_of(path: str) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a new file next to `path`, and its name; after an error it is removed."""
    if os.path.exists(path) and not os.path.isfile(path):  # a device, say: a rename would end it
        raise FileExistsError(errno.EEXIST, "It exists and is not a regular file", path)
    folder, name = os.path.split(path)
    # Of the whole name, which may be too long for more, and of this host: locks of others may not
    # be seen here.
    tag = hashlib.sha256(os.fsencode(f"{platform.node()}\0{name}")).hexdigest()[:8]
    prefix = f"{name[:40]}.{tag}-"
    temporary = ""
    try:
        _remove_abandoned(folder, prefix)
        while True:
            temporary = os.path.join(folder, f"{prefix}{os.urandom(8).hex()}.part")
            with open(temporary, "xb") as file:
                if _is_held(file):
                    yield file, temporary
                    return
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):  # of the file that was meant
            raise OSError(error.errno, error.strerror, path) from error
        raise


def _is_held(file: BinaryIO) -> bool:
    """Lock a new part, and return whether it is still there: another may have found it unlocked."""
    if not _HAS_LOCKS:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where nothing is removed either
        pass
    return os.fstat(file.fileno()).st_nlink > 0


def _remove_abandoned(folder: str, prefix: str) -> None:
    """Remove the parts with this prefix that no living process holds."""
    pattern = re.compile(re.escape(prefix) + r"[0-9a-f]{16}\.part")
    try:
        names = os.listdir(folder)
    except OSError:  # what is wrong with the folder, if anything, is known when it is written to
        return
    for name in filter(pattern.fullmatch, names):
        part = os.path.join(folder, name)
        if os.path.isfile(part) and not os.path.islink(part):
            with contextlib.suppress(OSError):  # it is held, gone, or another user's
                if not _HAS_LOCKS:
                    os.unlink(part)
                    continue
                with open(part, "r+b") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(part)

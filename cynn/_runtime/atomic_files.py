"""Files that are whole: written beside their name, and renamed when they are done.

A full disk or a killed process leaves what was there before.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator


def replace(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file whole, or leave what was there; an OSError says why."""
    path = os.path.realpath(os.fsdecode(path))  # of a link, what it points to is replaced
    with _temporary_path(path) as temporary:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(temporary, path)


def try_to_write(path: str | os.PathLike[str]) -> None:
    """Raise an OSError where `write` would, as far as can be known before; change nothing."""
    with _temporary_path(os.path.realpath(os.fsdecode(path))) as temporary:
        open(temporary, "xb").close()
        os.unlink(temporary)


@contextlib.contextmanager
def _temporary_path(path: str) -> Iterator[str]:
    """Yield the path of a temporary file next to `path`; after an error it is removed."""
    if os.path.exists(path) and not os.path.isfile(path):  # a device, say: a rename would end it
        raise FileExistsError(errno.EEXIST, "It exists and is not a regular file", path)
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f"{name[:40]}.{os.urandom(8).hex()}.part")
    try:
        yield temporary
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):  # of the file that was meant
            raise OSError(error.errno, error.strerror, path) from error
        raise

"""IDX files, the format of MNIST: a short header, then the array's bytes."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .._runtime.input_files import MAX_BYTES, open_regular

__all__ = ["IDXError", "read_idx"]

# The third byte of the file names the elements' type; all are stored big-endian.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# The most a gzip stream can grow when it is unpacked (zlib's documentation says 1032 to 1).
_GZIP_RATIO = 1032

_MOST_DIMENSIONS = 32  # NumPy 1 has no more
_CHUNK = 1 << 20


class IDXError(ValueError):
    """A file that should hold an IDX array does not, or not all of it."""


def read_idx(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Read the array in an IDX file, plain or packed with gzip.

    Whether the file is packed is judged by its first bytes, not by its name. The size that the
    header promises is checked against the bytes that are there before memory is taken: exactly for
    a plain file; for a packed one against the most that its bytes can unpack to, after which it
    is unpacked in small pieces that stop at the promised size.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int
        The largest array to read, in bytes; 1 GiB unless told otherwise (MNIST's largest file
        takes 47 MB).

    Returns
    -------
    ndarray
        The array in the machine's byte order, writable, of the shape that the header names;
        uint8 for MNIST and its relatives. int8, int16, int32, float32 and float64 are read too.

    Raises
    ------
    OSError
        If the file cannot be opened or read.
    IDXError
        If the file is empty, no IDX file (a web page, say), cut short, longer than its header
        says, damaged in its packing, or larger than `max_bytes`. It is a ValueError.

    See Also
    --------
    load_mnist : Find, download and read all four files.

    Notes
    -----
    The format is the one on the MNIST page of Y. LeCun, C. Cortes and C. Burges: two zero bytes,
    a byte for the type, a byte for the number of dimensions, each dimension as a big-endian
    32-bit integer, then the elements with the last dimension fastest.

    Examples
    --------
    >>> import os, tempfile
    >>> from cynn.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels-idx1-ubyte")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     read_idx(path)
    array([5, 0, 4], dtype=uint8)
    """
    path = Path(path)
    try:
        opened = open_regular(path)
    except ValueError as error:
        raise IDXError(str(error)) from error
    with opened as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(2)
        file.seek(0)
        if not start:
            raise IDXError(f"{path}: must be an IDX file, got an empty file")
        if start != b"\x1f\x8b":
            return _read(path, file, max_bytes, size, exact=True)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(path, unpacked, max_bytes, size * _GZIP_RATIO, exact=False)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise IDXError(f"{path}: the gzip data are damaged or cut short ({error})") from error


def _read(
    path: Path, stream: BinaryIO | gzip.GzipFile, max_bytes: int, available: int, exact: bool
) -> NDArray[Any]:
    """Read header and elements; at most `available` bytes can come, and just as many if `exact`."""
    magic = stream.read(4)
    if magic.lstrip()[:1] == b"<":
        raise IDXError(f"{path}: must be an IDX file, got what looks like a web page (HTML)")
    if len(magic) < 4:
        raise IDXError(f"{path}: cut short: {len(magic)} bytes, an IDX header has at least 4")
    if magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise IDXError(
            f"{path}: must be an IDX file, which starts with 00 00, a type (08 for uint8) and the "
            f"number of dimensions, got the bytes {magic.hex(' ')}"
        )
    rank = magic[3]
    if rank > _MOST_DIMENSIONS:
        raise IDXError(f"{path}: must have at most {_MOST_DIMENSIONS} dimensions, got {rank}")
    sizes = stream.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise IDXError(
            f"{path}: cut short: the header is {4 + len(sizes)} bytes long, "
            f"{rank} dimensions need {4 + 4 * rank}"
        )
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, 4 * rank, 4))
    dtype = np.dtype(_TYPES[magic[2]])

    # Python's integers do not overflow. A dimension of 0 must not hide absurd ones beside it from
    # the check, for NumPy refuses those as well.
    extent = math.prod(n for n in shape if n) * dtype.itemsize
    n_bytes = 0 if 0 in shape else extent
    header = 4 + 4 * rank
    description = f"the header says {' x '.join(map(str, shape)) or 'one'} {dtype.name} elements"
    if exact and header + n_bytes != available:
        problem = "cut short" if available < header + n_bytes else "too long"
        raise IDXError(
            f"{path}: {problem}: {description}, {header + n_bytes:,} bytes in all; "
            f"the file has {available:,}"
        )
    if header + n_bytes > available:
        raise IDXError(
            f"{path}: cut short: {description}, {n_bytes:,} bytes; "
            f"the file can unpack to at most {available:,}"
        )
    if extent > max_bytes:
        raise IDXError(
            f"{path}: {description}, {extent:,} bytes; at most max_bytes={max_bytes:,} are read"
        )

    array = np.empty(shape, dtype)
    buffer = array.reshape(-1).view(np.uint8).data if n_bytes else memoryview(b"")
    n_done = 0
    while n_done < n_bytes:
        n_read = stream.readinto(buffer[n_done : n_done + _CHUNK])  # type: ignore[union-attr]
        if not n_read:
            raise IDXError(f"{path}: cut short: {description}, {n_bytes:,} bytes; got {n_done:,}")
        n_done += n_read
    # Reading on to the end also makes gzip check its checksum.
    if stream.read(1):
        raise IDXError(f"{path}: too long: {description}, {n_bytes:,} bytes; got more")
    return array.astype(dtype.newbyteorder("="), copy=False)

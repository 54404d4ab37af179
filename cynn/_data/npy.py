"""Arrays from .npy and .npz files, which may be hostile: sizes come before memory."""

import math
import os
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._runtime.input_files import MAX_BYTES, expect_size

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # as in NumPy
_MOST_DIMENSIONS = 32  # NumPy 1 has no more
_CHUNK = 1 << 20
_DEFLATE_RATIO = 1032  # the most that zlib unpacks a byte to, by its documentation

# The header is a dictionary as Python writes it. It is read without Python's parser, which
# recurses, warns and takes far more than this. The patterns are compiled where they are used first.
_PAIR = r"""["'](descr|fortran_order|shape)["']:('[^']*'|"[^"]*"|True|False|\([\dL,]*\))"""
_DICTIONARY = rf"\{{(?:{_PAIR}(?:,|(?=\}}))){{3}}\}}"
# bools, integers, floats, complex numbers, times, texts, bytes, and bytes without a meaning
_DTYPE = r"[<>|=]?[biufcmMUSV]\d{1,9}(\[\d{0,9}[a-zA-Z]{1,2}\])?|\?"


class Header(NamedTuple):
    """What an array's header promises."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    n_header: int  # bytes of the header
    n_bytes: int  # and of the elements behind it

    @property
    def extent(self) -> int:
        """The bytes of elements, no dimension counted as less than 1.

        A dimension of 0 must not hide absurd ones beside it, for NumPy refuses those as well.
        """
        return math.prod(n for n in self.shape if n) * self.dtype.itemsize


def read_npy(file: BinaryIO, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Read the array of a .npy file.

    Parameters
    ----------
    file : BinaryIO
        A regular file, at its start.
    max_bytes : int, default 2**30
        The largest array to read, in bytes.

    Returns
    -------
    ndarray
        In the machine's byte order, writable; nothing is unpickled.

    Raises
    ------
    ValueError
        If the file is no such array, is not as long as its header says, or is larger than
        `max_bytes`.
    OSError
        If it cannot be read.

    Notes
    -----
    The format is NumPy's (numpy.lib.format), versions 1 to 3.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> np.save(file, [1.5, 2.5])
    >>> _ = file.seek(0)
    >>> read_npy(file)
    array([1.5, 2.5])
    """
    header = _header(file)
    available = file.seek(0, os.SEEK_END)
    file.seek(header.n_header)
    _expect_length(header, available)
    expect_size("its array", header.extent, max_bytes)
    return _elements(file, header)


def map_npy(file: BinaryIO) -> NDArray[Any]:
    """Map the array of a .npy file into memory: what is used of it is read, when it is used.

    Parameters
    ----------
    file : BinaryIO
        A regular file, at its start; it may be closed afterwards.

    Returns
    -------
    ndarray
        Read-only, as it lies in the file.

    Raises
    ------
    ValueError
        If the file is no such array, or is not as long as its header says.
    OSError
        If it cannot be read.
    """
    header = _header(file)
    _expect_length(header, file.seek(0, os.SEEK_END))
    order: Any = "F" if header.fortran_order else "C"
    mapped: NDArray[Any] = np.memmap(file, header.dtype, "r", header.n_header, header.shape, order)
    return mapped


def read_npz(file: BinaryIO, max_bytes: int = MAX_BYTES) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read the arrays of an .npz file, all of whose headers are checked before the first.

    Parameters
    ----------
    file : BinaryIO
        A regular file, at its start.
    max_bytes : int, default 2**30
        What all arrays together may take, in bytes; a column of a matrix counts
        as 256 at least, for that is what it costs to hold it.

    Yields
    ------
    str
        The array's name.
    ndarray
        The array, as of `read_npy`.

    Raises
    ------
    ValueError
        If the file holds anything but such arrays, or they are larger than `max_bytes`.
    OSError, zipfile.BadZipFile, zlib.error, EOFError
        If it cannot be read, or is damaged.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> np.savez(file, a=[1, 2])
    >>> list(read_npz(file))
    [('a', array([1, 2]))]
    """
    import zipfile  # four milliseconds, which ``import cynn`` need not wait for

    if not zipfile.is_zipfile(file):
        raise ValueError("it must be an npz file, got another")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        total = 0
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                raise ValueError(f"its parts must be arrays (.npy), got {name!r:.100}")
            packing = member.compress_type
            if packing not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(
                    "its arrays must be stored or deflated, as NumPy packs them, got "
                    f"{name!r:.100} packed by method {packing}"
                )
            ratio = 1 if packing == zipfile.ZIP_STORED else _DEFLATE_RATIO
            with archive.open(member) as part:
                try:
                    header = _header(part)
                    _expect_length(header, member.file_size)
                    _expect_length(header, member.compress_size * ratio, exact=False)
                except ValueError as error:
                    raise ValueError(f"its array {name!r:.100}: {error}") from error
            n_columns = header.shape[1] if len(header.shape) == 2 else 1
            total += max(header.extent, 256 * n_columns)
        expect_size("its arrays", total, max_bytes)
        for member in members:
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as part:
                try:
                    array = _elements(part, _header(part))
                except ValueError as error:
                    raise ValueError(f"its array {name!r:.100}: {error}") from error
            yield name, array


def _header(stream: Any) -> Header:
    start = stream.read(len(_MAGIC) + 2)
    if start[:-2] != _MAGIC or start[-2] not in (1, 2, 3):
        raise ValueError(f"it must be an array in NumPy's format (.npy), got the bytes {start!r}")
    n_length = 2 if start[-2] == 1 else 4
    length = stream.read(n_length)
    n_text = int.from_bytes(length, "little")
    if len(length) < n_length or n_text > _LONGEST_HEADER:
        raise ValueError(f"its header must have at most {_LONGEST_HEADER:,} bytes, got {n_text:,}")
    text = stream.read(n_text)
    n_header = len(start) + n_length + n_text
    if len(text) < n_text:
        raise ValueError(f"its header must have {n_text:,} bytes, got {len(text):,}")
    dtype, fortran_order, shape = _promised("".join(text.decode("latin-1").split()))
    header = Header(dtype, shape, fortran_order, n_header, math.prod(shape) * dtype.itemsize)
    if header.extent >= 1 << 62:
        raise ValueError(f"its shape must be one that memory can hold, got {_short(shape)}")
    return header


def _promised(text: str) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Return what a header without its spaces says: the type, the order and the shape."""
    pairs = dict(re.findall(_PAIR, text))
    if not re.fullmatch(_DICTIONARY, text) or len(pairs) != 3:
        raise ValueError(
            "its header must name 'descr', one simple type, 'fortran_order' and 'shape', got "
            f"{text[:100]!r}"
        )
    name = pairs["descr"][1:-1]
    if name in ("O", "|O"):
        raise ValueError("it must hold numbers or strings, got Python objects, which are pickled")
    sizes = pairs["shape"][1:-1].replace("L", "").removesuffix(",").split(",")
    try:
        if not re.fullmatch(_DTYPE, name):
            raise TypeError
        dtype = np.dtype(name)
    except (TypeError, ValueError, SystemError):  # by what is wrong with it and NumPy's version
        dtype = np.dtype("V0")
    if dtype.itemsize == 0:
        raise ValueError(f"its type must be one of numbers, strings or times, got {name[:100]!r}")
    well_formed = sizes == [""] or all(0 < len(size) < 20 for size in sizes)
    if (
        pairs["fortran_order"] not in ("True", "False")
        or pairs["shape"][0] != "("
        or not well_formed
        or len(sizes) > _MOST_DIMENSIONS
    ):
        raise ValueError(f"its shape must be whole numbers, got {pairs['shape'][:100]}")
    shape = () if sizes == [""] else tuple(map(int, sizes))
    return dtype, pairs["fortran_order"] == "True", shape


def _expect_length(header: Header, available: int, exact: bool = True) -> None:
    wanted = header.n_header + header.n_bytes
    if wanted > available or exact and wanted < available:
        limit = "" if exact else "at most "
        raise ValueError(
            f"it must have {wanted:,} bytes, as its header says ({header.dtype} of shape "
            f"{_short(header.shape)}), got {limit}{available:,}"
        )


def _short(shape: tuple[int, ...]) -> str:
    return f"{shape!s:.100}"


def _elements(stream: Any, header: Header) -> NDArray[Any]:
    """Read what lies behind a header that was checked."""
    array = np.empty(math.prod(header.shape), header.dtype)
    buffer = array.view(np.uint8).data if header.n_bytes else memoryview(b"")
    n_done = 0
    while n_done < header.n_bytes:
        n_read = stream.readinto(buffer[n_done : n_done + _CHUNK])
        if not n_read:
            raise ValueError(f"it must have {header.n_bytes:,} bytes of elements, got {n_done:,}")
        n_done += n_read
    if stream.read(1):  # which makes zip check its checksum, too
        raise ValueError(f"it must have {header.n_bytes:,} bytes of elements, got more")
    array = array.astype(header.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "U":
        _expect_unicode(array)
    elif array.dtype.kind == "b":
        _expect_bools(array)
    if header.fortran_order:
        return array.reshape(header.shape[::-1]).transpose()
    return array.reshape(header.shape)


def _expect_unicode(array: NDArray[Any]) -> None:
    """Raise where Python could not make a text of the code points, or not write it to a file."""
    points = array.view(np.uint32)
    bad = (points > 0x10FFFF) | ((points >= 0xD800) & (points < 0xE000))
    if bad.any():
        raise ValueError(f"it must hold Unicode texts, got the code point {points[bad][0]:#x}")


def _expect_bools(array: NDArray[Any]) -> None:
    bytes_ = array.view(np.uint8)
    if (bytes_ > 1).any():
        raise ValueError(f"it must hold bools, 0 or 1, got {bytes_.max()}")

"""Files in the safetensors format: the length of a header, the header in JSON, the arrays.

Why not by its library: that writes the keys of the metadata in an order which differs from process
to process, so that equal models would give different files; it maps a file into memory, where one
that is cut short meanwhile ends the process; and it takes several times a file's size in memory.
"""

import contextlib
import json
import math
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import atomic_files

LARGEST_HEADER = 32 << 20
"""Bytes of a header at most."""

TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
"""What the format calls the numbers that a file holds here."""

MOST_AXES = 8

OTHER_FORMATS = {
    ".keras": "Keras",
    ".h5": "Keras",
    ".hdf5": "Keras",
    ".pb": "TensorFlow",
    ".tflite": "TensorFlow Lite",
    ".onnx": "ONNX",
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".npy": "NumPy",
    ".npz": "NumPy",
    ".csv": "CSV",
    ".json": "JSON",
}
"""Ends of names, and of what files those are."""


def expect_name(path: str | os.PathLike[str] | bytes) -> None:
    """Raise a ValueError where the end of a name promises a file of another format.

    Examples
    --------
    >>> expect_name("model.safetensors")
    >>> expect_name("model.onnx")
    Traceback (most recent call last):
    ValueError: path must end in .safetensors or another end of your own, got 'model.onnx', a name \
of ONNX files: cynn.onnx.export(model, path) writes those
    """
    name = os.path.basename(os.fsdecode(path))
    end = os.path.splitext(name)[1].lower()
    if end not in OTHER_FORMATS:
        return
    advice = "a model is saved as safetensors; other programs read what cynn.onnx.export writes"
    if end == ".onnx":
        advice = "cynn.onnx.export(model, path) writes those"
    raise ValueError(
        f"path must end in .safetensors or another end of your own, got {name!r:.200}, a name of "
        f"{OTHER_FORMATS[end]} files: {advice}"
    )


def header(
    metadata: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, Any]
) -> bytes:
    """Return the beginning of a file: the length of its header, and the header.

    Parameters
    ----------
    metadata : mapping of str to str
        What the file says of itself.
    shapes : mapping of str to tuple of int
        The shape of each array, in the order in which they follow.
    dtypes : mapping of str to dtype
        Their types: float32 or float64.

    Raises
    ------
    ValueError
        If it is longer than `LARGEST_HEADER`.

    Examples
    --------
    >>> header({"format": "mine"}, {"a": (2,)}, {"a": np.dtype("float32")})[8:]
    b'{"__metadata__":{"format":"mine"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} '
    """
    names = {dtype.newbyteorder("="): name for name, dtype in TYPES.items()}
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    start = 0
    for name, shape in shapes.items():
        end = start + math.prod(shape) * dtypes[name].itemsize
        kind = names[dtypes[name].newbyteorder("=")]
        entries[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays begin where a reader may map them
    if len(text) > LARGEST_HEADER:
        raise ValueError(
            f"model must have a header of at most {LARGEST_HEADER} bytes, got {len(text)}: it has "
            "too many layers or columns"
        )
    return len(text).to_bytes(8, "little") + text


def write(path: str | os.PathLike[str], beginning: bytes, arrays: Iterable[NDArray[Any]]) -> None:
    """Write a file whole, or leave what was there.

    Parameters
    ----------
    path : path-like
        Where to.
    beginning : bytes
        As `header` returns it.
    arrays : iterable of ndarray
        The arrays that it names, or longer pieces of them, in that order; asked for one by one.
    """
    with atomic_files.writing(path) as file:
        file.write(beginning)
        for array in arrays:
            little = array.astype(array.dtype.newbyteorder("<"), "C", copy=False)
            file.write(little.reshape(-1).view(np.uint8).data)


class ArrayFile:
    """An open file: what its header says, and its arrays one by one.

    Attributes
    ----------
    metadata : dict of str to str
        What the file says of itself.
    shapes : dict of str to (tuple of int, str)
        Each array's shape and its type, ``"F32"`` or ``"F64"``.

    Raises
    ------
    ValueError
        If it is not such a file, whole and without anything else in it.
    """

    def __init__(self, file: BufferedReader) -> None:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(_exactly(file, 8), "little")
        if length > LARGEST_HEADER:  # before memory is taken for it
            raise ValueError(
                f"its header must have at most {LARGEST_HEADER} bytes, got {length}: it is no "
                "safetensors file, perhaps"
            )
        if length > size - 8:
            raise ValueError(f"its header must lie in the file of {size} bytes, got {length} bytes")
        text = _exactly(file, length)
        if not text.startswith(b"{") or len(text) - len(text.rstrip(b" ")) > 7:
            raise ValueError("its header must be a JSON object without padding, got something else")
        entries = parsed_json("its header", text.rstrip(b" "))
        self.metadata = _metadata_of(entries.pop("__metadata__", {}))
        self.shapes: dict[str, tuple[tuple[int, ...], str]] = {}
        self._file, self._data = file, 8 + length
        self._offsets: dict[str, int] = {}
        spans = []
        for name, entry in entries.items():
            shape, kind, start, end = _entry(name, entry)
            self.shapes[name], self._offsets[name] = (shape, kind), start
            spans.append((start, end))
        expected = 0
        for start, end in sorted(spans):
            if start != expected:
                raise ValueError(
                    f"its arrays must lie one after the other, got one at {start} in place of "
                    f"{expected}"
                )
            expected = end
        if expected != size - self._data:
            raise ValueError(
                f"its arrays must fill the file, got {expected} bytes of {size - self._data}"
            )

    def read_into(self, name: str, out: NDArray[Any], first: int = 0) -> None:
        """Read numbers of an array, as many as `out` has.

        Parameters
        ----------
        name : str
            A key of `shapes`.
        out : ndarray, shape (n,)
            Written; contiguous, of the array's type.
        first : int
            The number in the array, in C order, to begin with.

        Raises
        ------
        ValueError
            If the file has been cut short meanwhile.
        """
        self._file.seek(self._data + self._offsets[name] + first * out.itemsize)
        if self._file.readinto(out.view(np.uint8).data) != out.nbytes:
            raise ValueError(f"its array {name!r:.200} must be whole, got a part: it is changing")
        if sys.byteorder == "big":
            out.byteswap(inplace=True)


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[BufferedReader]:
    """Open a regular file to read it; a pipe, which would keep one waiting, is refused.

    Raises
    ------
    ValueError
        If it is a pipe, a device or a socket.
    OSError
        If it cannot be read.
    """
    wanted = "a regular file"
    name = os.fsdecode(path)
    if os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
        raise ValueError(f"it must be {wanted}, got something else")
    with open(name, "rb") as file:  # a folder is an error here, as what is missing or forbidden
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"it must be {wanted}, got something else")
        yield file


def parsed_json(what: str, text: bytes | str) -> dict[str, Any]:
    """Return a JSON object, in whose text each thing has one meaning and nothing stands beside it.

    Parameters
    ----------
    what : str
        What it is, for messages.
    text : bytes or str
        The object, as UTF-8 where it is bytes.

    Raises
    ------
    ValueError
        If it is no JSON object, has a key twice or a number that JSON does not have, or is padded.

    Examples
    --------
    >>> parsed_json("it", b'{"a": 1}')
    {'a': 1}
    >>> parsed_json("it", b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: it must be JSON, got another text: keys must be different, got one twice
    >>> parsed_json("it", b'{"a":      1}')
    Traceback (most recent call last):
    ValueError: it must be JSON without padding, got 13 characters in place of 8
    """
    try:
        text = text if isinstance(text, str) else text.decode()
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_number)
        length = len(json.dumps(value))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} must be JSON, got another text: {str(error):.200}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a JSON object, got another value")
    if len(text) > length:
        raise ValueError(
            f"{what} must be JSON without padding, got {len(text)} characters in place of {length}"
        )
    return value


def _exactly(file: BufferedReader, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError(f"it must be whole, got {len(data)} bytes of the {count} that begin it")
    return data


def _metadata_of(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("its metadata must be strings by name, got something else")
    return value


def _entry(name: str, entry: Any) -> tuple[tuple[int, ...], str, int, int]:
    """Return the shape, the type, the first byte of an array and the first after it."""
    array = f"its array {name!r:.200}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{array} must have a dtype, a shape and data_offsets, got others")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(f"{array} must have the dtype F32 or F64, got {kind!r:.100}")
    if not (_sizes(shape) and len(shape) <= MOST_AXES and _sizes(offsets) and len(offsets) == 2):
        raise ValueError(
            f"{array} must have sizes of at most {MOST_AXES} axes and two offsets, got others"
        )
    start, end = offsets
    if end - start != math.prod(shape) * TYPES[kind].itemsize:
        raise ValueError(f"{array} must have as many bytes as its shape says, got {end - start}")
    return tuple(shape), kind, start, end


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in value)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary; keys that come twice mean one thing here, another there."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("keys must be different, got one twice")
    return mapping


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"numbers must be those of JSON, got {text}")

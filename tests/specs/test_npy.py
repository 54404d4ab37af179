"""Arrays in NumPy's format, byte by byte: what is read, and from where on it is refused."""

import io
import struct
import zipfile

import numpy as np
import pytest

from cynn._data import npy
from cynn._data.npy import read_npy, read_npz


def file_of(descr="<f8", shape="(2,)", data=bytes(16), version=1, order="False", text=None):
    text = text or f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return io.BytesIO(b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + data)


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ({}, np.zeros(2)),
        ({"version": 2}, np.zeros(2)),
        ({"version": 3}, np.zeros(2)),
        ({"descr": ">f8"}, np.zeros(2)),
        ({"shape": "()", "data": struct.pack("<d", 2.5)}, np.array(2.5)),
        ({"shape": "(1L, 2L)"}, np.zeros((1, 2))),
        ({"shape": "(0,)", "data": b""}, np.zeros(0)),
        ({"descr": "|u1", "shape": "(2, 3)", "data": bytes(range(6))}, np.arange(6).reshape(2, 3)),
        (
            {"descr": "|u1", "shape": "(2, 3)", "data": bytes(range(6)), "order": "True"},
            np.arange(6).reshape(3, 2).T,
        ),
        ({"descr": "?", "data": b"\0\1"}, np.array([False, True])),
        ({"descr": "<U1", "data": struct.pack("<2I", 0x10FFFF, 0xD7FF)}, ["\U0010ffff", "\ud7ff"]),
        ({"descr": "<U1", "data": struct.pack("<2I", 0xE000, 65)}, ["\ue000", "A"]),
        ({"descr": "<f8", "shape": "(" + "1," * 32 + ")", "data": bytes(8)}, np.zeros((1,) * 32)),
    ],
)
def test_what_is_read(named, wanted):
    read = read_npy(file_of(**named))
    assert read.shape == np.shape(wanted) and (read == wanted).all()
    assert read.dtype.isnative and read.flags.writeable


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"version": 0}, "NumPy's format"),
        ({"version": 4}, "NumPy's format"),
        ({"data": bytes(15)}, "must have .* bytes, as its header says .*, got"),
        ({"data": bytes(17)}, "must have .* bytes, as its header says .*, got"),
        ({"descr": "|O"}, "got Python objects"),
        ({"descr": "O"}, "got Python objects"),
        ({"descr": "|V0", "data": b""}, "numbers, strings or times"),
        ({"descr": "<f3"}, "numbers, strings or times"),
        ({"order": "()"}, "whole numbers"),
        ({"shape": "True"}, "whole numbers"),
        ({"shape": "(,2)"}, "whole numbers"),
        ({"shape": "(2,,)"}, "whole numbers"),
        ({"shape": "(" + "1," * 33 + ")"}, "whole numbers"),
        ({"shape": f"({'1' * 20},)"}, "whole numbers"),
        ({"shape": f"({'1' * 19},)"}, "that memory can hold"),
        ({"shape": f"({1 << 59},)"}, "that memory can hold"),
        ({"shape": f"({1 << 59}, 0)"}, "that memory can hold"),
        ({"shape": f"({(1 << 59) - 1},)"}, "as its header says"),
        ({"descr": "?", "data": b"\0\2"}, "must hold bools, 0 or 1, got 2"),
        ({"descr": "<U1", "data": struct.pack("<2I", 0x110000, 65)}, "code point 0x110000"),
        ({"descr": "<U1", "data": struct.pack("<2I", 65, 0xD800)}, "code point 0xd800"),
        ({"descr": "<U1", "data": struct.pack("<2I", 65, 0xDFFF)}, "code point 0xdfff"),
        ({"text": "{'descr': '<f8', 'fortran_order': False}"}, "must name 'descr'"),
        ({"text": "{'descr': '<f8', 'descr': '<f8', 'shape': (2,)}"}, "must name 'descr'"),
    ],
)
def test_what_is_refused(named, said):
    with pytest.raises(ValueError, match=said):
        read_npy(file_of(**named))


def test_the_longest_header(monkeypatch):
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
    monkeypatch.setattr(npy, "_LONGEST_HEADER", len(text))
    assert read_npy(file_of()).shape == (2,)
    with pytest.raises(ValueError, match=f"at most {len(text)} bytes, got {len(text) + 1}"):
        read_npy(file_of(text=text + " "))
    for n in (9, 20):  # in its length, and in its text
        with pytest.raises(ValueError, match="its header must have"):
            read_npy(io.BytesIO(file_of().getvalue()[:n]))


def test_the_largest_array():
    assert read_npy(file_of(), 16).shape == (2,)
    with pytest.raises(ValueError, match="its array must take at most max_bytes=15 bytes, got 16"):
        read_npy(file_of(), 15)


def packed(arrays, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in arrays.items():
            with archive.open(name, "w") as part:
                part.write(array if isinstance(array, bytes) else file_of(**array).getvalue())
    return file


def test_all_arrays_of_a_file_together():
    """A column counts as 256 bytes at least."""
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = packed({"a.npy": {}, "b.npy": {"shape": "(1, 2)"}}, method)
        read = dict(read_npz(file, 256 * 3))
        assert {name: array.shape for name, array in read.items()} == {"a": (2,), "b": (1, 2)}
        with pytest.raises(ValueError, match="max_bytes=767 bytes, got 768"):
            list(read_npz(file, 256 * 3 - 1))
    large = packed({"a.npy": {"shape": "(40,)", "data": bytes(320)}})
    assert len(dict(read_npz(large, 320))["a"]) == 40
    with pytest.raises(ValueError, match="max_bytes=319 bytes, got 320"):
        list(read_npz(large, 319))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a.txt": b""}, r"its parts must be arrays \(.npy\), got 'a.txt'"),
        ({"a.npy": b"x"}, "its array 'a': it must be an array in NumPy's format"),
        ({"a.npy": {"data": bytes(15)}}, "its array 'a': it must have .* bytes"),
        ({"a.npy": {"descr": "?", "data": b"\2\2"}}, "its array 'a': it must hold bools"),
    ],
)
def test_what_is_refused_in_a_file_of_several(arrays, said):
    with pytest.raises(ValueError, match=said):
        list(read_npz(packed(arrays)))

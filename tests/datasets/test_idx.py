"""IDX files: what is read, and what is refused before it can do harm."""

import gzip
import os
import struct

import numpy as np
import pytest

from cynn.datasets import IDXError, read_idx


def idx(array, code=0x08):
    """Pack an array as an IDX file's bytes."""
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


PIXELS = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
GOOD = idx(PIXELS)
PACKED = gzip.compress(GOOD)


def write(tmp_path, data, name="some-file"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["x", "x.gz"])  # the name says nothing
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 0, 3), (3, 4), (2, 3, 4, 5)])
def test_reads_any_rank_plain_or_packed(tmp_path, pack, name, shape):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    read = read_idx(write(tmp_path, pack(idx(np.asarray(array))), name))
    assert read.dtype == np.uint8 and read.shape == shape and read.flags.writeable
    assert np.array_equal(read, array)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(0x09, np.int8), (0x0B, np.int16), (0x0C, np.int32), (0x0D, np.float32), (0x0E, np.float64)],
)
def test_reads_other_types_in_native_order(tmp_path, code, dtype):
    array = np.array([[1, -2, 3], [100, 5, -6]], dtype)
    read = read_idx(write(tmp_path, idx(array, code)))
    assert read.dtype == np.dtype(dtype) and read.dtype.isnative
    assert np.array_equal(read, array)


def test_several_gzip_members_and_several_reads(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, 3_000_000).astype(np.uint8)
    data = idx(array)
    both = gzip.compress(data[:1_234_567], 1) + gzip.compress(data[1_234_567:], 1)
    assert np.array_equal(read_idx(write(tmp_path, both)), array)


BROKEN = {
    "empty": (b"", "empty"),
    "short magic": (GOOD[:3], "cut short"),
    "short header": (GOOD[:10], "header is 10 bytes long, 3 dimensions need 16"),
    "short body": (GOOD[:-1], "cut short"),
    "no body": (GOOD[:16], "cut short"),
    "too long": (GOOD + b"\0", "too long"),
    "wrong magic": (b"\1" + GOOD[1:], "got the bytes 01 00 08 03"),
    "wrong type": (b"\0\0\x0a" + GOOD[3:], "got the bytes 00 00 0a 03"),
    "little-endian magic": (GOOD[3::-1] + GOOD[4:], "got the bytes 03 08 00 00"),
    "web page": (b"\n<!DOCTYPE html><html>404</html>", "web page"),
    "packed web page": (gzip.compress(b"<html>"), "web page"),
    "too many dimensions": (
        bytes([0, 0, 8, 255]) + b"\0\0\0\1" * 255 + b"x",
        "dimensions, got 255",
    ),
    "packed, empty": (gzip.compress(b""), "cut short"),
    "packed, short": (gzip.compress(GOOD[:-1]), "cut short"),
    "packed, too long": (gzip.compress(GOOD + b"\0"), "too long"),
    "packed, then more": (PACKED + b"rubbish", "damaged or cut short"),
    "gz header only": (PACKED[:10], "damaged or cut short"),
    "gz cut": (PACKED[:-12], "damaged or cut short"),
    "gz checksum missing": (PACKED[:-8], "damaged or cut short"),
    "gz checksum wrong": (PACKED[:-5] + b"\xee" + PACKED[-4:], "damaged or cut short"),
    "gz body damaged": (PACKED[:12] + b"\xff\xff\xff" + PACKED[15:], "damaged or cut short"),
    # sizes that overflow 32 or 64 bits, or would fill any memory
    "2**32": (bytes([0, 0, 8, 2]) + struct.pack(">2I", 1 << 16, 1 << 16), "4,294,967,308"),
    "2**64": (bytes([0, 0, 8, 4]) + struct.pack(">4I", *[1 << 16] * 4), "cut short"),
    "2**1024": (bytes([0, 0, 8, 32]) + b"\xff" * 128, "cut short"),
    "nothing of much": (bytes([0, 0, 8, 4]) + struct.pack(">4I", 0, *[2**32 - 1] * 3), "max_bytes"),
    "packed 2**64": (gzip.compress(bytes([0, 0, 8, 4]) + b"\xff" * 16 + bytes(9)), "cut short"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(tmp_path, name):
    data, message = BROKEN[name]
    path = write(tmp_path, data)
    with pytest.raises(IDXError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_no_memory_is_allocated_for_a_claimed_size(tmp_path, monkeypatch):
    """The check comes before the allocation, for plain and for packed files."""
    import cynn.datasets._idx as module

    def forbidden(*_):
        raise AssertionError("memory was taken")

    monkeypatch.setattr(module.np, "empty", forbidden)
    head = bytes([0, 0, 8, 1]) + struct.pack(">I", 900_000_000)
    for data in (head + bytes(100), gzip.compress(head + bytes(100))):
        with pytest.raises(IDXError, match="cut short"):
            read_idx(write(tmp_path, data))


def test_decompression_stops_at_the_claimed_size(tmp_path, monkeypatch):
    """20 MB of zeros behind a header that claims ten: only a few are ever unpacked."""
    seen = 0
    real = gzip.GzipFile.read

    def counting(self, size=-1):
        nonlocal seen
        assert 0 <= size <= 1 << 20
        data = real(self, size)
        seen += len(data)
        return data

    bomb = gzip.compress(idx(np.zeros(10, np.uint8)) + bytes(20_000_000))
    monkeypatch.setattr(gzip.GzipFile, "read", counting)
    with pytest.raises(IDXError, match="too long"):
        read_idx(write(tmp_path, bomb))
    assert seen < 100


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_max_bytes(tmp_path, pack):
    path = write(tmp_path, pack(GOOD))
    assert read_idx(path, max_bytes=PIXELS.size).shape == PIXELS.shape
    with pytest.raises(IDXError, match="max_bytes=29"):
        read_idx(path, max_bytes=PIXELS.size - 1)


def test_not_a_regular_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "absent")
    with pytest.raises(OSError):
        read_idx(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(IDXError, match="must be a regular file, got a pipe"):
            read_idx(tmp_path / "pipe")

"""Files of arrays, byte by byte: what is read, what is refused, where the one becomes the other."""

import io
import os
import socket

import numpy as np
import pytest

from cynn._runtime import safetensors_files
from cynn._runtime.input_files import Bounded, expect_size, open_regular
from cynn._runtime.safetensors_files import ArrayFile, expect_name, header, parsed_json

A = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
B = '"b":{"dtype":"F64","shape":[],"data_offsets":[8,16]}'


def opened(tmp_path, text, data=b"", length=None):
    """Return a file with that header and that data."""
    length = len(text) if length is None else length
    path = tmp_path / "m"
    path.write_bytes(length.to_bytes(8, "little") + text.encode() + data)
    with open(path, "rb") as file:
        return ArrayFile(file)


def entry(shape, offsets, dtype='"F32"', more=""):
    return f'{{"a":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{more}}}}}'


@pytest.mark.parametrize(
    ("text", "n_bytes", "shapes"),
    [
        ("{}", 0, {}),
        ('{"__metadata__":{"k":"v"}}', 0, {}),
        (f"{{{A},{B}}}", 16, {"a": ((2,), "F32"), "b": ((), "F64")}),
        (f"{{{B},{A}}}", 16, {"a": ((2,), "F32"), "b": ((), "F64")}),
        (f"{{{A}}}" + " " * 7, 8, {"a": ((2,), "F32")}),
        (f"{{{A.replace(':', ': ')}}}", 8, {"a": ((2,), "F32")}),
        (entry([1] * 8, [0, 4]), 4, {"a": ((1,) * 8, "F32")}),
        (entry([0, 3], [0, 0]), 0, {"a": ((0, 3), "F32")}),
        (entry([(1 << 63) - 1, 0], [0, 0]), 0, {"a": (((1 << 63) - 1, 0), "F32")}),
    ],
)
def test_what_is_read(tmp_path, text, n_bytes, shapes):
    read = opened(tmp_path, text, bytes(n_bytes))
    assert read.shapes == shapes
    assert read.metadata == ({"k": "v"} if "k" in text else {})


@pytest.mark.parametrize(
    ("text", "n_bytes", "said"),
    [
        (f"{{{A}}}" + " " * 8, 8, "without padding"),
        (f" {{{A}}}", 8, "without padding"),
        ("[1]", 0, "must be a JSON object without padding"),
        (f"{{{A}}}x", 8, "must be JSON, got another text"),
        (f"{{{A},{A}}}", 8, "keys must be different"),
        (f"{{   {A.replace(':', ' : ')}}}", 8, "JSON without padding"),
        (f"{{{A}}}", 7, "must fill the file, got 8 bytes of 7"),
        (f"{{{A}}}", 9, "must fill the file, got 8 bytes of 9"),
        (f"{{{B}}}", 16, "must lie one after the other, got one at 8 in place of 0"),
        (f"{{{A},{B.replace('[8,16]', '[0,8]')}}}", 8, "got one at 0 in place of 8"),
        ('{"__metadata__":{"k":1}}', 0, "metadata must be strings"),
        ('{"__metadata__":[]}', 0, "metadata must be strings"),
        ('{"a":1}', 0, "must have a dtype, a shape and data_offsets"),
        (entry([1], [0, 4], more=',"more":1'), 4, "must have a dtype, a shape and data_offsets"),
        (entry([1], [0, 4], '"F16"'), 4, "dtype F32 or F64, got 'F16'"),
        (entry([1], [0, 4], "[]"), 4, "dtype F32 or F64"),
        (entry([1] * 9, [0, 4]), 4, "at most 8 axes and two offsets"),
        (entry([1], [0, 4, 4]), 4, "at most 8 axes and two offsets"),
        (entry([1], [4]), 4, "at most 8 axes and two offsets"),
        (entry([-1], [0, 4]), 4, "at most 8 axes and two offsets"),
        (entry([1], [-4, 0]), 4, "at most 8 axes and two offsets"),
        (entry([1 << 63, 0], [0, 0]), 0, "at most 8 axes and two offsets"),
        (entry("[true]", [0, 4]), 4, "at most 8 axes and two offsets"),
        (entry("1", [0, 4]), 4, "at most 8 axes and two offsets"),
        (entry([2], [0, 4]), 4, "as many bytes as its shape says, got 4"),
        (entry([1], "[0,NaN]"), 4, "numbers must be those of JSON, got NaN"),
    ],
)
def test_what_is_refused(tmp_path, text, n_bytes, said):
    with pytest.raises(ValueError, match=said):
        opened(tmp_path, text, bytes(n_bytes))


def test_a_header_longer_than_its_file(tmp_path):
    with pytest.raises(ValueError, match="must lie in the file of 10 bytes, got 3 bytes"):
        opened(tmp_path, "{}", length=3)
    (tmp_path / "m").write_bytes(b"1234567")
    with open(tmp_path / "m", "rb") as file, pytest.raises(ValueError, match="7 bytes of the 8"):
        ArrayFile(file)


def test_the_longest_header(tmp_path, monkeypatch):
    beginning = header({}, {"a": (2,)}, {"a": np.dtype("float32")})
    text = beginning[8:].decode()
    assert len(text) % 8 == 0 and text.rstrip(" ") == f'{{"__metadata__":{{}},{A}}}'
    monkeypatch.setattr(safetensors_files, "LARGEST_HEADER", len(text))
    assert header({}, {"a": (2,)}, {"a": np.dtype("float32")}) == beginning
    assert opened(tmp_path, text, bytes(8)).shapes == {"a": ((2,), "F32")}
    monkeypatch.setattr(safetensors_files, "LARGEST_HEADER", len(text) - 1)
    with pytest.raises(ValueError, match="must have a header of at most"):
        header({}, {"a": (2,)}, {"a": np.dtype("float32")})
    with pytest.raises(ValueError, match="its header must have at most"):
        opened(tmp_path, text, bytes(8))


def test_parts_of_an_array(tmp_path):
    path = tmp_path / "m"
    arrays = {"a": np.arange(5, dtype="float32"), "b": np.arange(4.0).reshape(2, 2)}
    beginning = header(
        {}, {k: v.shape for k, v in arrays.items()}, {k: v.dtype for k, v in arrays.items()}
    )
    safetensors_files.write(path, beginning, [arrays["a"], arrays["b"].T.copy().T])
    with safetensors_files.reading(path) as file:
        read = ArrayFile(file)
        for name, first, n in (("a", 0, 5), ("a", 2, 3), ("b", 0, 4), ("b", 3, 1)):
            out = np.empty(n, arrays[name].dtype)
            read.read_into(name, out, first)
            assert out.tolist() == arrays[name].ravel()[first : first + n].tolist()
        os.truncate(path, os.path.getsize(path) - 1)
        with pytest.raises(ValueError, match="'b' must be whole, got a part"):
            read.read_into("b", np.empty(4))


def test_json_is_read_to_its_last_character():
    for text in ('{"a": 1}', b'{"a":1}', '{"a":1 }', "{}"):
        assert parsed_json("it", text) == ({} if text == "{}" else {"a": 1})
    with pytest.raises(ValueError, match="got 9 characters in place of 8"):
        parsed_json("it", '{"a":  1}')
    for text, said in (("[]", "a JSON object"), (b"\xff", "must be JSON"), ('{"a":Infinity}', "J")):
        with pytest.raises(ValueError, match=said):
            parsed_json("it", text)


def test_names_of_other_formats():
    for name in ("a", "a.safetensors", ".onnx", "a.onnx.bak", b"a"):
        expect_name(name)
    for name, said in (
        ("d/A.ONNX", "got 'A.ONNX', a name of ONNX files: cynn.onnx.export"),
        ("a.h5", "of Keras files: a model is saved as safetensors"),
    ):
        with pytest.raises(ValueError, match=said):
            expect_name(name)


def test_a_stream_up_to_a_limit():
    expect_size("it", 3, 3)
    with pytest.raises(ValueError, match="it must take at most max_bytes=3 bytes, got 4"):
        expect_size("it", 4, 3)
    stream = io.BytesIO(b"abcd")
    assert io.BufferedReader(Bounded(stream, 4), 2).read() == b"abcd"
    stream.seek(0)
    bounded = Bounded(stream, 3)
    assert bounded.readable() and bounded.read(2) == b"ab" and bounded.read(1) == b"c"
    with pytest.raises(ValueError, match="what it unpacks to must take at most max_bytes=3"):
        bounded.read(1)
    bounded.close()
    assert not stream.closed


@pytest.mark.skipif(os.name != "posix", reason="pipes with names")
def test_what_is_no_regular_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo("fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        for name, kind in (("fifo", "a pipe"), (os.devnull, "a device")):
            with pytest.raises(ValueError, match=f"must be a regular file, got {kind}"):
                open_regular(name)
            with (
                pytest.raises(ValueError, match="must be a regular file"),
                safetensors_files.reading(name),
            ):
                pass
        with pytest.raises((OSError, ValueError)):  # by what the system says of it
            open_regular("socket")
    for read in (open_regular, lambda name: safetensors_files.reading(name).__enter__()):
        with pytest.raises(IsADirectoryError):
            read(tmp_path)
        with pytest.raises(FileNotFoundError):
            read("nothing")

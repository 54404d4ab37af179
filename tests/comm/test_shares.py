"""The shares of ranks: what is read of files, and odd arguments, which are refused by name."""

import io
import os

import numpy as np
import pytest

from cynn import distributed


def load_parquet(*arguments):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    return distributed.load_parquet(*arguments, target="y")


@pytest.mark.parametrize("load", [distributed.load_npy, load_parquet])
@pytest.mark.parametrize("path", [3, None, b"x", np.zeros(3), ["x"]], ids=lambda path: "path")
def test_what_is_no_path_is_refused(load, path):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    with pytest.raises(TypeError, match="path must be a path, got "):
        load(path, None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("load", [distributed.load_npy, load_parquet])
def test_a_pipe_is_not_waited_for(tmp_path, load):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(ValueError, match="it must be a regular file, got a pipe"):
        load(tmp_path / "x.npy", None)


def _packed():
    data = io.BytesIO()
    np.savez(data, x=np.arange(8.0))
    return data.getvalue()


def _with_header(text):
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_packed(), "it must be an array in NumPy's format"),
        (_with_header(b"(" * 9000), "its header must name"),
        (
            _with_header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"),
            "as its header says",
        ),
    ],
    ids=["npz", "deep", "cut short"],
)
def test_other_files_are_no_rows(tmp_path, data, message):
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(ValueError, match=f"x.npy must be a .npy array, got another.*{message}"):
        distributed.load_npy(tmp_path / "x.npy", None)


def test_columns_one_after_the_other_are_mapped(tmp_path):
    x = np.asfortranarray(np.arange(12, dtype=">f4").reshape(6, 2))
    np.save(tmp_path / "x.npy", x)
    mapped = distributed.load_npy(tmp_path / "x.npy", None)
    assert isinstance(mapped, np.memmap) and np.array_equal(mapped, x)


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_a_path_without_a_file_system_is_refused(path):
    with pytest.raises(ValueError, match="path must be a path as text, got "):
        distributed.load_npy(path, None)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"target": 3}, "target must be the name of a column, got 3"),
        ({"target": "y", "columns": "ab"}, "columns must be a list of strings, got 'ab'"),
        ({"target": "y", "columns": [1]}, r"columns must be a list of strings, got \[1\]"),
        ({"target": "y", "columns": np.array(0.5)}, "columns must be a list of strings, got array"),
        ({"target": "y", "dtype": {"a": 1}}, "dtype must be float32 or float64, got {'a': 1}"),
    ],
)
def test_columns_are_named_by_strings(named, message):
    with pytest.raises(TypeError, match=message):
        distributed.load_parquet("x.parquet", None, **named)


def test_a_misspelt_column_is_near_another(tmp_path):
    pytest.importorskip("pyarrow", exc_type=ImportError)
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "a.parquet"
    pandas.DataFrame({"price": [1.0, 2.0], "size": [3.0, 4.0]}).to_parquet(path)
    with pytest.raises(ValueError, match="'prise', got 'price', 'size': did you mean 'price'"):
        distributed.load_parquet(path, None, target="prise")
    x, y = distributed.load_parquet(path, None, target="price", columns=("size",))
    assert (x.tolist(), y.tolist()) == ([[3.0], [4.0]], [1.0, 2.0])


def test_a_share_is_of_a_number_and_of_ranks():
    with pytest.raises(TypeError, match="n must be a non-negative integer, got 'a'"):
        distributed.share("a", None)
    with pytest.raises(TypeError, match="comm must be a communicator of mpi4py, got 3"):
        distributed.share(3, 3)

"""The shares of ranks: what is read of files, and odd arguments, which are refused by name."""

import numpy as np
import pytest

from cynn import distributed


@pytest.mark.parametrize(
    "load", [distributed.load_npy, lambda *a: distributed.load_parquet(*a, target="y")]
)
@pytest.mark.parametrize("path", [3, None, b"x", np.zeros(3), ["x"]], ids=lambda path: "path")
def test_what_is_no_path_is_refused(load, path):
    pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="path must be a path, got "):
        load(path, None)


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
    pytest.importorskip("pyarrow")
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

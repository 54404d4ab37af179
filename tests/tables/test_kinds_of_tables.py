"""A value is the same in each kind of table: text, Parquet, npz, frames, rows."""

import csv
from decimal import Decimal

import numpy as np
import pytest

from cynn import tables
from cynn.tables import TableEncoder

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow", exc_type=ImportError)

N = 40
BIG = 2**53 + 1
COLUMNS = {
    "whole numbers": [10115 + i % 3 for i in range(N)],
    "large ones": [BIG + i % 3 for i in range(N)],
    "cents": [Decimal(7 + i % 3).scaleb(-2) for i in range(N)],
    "account numbers": [Decimal(12345678901234567890 + i % 3) for i in range(N)],
    "bools": [i % 3 == 0 for i in range(N)],
    "floats": [(i % 3) / 8 for i in range(N)],
    "words": ["abc"[i % 3] for i in range(N)],
}


def every_kind(values, folder):
    """Yield tables of one column, with all values, and with one of them missing."""
    for column in (values, [*values[:-1], None]):
        yield {"x": column}
        yield pd.DataFrame({"x": pd.Series(column, dtype=object)})
        if column is values or values[0] != BIG:  # of which pandas makes floats
            yield pd.DataFrame({"x": column})
            yield pd.DataFrame({"x": pd.Series(column).convert_dtypes()})
            yield pd.DataFrame({"x": pd.Categorical(column)})
        yield pl.DataFrame({"x": column})
        yield pa.table({"x": column})
        yield pa.table({"x": pa.array(column).dictionary_encode()})
        yield [{"x": value} for value in column]
        with open(folder / "t.csv", "w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([["x", "z"], *([value, 1] for value in column)])
        yield tables.read(folder / "t.csv")
        pa.parquet.write_table(pa.table({"x": column}), folder / "t.parquet")
        yield tables.read(folder / "t.parquet")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_category_is_the_same(name, tmp_path):
    from pyarrow import parquet  # noqa: F401

    values = COLUMNS[name]
    encoders = []
    for table in every_kind(values, tmp_path):
        column = tables._frames.columns_of(table)["x"]
        whole = {"x": column, "y": ["ab"[i % 2] for i in range(N)]}
        encoders.append(TableEncoder.fit(whole, "y", categorical=["x"]))
    assert {encoder.width for encoder in encoders} == {len(set(values))}
    for encoder in encoders[:: len(encoders) // 2]:
        wanted = encoder.encode({"x": values})
        for i, table in enumerate(every_kind(values, tmp_path)):
            x = encoder.encode(table)
            assert (x[:-1] == wanted[:-1]).all(), (i, type(table))
            assert encoder.unseen(table) == {}
        for value in values[:3]:
            if isinstance(value, Decimal | int | float):
                for other in (str(value), np.array(value)[()], Decimal(value)):
                    assert (encoder.encode([{"x": other}]) == encoder.encode({"x": [value]})).all()


@pytest.mark.parametrize("name", ["whole numbers", "cents", "bools", "floats"])
def test_a_number_is_the_same(name, tmp_path):
    values = COLUMNS[name]
    encoder = TableEncoder.fit({"x": values, "y": ["ab"[i % 2] for i in range(N)]}, "y")
    wanted = encoder.encode({"x": [float(value) for value in values]})
    for table in every_kind(values, tmp_path):
        assert (encoder.encode(table)[:-1] == wanted[:-1]).all(), type(table)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame([[1, "a", "b"]] * 4, columns=["x", "x", "y"]),
        lambda: pd.DataFrame([[1, "a", "b"]] * 4, columns=[0, "0", "y"]),
        lambda: pa.table([[1, 2], [3, 4], [5, 6]], names=["x", "x", "y"]),
    ],
)
def test_two_columns_of_one_name(make):
    with pytest.raises(ValueError, match="table must have columns of different names, got '[x0]'"):
        TableEncoder.fit(make(), "y")


def test_names_that_are_no_texts():
    frame = pd.DataFrame({0: [1.5, 2.5, 3.5], 1: ["a", "b", "a"]})
    encoder = TableEncoder.fit(frame, "1")
    wanted = encoder.encode(frame)
    for same in ({"0": [1.5, 2.5, 3.5]}, {0: [1.5, 2.5, 3.5]}, [{0: x} for x in frame[0]]):
        assert (encoder.encode(same) == wanted).all()
    assert TableEncoder.fit({0: [1.5, 2.5, 3.5], "1": ["a", "b", "a"]}, "1") == encoder
    with pytest.raises(ValueError, match="different names, got '0' twice"):
        TableEncoder.fit({0: [1.5, 2.5], "0": [1, 2], "y": ["a", "b"]}, "y")

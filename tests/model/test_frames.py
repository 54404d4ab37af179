"""Data frames and series given to a model: the numbers of their columns, or a clear error."""

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense, Normalize

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow", exc_type=ImportError)

COLUMNS = {"a": np.arange(6) / 4, "b": np.arange(6) % 2 == 1, "c": np.arange(6) - 2}
FRAME = pandas.DataFrame(COLUMNS)
X = np.stack([*COLUMNS.values()], axis=1, dtype=np.float64)
Y = np.array([0, 1, 1, 0, 1, 0])


def trained(x, y, weight=None):
    model = Model([Dense(3, "tanh"), Dense(2, "softmax")], seed=0)
    model.compile("sgd", metrics=["accuracy"])
    history = model.fit(
        x, y, sample_weight=weight, validation_data=(x, y, weight), batch_size=4, verbose=0
    )
    return model.predict(x).tobytes(), model.evaluate(x, y, sample_weight=weight), history.history


FRAMES = {
    "floats and bools": FRAME,
    "nullable": FRAME.convert_dtypes(),
    "arrow": FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "narrow": FRAME.astype({"a": "float16", "c": "int8"}),
    "sparse": FRAME.astype({"c": pandas.SparseDtype(float)}),
    "objects": FRAME.astype(object),
    "one name for all": FRAME.convert_dtypes().set_axis(["a", "a", "a"], axis=1),
    "polars": polars.DataFrame(COLUMNS),
    "decimals": polars.DataFrame(COLUMNS).with_columns(polars.col("a").cast(polars.Decimal(9, 2))),
    "an arrow table": pyarrow.table(COLUMNS),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_its_numbers(name):
    assert trained(FRAMES[name], Y) == trained(X, Y)
    np.testing.assert_equal(Normalize.adapt(FRAMES[name]), Normalize.adapt(X))


SERIES = {
    "pandas": pandas.Series,
    "nullable": lambda y: pandas.Series(y, dtype="Int64"),
    "arrow": lambda y: pandas.Series(y, dtype="int64[pyarrow]"),
    "an index": pandas.Index,
    "an extension array": lambda y: pandas.array(y, dtype="Int64"),
    "a column": lambda y: pandas.DataFrame({"y": pandas.array(y, dtype="Int64")}),
    "polars": polars.Series,
    "an arrow array": pyarrow.array,
    "chunks": lambda y: pyarrow.chunked_array([y[:2], y[2:]]),
}


@pytest.mark.parametrize("name", SERIES)
def test_a_series_is_its_numbers(name):
    y = SERIES[name](Y)
    assert trained(FRAME, y, SERIES[name](Y + 1)) == trained(X, Y, Y + 1)


def test_bytes_stay_bytes():
    values = np.arange(18, dtype=np.uint8).reshape(6, 3)
    assert trained(pandas.DataFrame(values), Y) == trained(values, Y)


MISSING = {
    "pandas": FRAME.astype({"c": "Int64"}).replace({"c": 1}, pandas.NA),
    "arrow": FRAME.convert_dtypes(dtype_backend="pyarrow").replace({"c": 1}, pandas.NA),
    "polars": polars.DataFrame({**COLUMNS, "c": [1, 2, 3, None, 5, 6]}),
    "table": pyarrow.table({**COLUMNS, "c": [1, 2, 3, None, 5, 6]}),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_a_nullable_column_lacks_is_named(name):
    model = Model([Dense(2, "softmax")], seed=0)
    model.compile()
    model.build(3)
    message = "x must have a value in every row, got none in row 3, column 'c' .1 in all.: drop or"
    for use in (lambda: model.predict(MISSING[name]), lambda: model.fit(MISSING[name], Y)):
        with pytest.raises(ValueError, match=message):
            use()
    with pytest.raises(ValueError, match="y must have a value in every row, got none in row 3 .1"):
        model.evaluate(X, MISSING[name]["c"])


TEXTS = {
    "pandas": pandas.Series(list("ababab")),
    "objects": pandas.Series(list("ababab"), dtype=object),
    "object array": np.array(list("ababab"), object),
    "categories": pandas.Series(list("ababab"), dtype="category"),
    "a column": pandas.DataFrame({"y": list("ababab")}),
    "polars": polars.Series(list("ababab")),
    "polars' categories": polars.Series(list("ababab"), dtype=polars.Categorical),
    "arrow": pyarrow.array(list("ababab")),
}


@pytest.mark.parametrize("name", TEXTS)
def test_labels_of_text_are_to_be_encoded(name):
    model = Model([Dense(2, "softmax")], seed=0)
    model.compile()
    with pytest.raises(TypeError, match=r"got strings.* with np.unique\(y, return_inverse=True\)"):
        model.fit(X, TEXTS[name], verbose=0)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.assign(c=list("abcdef")), "x must hold numbers, got strings in column 'c': leave"),
        (FRAME.assign(c=pandas.Timestamp("2020")), "x must hold numbers, got datetime64.* 'c'"),
        (FRAME.assign(c=1j), "x must hold numbers, got complex128 in column 'c'"),
        (polars.DataFrame({**COLUMNS, "c": [[1]] * 6}), "got List.Int64. in column 'c': convert"),
        (polars.LazyFrame(COLUMNS), r"x must hold numbers, got LazyFrame: pass x.collect\(\)"),
    ],
)
def test_a_column_without_numbers_is_named(frame, message):
    model = Model([Dense(2, "softmax")], seed=0)
    model.compile()
    with pytest.raises(TypeError, match=message):
        model.fit(frame, Y, verbose=0)

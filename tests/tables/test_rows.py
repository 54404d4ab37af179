"""Tables as people have them in memory: rows, and frames of other libraries."""

import copy
import decimal
import pickle

import numpy as np
import pytest

from cynn import Model, tables
from cynn.layers import Dense
from cynn.tables import Categorical, Classes, Column, Numeric, Quantity, TableEncoder

ROWS = [
    {"size": 1.5, "n": 3, "kind": "a", "ok": True, "y": "p"},
    {"size": 2, "n": None, "kind": "b", "ok": False, "y": "q"},
    {"size": "2.5", "n": 5, "kind": None, "ok": True, "y": "p"},
    {"size": -7.25, "n": 4, "kind": "new", "ok": None, "y": "q"},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}
ENCODER = TableEncoder(
    [
        Numeric("size", 1.5, 0.5),
        Numeric("n", 4.0, 2.0, True),
        Categorical("kind", ["a", "b"]),
        Categorical("ok", ["False", "True"]),
    ],
    Classes("y", ["p", "q"]),
)
ENCODED = [
    [0, -0.5, 0, 1, 0, 0, 1],
    [1, 0, 1, 0, 1, 1, 0],
    [2, 0.5, 0, 0, 0, 0, 1],
    [-17.5, 0, 0, 0, 0, 0, 0],
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_and_columns_are_encoded_alike(dtype):
    for table in (ROWS, tuple(ROWS), COLUMNS, {k: np.array(v, object) for k, v in COLUMNS.items()}):
        x = ENCODER.encode(table, dtype)
        assert x.tolist() == ENCODED and x.dtype == dtype
    for row, wanted in zip(ROWS, ENCODED, strict=True):
        array = {name: np.array([value], object) for name, value in row.items()}
        for table in (row, [row], {name: [value] for name, value in row.items()}, array):
            assert ENCODER.encode(table, dtype).tolist() == [wanted]
    assert ENCODER.encode([]).shape == (0, 7)
    assert ENCODER.unseen(ROWS) == ENCODER.unseen(ROWS[3]) == {"kind": {"new": 1}}


def test_a_row_has_the_bits_of_a_table():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=200), 10.0 ** rng.uniform(-40, 37, 200)])
    encoder = TableEncoder([Numeric("a", 0.1, 0.3)], Quantity("y", 0.0, 1.0))
    for kind in ("float64", "float32", "float16"):
        with np.errstate(over="ignore"):
            column = values.astype(kind)
        column = column[np.isfinite(column)]
        for dtype in ("float32", "float64"):
            x = encoder.encode({"a": column}, dtype)
            rows = [encoder.encode({"a": column[i : i + 1]}, dtype) for i in range(len(column))]
            assert (np.concatenate(rows) == x).all()
            assert (encoder.encode([{"a": value} for value in column], dtype) == x).all()


def test_a_number_of_one_element_is_the_category_of_its_type():
    encoder = TableEncoder([Categorical("a", ["0.1", "7"])], Quantity("y", 0.0, 1.0))
    for value in (np.float32(0.1), np.float16(0.1), np.float64(0.1), 0.1, "0.10", np.str_("0.1")):
        for table in ({"a": value}, {"a": np.array([value])}, [{"a": value}], {"a": [value]}):
            assert encoder.encode(table).tolist() == [[1, 0]], table


def test_values_that_a_row_cannot_hold_are_named_with_their_row():
    good = ROWS[0]
    for value, said in [
        ("x", "column 'size' must hold numbers, got 'x' in row 2"),
        (np.inf, "got inf in row 2"),
        (1e300, "got 1e\\+300 in row 2"),
        (10**400, "got inf in row 2"),
        ([1], "column 'size' must hold numbers, got \\[1\\] in row 2"),
        (1j, "column 'size' must hold numbers, got values of type complex128"),
    ]:
        with pytest.raises(ValueError, match=said):
            ENCODER.encode([good, good | {"size": value}])
        with pytest.raises(ValueError, match=said.replace("row 2", "row 1")):
            ENCODER.encode([good | {"size": value}])
    with pytest.raises(ValueError, match="column 'kind' must hold strings"):
        ENCODER.encode([good | {"kind": {}}])
    with pytest.raises(ValueError, match="rows\\[1\\] must have a value for 'n', got 'size'"):
        ENCODER.encode([good, {"size": 1}])
    with pytest.raises(ValueError, match="'n'"):
        ENCODER.encode({"size": 1})
    with pytest.raises(ValueError, match="column 'n' must have shape"):
        ENCODER.encode(good | {"size": [1.0]})


@pytest.mark.parametrize("table", [None, 3, "size", [3], [ROWS[0], None], np.zeros((2, 2)), {3}])
def test_what_is_no_table(table):
    for call in (ENCODER.encode, ENCODER.unseen, lambda table: TableEncoder.fit(table, "y")):
        with pytest.raises(TypeError, match="must be a mapping of names"):
            call(table)


def test_an_encoder_is_fitted_to_rows():
    fitted = TableEncoder.fit([row | {"n": i} for i, row in enumerate(ROWS)], "y")
    columns = {name: COLUMNS[name] for name in COLUMNS} | {"n": range(4)}
    assert fitted == TableEncoder.fit(columns, "y")
    assert [each.name for each in fitted.columns] == ["size", "n", "kind", "ok"]
    with pytest.raises(ValueError, match="rows must be one at least, got none"):
        TableEncoder.fit([], "y")
    with pytest.raises(
        ValueError, match="column 'size' must have shape \\(n,\\), got shape \\(\\)"
    ):
        TableEncoder.fit(ROWS[0], "y")


def test_a_column_of_ones_own_is_encoded_row_by_row():
    class Length(Column):
        width = 2

        def __init__(self, name):
            self.name = name

        def encode(self, values, out):
            out[:, 1] = [len(value) for value in values]

    encoder = TableEncoder([Numeric("a", 0, 1), Length("b")], Quantity("y", 0.0, 1.0))
    assert encoder.encode({"a": 3, "b": "four"}).tolist() == [[3, 0, 4]]


def test_an_encoder_in_use_is_copied_and_compared_as_before():
    encoder = TableEncoder.fit(COLUMNS, "y")
    fresh = repr(encoder), hash(encoder)
    encoder.encode(ROWS), encoder.unseen(ROWS), encoder.target.encode(["p", "q"])
    assert (repr(encoder), hash(encoder)) == fresh
    for other in (copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder)), encoder.replace()):
        assert other == encoder and (other.encode(ROWS) == encoder.encode(ROWS)).all()


# ---- frames -------------------------------------------------------------------------------------

MANY = {
    "real": [1.5, None, 2.5, 4.0],
    "whole": [1, None, 3, 5],
    "flag": [True, None, False, True],
    "word": ["a", None, "b", "a"],
    "kind": ["u", "v", "u", None],
    "exact": [decimal.Decimal("1.50"), None, decimal.Decimal("3"), decimal.Decimal("2")],
    "y": ["p", "q", "p", "q"],
}


def pandas_frame(pd):
    return pd.DataFrame({
        "real": pd.array(MANY["real"], "Float64"),
        "whole": pd.array(MANY["whole"], "Int64"),
        "flag": pd.array(MANY["flag"], "boolean"),
        "word": pd.array(MANY["word"], "string"),
        "kind": pd.Categorical(MANY["kind"]),
        "exact": MANY["exact"],
        "y": MANY["y"],
    })  # fmt: skip


def polars_frame(pl):
    kind = pl.Series(MANY["kind"], dtype=pl.Categorical)
    return pl.DataFrame(MANY | {"kind": kind})


def pyarrow_table(pa):
    kind = pa.array(MANY["kind"]).dictionary_encode()
    return pa.table(MANY | {"kind": kind})


@pytest.mark.parametrize(
    ("library", "frame"),
    [("pandas", pandas_frame), ("polars", polars_frame), ("pyarrow", pyarrow_table)],
)
def test_frames(library, frame):
    table = frame(pytest.importorskip(library, exc_type=ImportError))
    encoder = TableEncoder.fit(MANY, "y")
    assert [type(each).__name__ for each in encoder.columns] == [
        *["Numeric"] * 3, "Categorical", "Categorical", "Numeric",
    ]  # fmt: skip
    assert TableEncoder.fit(table, "y") == encoder
    assert (encoder.encode(table) == encoder.encode(MANY)).all()
    assert (encoder.encode(table[:1]) == encoder.encode(MANY)[:1]).all()
    assert encoder.target.encode(table["y"]).tolist() == [0, 1, 0, 1]
    assert tables.mark_missing(table, ["b"])["word"].tolist()[2] is None


def test_frames_that_are_refused():
    pd = pytest.importorskip("pandas")
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ValueError, match="different names, got 'a' twice"):
        tables.TableEncoder.fit(twice, "a")
    pl = pytest.importorskip("polars", exc_type=ImportError)
    with pytest.raises(TypeError, match="got LazyFrame: call its collect\\(\\) first"):
        ENCODER.encode(pl.DataFrame({"a": [1]}).lazy())


def test_arrays_with_named_fields():
    table = np.array([(1.5, "a"), (2.5, "b")], [("size", float), ("kind", "U1")])
    assert TableEncoder.fit(table, "kind") == TableEncoder.fit(
        {"size": [1.5, 2.5], "kind": ["a", "b"]}, "kind"
    )


# ---- predictions --------------------------------------------------------------------------------


def model_of(target):
    model = Model([Dense(target.n_outputs, target.activation)], seed=0)
    model.build(ENCODER.width)
    model.table = ENCODER.replace(target=target)
    return model


def test_rows_are_predicted_in_the_words_of_the_table():
    model = model_of(Classes("y", ["p", "q"]))
    outputs = model.predict(ENCODER.encode(ROWS))
    labels = model.predict_rows(ROWS)
    assert labels.tolist() == [["p", "q"][i] for i in outputs.argmax(axis=1)]
    assert set(labels) == {"p", "q"}
    assert model.predict_rows(ROWS[1]).tolist() == labels[1:2].tolist()
    assert model.predict_rows(COLUMNS).tolist() == labels.tolist()
    assert model.predict_rows([]).shape == (0,)
    model = model_of(Quantity("y", 100.0, 20.0))
    outputs = model.predict(ENCODER.encode(ROWS))
    quantities = model.predict_rows(ROWS)
    assert quantities.dtype == np.float64 and quantities.shape == (4,)
    assert (quantities == outputs[:, 0].astype(np.float64) * 20 + 100).all()
    model.table = None
    with pytest.raises(RuntimeError, match="must be of a table for predict_rows, got one without"):
        model.predict_rows(ROWS)

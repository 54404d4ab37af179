"""Tables: reading files, and encoding their columns."""

import csv

import numpy as np
import pytest

from cynn import Model, tables
from cynn.layers import Dense
from cynn.storage import ModelFileError, reading, write
from cynn.tables import Categorical, Classes, LeftOut, Numeric, Quantity, TableEncoder


def objects(*values):
    return np.array(values, object)


def put(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


# ---- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv(tmp_path, encoding, delimiter, end):
    lines = [["größe", " kind "], ["1.5", " a "], [], ['"2"', '"b, ""c"""']]
    path = put(tmp_path / "t.CSV", end.join(map(delimiter.join, lines)), encoding)
    table = tables.read(path)
    assert list(table) == ["größe", "kind"]
    assert list(table["größe"]) == ["1.5", "2"]
    assert [text.strip() for text in table["kind"]] == ["a", 'b, "c"']


def test_columns_without_a_name(tmp_path):
    table = tables.read(put(tmp_path / "t.csv", ",a,\n1,2,\n3,4,\n"))
    assert {name: list(values) for name, values in table.items()} == {
        "": ["1", "3"],
        "a": ["2", "4"],
    }


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.csv", b"", "at least one row, got none"),
        ("t.csv", b"a,b\n", "at least one row, got none"),
        ("t.csv", b"a,b\n1,2\n3\n", "line 3 must have 2 fields, as the first, got 1"),
        ("t.csv", b"a,a\n1,2\n", "different names, got 'a'"),
        (
            "t.csv",
            b"a,b\n\xe9,1\n",
            r"must be in utf-8, got the byte 0xe9.*--encoding\), such as latin-1",
        ),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "must be in utf-8.*seems to be utf-16"),
        ("t.csv", "a,b\n1,2\n".encode("utf-32"), "must be in utf-8.*seems to be utf-32"),
        ("t.csv", b'a,b\n"1,2\n', "line 2 must close the quotes it opens"),
        ("t.csv", b'a,b\n1,2\n"1"2,3\n', "line 3 must have ',' after a quoted field, got '2,3"),
        ("t.csv", b"a\0,b\n1,2\n", "zero bytes"),
        ("t.npz", b"PK", "must be an npz file"),
        ("t.npz", b"PK\x05\x06" + bytes(18), "at least one row, got none"),
        ("t.xls", b"a,b", "must end in .csv, .tsv, .csv.gz, .tsv.gz, .parquet, .npz"),
        ("t", b"a,b", "must end in"),
    ],
)
def test_invalid_table_files(tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=said) as error:
        tables.read(tmp_path / name)
    assert str(error.value).startswith(str(tmp_path / name))


def test_damaged_csv(tmp_path):
    rng = np.random.default_rng(0)
    whole = b'a,b,y\n1,"u, v",p\n2.5,w,q\n,u,p\n-1e3,w,q\n'
    good = 0
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.choice(list(b',;"\n\r\t 0a\x00\xff\xc3'))
        (tmp_path / "t.csv").write_bytes(data[: rng.integers(1, 2 * len(data))])
        try:
            table = tables.read(tmp_path / "t.csv")
            x = TableEncoder.fit(table, "y").encode(table)
        except ValueError:
            continue
        assert np.isfinite(x).all()
        good += 1
    assert 0 < good < 300


def test_missing_files(tmp_path):
    for name in ("a.csv", "a.npz", "a.parquet"):
        with pytest.raises(FileNotFoundError):
            tables.read(tmp_path / name)
        (tmp_path / "d" / name).mkdir(parents=True)
        with pytest.raises(OSError):
            tables.read(tmp_path / "d" / name)


def test_npz(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x=np.arange(6).reshape(3, 2), y=np.array(["a", "b", "a"]))
    table = tables.read(path)
    assert list(table) == ["x.0", "x.1", "y"] and list(table["x.1"]) == [1, 3, 5]
    for arrays, said in [
        ({"a": [1, 2], "b": [1]}, "must have one length"),
        ({"a": np.zeros((2, 2, 2))}, "shape"),
        ({"a": np.array(3)}, "shape"),
        ({"a": objects({})}, "Python objects"),
        ({"x": np.zeros((2, 1)), "x.0": np.zeros(2)}, "different names, got"),
        ({"a": np.zeros(0)}, "at least one row, got none"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=said):
            tables.read(path)
    whole = path.read_bytes()
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError):
            tables.read(path)


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)
    parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    path = tmp_path / "t.parquet"
    columns = {
        "whole": pa.array([1, None, 3]),
        "real": pa.array([0.5, 1.5, None]),
        "text": pa.array(["a", None, "b"]),
        "kind": pa.array(["u", "v", "u"]).dictionary_encode(),
        "true": pa.array([True, None, False]),
        "list": pa.array([[1], [2], [3]]),
        "day": pa.array([1, 2, 3], pa.date32()),
    }
    parquet.write_table(pa.table(columns), path)
    table = tables.read(path)
    y = {"y": objects("p", "q", "p")}
    encoder = TableEncoder.fit(table | y, "y")
    assert [each.name for each in encoder.columns] == ["whole", "real", "text", "kind", "true"]
    assert [each.name for each in encoder.left_out] == ["list", "day"]
    assert encoder.encode(table).shape == (3, 2 + 2 + 2 + 2 + 2)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="t.parquet"):
        tables.read(path)


# ---- encoding -----------------------------------------------------------------------------------


def test_what_columns_are():
    n = 40
    table = {
        "": np.arange(n),
        "number": objects(*(str(i) for i in range(n))),
        "gaps": objects(*("NA" if i == 3 else str(i) for i in range(n))),
        "flag": objects(*("x" if i else "" for i in range(n))),
        "word": objects(*("ab"[i % 2] for i in range(n))),
        "code": np.arange(n) % 3,
        "mixed": objects(*("1" if i else "one" for i in range(n))),
        "same": np.ones(n),
        "same text": objects(*["a"] * n),
        "empty": objects(*[""] * n),
        "note": objects(*(f"n{i}" for i in range(n))),
        "when": np.arange(n).astype("datetime64[D]"),
        "skip": np.arange(n),
        "y": objects(*("no yes".split()[i % 2] for i in range(n))),
    }
    encoder = TableEncoder.fit(table, "y", categorical=["code"], ignore=["skip"])
    kinds = {each.name: type(each).__name__ + str(each.width) for each in encoder.columns}
    assert kinds == {
        "number": "Numeric1",
        "gaps": "Numeric2",
        "flag": "Categorical1",
        "word": "Categorical2",
        "code": "Categorical3",
        "mixed": "Categorical2",
    }
    assert {each.name: each.why for each in encoder.left_out} == {
        "": "it has no name",
        "same": "it is constant",
        "same text": "it is constant",
        "empty": "it is empty",
        "note": "it has 40 different strings in 40 rows",
        "when": "it holds neither numbers nor strings",
        "skip": "as requested",
    }
    x = encoder.encode(table, "float64")
    assert x.shape == (n, 11)
    assert np.allclose(x[:, 0], (np.arange(n) - 19.5) / np.arange(n).std())
    assert x[3, 1:3].tolist() == [0, 1] and not x[4:, 2].any()
    assert x[0, 3:11].tolist() == [0, 1, 0, 1, 0, 0, 0, 1]
    assert tables.from_dict(encoder.to_dict()) == encoder


def test_statistics_of_the_training_set():
    table = {"a": objects("1", "3", "100"), "b": objects("u", "v", "w"), "y": objects(*"pqp")}
    encoder = TableEncoder.fit(table, "y", rows=np.array([0, 1]))
    assert encoder.columns == (Numeric("a", 2.0, 1.0), Categorical("b", ["u", "v"]))
    assert encoder.encode(table)[2].tolist() == [98, 0, 0]


def test_unseen_categories():
    encoder = TableEncoder(
        [Numeric("a", 1.0, 2.0), Categorical("b", ["u", "v"])], Classes("y", ["p", "q"])
    )
    table = {"more": np.zeros(3), "b": objects("w", None, "v"), "a": objects("?", None, "3")}
    assert encoder.encode(table).tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 1]]
    for change, said in [
        ({"a": objects("1", "two", "3")}, "column 'a' must hold numbers, got 'two' in row 2"),
        ({"a": objects("1", "1_0", "3")}, "'1_0' in row 2"),
        ({"a": np.array([1, np.inf, 3])}, "column 'a' must hold .*, got inf in row 2"),
        ({"a": np.array([1, 1e300, 3])}, "row 2"),
        ({"a": np.zeros(2)}, "column '[ab]' must have shape"),
        ({"a": np.zeros((3, 1))}, "shape"),
        ({"b": np.zeros(3, complex)}, "column 'b' must hold strings"),
    ]:
        with pytest.raises(ValueError, match=said):
            encoder.encode(table | change)
    del table["a"]
    with pytest.raises(ValueError, match="table must have the column 'a', got 'more', 'b'"):
        encoder.encode(table)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e200])
def test_numbers_of_any_size(scale):
    values = np.array([1.0, 2.0, 4.0]) * scale
    encoder = TableEncoder.fit({"a": values, "y": objects(*"pqp")}, "y")
    x = encoder.encode({"a": values}, "float64")[:, 0]
    assert np.allclose(x, np.array([-4, -1, 5]) / np.sqrt(14), atol=0.01 if scale < 1e-300 else 0)
    table = {"a": np.array([1e308, -1e308]), "y": objects(*"pq")}
    with pytest.raises(ValueError, match="column 'a' must hold finite numbers"):
        TableEncoder.fit(table, "y")


@pytest.mark.parametrize(
    ("values", "task", "target"),
    [
        (objects(*"abab"), None, Classes("y", ["a", "b"])),
        (objects("10", "9", "10", "9"), None, Classes("y", ["9", "10"])),
        (objects("007", "8", "8", "007"), None, Classes("y", ["007", "8"])),
        (objects(True, False), None, Classes("y", ["False", "True"])),
        (np.array([True, False]), None, Classes("y", ["False", "True"])),
        (np.array([1.0, 0.0, 1.0]), None, Classes("y", ["0", "1"])),
        (np.arange(4), None, Quantity("y", 1.5, np.arange(4).std())),
        (np.array([1, 2, 1, 2]), "regression", Quantity("y", 1.5, 0.5)),
        (objects("0.5", "1.5", "0.5", "1.5"), None, Quantity("y", 1.0, 0.5)),
        (objects("0.5", "1.5", "0.5", "1.5"), "classification", Classes("y", ["0.5", "1.5"])),
    ],
)
def test_the_task_is_found(values, task, target):
    assert tables.target_of({"y": values}, "y", task) == target


@pytest.mark.parametrize(
    ("values", "task", "said"),
    [
        (objects("a", "", "b"), None, "got none in 1 of 3, row 2 the first"),
        (objects("1.5", "NA", "2"), None, "got none in 1 of 3, row 2 the first"),
        (objects("1", "", "0"), None, "got none in 1 of 3"),
        (objects("1", "0", "NA", "1"), None, "row 3 the first"),
        (objects("1.5", "2", "NA"), "classification", "row 3 the first"),
        (objects("a", None), None, "must have a value in every row"),
        (np.array([0.5, np.nan]), None, "must have a value in every row"),
        (objects("a", "a"), None, "differ between rows, got 'a'"),
        (np.array([1.5, 1.5]), "regression", "differ between rows, got 1.5"),
        (objects(*map(str, range(9)), "x"), None, "must hold numbers alone, got .x. in row 10"),
        (objects(*"abcdefghi"), None, "must have few different values to be classes"),
        (objects("1", "x"), "regression", "must hold numbers, got 'x' in row 2"),
        (np.zeros(2, complex), None, "must hold numbers or strings"),
        (np.array([0.5, np.inf]), None, "finite"),
        (np.zeros(0), None, "at least one row, got none"),
        (np.zeros(2), "guess", "task must be one of"),
    ],
)
def test_invalid_targets(values, task, said):
    with pytest.raises(ValueError, match=said):
        tables.target_of({"y": values}, "y", task)


def test_targets_decoded_and_measured():
    classes = Classes("y", ["a", "b"])
    outputs = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    assert classes.as_text(outputs) == [("a", "0.9"), ("b", "0.6")]
    measures = classes.measure(np.array([0, 0, 1]), outputs[[0, 1, 1]])
    wanted = {"accuracy": 2 / 3, "balanced accuracy": 3 / 4, "F1": 2 / 3, "AUC": 3 / 4}
    assert measures == pytest.approx(wanted)
    many = Classes("y", [str(i) for i in range(21)])
    assert "AUC" not in many.measure(np.arange(21), np.eye(21))
    with pytest.raises(ValueError, match="got 'c' in row 2"):
        classes.encode(objects("a", "c"))
    quantity = Quantity("y", 10.0, 2.0)
    found = quantity.measure(quantity.encode(objects("8", "12")), np.array([[-1.0], [0.0]]))
    assert found == {"mean absolute error": 1.0, "root mean squared error": 2**0.5, "R2": 0.5}
    for target in (classes, quantity):
        with pytest.raises(ValueError, match="must be finite"):
            target.as_text(np.full((1, target.n_outputs), np.nan))


def test_quantities_of_any_size_are_measured():
    for size in (1e-300, 1.0, 1e300):
        target = tables.target_of({"y": size * np.array([1.5, 2.5, 4.5, 7.5])}, "y")
        y = target.encode(size * np.array([1.5, 2.5]))
        measures = target.measure(y, y[:, np.newaxis] + [[3 / target.std * size], [0.0]])
        assert np.isclose(measures["mean absolute error"] / size, 1.5)
        assert np.isclose(measures["root mean squared error"] / size, 4.5**0.5)
    far = target.encode(np.array([0.0, 1e308]))  # which training did not see
    assert np.isclose(target.measure(far, far[::-1, np.newaxis])["root mean squared error"], 1e308)
    assert target.measure(far, far[:, np.newaxis])["root mean squared error"] == 0
    with pytest.raises(ValueError, match="target 'y' must hold finite numbers, got inf in row 2"):
        target.encode(np.array([1.0, np.inf]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Numeric("", 0, 1), "name must not be empty"),
        (lambda: Numeric(3, 0, 1), "name must be a string"),
        (lambda: Numeric("a", np.nan, 1), "mean"),
        (lambda: Numeric("a", 0, 0), "std"),
        (lambda: Numeric("a", 0, 1, 1), "missing"),
        (lambda: Categorical("a", []), "1 to 1000 different strings, got 0"),
        (lambda: Categorical("a", ["u", "u"]), "got 2, 1 of them different"),
        (lambda: Categorical("a", "uv"), "sequence of strings"),
        (lambda: Classes("a", ["u"]), "two classes"),
        (lambda: LeftOut("a", ""), "why"),
        (lambda: TableEncoder([], Classes("y", ["a", "b"])), "columns must be one at least"),
        (lambda: TableEncoder([Numeric("y", 0, 1)], Classes("y", ["a", "b"])), "different names"),
        (lambda: TableEncoder([Numeric("a", 0, 1)], Numeric("y", 0, 1)), "target must be"),
        (lambda: TableEncoder([LeftOut("a", "b")], Classes("y", ["a", "b"])), "columns must be"),
    ],
)
def test_declarations_are_checked(make, said):
    with pytest.raises((TypeError, ValueError), match=said):
        make()


# ---- in a model's file --------------------------------------------------------------------------


@pytest.fixture
def model():
    model = Model([Dense(2, "softmax")], seed=0)
    model.build(3)
    columns = [Numeric("a", 0.0, 1.0), Categorical("b", ["é", "v"])]
    model.table = TableEncoder(columns, Classes("y", ["p", "q"]), [LeftOut("", "it has no name")])
    return model


def test_a_model_keeps_its_table(model, tmp_path):
    model.save(tmp_path / "m")
    assert Model.load(tmp_path / "m").table == model.table
    model.table = None
    model.save(tmp_path / "m")
    assert Model.load(tmp_path / "m").table is None
    with reading(tmp_path / "m") as file:
        assert "table" not in file.model  # files without one are as they were


def test_a_table_that_does_not_fit_is_refused(model, tmp_path):
    model.save(tmp_path / "m")
    with reading(tmp_path / "m") as file:
        said = file.model
        arrays = {name: file.read(name) for name in file.shapes}
    for table in (
        3,
        {"class": "Numeric", "name": "a", "mean": 0.0, "std": 1.0},
        said["table"] | {"target": {"class": "Numeric", "name": "a", "mean": 0.0, "std": 1.0}},
        said["table"] | {"columns": said["table"]["columns"][:1]},
        said["table"] | {"columns": [said["table"]] * 2},
        said["table"] | {"columns": [{"class": "Flatten"}]},
    ):
        write(tmp_path / "bad", said | {"table": table}, arrays)
        with pytest.raises(ModelFileError):
            Model.load(tmp_path / "bad")
    model.table = model.table.replace(columns=model.table.columns[:1])
    with pytest.raises(ValueError, match="model must have 1 inputs .*, got 3 and 2"):
        model.save(tmp_path / "m")


def test_any_text_survives_a_file(tmp_path):
    words = ["a,b", 'say "x"', "two\nlines", "ключ", "🌼"]
    with open(tmp_path / "t.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["w", "y"], *([word, i % 2] for i, word in enumerate(words))])
    encoder = TableEncoder.fit(tables.read(tmp_path / "t.csv"), "y")
    assert set(encoder.columns[0].categories) == set(words)

"""A table's model as ONNX: ONNX Runtime says of columns what `predict_rows` says of rows."""

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense, Flatten
from cynn.tables import Categorical, Classes, Column, Numeric, Quantity, TableEncoder, Target
from cynn.tables._written import spellings_of

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")

import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError  # noqa: E402


def model_of(encoder, dtype="float32"):
    target = encoder.target
    layers = [Dense(6, "relu"), Dense(target.n_outputs, target.activation)]
    model = Model(layers, dtype=dtype, seed=0)
    model.build(encoder.width)
    model.table = encoder
    return model


def run(path, table):
    """Return the outputs by name; the inputs are the columns that the file asks for."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {}
    for end in session.get_inputs():
        assert end.shape == ["batch", 1]
        dtype = {"tensor(double)": np.float64, "tensor(string)": object}[end.type]
        feeds[end.name] = np.asarray(table[end.name]).astype(dtype).reshape(-1, 1)
    names = [end.name for end in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def random_table(rng, n, n_numbers, n_categories, target):
    """Return columns in any order, some with missing values, and a target last."""
    table = {}
    for i in range(n_numbers):
        values = rng.normal(10.0 ** (i % 10), 2.0, n)
        if i % 2:
            values[rng.random(n) < 0.3] = np.nan
        table[f"number {i}"] = values
    for i in range(n_categories):
        words = np.array(["", "red", "dark red", "größer", "10115", f"word{i}"], object)
        table[f"category.{i}"] = words[rng.integers(0, len(words), n)]
    names = list(rng.permutation(list(table)))
    quantity = rng.normal(1e6, 30.0, n)
    classes = np.array(["no", "yes", "né"])[rng.integers(0, 3, n)]
    return {name: table[name] for name in names} | {
        "target": quantity if target == "quantity" else classes
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["quantity", "classes"])
@pytest.mark.parametrize(
    "sizes", [(1, 0), (2, 0), (0, 1), (0, 2), (3, 4), (20, 9), (150, 60)], ids=str
)
def test_what_predict_rows_says(tmp_path, sizes, target, dtype):
    rng = np.random.default_rng(sum(sizes))
    encoder = TableEncoder.fit(random_table(rng, 60, *sizes, target), "target")
    model = model_of(encoder, dtype)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for n in (30, 1, 0):
        new = random_table(rng, 30, *sizes, target)
        new = {name: values[:n] for name, values in new.items()}
        for i, name in enumerate(name for name in new if name.startswith("category")):
            new[name][i % 4 :: 4] = "never seen"
        outputs = model.predict(encoder.encode(new, dtype))
        came = run(path, new)
        exact = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-9, "atol": 0}
        if target == "quantity":
            assert list(came) == ["output"] and came["output"].dtype == np.float64
            deviations = (came["output"][:, 0] - encoder.target.mean) / encoder.target.std
            assert np.allclose(deviations, outputs[:, 0], **exact)
        else:
            assert list(came) == ["output", "label"] and came["output"].dtype == dtype
            assert np.allclose(came["output"], outputs, **exact)
            assert came["label"].tolist() == encoder.target.decode(outputs).tolist()


def test_digits_beyond_float32(tmp_path):
    """Seconds since 1970, of which float32 keeps two minutes, and a quantity as large."""
    time = 1.7e9 + np.arange(100.0)
    encoder = TableEncoder.fit({"time": time, "later": time + 7}, "later")
    model = Model([Dense(1)])
    model.build(1)
    model.set_weights([[[1.0]], [0.0]])
    model.table = encoder
    cynn.onnx.export(model, tmp_path / "model.onnx")
    came = run(tmp_path / "model.onnx", {"time": time})["output"][:, 0]
    assert np.abs(came - (time + 7)).max() < 1e-4


def test_a_trained_model_from_its_file(tmp_path):
    rng = np.random.default_rng(0)
    size, colour = rng.normal(5, 2, 200), np.array(["red", "blue"])[rng.integers(0, 2, 200)]
    table = {"size": size, "colour": colour, "price": 30 + 4 * size + 9 * (colour == "red")}
    encoder = TableEncoder.fit(table, "price")
    model = Model([Dense(16, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mean_squared_error")
    x, y = encoder.encode(table), encoder.target.encode(table["price"])
    model.fit(x, y, epochs=60, verbose=0)
    model.table = encoder
    model.save(tmp_path / "model.safetensors")
    cynn.onnx.export(Model.load(tmp_path / "model.safetensors"), tmp_path / "model.onnx")
    came = run(tmp_path / "model.onnx", {"size": [5.0], "colour": ["red"]})["output"]
    assert abs(came.item() - 59) < 1.5


SPELLINGS = {
    "10115": ["10115", "10115.0", "010115", "1e5"],
    "7.50": ["7.50", "7.5", "7.500"],
    "True": ["True", "true", "TRUE", "1", "1.0", "yes"],
    "red": ["red", "Red", "red.0", ""],
    "1067": ["1067", "01067", "1067.0", "001067"],
    "Köln": ["Köln", "Ko\u0308ln"],
}


def test_the_usual_spellings_of_a_category(tmp_path):
    """As the encoder takes them; those that are not written so often count as not seen."""
    encoder = TableEncoder([Categorical("c", list(SPELLINGS))], Quantity("q", 0, 1))
    model = model_of(encoder)
    cynn.onnx.export(model, tmp_path / "model.onnx")
    words = [word for spellings in SPELLINGS.values() for word in spellings]
    came = run(tmp_path / "model.onnx", {"c": words})["output"][:, 0]
    wanted = model.predict(encoder.encode({"c": np.array(words, object)}))[:, 0]
    rare = [words.index(word) for word in ("010115", "7.500", "001067")]
    wanted[rare] = model.predict(np.zeros((1, 6))).item()
    assert np.allclose(came, wanted, atol=1e-6)
    assert len(set(wanted.tolist())) == 7


def test_what_a_user_calls_missing(tmp_path):
    table = {
        "age": np.array([31.0, -999, 45, 7, 40]),
        "size": np.array([1.0, 2, 3, 9999, 5]),
        "kind": np.array(["a", "b", "k.A.", "a", "b"]),
        "y": np.array([1.5, 2, 3, 4, 5]),
    }
    encoder = TableEncoder.fit(table, "y", missing=["-999", "9999", "k.A."])
    model = model_of(encoder, "float64")
    cynn.onnx.export(model, tmp_path / "model.onnx")
    table["age"][0], table["size"][1], table["kind"][0] = np.nan, np.nan, ""
    came = run(tmp_path / "model.onnx", table)["output"][:, 0]
    assert np.allclose(came, model.predict_rows(table), rtol=1e-12)


def test_columns_that_are_called_like_the_rest_of_the_graph(tmp_path):
    names = [
        "output",
        "label",
        "input",
        "label_",
        "layer0.weight",
        "numbers.isnan",
        "label.category",
    ]
    rng = np.random.default_rng(0)
    table = {name: rng.normal(size=20) for name in names} | {"y": ["a", "b"] * 10}
    table["label"] = table["y"]
    table["input"][0] = np.nan
    model = model_of(TableEncoder.fit(table, "y"))
    cynn.onnx.export(model, tmp_path / "model.onnx")
    came = run(tmp_path / "model.onnx", table)
    assert list(came) == ["output_", "label__"]
    assert came["label__"].tolist() == model.predict_rows(table).tolist()


def test_the_network_alone(tmp_path):
    rng = np.random.default_rng(0)
    encoder = TableEncoder.fit(random_table(rng, 60, 3, 2, "quantity"), "target")
    model = model_of(encoder)
    cynn.onnx.export(model, tmp_path / "alone", network_only=True)
    model.table = None
    for file in ("bare", "bare again"):
        cynn.onnx.export(model, tmp_path / file, network_only=file != "bare")
        assert (tmp_path / file).read_bytes() == (tmp_path / "alone").read_bytes()
    x = encoder.encode(random_table(rng, 60, 3, 2, "quantity"))
    assert np.allclose(cynn.onnx.load(tmp_path / "alone").predict(x), model.predict(x), rtol=1e-5)
    with pytest.raises(TypeError, match="network_only must be True or False, got 1"):
        cynn.onnx.export(model, tmp_path / "alone", network_only=1)


@pytest.mark.parametrize("columns", [(1, 0), (0, 1), (2, 3)])
def test_a_table_is_not_read_back(tmp_path, columns):
    table = random_table(np.random.default_rng(0), 60, *columns, "classes")
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model_of(TableEncoder.fit(table, "target")), path)
    with pytest.raises(OnnxFileError, match="a network alone, got one with its table: load the "):
        cynn.onnx.load(path)
    made = onnx.load(path)
    del made.metadata_props[:]
    onnx.save(made, path)
    with pytest.raises(OnnxFileError):
        cynn.onnx.load(path)


class Length(Column):
    width = 1

    def __init__(self, name):
        self.name = name


class Rank(Target):
    n_outputs, activation = 1, "identity"

    def __init__(self, name):
        self.name = name


NUMBER, TARGET = Numeric("a", 0, 1), Quantity("q", 0, 1)
REFUSED = {
    "a column of one's own": (TableEncoder([NUMBER, Length("b")], TARGET), r"columns\[1\] must be"),
    "a target of one's own": (TableEncoder([NUMBER], Rank("q")), "Classes or Quantity for ONNX"),
    "a name that is no text": (TableEncoder([Numeric("\ud800", 0, 1)], TARGET), "that UTF-8 can"),
    "a label that is no text": (
        TableEncoder([NUMBER], Classes("q", ["a", "\ud800"])),
        "names that UTF-8 can write for ONNX",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_onnx_cannot_say(tmp_path, what):
    encoder, message = REFUSED[what]
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match=f"{message}.* pass network_only=True"):
        cynn.onnx.export(model_of(encoder), path)
    assert not path.exists()
    cynn.onnx.export(model_of(encoder), path, network_only=True)


def test_a_table_of_another_network(tmp_path):
    table = TableEncoder([Numeric("a", 0, 1), Numeric("b", 0, 1, True)], Classes("c", ["x", "y"]))
    for row, layers in ((2, [Dense(2)]), (3, [Dense(1)]), ((1, 3), [Flatten(), Dense(2)])):
        model = Model(layers)
        model.build(row)
        model.table = table
        with pytest.raises(ValueError, match="must take 3 numbers and give 2, as its table does"):
            cynn.onnx.export(model, tmp_path / "model.onnx")


def test_categories_are_written_as_their_column_writes_numbers():
    column = Categorical("x", ["1.234", "2,5", "red"], decimal=",")
    spellings = spellings_of(column, ())
    assert [spellings[text] for text in ("1.234", "1234", "1234.0", "2,5", "red")] == [
        0,
        0,
        0,
        1,
        2,
    ]
    assert "1,234" not in spellings

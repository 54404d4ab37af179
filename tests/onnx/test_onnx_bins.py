"""Bins of quantities in ONNX: numbers at and beyond edges, and graphs that only look like them."""

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense, PiecewiseLinearEmbedding

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError  # noqa: E402
from onnx import numpy_helper  # noqa: E402

BINS = [[0, 1, 3], [-1, 0.5, 1, 2]]


def exported(tmp_path, version="B", dtype="float32", bins=BINS):
    model = Model(
        [PiecewiseLinearEmbedding([2, 0], bins, 2, version=version, activation="relu")],
        dtype=dtype,
        seed=0,
    )
    model.build(3)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    return model, path


def changed(path, name, change):
    """Write a file again with a constant changed."""
    made = onnx.load(path)
    (tensor,) = (each for each in made.graph.initializer if each.name == f"layer0.{name}")
    array = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(change(array).astype(array.dtype), tensor.name))
    path.write_bytes(made.SerializeToString())


def put(*place_and_value):
    *place, value = place_and_value

    def change(array):
        array = array.copy()
        array[tuple(place)] = value
        return array

    return change


@pytest.mark.parametrize("version", ["A", "B"])
def test_numbers_at_edges_and_beyond(tmp_path, version):
    onnxruntime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")
    model, path = exported(tmp_path, version)
    ends = np.array([-100, -1, 0, 0.25, 0.5, 1, 1.5, 2, 3, 100], np.float32)
    x = np.column_stack([ends, ends * 0, ends[::-1]])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (came,) = session.run(None, {"input": x})
    np.testing.assert_allclose(came, model.predict(x), 1e-5, 1e-5)
    assert cynn.onnx.load(path).layers == model.layers


def test_edges_that_were_rounded_come_back(tmp_path):
    """To the nearest float32; a file of float64 has them as they were."""
    bins = np.sort(np.random.default_rng(0).normal(1000, 1, (2, 20)))
    for dtype, allowed in (("float32", 1e-4), ("float64", 1e-12)):
        _, path = exported(tmp_path, dtype=dtype, bins=bins)
        (layer,) = cynn.onnx.load(path).layers
        assert np.allclose(layer.bins, bins, rtol=0, atol=allowed)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("low", put(0, 0, 1, 0.5), "its limits must be 0 and 1 of all bins but the outermost"),
        ("low", put(0, 0, 0, 0), "its limits must be"),
        ("high", put(0, 0, 1, 2), "its limits must be"),
        ("high", put(1, 0, 1, np.inf), "its limits must be"),
        ("left", put(1, 0, 1, 0.75), "its bins must begin where those before end, got others"),
        ("left", put(0, 0, 0, np.nan), r"bins\[0\]\[0\] must be a finite number, got nan"),
        ("width", put(0, 0, 1, -1), r"bins\[0\] must ascend"),
        (
            "width",
            lambda array: array[:1],
            "its constants must be those of an embedding, got other",
        ),
        ("bias", lambda array: array[..., :1], "its constants must be those of an embedding"),
        ("linear", lambda array: array[0], "its constants must be those of an embedding"),
        ("staying", put(0, 0), "its first columns must be those that are not embedded, got others"),
    ],
)
def test_constants_that_are_no_bins(tmp_path, name, change, message):
    _, path = exported(tmp_path)
    changed(path, name, change)
    with pytest.raises(OnnxFileError, match=message):
        cynn.onnx.load(path)


def rewired(path, operator, inputs):
    """Write a file again in which the first node of an operator is given something else."""
    made = onnx.load(path)
    node = next(each for each in made.graph.node if each.op_type == operator)
    node.input[:] = [node.input[i] if isinstance(i, int) else i for i in inputs]
    path.write_bytes(made.SerializeToString())


@pytest.mark.parametrize(
    ("operator", "inputs", "message"),
    [
        ("Sub", (1, 0), "its inputs must be something of rows .* and a constant, got a constant"),
        ("Div", (1, 0), "its inputs must be something of rows .* and a constant, got a constant"),
        ("MatMul", (1, 0), "its inputs must be something of rows .* and a constant, got a const"),
        ("Concat", ("input", 1), "it must be an embedding as cynn writes it, got another"),
    ],
)
def test_graphs_that_are_no_bins(tmp_path, operator, inputs, message):
    _, path = exported(tmp_path)
    rewired(path, operator, inputs)
    with pytest.raises(OnnxFileError, match=message):
        cynn.onnx.load(path)


@pytest.mark.parametrize("operator", ["Max", "Min", "Mul", "Add"])
def test_constants_may_come_first(tmp_path, operator):
    model, path = exported(tmp_path, "B")
    rewired(path, operator, (1, 0))
    assert cynn.onnx.load(path).layers == model.layers


def test_a_sum_of_parts_that_are_no_line_and_bins(tmp_path):
    _, path = exported(tmp_path)
    made = onnx.load(path)
    last = [each for each in made.graph.node if each.op_type == "Add"][-1]
    last.input[:] = last.input[::-1]
    path.write_bytes(made.SerializeToString())
    with pytest.raises(OnnxFileError, match="the sum of two parts must be of an embedding's line"):
        cynn.onnx.load(path)


def test_a_model_goes_on_learning(tmp_path):
    model, path = exported(tmp_path)
    loaded = cynn.onnx.load(path)
    whole = Model([*loaded.layers, Dense(1)], seed=0)
    whole.compile("adam", "mse")
    x = np.random.default_rng(1).normal(size=(40, 3))
    losses = whole.fit(x, x[:, :1] ** 2, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]

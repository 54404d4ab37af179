"""ONNX files that are damaged, foreign or hostile: one clear error, at once."""

import os
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cynn import Model
from cynn.layers import Dense, Flatten, Rescale

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")

import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError, _reading  # noqa: E402


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    layers = [Flatten(), Rescale(0.5, 1), Dense(6, "relu"), Dense(6), Dense(3, "softmax")]
    model = Model(layers, seed=0)
    model.build((2, 3))
    path = tmp_path_factory.mktemp("whole") / "model.onnx"
    cynn.onnx.export(model, path)
    return path.read_bytes()


def load(folder, data):
    path = folder / "damaged"
    path.write_bytes(data)
    return cynn.onnx.load(path)


def with_change(whole, change):
    made = onnx.ModelProto.FromString(whole)
    change(made)
    return made.SerializeToString()


def weight(made, i=2):
    return made.graph.initializer[i]


def outside(made):
    tensor = weight(made)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def huge(made):
    weight(made).dims[:] = [2**40, 2**40]


def empty(made):
    tensor = weight(made)
    tensor.ClearField("raw_data")
    tensor.dims[:] = [0, 2**62]


def batch_of(*sizes):
    def change(made):
        dims = made.graph.input[0].type.tensor_type.shape.dim
        del dims[:]
        for size in sizes:
            dims.add(dim_value=size)

    return change


def wide_rows(made):
    batch_of(0, 2**40, 2**40)(made)


def cycle(made):
    made.graph.node[0].input[0] = made.graph.node[-1].output[0]


def shared(made):
    """One matrix, ten thousand layers."""
    node = onnx.NodeProto()
    node.CopyFrom(next(n for n in made.graph.node if n.name == "layer3.gemm"))
    del made.graph.node[5:]
    for i in range(9_000):
        copy = made.graph.node.add()
        copy.CopyFrom(node)
        copy.input[0], copy.output[0], copy.name = f"h{i}", f"h{i + 1}", ""
    made.graph.node[5].input[0] = made.graph.node[4].output[0]
    made.graph.node[-1].output[0] = "output"


def own_relu(made):
    made.functions.add(name="Relu", domain="")


def deep(made):
    attribute = made.graph.node[0].attribute.add(name="body", type=onnx.AttributeProto.GRAPH)
    attribute.g.node.add(op_type="Relu")


CHANGES = {
    "no graph": (lambda m: m.ClearField("graph"), "one input and one output, got 0 and 0"),
    "no operators' version": (lambda m: m.ClearField("opset_import"), r"from 7 to \d+, got \[\]"),
    "old operators": (lambda m: setattr(m.opset_import[0], "version", 6), r"got \[6\]"),
    "operators to come": (
        lambda m: setattr(m.opset_import[0], "version", 10**9),
        "got .1000000000",
    ),
    "two versions": (lambda m: m.opset_import.add(domain="ai.onnx", version=17), r"got \[17, 17\]"),
    "an operator of its own": (own_relu, "got functions of its own"),
    "two inputs": (lambda m: m.graph.input.add(name="more"), "got 2 and 1"),
    "two outputs": (lambda m: m.graph.output.add(name="more"), "got 1 and 2"),
    "no type": (lambda m: m.graph.input[0].ClearField("type"), "must hold float32 or float64"),
    "rows of bytes": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 2),
        "must hold float32 or float64",
    ),
    "rows of doubles": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 11),
        "'layer1.scale' must hold float64, as the input, got FLOAT",
    ),
    "no axes": (batch_of(), "must have two axes or more"),
    "one axis": (batch_of(5), "must have two axes or more"),
    "no rows' length": (batch_of(5, 0), "all but the first of known size"),
    "a negative length": (batch_of(5, -6), "all but the first of known size"),
    "rows of another length": (batch_of(5, 7), r"must fit rows of shape \(7,\)"),
    "rows too long to be": (wide_rows, "its constant must fit rows of shape"),
    "weights outside": (outside, "must be in the file itself"),
    "huge weights": (huge, r"shape \(1099511627776, 1099511627776\), got 36"),
    "weights of nothing": (empty, r"of its shape \(0, \d+\), got 0"),
    "negative weights": (
        lambda m: weight(m).dims.__setitem__(slice(None), [-6, -6]),
        r"shape \(-6, -6\), got 36",
    ),
    "weights cut": (lambda m: setattr(weight(m), "raw_data", b"\0" * 40), "got 10"),
    "weights cut within": (lambda m: setattr(weight(m), "raw_data", b"123"), "multiple of element"),
    "weights of bytes": (lambda m: setattr(weight(m), "data_type", 2), "float32.* got UINT8"),
    "weights of what": (lambda m: setattr(weight(m), "data_type", 999), "999"),
    "weights that are two": (lambda m: setattr(weight(m), "name", "layer1.scale"), "be different"),
    "a cycle": (cycle, "before the node that makes it"),
    "a matrix shared by all": (shared, "must not share constants so often"),
    "an inner graph": (deep, "that cynn knows, got 'body'"),
    "an output more": (lambda m: m.graph.node[0].output.append("z"), "one output, got 2"),
    "no operator": (lambda m: m.graph.node[0].ClearField("op_type"), "node 0 .* is '': its op"),
    "an output that is a constant": (
        lambda m: setattr(m.graph.output[0], "name", "layer1.scale"),
        "must depend on its input",
    ),
    "rows at the end": (lambda m: m.graph.ClearField("node"), "got 'output' before"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_graph_that_does_not_fit(tmp_path, whole, what):
    change, message = CHANGES[what]
    damaged = with_change(whole, change)
    tracemalloc.start()
    try:
        with pytest.raises(OnnxFileError, match=message):
            load(tmp_path, damaged)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_rows_that_are_no_single_row_at_the_end(tmp_path, whole):
    made = onnx.ModelProto.FromString(whole)
    del made.graph.node[:]
    made.graph.node.add(op_type="Relu", input=["input"], output=["output"])
    with pytest.raises(OnnxFileError, match=r"must return rows of shape \(n,\), got \(2, 3\)"):
        load(tmp_path, made.SerializeToString())


def test_too_many_nodes(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(_reading, "MOST_NODES", 6)
    with pytest.raises(OnnxFileError, match="must have at most 6 nodes, got 8"):
        load(tmp_path, whole)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"<!DOCTYPE html><html></html>" * 9, b"\x89PNG\r\n\x1a\n" + bytes(99)]
    + [bytes(99), b"PK\x03\x04" + bytes(99), b"\x7fELF" + bytes(99), b"\x0a" * 999]
)  # fmt: skip
def test_not_an_onnx_file(tmp_path, data):
    with pytest.raises(OnnxFileError, match=f"^{tmp_path}"):
        load(tmp_path, data)


def test_cut_short(tmp_path, whole):
    assert load(tmp_path, whole).input_shape == (2, 3)
    for length in [*range(0, len(whole), 7), len(whole) - 1]:
        with pytest.raises(OnnxFileError):
            load(tmp_path, whole[:length])


def test_no_regular_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        cynn.onnx.load(tmp_path / "absent")
    with pytest.raises(TypeError):
        cynn.onnx.load(None)
    if os.name == "posix":
        with pytest.raises(IsADirectoryError):
            cynn.onnx.load(tmp_path)
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", "/dev/zero"):
            with pytest.raises(OnnxFileError, match="it must be a regular file"):
                cynn.onnx.load(path)


def test_a_file_that_is_too_large(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**31)  # a hole: nothing is written
    with pytest.raises(OnnxFileError, match="got 2147483648 bytes"):
        cynn.onnx.load(tmp_path / "large")


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nothing_else_escapes(tmp_path_factory, whole, data):
    """Whatever happens to a file, loading returns a model that predicts, or raises one error."""
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        end = min(len(damaged), at + data.draw(st.integers(1, 9)))
        damaged[at:end] = data.draw(
            st.binary(max_size=9) | st.sampled_from([bytes(damaged[at:end]) * 2, b"\xff" * 9])
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = load(tmp_path_factory.getbasetemp(), bytes(damaged))
    except OnnxFileError:
        return
    if np.prod(model.input_shape, dtype=float) < 1e6:
        assert len(model.predict(np.zeros((2, *model.input_shape)))) == 2

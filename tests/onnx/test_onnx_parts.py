"""The parts of the reader, each by itself: what a file asks of its parser, ways through a graph."""

from types import SimpleNamespace as Fake

import numpy as np
import pytest

from cynn import layers
from cynn.onnx import _values, _wire
from cynn.onnx._reading import GraphReader
from cynn.onnx._values import Paths, Value, joined, residual


@pytest.mark.parametrize(
    ("data", "number", "end"),
    [
        (b"\x00", 0, 1),
        (b"\x7f\x01", 127, 1),
        (b"\x80\x01", 128, 2),
        (b"\xac\x02\x05", 300, 2),
        (b"\xff" * 9 + b"\x01", (1 << 64) - 1, 10),
        (b"\xff" * 10 + b"\x01\x02", 0, 12),  # longer than any number
        (b"\xff", 0, 1),
        (b"", 0, 0),
    ],
)
def test_a_whole_number_as_it_is_written(data, number, end):
    assert _wire._whole_number(data, 0) == (number, end)
    assert _wire._whole_number(b"\x81" + data, 1) == (number, end + 1)


INNER = Fake(fields_by_number={1: Fake(message_type=None, type=3)})
FIELDS = {
    1: Fake(message_type=None, type=9),  # a string
    3: Fake(message_type=INNER, type=11),
    7: Fake(message_type=None, type=3),  # int64
}


def fields_of(data, monkeypatch, fields=FIELDS):
    """Return the fewest fields that must be allowed."""
    for most in range(100):
        monkeypatch.setattr(_wire, "MOST_FIELDS", most)
        try:
            _wire.expect_few_fields(data, Fake(fields_by_number=fields))
        except ValueError as error:
            assert f"must have at most {most} fields" in str(error)
        else:
            return most
    raise AssertionError("more than 100")


@pytest.mark.parametrize(
    ("data", "n_fields"),
    [
        (b"", 0),
        (b"\x08\x05", 1),
        (b"\x08\x85\x01\x08\x05", 2),
        (b"\x0a\x03\x08\x05\x08\x08\x05", 2),  # a text of three bytes
        (b"\xa5\x01" + b"\x08\x05" * 2 + b"\x08\x05", 2),  # four bytes
        (b"\xa1\x01" + b"\x08\x05" * 4 + b"\x08\x05", 2),  # eight
        (b"\x3a\x03\x01\x02\x03\x08\x05", 5),  # a list of three numbers
        (b"\x1a\x02\x08\x05\x08\x05", 3),  # a message in it
        (b"\x1a\x04\x1a\x02\x08\x05\x08\x05", 3),  # and what is no message of its kind
        (b"\x1a\x00\x08\x05", 2),
        (b"\x1a\x7f\x08\x05", 2),  # shorter than it says
        (b"\x22\x02\x08\x05\x08\x05", 2),  # an unknown field
        (b"\x0b\x08\x05\x08\x05", 0),  # left to the parser
    ],
)
def test_the_fields_that_a_message_has(data, n_fields, monkeypatch):
    assert fields_of(data, monkeypatch) == n_fields


def test_the_types_of_which_a_list_takes_a_byte_each(monkeypatch):
    whole = {"int64": 3, "uint64": 4, "int32": 5, "bool": 8, "uint32": 13, "enum": 14}
    for kind in range(1, 19):
        field = {1: Fake(message_type=None, type=kind)}
        n_fields = fields_of(b"\x0a\x03\x01\x02\x03", monkeypatch, field)
        assert n_fields == (4 if kind in whole.values() else 1), kind


def chain(*parts):
    """Return the values of layers one after the other, the input first."""
    values = [Value((2,))]
    for part in parts:
        values.append(values[-1].then(part, np.zeros(1)))
    return values


def test_the_way_from_one_value_to_another():
    start, *between = chain(*[layers.Dense(2)] * 3)
    assert Paths(3).between(start, between[-1]) == between
    assert Paths(1).between(between[1], between[2]) == between[2:]
    assert Paths(0).between(start, start) == []
    assert Paths(0).between(between[1], start) is None  # backwards
    assert Paths(1).between(Value((2,)), between[0]) is None
    paths = Paths(3)
    assert paths.between(between[2], start) is None
    assert paths.between(start, between[1]) == between[:2]
    assert paths.between(start, between[0]) == between[:1]
    with pytest.raises(ValueError, match="got the same too often"):
        paths.between(start, between[0])


def test_residuals_lie_so_deep_in_one_another():
    value = start = Value((2,))
    for depth in range(1, _values.DEEPEST + 1):
        inside = value if value is not start else start.then(layers.Dense(2))
        value = residual(start, [inside])
        assert value.depth == depth and value.place == 1
    with pytest.raises(ValueError, match=f"at most {_values.DEEPEST} deep"):
        residual(start, [value])


def test_an_activation_goes_into_its_dense_layer_alone():
    relu = layers.Activation("relu")
    for parts, wanted in [
        ([layers.Dense(2), relu], [layers.Dense(2, "relu")]),
        ([layers.Dense(2, "tanh"), relu], [layers.Dense(2, "tanh"), relu]),
        ([relu, layers.Dense(2)], [relu, layers.Dense(2)]),
        ([layers.Dense(2), relu, relu], [layers.Dense(2, "relu"), relu]),
    ]:
        made, weights, state = joined(chain(*parts)[1:])
        assert made == wanted
        assert len(weights) == len(wanted) and state == []


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_how_often_a_constant_may_be_read(dtype, raw):
    """Twice what constants take in the file, and 64 KiB."""
    onnx = pytest.importorskip("onnx")
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    values = np.arange(5000, dtype=dtype)
    tensor = onnx.helper.make_tensor("w", kind, [5000], values.tobytes() if raw else values, raw)
    source = onnx.helper.make_tensor_value_info("x", kind, ["batch", 2])
    node = onnx.helper.make_node("Constant", [], ["v"], value=tensor)
    graph = onnx.helper.make_graph([node], "g", [source], [], [tensor])
    reader = GraphReader(graph, source, 13)
    budget = 4 * values.nbytes + (1 << 16)
    assert reader.budget == budget
    for _ in range(budget // values.nbytes):
        assert (reader.get("w") == values).all()
    assert reader.budget == budget % values.nbytes
    with pytest.raises(ValueError, match="must not share constants so often"):
        reader.get("w")
    assert reader.get("") is None and reader.get("x") is reader.start
    with pytest.raises(ValueError, match="names must be different, got 'w' twice"):
        reader.put("w", tensor)
    with pytest.raises(ValueError, match="nodes must be in order, got 'v' before"):
        reader.get("v")

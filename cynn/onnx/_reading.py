"""From an ONNX file to a model.

The file may come from anywhere: it is read as data, nothing in it is taken at its word, and what it
does not hold is not allocated.
"""

import math
import os
import reprlib
import stat
from typing import Any

import numpy as np

from .. import layers
from ..layers._far import SCALING
from ..model import Model
from . import _members
from ._embeddings import follow
from ._layers import OPERATORS
from ._library import need
from ._values import Array, Node, Part, Paths, Value, joined
from ._wire import expect_few_fields

OLDEST = 7
"""The first version of the operators in which constants are broadcast as they are today."""

LARGEST = 2**31
"""The bytes of the largest file: that of protocol buffers."""

MOST_NODES = 10_000

MOST_AXES = 32
"""Those of an array, in any NumPy."""

MOST_NUMBERS = 1 << 24
"""The numbers of the longest row: more than any weights in a file could be for."""

WHOLE = ("Gather", "ReduceMean", "Reshape", "Unsqueeze")
"""The operators whose constants are whole numbers."""

STANDARD = ("", "ai.onnx")
"""The domain of the operators that are read, in its two spellings."""


class OnnxFileError(ValueError):
    """A file that is no ONNX model, or one that cynn has no layers for."""


class GraphReader:
    """What the nodes of a file give, by name: constants from the start, values as they are made."""

    def __init__(self, graph: Any, source: Any, opset: int) -> None:
        self.dtype, row = _rows(source)
        self.opset, self.start = opset, Value(row)
        # each layer once, and the gates of activations; then those of the input's scaling
        self.paths = Paths(3 * len(graph.node))
        self.entries: dict[str, Any] = {}
        for tensor in graph.initializer:
            self.put(tensor.name, tensor)
        constants = [*graph.initializer, *map(_constant, graph.node)]
        self.budget = 2 * sum(map(_bytes_in, constants)) + (1 << 16)
        self.put(source.name, self.start)

    def put(self, name: str, value: Any) -> None:
        """Keep what goes by that name from now on."""
        if name in self.entries:
            raise ValueError(f"names must be different, got {reprlib.repr(name)} twice")
        self.entries[name] = value

    def get(self, name: str, operator: str = "") -> Any:
        """Return a value or an array; None for an input that is left out.

        Columns, axes and shapes are whole numbers.
        """
        if not name:
            return None
        if name not in self.entries:
            raise ValueError(
                f"nodes must be in order, got {reprlib.repr(name)} before the node that makes it"
            )
        value = self.entries[name]
        if isinstance(value, Value | Part):
            return value
        return self.array(value, np.dtype(np.int64) if operator in WHOLE else self.dtype)

    @property
    def data_type(self) -> Any:
        """The graph's type, as ONNX has it."""
        from onnx import helper

        return helper.np_dtype_to_tensor_dtype(self.dtype)

    def array(self, tensor: Any, dtype: np.dtype[Any]) -> Array:
        """Return a constant's numbers, of the graph's type or another."""
        from onnx import TensorProto, helper

        data_type = helper.np_dtype_to_tensor_dtype(dtype)
        name = reprlib.repr(tensor.name)
        if tensor.data_location == TensorProto.EXTERNAL or tensor.HasField("segment"):
            raise ValueError(f"{name} must be in the file itself, got a reference to another file")
        if tensor.data_type != data_type:
            kind = TensorProto.DataType.Name(tensor.data_type)
            of_input = ", as the input" if dtype == self.dtype else ""
            raise ValueError(f"{name} must hold {dtype}{of_input}, got {kind}")
        if len(tensor.dims) > MOST_AXES:
            raise ValueError(f"{name} must have at most {MOST_AXES} axes, got {len(tensor.dims)}")
        sizes = tuple(tensor.dims)
        fields = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}
        stored: Any = getattr(tensor, fields[dtype.name])
        if tensor.raw_data:
            stored = np.frombuffer(tensor.raw_data, dtype.newbyteorder("<"))
        if min(sizes, default=1) < 1 or math.prod(sizes) != len(stored):
            raise ValueError(
                f"{name} must have the numbers of its shape {sizes}, got {len(stored)}"
            )
        self.budget -= len(stored) * dtype.itemsize
        if self.budget < 0:  # constants may be shared, but not to make much of little
            raise ValueError(
                "its nodes must not share constants so often that they need more memory than the "
                "file"
            )
        return np.array(stored, dtype).reshape(sizes)

    def cast(self, node: Node) -> Value:
        """Go on in float32, where float64 has brought the input to size."""
        from onnx import TensorProto

        x: Value
        (x,) = node.given(Value)
        kind = node.attribute("to")
        before = self.paths.between(self.start, x) or []
        if (
            kind != TensorProto.FLOAT
            or self.dtype != np.float64
            or not all(isinstance(value.layer, SCALING) for value in before)
        ):
            raise ValueError(
                "it must make float32 of a float64 input after its scaling, got another"
            )
        self.dtype = np.dtype(np.float32)
        return x

    def add(self, node: Any) -> None:
        """Take a node."""
        if node.domain not in STANDARD:
            raise ValueError(f"its domain must be that of ONNX, got {reprlib.repr(node.domain)}")
        if len(node.output) != 1:
            raise ValueError(f"it must have one output, got {len(node.output)}")
        if node.op_type == "Constant":
            if len(node.attribute) != 1 or node.attribute[0].name != "value" or node.input:
                raise ValueError("it must hold an array, got another value")
            self.put(node.output[0], node.attribute[0].t)
            return
        if node.op_type not in OPERATORS and node.op_type != "Cast":
            raise ValueError(
                f"its operator must be one of {', '.join(sorted((*OPERATORS, 'Cast')))}"
            )
        inputs = [self.get(name, node.op_type) for name in node.input]
        while inputs and inputs[-1] is None:
            inputs.pop()
        operation = Node(node, inputs, self.dtype, self.opset, self.paths)
        parts = [each for each in inputs if isinstance(each, Part)]
        if any(map(_members.begins, parts)):
            output = _members.follow(operation)
        elif parts:
            output = follow(operation, self.data_type)
        else:
            output = OPERATORS.get(node.op_type, self.cast)(operation)
        operation.end()
        self.put(node.output[0], output)


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model from an ONNX file, of the operators that `export` writes.

    Parameters
    ----------
    path : path-like
        The file. Files beside it are never opened: the weights must be in it.

    Returns
    -------
    Model
        It predicts what the file says, and can be compiled and trained.

    Raises
    ------
    OnnxFileError
        A ValueError: the file is no ONNX model, or has something that cynn has no layer for; the
        message names the node.
    OSError
        If it cannot be read.
    ImportError
        Without the ``onnx`` package.

    See Also
    --------
    export : Write such a file.

    Notes
    -----
    Wanted is one input of shape (batch, ...), float32 or float64, whose sizes but the first are
    known, and one output. A dense layer is ``Gemm``, or ``MatMul`` with ``Add`` after it.

    Examples
    --------
    >>> model = load("model.onnx")  # doctest: +SKIP
    >>> model.predict(x)  # doctest: +SKIP
    """
    need()
    name = os.fsdecode(path)
    try:
        return _model(_parsed(name))
    except (ValueError, TypeError, OverflowError) as error:
        raise OnnxFileError(f"{name}: {error}") from error


def _parsed(name: str) -> Any:
    from google.protobuf.message import DecodeError

    from onnx import ModelProto

    with open(name, "rb", opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it must be a regular file, got something else")
        if status.st_size >= LARGEST:
            raise ValueError(f"it must have less than 2 GiB, got {status.st_size} bytes")
        data = file.read()
    expect_few_fields(data, ModelProto.DESCRIPTOR)
    try:
        return ModelProto.FromString(data)
    except DecodeError as error:
        raise ValueError("it must be a whole ONNX file, got another or a part of one") from error


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe has no writer


def _model(proto: Any) -> Model:
    from onnx import defs

    versions = [entry.version for entry in proto.opset_import if entry.domain in STANDARD]
    newest = defs.onnx_opset_version()
    if len(versions) != 1 or not OLDEST <= versions[0] <= newest:
        raise ValueError(
            f"its operators must be of one version from {OLDEST} to {newest}, got "
            f"{reprlib.repr(versions)}"
        )
    if any(entry.domain in STANDARD for entry in proto.functions):
        raise ValueError("its operators must be those of ONNX, got functions of its own")
    said = {entry.key for entry in proto.metadata_props}
    if "cynn.members" in said:
        raise ValueError(
            "it must be one network, got the mean of several: load the file of the Ensemble that "
            "it was made of"
        )
    if "cynn.target" in said:
        raise ValueError(
            "it must be a network alone, got one with its table: load the model file that it was "
            "made of, or export it with network_only=True"
        )
    if proto.graph.sparse_initializer:
        raise ValueError("its constants must be dense, got sparse ones")
    source, result = _ends(proto.graph)
    if len(proto.graph.node) > MOST_NODES:
        raise ValueError(f"it must have at most {MOST_NODES} nodes, got {len(proto.graph.node)}")
    graph = GraphReader(proto.graph, source, versions[0])
    for i, node in enumerate(proto.graph.node):
        try:
            graph.add(node)
        except ValueError as error:
            label = f" {reprlib.repr(node.name)}" if node.name else ""
            operator = reprlib.repr(node.op_type)
            raise ValueError(f"node {i}{label} is {operator}: {error}") from error
    output = _members.without_mean(graph.get(result.name))
    if not isinstance(output, Value):
        raise ValueError("its output must depend on its input, got a constant")
    path = graph.paths.between(graph.start, output)
    assert path is not None  # all values come of the input
    parts, weights, state = joined(path)
    model = Model(parts or [layers.Activation("identity")], dtype=graph.dtype)
    model.build(graph.start.shape)
    model.set_weights(weights)
    model.set_state(state)
    return model


def _ends(graph: Any) -> tuple[Any, Any]:
    """Return the one input that is no constant, and the one output."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ValueError(
            f"it must have one input and one output, got {len(inputs)} and {len(graph.output)}"
        )
    return inputs[0], graph.output[0]


def _rows(source: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the type of the input's rows and their shape."""
    from onnx import TensorProto

    kind = source.type.tensor_type
    dtype_name = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}.get(kind.elem_type)
    name = reprlib.repr(source.name)
    if dtype_name is None:
        raise ValueError(f"its input {name} must hold float32 or float64, got another type")
    sizes = [axis.dim_value for axis in kind.shape.dim[: MOST_AXES + 1]]
    if not 2 <= len(sizes) <= MOST_AXES or min(sizes[1:]) < 1:
        raise ValueError(
            f"its input {name} must have 2 to {MOST_AXES} axes, all but the first of known "
            f"size, got {reprlib.repr(sizes)}"
        )
    if math.prod(sizes[1:]) > MOST_NUMBERS:
        raise ValueError(
            f"its input {name} must have rows of at most {MOST_NUMBERS} numbers, got shape "
            f"{tuple(sizes[1:])}"
        )
    return np.dtype(dtype_name), tuple(sizes[1:])


def _constant(node: Any) -> Any:
    """Return the array that a node holds, which is empty where it is another's."""
    from onnx import TensorProto

    is_constant = node.op_type == "Constant" and len(node.attribute) == 1
    return node.attribute[0].t if is_constant else TensorProto()


def _bytes_in(tensor: Any) -> int:
    numbers = 4 * len(tensor.float_data) + 8 * (len(tensor.double_data) + len(tensor.int64_data))
    return len(tensor.raw_data) + numbers

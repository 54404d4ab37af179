"""From a model to an ONNX file."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import layers, storage
from .._specs.validation import real_dtype
from .._version import VERSION
from ..model import Model
from ._activations import ACTIVATIONS, GATED, OPSETS
from ._library import need

OPSET = 17
"""The operators' version, of 2022; where a layer needs a newer one, the file says that."""

LARGEST = 2**31 - 2**20
"""The bytes of weights that fit into one file of protocol buffers, of 2 GiB."""

Weights = Mapping[str, NDArray[Any]]


class Graph:
    """The nodes and the constants, as they come."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.opset = OPSET
        self.row: tuple[int, ...] = ()  # the shape of what comes to the layer that is written
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any) -> str:
        """Add an array of the graph's type; give its name."""
        from onnx import numpy_helper

        try:
            with np.errstate(over="raise"):
                numbers = np.asarray(value).astype(self.dtype, order="C")
        except FloatingPointError:
            raise ValueError(
                f"{name} must hold numbers that are finite in {self.dtype}, got larger ones"
            ) from None
        self.constants.append(numpy_helper.from_array(numbers, name))
        return name

    def node(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; give its output's name."""
        from onnx import helper

        self.opset = max(self.opset, OPSETS.get(operator, 0))
        output = f"{name}.{operator.lower()}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], output, **attributes))
        return output

    def activation(self, activation: Any, name: str, x: str) -> str:
        """Add an activation; identity adds nothing."""
        if not isinstance(activation, str):
            raise ValueError(
                "activation must be one of cynn's own for ONNX, got the user-defined "
                f"{activation!r}"
            )
        if activation == "identity":
            return x
        if activation in GATED:
            return self.node("Mul", name, x, self.activation(GATED[activation], name, x))
        operator, attributes = ACTIVATIONS[activation]
        return self.node(operator, name, x, **attributes)

    def layers(self, parts: Sequence[layers.Layer], prefix: str, weights: Weights, x: str) -> str:
        """Add layers in a row, each by its entry."""
        for i, layer in enumerate(parts):
            name = f"{prefix}{i}"
            own = {
                key.removeprefix(f"{name}."): value
                for key, value in weights.items()
                if key.startswith(f"{name}.")
            }
            row = self.row
            x = LAYERS[type(layer)](self, layer, name, own, x)
            self.row = layer.output_shape(row)
        return x


# -- one entry a layer: what computes it, given the layer's name and its weights by name


def dense(graph: Graph, layer: layers.Dense, name: str, weights: Weights, x: str) -> str:
    """``activation(x W + b)``."""
    parts = [graph.constant(f"{name}.{part}", value) for part, value in weights.items()]
    y = graph.node("Gemm", name, x, *parts)
    return graph.activation(layer.activation, name, y)


def activation(graph: Graph, layer: layers.Activation, name: str, weights: Weights, x: str) -> str:
    """Write an activation on its own."""
    return graph.activation(layer.activation, name, x)


def flatten(graph: Graph, layer: layers.Flatten, name: str, weights: Weights, x: str) -> str:
    """Make rows of numbers."""
    return graph.node("Flatten", name, x, axis=1)


def rescale(graph: Graph, layer: layers.Rescale, name: str, weights: Weights, x: str) -> str:
    """Multiply by a number and add a number."""
    x = graph.node("Mul", name, x, graph.constant(f"{name}.scale", layer.scale))
    if layer.offset:
        x = graph.node("Add", name, x, graph.constant(f"{name}.offset", layer.offset))
    return x


def normalize(graph: Graph, layer: layers.Normalize, name: str, weights: Weights, x: str) -> str:
    """Subtract the means and divide by the standard deviations."""
    mean, std = (np.reshape(part, graph.row) for part in (layer.mean, layer.std))
    x = graph.node("Sub", name, x, graph.constant(f"{name}.mean", mean))
    return graph.node("Div", name, x, graph.constant(f"{name}.std", std))


def dropout(graph: Graph, layer: layers.Dropout, name: str, weights: Weights, x: str) -> str:
    """Write nothing: it acts in training alone."""
    return x


def layer_norm(graph: Graph, layer: layers.LayerNorm, name: str, weights: Weights, x: str) -> str:
    """Normalise each row, then scale and shift it."""
    parts = [graph.constant(f"{name}.{part}", value) for part, value in weights.items()]
    return graph.node("LayerNormalization", name, x, *parts, axis=-1, epsilon=layer.epsilon)


def batch_norm(graph: Graph, layer: layers.BatchNorm, name: str, weights: Weights, x: str) -> str:
    """Normalise each column by the running statistics, then scale and shift it."""
    parts = [graph.constant(f"{name}.{part}", value) for part, value in weights.items()]
    said = {"epsilon": layer.epsilon, "momentum": layer.momentum}
    return graph.node("BatchNormalization", name, x, *parts, **said)


def residual(graph: Graph, layer: layers.Residual, name: str, weights: Weights, x: str) -> str:
    """Add what the layers inside give."""
    inner = {f"{name}.{key}": value for key, value in weights.items()}
    return graph.node("Add", name, x, graph.layers(layer.layers, f"{name}.", inner, x))


LAYERS: dict[type[layers.Layer], Callable[[Graph, Any, str, Weights, str], str]] = {
    layers.Activation: activation,
    layers.BatchNorm: batch_norm,
    layers.Dense: dense,
    layers.Dropout: dropout,
    layers.Flatten: flatten,
    layers.LayerNorm: layer_norm,
    layers.Normalize: normalize,
    layers.Residual: residual,
    layers.Rescale: rescale,
}


def export(
    model: Model,
    path: str | os.PathLike[str],
    *,
    dtype: DTypeLike | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a model as an ONNX file, for other programs to predict with.

    Parameters
    ----------
    model : Model
        With weights: built, trained or loaded.
    path : path
        Where to. What was there is replaced when the new file is whole.
    dtype : dtype, optional
        float32 or float64, what the file computes in; the model's by default. Many runtimes, ONNX
        Runtime among them, lack some activations in float64.
    metadata : mapping of str to str, optional
        What else the file shall say: its ``metadata_props``, beside ``cynn.model``, the model's
        repr.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, a layer is of a person's own class, or the weights do not fit
        into an ONNX file, of 2 GiB.
    RuntimeError
        If the model has no weights yet.
    OSError
        If the file cannot be written; what was there before is still there.
    ImportError
        Without the ``onnx`` package.

    Notes
    -----
    The graph has one input, ``input``, of shape (batch, ...) and one output, ``output``, of shape
    (batch, n_outputs), any number of rows in both. What acts in training alone is left out. The
    operators and their attributes: https://onnx.ai/onnx/operators/.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    >>> model.build(4)
    >>> export(model, "model.onnx", metadata={"classes": "setosa,versicolor"})  # doctest: +SKIP
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a cynn Model, got {type(model).__name__}")
    real = model.dtype if dtype is None else real_dtype(dtype)
    said = _metadata(metadata) | {"cynn.model": repr(model)}
    weights = model.get_weights()  # refuses a model that is not built
    for i, layer in enumerate(model.layers):
        if not _known(layer):
            raise ValueError(
                f"layers[{i}] must be one of cynn's own layers for ONNX, got {layer!r}"
            )
    size = sum(part.size for part in weights) * real.itemsize
    if size > LARGEST:
        raise ValueError(f"model must have at most 2 GiB of weights for ONNX, got {size} bytes")
    need()
    storage.replace(path, _file(model, weights, real, said))


def _known(layer: layers.Layer) -> bool:
    inner = getattr(layer, "layers", ())
    return type(layer) in LAYERS and all(map(_known, inner))


def _metadata(given: Any) -> dict[str, str]:
    found = {} if given is None else given
    if not isinstance(found, Mapping) or not all(
        isinstance(part, str) for item in found.items() for part in item
    ):
        raise TypeError(f"metadata must be a mapping of strings to strings, got {given!r}")
    return dict(found)


def _file(
    model: Model, weights: list[NDArray[Any]], real: np.dtype[Any], metadata: dict[str, str]
) -> bytes:
    """Return the file's bytes."""
    from onnx import TensorProto, helper

    row = model.input_shape
    assert row is not None  # the model has weights
    named = dict(zip(layers.weight_shapes(model.layers, row), weights, strict=True))
    named |= zip(layers.state_shapes(model.layers, row), model.get_state(), strict=True)
    graph = Graph(real)
    graph.row = row
    y = graph.layers(model.layers, "layer", named, "input")
    if y == "input":  # nothing is computed
        y = graph.node("Identity", "output", y)
    (last,) = (node for node in graph.nodes if y in node.output)
    last.output[:] = ["output"]
    number = TensorProto.FLOAT if real == np.float32 else TensorProto.DOUBLE
    ends = [
        helper.make_tensor_value_info(name, number, ["batch", *shape])
        for name, shape in (
            ("input", row),
            ("output", layers.output_shapes(model.layers, row)[-1]),
        )
    ]
    opset = helper.make_opsetid("", graph.opset)
    made = helper.make_model(
        helper.make_graph(graph.nodes, "cynn", ends[:1], ends[1:], graph.constants),
        producer_name="cynn",
        producer_version=VERSION,
        opset_imports=[opset],
        ir_version=helper.find_min_ir_version_for([opset]),
    )
    helper.set_model_props(made, metadata)
    data: bytes = made.SerializeToString()
    return data

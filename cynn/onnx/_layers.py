"""What each layer is in ONNX: how it is written, and what is made of the operators that are read.

A layer has its entry in `LAYERS`; what it is written with has its entry in `OPERATORS`, so that a
file comes back as what it was.
"""

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import layers
from .._specs.activation_table import TABLE
from . import _embeddings, _members
from ._embeddings import (
    write_embedding,
    write_parametric,
    write_periodic,
    write_piecewise,
)
from ._graph import GraphWriter, Weights
from ._members import write_member_affine, write_member_dense, write_members
from ._values import Array, Node, Part, Paths, Value, residual

# -- writing, one entry a layer: what computes it, given the layer's name and its weights by name


def write_dense(
    graph: GraphWriter, layer: layers.Dense, name: str, weights: Weights, x: str
) -> str:
    """``activation(x W + b)``."""
    parts = [graph.constant(f"{name}.{part}", value) for part, value in weights.items()]
    y = graph.node("Gemm", name, x, *parts)
    return graph.activation(layer.activation, name, y)


def write_activation(
    graph: GraphWriter, layer: layers.Activation, name: str, weights: Weights, x: str
) -> str:
    """Write an activation on its own."""
    return graph.activation(layer.activation, name, x)


def write_flatten(
    graph: GraphWriter, layer: layers.Flatten, name: str, weights: Weights, x: str
) -> str:
    """Make rows of numbers."""
    return graph.node("Flatten", name, x, axis=1)


def write_rescale(
    graph: GraphWriter, layer: layers.Rescale, name: str, weights: Weights, x: str
) -> str:
    """Multiply by a number and add a number."""
    x = graph.node("Mul", name, x, graph.constant(f"{name}.scale", layer.scale))
    if layer.offset:
        x = graph.node("Add", name, x, graph.constant(f"{name}.offset", layer.offset))
    return x


def write_normalize(
    graph: GraphWriter, layer: layers.Normalize, name: str, weights: Weights, x: str
) -> str:
    """Subtract the means and divide by the standard deviations."""
    mean, std = (np.reshape(part, graph.row) for part in (layer.mean, layer.std))
    x = graph.node("Sub", name, x, graph.constant(f"{name}.mean", mean))
    return graph.node("Div", name, x, graph.constant(f"{name}.std", std))


def write_dropout(
    graph: GraphWriter, layer: layers.Dropout, name: str, weights: Weights, x: str
) -> str:
    """Write nothing: it acts in training alone."""
    return x


def write_layer_norm(
    graph: GraphWriter, layer: layers.LayerNorm, name: str, weights: Weights, x: str
) -> str:
    """Normalise each row, then scale and shift it."""
    parts = [graph.constant(f"{name}.{part}", value) for part, value in weights.items()]
    return graph.node("LayerNormalization", name, x, *parts, axis=-1, epsilon=layer.epsilon)


def write_batch_norm(
    graph: GraphWriter, layer: layers.BatchNorm, name: str, weights: Weights, x: str
) -> str:
    """Normalise each column by the running statistics, then scale and shift it."""
    parts = [graph.constant(f"{name}.{part}", value) for part, value in weights.items()]
    said = {"epsilon": layer.epsilon, "momentum": layer.momentum}
    return graph.node("BatchNormalization", name, x, *parts, **said)


def write_residual(
    graph: GraphWriter, layer: layers.Residual, name: str, weights: Weights, x: str
) -> str:
    """Add what the layers inside give."""
    inner = {f"{name}.{key}": value for key, value in weights.items()}
    return graph.node("Add", name, x, write_layers(graph, layer.layers, f"{name}.", inner, x))


def write_scale(
    graph: GraphWriter, layer: layers.Scale, name: str, weights: Weights, x: str
) -> str:
    """Multiply by a factor for each column."""
    return graph.node("Mul", name, x, graph.constant(f"{name}.weight", weights["weight"]))


def write_clip(graph: GraphWriter, layer: layers.Clip, name: str, weights: Weights, x: str) -> str:
    """Keep numbers within limits; those of columns need two operators."""
    limits = [(layer.low, "low", "Max"), (layer.high, "high", "Min")]
    if isinstance(layer.low, float) and isinstance(layer.high, float):
        parts = [graph.constant(f"{name}.{part}", value) for value, part, _ in limits]
        return graph.node("Clip", name, x, *parts)
    for value, part, operator in limits:
        of_row = value if isinstance(value, float) else np.reshape(value, graph.row)
        x = graph.node(operator, name, x, graph.constant(f"{name}.{part}", of_row))
    return x


LAYERS: dict[type[layers.Layer], Callable[[GraphWriter, Any, str, Weights, str], str]] = {
    layers.Activation: write_activation,
    layers.BatchNorm: write_batch_norm,
    layers.Clip: write_clip,
    layers.Dense: write_dense,
    layers.Dropout: write_dropout,
    layers.Embedding: write_embedding,
    layers.Flatten: write_flatten,
    layers.LayerNorm: write_layer_norm,
    layers.MemberAffine: write_member_affine,
    layers.MemberDense: write_member_dense,
    layers.Members: write_members,
    layers.Normalize: write_normalize,
    layers.ParametricActivation: write_parametric,
    layers.PeriodicEmbedding: write_periodic,
    layers.PiecewiseLinearEmbedding: write_piecewise,
    layers.Residual: write_residual,
    layers.Rescale: write_rescale,
    layers.Scale: write_scale,
}


def write_layers(
    graph: GraphWriter,
    parts: Sequence[layers.Layer],
    prefix: str,
    weights: Weights,
    x: str,
    first: int = 0,
) -> str:
    """Write layers in a row, each by its entry; return the name of what the last gives."""
    for i, layer in enumerate(parts, first):
        name = f"{prefix}{i}"
        own = {
            key.removeprefix(f"{name}."): value
            for key, value in weights.items()
            if key.startswith(f"{name}.")
        }
        row = graph.row
        x = LAYERS[type(layer)](graph, layer, name, own, x)
        graph.row = layer.output_shape(row)
    return x


# -- reading, one entry an operator: what a node makes of what it is given


def read_gemm(node: Node) -> Value:
    """``alpha x W + beta b``, W stored either way; without b it is 0."""
    b: Array | None = None
    if len(node.inputs) == 2:
        x, w = node.given(Value, np.ndarray)
    else:
        x, w, b = node.given(Value, np.ndarray, np.ndarray)
    if node.attribute("transA"):
        raise ValueError("transA must be 0, got 1")
    if node.attribute("transB"):
        w = w.T
    w = _times(node, w, "alpha")
    b = _times(node, b, "beta")
    return dense(x, w, b)


def _times(node: Node, array: Array | None, name: str) -> Any:
    """Return a constant, if there is one, times an attribute; a ValueError says it is too large."""
    factor = node.attribute(name)
    if array is None or factor == 1:
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        product: Array = array * node.dtype.type(factor)
    if np.isfinite(array).all() and not np.isfinite(product).all():
        raise ValueError(f"{name} must give numbers that {node.dtype} holds, got {factor!r}")
    return product


def dense(x: Value, w: Array, b: Array | None = None) -> Value:
    """Add a dense layer, its bias as broadcast as it comes."""
    if w.ndim != 2 or x.shape != w.shape[:1]:
        raise ValueError(f"its constant must fit rows of shape {x.shape}, got shape {w.shape}")
    if b is None:
        return x.then(layers.Dense(w.shape[1], use_bias=False), w)
    if b.ndim > 2 or b.ndim == 2 and len(b) != 1 or b.size not in (1, w.shape[1]):
        raise ValueError(f"its bias must have {w.shape[1]} numbers, got shape {b.shape}")
    b = np.broadcast_to(b.ravel() if b.size > 1 else b.reshape(()), w.shape[1:])
    return x.then(layers.Dense(w.shape[1]), w, b)


def read_matmul(node: Node) -> Value:
    """``x W``; if b is added, that follows."""
    x, w = node.given(Value, np.ndarray)
    return dense(x, w)


def read_add(node: Node) -> Value:
    """End a dense layer that MatMul began, give a `Rescale` its offset, or skip layers."""
    if _only_rows(node):
        a, b = node.inputs
        return skip(a, b, node.paths)
    x, constant = node.rows_and_constant()
    if isinstance(x.layer, layers.Dense) and not x.layer.use_bias:
        assert x.before is not None
        return dense(x.before, x.weights[0], constant)
    offset = _one_number(constant, x)
    if isinstance(x.layer, layers.Rescale) and x.layer.offset == 0:
        assert x.before is not None
        return x.before.then(layers.Rescale(x.layer.scale, offset))
    return x.then(layers.Rescale(1, offset))


def read_mul(node: Node) -> Value:
    """Add a `Rescale`, without an offset so far, a `Scale`, or an activation times its gate."""
    if _only_rows(node):
        gated = {entry.gate: name for name, entry in TABLE.items() if entry.gate}
        x, end = sorted(node.inputs, key=lambda value: value.place)
        if end.place - x.place <= max(map(len, gated)):
            steps = [value.layer for value in node.paths.between(x, end) or ()]
            gate = tuple(getattr(layer, "activation", None) for layer in steps)
            if gate in gated and steps == [layers.Activation(part) for part in gate]:
                return x.then(layers.Activation(gated[gate]))  # type: ignore[no-any-return]
        known = " or ".join(gated.values())
        raise ValueError(f"the product of two computed arrays must be {known}, got another")
    x, constant = node.rows_and_constant()
    if len(x.shape) == 1 and constant.shape in (x.shape, (1, *x.shape)):
        return x.then(layers.Scale(), constant.ravel())
    return x.then(layers.Rescale(_one_number(constant, x)))


def skip(a: Value, b: Value, paths: Paths) -> Value:
    """Add rows to what comes of them: a `Residual`."""
    x, end = sorted((a, b), key=lambda value: value.place)
    path = paths.between(x, end)
    if path is None:
        raise ValueError(
            "the sum of two computed arrays must be a residual over layers in sequence, got another"
        )
    return residual(x, path)


def read_sub(node: Node) -> Value | Part:
    """Begin a `Normalize` or a `ParametricActivation`, or add a `Rescale`."""
    if _only_rows(node):
        return _embeddings.begin_difference(node)
    x, constant = node.given(Value, np.ndarray)
    if constant.shape in (x.shape, (1, *x.shape)):
        mean = constant.ravel().tolist()
        return x.then(layers.Normalize(mean, [1.0] * len(mean)))  # type: ignore[no-any-return]
    return x.then(layers.Rescale(1, -_one_number(constant, x)))  # type: ignore[no-any-return]


def read_div(node: Node) -> Value:
    """End a `Normalize`, or add one without means; one number for all is a `Rescale`."""
    x, constant = node.given(Value, np.ndarray)
    if constant.size == 1 and constant.shape not in (x.shape, (1, *x.shape)):
        return x.then(layers.Rescale(_inverse(_one_number(constant, x), node.dtype)))  # type: ignore[no-any-return]
    if constant.shape not in (x.shape, (1, *x.shape)):
        raise ValueError(
            f"its constant must fit rows of shape {x.shape}, got shape {constant.shape}"
        )
    std = constant.ravel().tolist()
    last = x.layer
    if isinstance(last, layers.Normalize) and set(last.std) == {1.0}:
        return x.before.then(layers.Normalize(last.mean, std))  # type: ignore[no-any-return]
    return x.then(layers.Normalize([0.0] * len(std), std))  # type: ignore[no-any-return]


def read_clip(node: Node) -> Value:
    """`Clip`, with limits for all columns alike; one that is not there is the largest number."""
    x, *limits = node.inputs
    largest = np.array(np.finfo(node.dtype).max)
    node.inputs = [x, *(limits + [None, None])[:2]]
    for i, limit in ((1, -largest), (2, largest)):
        if node.inputs[i] is None:
            node.inputs[i] = limit
    x, low, high = node.given(Value, np.ndarray, np.ndarray)
    return x.then(layers.Clip(_one_number(low, x), _one_number(high, x)))  # type: ignore[no-any-return]


def read_limit(node: Node) -> Value:
    """Max and Min: the limits of a `Clip`, one after the other or one alone."""
    x, constant = node.rows_and_constant()
    if constant.size > 1 and constant.shape not in (x.shape, (1, *x.shape)):
        raise ValueError(
            f"its constant must fit rows of shape {x.shape}, got shape {constant.shape}"
        )
    limit: Any = constant.ravel().tolist() if constant.size > 1 else _one_number(constant, x)
    largest = float(np.finfo(node.dtype).max)
    if node.operator == "Max":
        return x.then(layers.Clip(limit, largest))
    last = x.layer
    if isinstance(last, layers.Clip) and last.high == largest:
        assert x.before is not None
        return x.before.then(layers.Clip(last.low, limit))
    return x.then(layers.Clip(-largest, limit))


def read_layer_norm(node: Node) -> Value:
    """`LayerNorm`, of rows of one axis; without a shift that is 0."""
    if len(node.inputs) == 2:
        node.inputs.append(np.zeros_like(node.inputs[1]))
    x, gamma, beta = node.given(Value, np.ndarray, np.ndarray)
    axis, epsilon = node.attribute("axis"), node.attribute("epsilon")
    node.attribute("stash_type")  # how exact its sums are
    if axis not in (-1, len(x.shape)):
        raise ValueError(f"axis must be -1, got {axis}")
    layer = layers.LayerNorm(_as_written(epsilon))
    return x.then(layer, *_columns(x, gamma, beta))  # type: ignore[no-any-return]


def read_batch_norm(node: Node) -> Value:
    """`BatchNorm`, of rows of one axis."""
    x, gamma, beta, mean, variance = node.given(Value, *[np.ndarray] * 4)
    said = node.attributes()
    if said.get("training_mode"):
        raise ValueError("training_mode must be 0, got 1")
    layer = layers.BatchNorm(_as_written(said["momentum"]), _as_written(said["epsilon"]))
    state = _columns(x, mean, variance)
    return x.then(layer, *_columns(x, gamma, beta), state=state)  # type: ignore[no-any-return]


def read_flatten(node: Node) -> Value:
    """`Flatten`, of all axes but that of the rows."""
    x: Value
    (x,) = node.given(Value)
    axis = node.attribute("axis")
    if axis not in (1, -len(x.shape)):
        raise ValueError(f"axis must be 1, got {axis}")
    return x.then(layers.Flatten())


def read_activation(node: Node) -> Value:
    """Whichever activation it is: more than one may be the same operator."""
    x: Value
    (x,) = node.given(Value)
    said = node.attributes()
    if said.get("axis") == len(x.shape):
        said["axis"] = -1
    for name, entry in TABLE.items():
        if entry.operator == node.operator and _same(said, entry.attributes):
            return x if name == "identity" else x.then(layers.Activation(name))
    raise ValueError(
        f"its attributes must be those of an activation of cynn, got {reprlib.repr(said)}"
    )


OPERATORS: dict[str, Callable[[Node], Value | Part]] = {
    **_embeddings.OPERATORS,
    **_members.OPERATORS,
    **{entry.operator: read_activation for entry in TABLE.values() if entry.operator},
    "Add": read_add,
    "BatchNormalization": read_batch_norm,
    "Clip": read_clip,
    "Div": read_div,
    "Flatten": read_flatten,
    "Gemm": read_gemm,
    "LayerNormalization": read_layer_norm,
    "MatMul": read_matmul,
    "Max": read_limit,
    "Min": read_limit,
    "Mul": read_mul,
    "Sub": read_sub,
}


def _only_rows(node: Node) -> bool:
    return len(node.inputs) == 2 and all(isinstance(each, Value) for each in node.inputs)


def _columns(x: Value, *constants: Array) -> list[Array]:
    for constant in constants:
        if constant.shape != x.shape:
            raise ValueError(
                f"its constant must fit rows of shape {x.shape}, got shape {constant.shape}"
            )
    return list(constants)


def _as_written(number: float) -> float:
    """Return the shortest number that is this float32: 0.001 as it was before."""
    return float(str(np.float32(number)))


def _one_number(constant: Array, x: Value) -> float:
    if constant.size != 1 or constant.ndim > 1 + len(x.shape):
        raise ValueError(f"its constant must be one number, got shape {constant.shape}")
    return float(constant.item())


def _inverse(divisor: float, dtype: np.dtype[Any]) -> float:
    least = float(np.finfo(dtype).tiny)
    if not least <= abs(divisor) <= 1 / least:
        raise ValueError(f"its constant must be a number with an inverse in {dtype}, got {divisor}")
    return 1 / divisor


def _same(came: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compare attributes; numbers are float32 in a file."""
    return came.keys() == wanted.keys() and all(
        math.isclose(came[name], value, rel_tol=1e-6)
        if isinstance(value, float) and isinstance(came[name], float)
        else came[name] == value
        for name, value in wanted.items()
    )

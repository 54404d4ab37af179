"""What the operators of ONNX are here: each makes rows of rows, by a layer more."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from ._activations import ACTIVATIONS, GATED

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Value:
    """Rows of numbers in the graph: their shape, and the layers that they come from.

    Attributes
    ----------
    shape : tuple of int
        That of one row.
    before : Value or None
        What the last layer was given; None for the graph's input.
    layer : Layer or None
        The last layer.
    weights, state : tuple of ndarray
        The last layer's, and its running statistics.
    """

    shape: tuple[int, ...]
    before: "Value | None" = None
    layer: layers.Layer | None = None
    weights: tuple[Array, ...] = ()
    state: tuple[Array, ...] = ()

    def then(self, layer: layers.Layer, *weights: Array, state: Sequence[Array] = ()) -> "Value":
        """Return these rows after one layer more."""
        return Value(layer.output_shape(self.shape), self, layer, weights, tuple(state))

    def path(self, start: "Value") -> "list[Value] | None":
        """Return the values after another up to this one; None where they do not come of it."""
        found, value = [], self
        while value is not start:
            found.append(value)
            if value.before is None:
                return None
            value = value.before
        return found[::-1]


class Node:
    """A node of the graph: what it is given, and attributes that are taken one by one."""

    def __init__(self, made: Any, inputs: list[Any], dtype: np.dtype[Any]) -> None:
        from onnx import defs

        self.operator: str = made.op_type
        self.dtype = dtype
        self.inputs = inputs
        self._written = {each.name: _value(each) for each in made.attribute}
        # What is not written has the value of the operator's definition.
        self._default = {
            name: _value(attribute.default_value)
            for name, attribute in defs.get_schema(self.operator).attributes.items()
            if attribute.default_value.type
        }

    def attribute(self, name: str) -> Any:
        """Take an attribute, written or by default."""
        default = self._default.get(name)
        return self._written.pop(name, default)

    def attributes(self) -> dict[str, Any]:
        """Take all attributes."""
        found = self._default | self._written
        self._written = {}
        return found

    def end(self) -> None:
        """Refuse a node with an attribute that nobody took."""
        if self._written:
            raise ValueError(
                f"its attributes must be those that cynn knows, got {min(self._written)!r}"
            )

    def given(self, *kinds: type) -> list[Any]:
        """Return the inputs, each of its kind: a `Value`, or an array for a constant."""
        kinds_that_came = [type(each) for each in self.inputs]
        if len(kinds_that_came) != len(kinds) or not all(map(issubclass, kinds_that_came, kinds)):
            words = {Value: "rows", np.ndarray: "a constant", type(None): "nothing"}
            wanted = " and ".join(words[kind] for kind in kinds)
            came = " and ".join(words[kind] for kind in kinds_that_came) or "nothing"
            raise ValueError(f"its inputs must be {wanted}, got {came}")
        return self.inputs

    def rows_and_constant(self) -> tuple[Value, Array]:
        """Return the inputs of an operator that may be given its constant first."""
        if self.inputs and isinstance(self.inputs[0], np.ndarray):
            self.inputs.reverse()
        x, constant = self.given(Value, np.ndarray)
        return x, constant


# -- one entry an operator: what a node makes of what it is given


def gemm(node: Node) -> Value:
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
    alpha, beta = node.attribute("alpha"), node.attribute("beta")
    if alpha != 1:
        w = w * node.dtype.type(alpha)
    if b is not None and beta != 1:
        b = b * node.dtype.type(beta)
    return dense(x, w, b)


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


def matmul(node: Node) -> Value:
    """``x W``; if b is added, that follows."""
    x, w = node.given(Value, np.ndarray)
    return dense(x, w)


def add(node: Node) -> Value:
    """End a dense layer that MatMul began, give a `Rescale` its offset, or skip layers."""
    if _only_rows(node):
        return skip(*node.inputs)
    x, constant = node.rows_and_constant()
    if isinstance(x.layer, layers.Dense) and not x.layer.use_bias:
        assert x.before is not None
        return dense(x.before, x.weights[0], constant)
    offset = _one_number(constant, x)
    if isinstance(x.layer, layers.Rescale) and x.layer.offset == 0:
        assert x.before is not None
        return x.before.then(layers.Rescale(x.layer.scale, offset))
    return x.then(layers.Rescale(1, offset))


def mul(node: Node) -> Value:
    """Add a `Rescale`, without an offset so far, or what a `GATED` activation is."""
    if _only_rows(node):
        for x, gate in (node.inputs, node.inputs[::-1]):
            for name, inner in GATED.items():
                if gate.before is x and gate.layer == layers.Activation(inner):
                    return x.then(layers.Activation(name))  # type: ignore[no-any-return]
        raise ValueError("the product of two computed arrays must be silu, got another")
    x, constant = node.rows_and_constant()
    return x.then(layers.Rescale(_one_number(constant, x)))


def skip(a: Value, b: Value) -> Value:
    """Add rows to what comes of them: a `Residual`."""
    for x, end in ((a, b), (b, a)):
        path = end.path(x)
        if path is not None:
            parts, weights, state = joined(path)
            return x.then(layers.Residual(parts), *weights, state=state)
    raise ValueError(
        "the sum of two computed arrays must be a residual over layers in sequence, got another"
    )


def sub(node: Node) -> Value:
    """Begin a `Normalize`, or add a `Rescale`."""
    x, constant = node.given(Value, np.ndarray)
    if constant.shape in (x.shape, (1, *x.shape)):
        mean = constant.ravel().tolist()
        return x.then(layers.Normalize(mean, [1.0] * len(mean)))  # type: ignore[no-any-return]
    return x.then(layers.Rescale(1, -_one_number(constant, x)))  # type: ignore[no-any-return]


def div(node: Node) -> Value:
    """End a `Normalize`, or add one without means."""
    x, constant = node.given(Value, np.ndarray)
    if constant.size == 1 and constant.shape not in (x.shape, (1, *x.shape)):
        constant = np.full(x.shape, _one_number(constant, x))
    if constant.shape not in (x.shape, (1, *x.shape)):
        raise ValueError(
            f"its constant must fit rows of shape {x.shape}, got shape {constant.shape}"
        )
    std = constant.ravel().tolist()
    last = x.layer
    if isinstance(last, layers.Normalize) and set(last.std) == {1.0}:
        return x.before.then(layers.Normalize(last.mean, std))  # type: ignore[no-any-return]
    return x.then(layers.Normalize([0.0] * len(std), std))  # type: ignore[no-any-return]


def layer_norm(node: Node) -> Value:
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


def batch_norm(node: Node) -> Value:
    """`BatchNorm`, of rows of one axis."""
    x, gamma, beta, mean, variance = node.given(Value, *[np.ndarray] * 4)
    said = node.attributes()
    if said.get("training_mode"):
        raise ValueError("training_mode must be 0, got 1")
    layer = layers.BatchNorm(_as_written(said["momentum"]), _as_written(said["epsilon"]))
    state = _columns(x, mean, variance)
    return x.then(layer, *_columns(x, gamma, beta), state=state)  # type: ignore[no-any-return]


def flatten(node: Node) -> Value:
    """`Flatten`, of all axes but that of the rows."""
    x: Value
    (x,) = node.given(Value)
    axis = node.attribute("axis")
    if axis not in (1, -len(x.shape)):
        raise ValueError(f"axis must be 1, got {axis}")
    return x.then(layers.Flatten())


def activation(node: Node) -> Value:
    """Whichever activation it is: more than one may be the same operator."""
    x: Value
    (x,) = node.given(Value)
    said = node.attributes()
    if said.get("axis") == len(x.shape):
        said["axis"] = -1
    for name, (operator, wanted) in ACTIVATIONS.items():
        if operator == node.operator and _same(said, wanted):
            return x if name == "identity" else x.then(layers.Activation(name))
    raise ValueError(f"its attributes must be those of an activation of cynn, got {said}")


OPERATORS: dict[str, Callable[[Node], Value]] = {
    **{operator: activation for operator, _ in ACTIVATIONS.values()},
    "Add": add,
    "BatchNormalization": batch_norm,
    "Div": div,
    "Flatten": flatten,
    "Gemm": gemm,
    "LayerNormalization": layer_norm,
    "MatMul": matmul,
    "Mul": mul,
    "Sub": sub,
}


def joined(path: Sequence[Value]) -> tuple[list[layers.Layer], list[Array], list[Array]]:
    """Return the layers of a path, their weights and their running statistics.

    An activation goes into its dense layer.
    """
    parts: list[layers.Layer] = []
    weights: list[Array] = []
    state: list[Array] = []
    for value in path:
        layer, last = value.layer, parts[-1] if parts else None
        assert layer is not None
        if (
            isinstance(layer, layers.Activation)
            and isinstance(last, layers.Dense)
            and last.activation == "identity"
        ):
            parts[-1] = last.replace(activation=layer.activation)
        else:
            parts.append(layer)
            weights += value.weights
            state += value.state
    return parts, weights, state


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


def _same(came: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compare attributes; numbers are float32 in a file."""
    return came.keys() == wanted.keys() and all(
        math.isclose(came[name], value, rel_tol=1e-6)
        if isinstance(value, float) and isinstance(came[name], float)
        else came[name] == value
        for name, value in wanted.items()
    )


def _value(attribute: Any) -> Any:
    """Return an attribute's value, texts as strings."""
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value

"""What is made of a file's graph: rows of rows, by layers; and a node of it."""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers

Array = NDArray[Any]

DEEPEST = 24
"""How deep residuals may lie in one another."""


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
    place : int
        How many layers lie between the graph's input and these rows, a `Residual` being one.
    depth : int
        How deep residuals lie in one another in the last layer.
    members : int
        How many rows there are for each of the graph's input.
    """

    shape: tuple[int, ...]
    before: "Value | None" = None
    layer: layers.Layer | None = None
    weights: tuple[Array, ...] = ()
    state: tuple[Array, ...] = ()
    place: int = 0
    depth: int = 0
    members: int = 1

    def then(self, layer: layers.Layer, *weights: Array, state: Sequence[Array] = ()) -> "Value":
        """Return these rows after one layer more."""
        return Value(
            layer.output_shape(self.shape),
            self,
            layer,
            weights,
            tuple(state),
            self.place + 1,
            members=layer.members(self.members),
        )


@dataclass(frozen=True, eq=False)
class Part:
    """Something of rows on its way to a layer.

    Attributes
    ----------
    x : Value
        The rows.
    made : tuple of str
        The operators that made it, in order.
    constants : tuple of ndarray
        What they were given beside it.
    activation : str
        The activation among them.
    """

    x: Value
    made: tuple[str, ...]
    constants: tuple[Array, ...] = ()
    activation: str = "identity"


class Paths:
    """The ways from one value to another, which may be no longer together than the graph allows.

    Parameters
    ----------
    length : int
        How many values all ways together may pass.
    """

    def __init__(self, length: int) -> None:
        self._length = length

    def between(self, start: Value, end: Value) -> list[Value] | None:
        """Return the values after `start` up to `end`; None where they do not come of it.

        Raises
        ------
        ValueError
            If the ways have become too long: a network passes each of its layers once.
        """
        n = end.place - start.place
        self._length -= max(n, 0)
        if self._length < 0:
            raise ValueError("its inputs must come of layers of their own, got the same too often")
        path, value = [], end
        for _ in range(n):
            assert value.before is not None  # its place is above 0
            path.append(value)
            value = value.before
        return path[::-1] if value is start else None


class Node:
    """A node of the graph: what it is given, and attributes that are taken one by one.

    Parameters
    ----------
    made : onnx.NodeProto
        As it stands in the file.
    inputs : list of Value, Part, ndarray and None
        What it is given.
    dtype : dtype
        What the graph computes in.
    opset : int
        The version of the operators.
    paths : Paths
        Those of the graph.
    """

    def __init__(
        self, made: Any, inputs: list[Any], dtype: np.dtype[Any], opset: int, paths: Paths
    ) -> None:
        from onnx import AttributeProto, defs

        self.operator: str = made.op_type
        self.dtype = dtype
        self.inputs = inputs
        self.paths = paths
        try:
            declared = defs.get_schema(self.operator, opset, "").attributes
        except defs.SchemaError:
            raise ValueError(f"its operator must be one of version {opset}, got a newer") from None
        self._written: dict[str, Any] = {}
        for each in made.attribute:
            name = each.name
            if name not in declared:
                raise ValueError(
                    f"its attributes must be those that cynn knows, got {reprlib.repr(name)}"
                )
            kind = AttributeProto.AttributeType.Name(each.type)
            if kind != declared[name].type.name:
                raise ValueError(
                    f"its attribute {name!r} must be {declared[name].type.name}, got {kind}"
                )
            if name in self._written:
                raise ValueError(f"its attributes must be different, got {name!r} twice")
            self._written[name] = _value(each)
        # What is not written has the value of the operator's definition.
        self._default = {
            name: _value(attribute.default_value)
            for name, attribute in declared.items()
            if attribute.default_value.type
        }

    def attribute(self, name: str) -> Any:
        """Take an attribute, written or by default."""
        default = self._default.get(name)
        return self._written.pop(name, default)

    def attributes(self) -> dict[str, Any]:
        """Take all attributes."""
        attributes = self._default | self._written
        self._written = {}
        return attributes

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
            words[Part] = "something of rows that is no layer by itself"
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


def residual(x: Value, path: Sequence[Value]) -> Value:
    """Return rows and, added to them, what the layers of a path from them give."""
    depth = 1 + max((value.depth for value in path), default=0)
    if depth > DEEPEST:
        raise ValueError(f"residuals must lie at most {DEEPEST} deep in one another, got more")
    parts, weights, state = joined(path)
    return replace(x.then(layers.Residual(parts), *weights, state=state), depth=depth)


def joined(path: Sequence[Value]) -> tuple[list[layers.Layer], list[Array], list[Array]]:
    """Return the layers of a path, their weights and their running statistics.

    An activation goes into its `Dense` or `MemberAffine`.
    """
    parts: list[layers.Layer] = []
    weights: list[Array] = []
    state: list[Array] = []
    for value in path:
        layer, last = value.layer, parts[-1] if parts else None
        assert layer is not None
        if (
            isinstance(layer, layers.Activation)
            and isinstance(last, layers.Dense | layers.MemberAffine)
            and last.activation == "identity"
        ):
            parts[-1] = last.replace(activation=layer.activation)
        else:
            parts.append(layer)
            weights += value.weights
            state += value.state
    return parts, weights, state


def _value(attribute: Any) -> Any:
    """Return an attribute's value, texts as strings."""
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value

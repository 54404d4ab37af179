"""What is made of a file's graph: rows of rows, by layers; and a node of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers

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


def _value(attribute: Any) -> Any:
    """Return an attribute's value, texts as strings."""
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value

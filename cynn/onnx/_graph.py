"""The graph that is written: its nodes and its constants."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.activation_table import TABLE

OPSET = 17
"""The operators' version, of 2022; where a layer needs a newer one, the file says that."""

Weights = Mapping[str, NDArray[Any]]


class GraphWriter:
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
        entry = TABLE[activation]
        self.opset = max(self.opset, entry.opset)
        if entry.operator:
            return self.node(entry.operator, name, x, **entry.attributes)
        gate = x
        for part in entry.gate:
            gate = self.activation(part, name, gate)
        return self.node("Mul", name, x, gate)

"""The graph that is written: its nodes and its constants."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._activations import ACTIVATIONS, GATED, OPSETS

OPSET = 17
"""The operators' version, of 2022; where a layer needs a newer one, the file says that."""

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
            raise ValueError(f"{name} has numbers that {self.dtype} does not hold") from None
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
            raise ValueError(f"{activation!r} is a function of Python: ONNX has no operator for it")
        if activation == "identity":
            return x
        if activation in GATED:
            return self.node("Mul", name, x, self.activation(GATED[activation], name, x))
        operator, attributes = ACTIVATIONS[activation]
        return self.node(operator, name, x, **attributes)

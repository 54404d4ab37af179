"""The graph that is written: its nodes and its constants."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.activation_table import TABLE

OPSET = 17
"""The operators' version, of 2022; where a layer needs a newer one, the file says that."""

OPSET_OF_TABLES = 3
"""The version of the operators of ``ai.onnx.ml``, of 2022 too."""

Weights = Mapping[str, NDArray[Any]]


class GraphWriter:
    """The nodes and the constants, as they come."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.opset = OPSET
        self.row: tuple[int, ...] = ()  # the shape of what comes to the layer that is written
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.taken: set[str] = set()  # names, those of inputs first

    def opset_of(self, domain: str) -> int:
        """Return the version of the operators of a domain, ONNX's own or that of tables."""
        return self.opset if not domain else OPSET_OF_TABLES

    @property
    def data_type(self) -> Any:
        """The graph's type, as ONNX has it."""
        from onnx import TensorProto

        return TensorProto.FLOAT if self.dtype == np.float32 else TensorProto.DOUBLE

    def free(self, name: str) -> str:
        """Take a name, or the first like it that is free: columns of a table may have any."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def constant(self, name: str, value: Any) -> str:
        """Add an array of the graph's type; give its name."""
        try:
            with np.errstate(over="raise"):
                numbers = np.asarray(value).astype(self.dtype, order="C")
        except FloatingPointError:
            raise ValueError(
                f"{name} must hold numbers that are finite in {self.dtype}, got larger ones"
            ) from None
        return self.exact(name, numbers)

    def exact(self, name: str, value: Any) -> str:
        """Add an array of a type of its own: whole numbers, texts, float64; give its name."""
        from onnx import numpy_helper

        name = self.free(name)
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; give its output's name."""
        from onnx import helper

        output = self.free(f"{name}.{operator.lower()}")
        self.nodes.append(helper.make_node(operator, list(inputs), [output], output, **attributes))
        return output

    def cast(self, name: str, x: str) -> str:
        """Add a node that makes numbers of the graph's type."""
        return self.node("Cast", name, x, to=self.data_type)

    def ascending(self, name: str, x: str, columns: int) -> str:
        """Add a node that puts the numbers of each row in order."""
        from onnx import helper

        values, places = (self.free(f"{name}.{part}") for part in ("topk", "places"))
        inputs = [x, self.exact(f"{name}.count", np.array([columns], np.int64))]
        order = {"axis": 1, "largest": 0, "sorted": 1}
        self.nodes.append(helper.make_node("TopK", inputs, [values, places], values, **order))
        return values

    def joined(self, name: str, parts: Sequence[str]) -> str:
        """Add a node that joins columns, where there are several parts."""
        return parts[0] if len(parts) == 1 else self.node("Concat", name, *parts, axis=1)

    def mean(self, name: str, parts: Sequence[str]) -> str:
        """Add nodes that give the mean of several arrays, in float64 as `Ensemble.predict` has it.

        ONNX Runtime has no Mean of float64.
        """
        if len(parts) == 1:
            return parts[0]
        from onnx import TensorProto

        if self.dtype != np.float64:
            parts = [self.node("Cast", name, part, to=TensorProto.DOUBLE) for part in parts]
        total = self.node("Sum", name, *parts)
        mean = self.node("Div", name, total, self.exact(f"{name}.count", np.float64(len(parts))))
        return mean if self.dtype == np.float64 else self.cast(name, mean)

    def named(self, x: str, name: str) -> str:
        """Give what the last node makes another name, as an output has; no node may read it yet."""
        name = self.free(name)
        if not self.nodes or x not in self.nodes[-1].output:  # nothing is computed
            x = self.node("Identity", name, x)
        self.nodes[-1].output[:] = [name]
        return name

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

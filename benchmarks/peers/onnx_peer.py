"""ONNX Runtime: inference only."""

from collections.abc import Callable
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from onnx import TensorProto, helper, numpy_helper

from ..cases import Case
from .base import Peer
from .numpy_peer import initial_weights


def model(case: Case) -> bytes:
    """Return the network as ONNX: a Gemm for each layer, Relu between, Softmax at the end."""
    nodes, constants, value = [], [], "x"
    weights = initial_weights(case.sizes, case.dtype)
    for i, (w, b) in enumerate(weights):
        constants += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"z{i}"]))
        hidden = i + 1 < len(weights)
        value = f"h{i}" if hidden else "p"
        nodes.append(helper.make_node("Relu" if hidden else "Softmax", [f"z{i}"], [value]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", size])
        for name, size in (("x", case.sizes[0]), ("p", case.sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], constants)
    opset = [helper.make_opsetid("", 17)]
    made: bytes = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    return made


class OnnxRuntime(Peer):
    """ONNX Runtime's CPU provider."""

    def version(self) -> str:
        return onnxruntime.__version__

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        session = onnxruntime.InferenceSession(
            model(case), options, providers=["CPUExecutionProvider"]
        )
        return lambda: session.run(None, {"x": x})[0]

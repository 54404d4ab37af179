"""What each activation is in ONNX: an operator and its attributes."""

from typing import Any

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "identity": ("Identity", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "tanh": ("Tanh", {}),
}

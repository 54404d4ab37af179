"""From a model to an ONNX file."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import layers
from .._runtime import atomic_files
from .._specs.validation import real_dtype
from .._version import VERSION
from ..model import Model
from ._graph import GraphWriter
from ._layers import LAYERS, write_layers
from ._library import need

LARGEST = 2**31 - 2**20
"""The bytes of weights that fit into one file of protocol buffers, of 2 GiB."""


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
    path : path-like
        Where to. What was there is replaced when the new file is whole.
    dtype : dtype, optional
        What the file computes in, float32 or float64; by default the model's. Many runtimes, ONNX
        Runtime among them, lack some activations in float64.
    metadata : mapping of str to str, optional
        What else the file shall say: its ``metadata_props``, beside ``cynn.model``, the model's
        repr.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, a layer is of a user-defined class, or the weights do
        not fit into an ONNX file, of 2 GiB.
    RuntimeError
        If the model has no weights yet.
    OSError
        If the file cannot be written; what was there before is still there.
    ImportError
        Without the ``onnx`` package.

    See Also
    --------
    load : Read such a file.
    cynn.Model.save : Write a file from which the training can go on.

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
    properties = _metadata(metadata) | {"cynn.model": repr(model)}
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
    atomic_files.replace(path, _file(model, weights, real, properties))


def _known(layer: layers.Layer) -> bool:
    inner = getattr(layer, "layers", ())
    return type(layer) in LAYERS and all(map(_known, inner))


def _metadata(metadata: Any) -> dict[str, str]:
    entries = {} if metadata is None else metadata
    if not isinstance(entries, Mapping) or not all(
        isinstance(part, str) for item in entries.items() for part in item
    ):
        raise TypeError(f"metadata must be a mapping of strings to strings, got {metadata!r}")
    return dict(entries)


def _file(
    model: Model, weights: list[NDArray[Any]], real: np.dtype[Any], metadata: dict[str, str]
) -> bytes:
    """Return the file's bytes."""
    from onnx import TensorProto, helper

    row = model.input_shape
    assert row is not None  # the model has weights
    named = dict(zip(layers.weight_shapes(model.layers, row), weights, strict=True))
    named |= zip(layers.state_shapes(model.layers, row), model.get_state(), strict=True)
    graph = GraphWriter(real)
    graph.row = row
    y = write_layers(graph, model.layers, "layer", named, "input")
    if y == "input":  # nothing is computed
        y = graph.node("Identity", "output", y)
    (last,) = (node for node in graph.nodes if y in node.output)
    last.output[:] = ["output"]
    data_type = TensorProto.FLOAT if real == np.float32 else TensorProto.DOUBLE
    ends = [
        helper.make_tensor_value_info(name, data_type, ["batch", *shape])
        for name, shape in (
            ("input", row),
            ("output", layers.output_shapes(model.layers, row)[-1]),
        )
    ]
    opset = helper.make_opsetid("", graph.opset)
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "cynn", ends[:1], ends[1:], graph.constants),
        producer_name="cynn",
        producer_version=VERSION,
        opset_imports=[opset],
        ir_version=helper.find_min_ir_version_for([opset]),
    )
    helper.set_model_props(proto, metadata)
    data: bytes = proto.SerializeToString()
    return data

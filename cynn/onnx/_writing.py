"""From a model to an ONNX file."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import layers
from .._runtime import atomic_files
from .._specs.validation import flag, real_dtype
from .._version import VERSION
from ..ensemble import models_of
from ..layers._far import far_layers
from ..layers._stack import members_by_layer
from ..model import Model
from ..tables import TableEncoder
from ..tables._written import expect_writable
from ._graph import GraphWriter
from ._layers import LAYERS, write_layers
from ._library import need
from ._members import write_mean
from ._tables import labels_of, write_encoder, write_target

LARGEST = 2**31 - 2**20
"""The bytes of weights that fit into one file of protocol buffers, of 2 GiB."""


def export(
    model: Any,
    path: str | os.PathLike[str],
    *,
    dtype: DTypeLike | None = None,
    metadata: Mapping[str, str] | None = None,
    network_only: bool = False,
) -> None:
    """Write a model as an ONNX file, for other programs to predict with.

    That of a table takes the columns of the table and says what `Model.predict_rows` says, or what
    the estimator does that was given.

    Parameters
    ----------
    model : Model, Ensemble, or an estimator of tables, such as RealMLPClassifier
        With weights: built, trained or loaded. Of several members the file gives the mean.
    path : path-like
        Where to. What was there is replaced when the new file is whole.
    dtype : dtype, optional
        What the file computes in, float32 or float64; by default the model's. Many runtimes, ONNX
        Runtime among them, lack some activations in float64.
    metadata : mapping of str to str, optional
        What else the file shall say: its ``metadata_props``, beside ``cynn.model``, the model's
        repr, the first member's of several, with ``cynn.members``, their number; and of a table's
        model ``cynn.target``, the target's name.
    network_only : bool, default False
        Whether to leave out a table: the file then takes rows as `TableEncoder.encode` returns them
        and gives what `Model.predict` does.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, a layer, a column or a target is of a user-defined
        class, a column holds dates, the table is not of the network's sizes, or the weights do not
        fit into an ONNX file, of 2 GiB.
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
    (batch, n_outputs), any number of rows in both. What acts in training alone is left out. Of a
    model with `cynn.layers.Members` it gives the mean, as `Model.predict` does. The operators and
    their attributes: https://onnx.ai/onnx/operators/. Where the first layers bring to size numbers
    far from 0, of which float32 would lose digits, the input is float64.

    That of a table has an input for each column, of the column's name and of shape (batch, 1):
    numbers in float64, NaN where one is missing; or strings, without spaces around them. What was
    no category in training, an empty string for one, counts as missing. For classes it has the
    outputs ``output``, the probabilities, shape (batch, n_classes), and ``label``, the names, shape
    (batch,), of an estimator the labels that it was trained on, int64 or bool say; for a quantity
    ``output``, in the units of the table, float64, shape (batch, 1), or of several quantiles
    (batch, n_quantiles), ascending. A column that is called like
    an output keeps its name, and the output's gets an underscore.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    >>> model.build(4)
    >>> export(model, "model.onnx", metadata={"classes": "setosa,versicolor"})  # doctest: +SKIP
    """
    members = models_of(model)
    if not members:
        fit = ": call fit first" if hasattr(model, "fit") else ""
        raise TypeError(
            "model must be a cynn Model, an Ensemble or a fitted estimator of tables, such as "
            f"RealMLPClassifier, got {type(model).__name__}{fit}"
        )
    real = members[0].dtype if dtype is None else real_dtype(dtype)
    table = None if flag("network_only", network_only) else members[0].table
    properties = _metadata(metadata) | {"cynn.model": repr(members[0])}
    if len(members) > 1:
        properties["cynn.members"] = str(len(members))
    size = 0
    for member in members:
        size += sum(part.size for part in member.get_weights())  # refuses one that is not built
        for i, layer in enumerate(member.layers):
            if not _known(layer):
                raise ValueError(
                    f"layers[{i}] must be one of cynn's own layers for ONNX, got {layer!r}"
                )
    size *= real.itemsize
    if size > LARGEST:
        raise ValueError(f"model must have at most 2 GiB of weights for ONNX, got {size} bytes")
    labels = None
    if table is not None:
        row = members[0].input_shape
        assert row is not None  # the model has weights
        expect_writable(table, row, layers.output_shapes(members[0].layers, row)[-1][0], "ONNX")
        labels = labels_of(table.target, getattr(model, "classes_", None))
        properties["cynn.target"] = table.target.name
    need()
    atomic_files.replace(path, _file(members, real, table, labels, properties))


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
    members: Sequence[Model],
    real: np.dtype[Any],
    table: TableEncoder | None,
    labels: NDArray[Any] | None,
    metadata: dict[str, str],
) -> bytes:
    """Return the file's bytes."""
    from onnx import helper

    row = members[0].input_shape
    assert row is not None  # the model has weights
    graph = GraphWriter(real)
    n_far = [0] * len(members)
    if table is None:
        if real == np.float32:
            n_far = [far_layers(member.layers) for member in members]
        graph.dtype = np.dtype(np.float64) if any(n_far) else real
        x = graph.free("input")
        inputs = [helper.make_tensor_value_info(x, graph.data_type, ["batch", *row])]
    else:
        inputs, x = write_encoder(graph, table)
    of_input = graph.dtype
    outputs = []
    for i, (member, n) in enumerate(zip(members, n_far, strict=True)):
        graph.dtype = of_input
        prefix = f"member{i}." if len(members) > 1 else ""
        outputs.append(_write_network(graph, member, prefix, x, n, real))
    y = graph.mean("mean", outputs)
    if table is None:
        shape = layers.output_shapes(members[0].layers, row)[-1]
        y = graph.named(y, "output")
        results = [helper.make_tensor_value_info(y, graph.data_type, ["batch", *shape])]
    else:
        results = write_target(graph, table.target, labels, y)
    domains = sorted({node.domain for node in graph.nodes})
    opsets = [helper.make_opsetid(name, graph.opset_of(name)) for name in domains]
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "cynn", inputs, results, graph.constants),
        producer_name="cynn",
        producer_version=VERSION,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
    )
    helper.set_model_props(proto, metadata)
    data: bytes = proto.SerializeToString()
    return data


def _write_network(
    graph: GraphWriter, model: Model, prefix: str, x: str, n_far: int, real: np.dtype[Any]
) -> str:
    """Write the layers of a model, the first ones in the input's type; return its prediction."""
    graph.row = row = model._built_shape()
    names = (*layers.weight_shapes(model.layers, row), *layers.state_shapes(model.layers, row))
    arrays = (*model.get_weights(), *model.get_state())
    named = {f"{prefix}{name}": array for name, array in zip(names, arrays, strict=True)}
    y = write_layers(graph, model.layers[:n_far], f"{prefix}layer", named, x)
    if graph.dtype != real:
        graph.dtype = real
        y = graph.cast(f"{prefix}input", y)
    y = write_layers(graph, model.layers[n_far:], f"{prefix}layer", named, y, n_far)
    return write_mean(graph, f"{prefix}members", y, members_by_layer(model.layers)[-1])

"""What embeddings and parametric activations are in ONNX: several operators each.

Reading goes by chains. A node that takes columns out of rows, or the difference of an activation
begins one, a `Part`; the nodes after it make it longer; the last makes a layer of it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import layers
from ._graph import GraphWriter, Weights
from ._values import Array, Node, Part, Value

# -- writing


def write_parametric(
    graph: GraphWriter, layer: layers.ParametricActivation, name: str, weights: Weights, x: str
) -> str:
    """``x + a (f(x) - x)``."""
    apart = graph.node("Sub", name, graph.activation(layer.activation, name, x), x)
    a = graph.constant(f"{name}.weight", weights["weight"])
    return graph.node("Add", name, x, graph.node("Mul", name, apart, a))


def write_embedding(
    graph: GraphWriter, layer: layers.Embedding, name: str, weights: Weights, x: str
) -> str:
    """Compare each number with those of its table, and multiply what is equal by it.

    So one that is unknown gives zeros, where to look it up would be an error.
    """
    columns = _embedded(layer, graph)
    parts = _staying(graph, layer, name, x)
    for column, table in zip(columns, weights.values(), strict=True):
        number = _taken(graph, name, f"column{column}", x, [column])
        number = graph.node("Round", name, number)
        known = graph.constant(f"{name}.numbers{column}", np.arange(len(table)))
        one = graph.cast(name, graph.node("Equal", name, number, known))
        parts.append(
            graph.node("MatMul", name, one, graph.constant(f"{name}.table{column}", table))
        )
    return graph.node("Concat", name, *parts, axis=1)


def write_periodic(
    graph: GraphWriter, layer: layers.PeriodicEmbedding, name: str, weights: Weights, x: str
) -> str:
    """Products of all embedded columns side by side: (columns, rows, waves), then (..., units)."""
    columns = _embedded(layer, graph)
    n, waves = len(columns), layer.frequencies
    w, phase = weights["frequency"], weights.get("phase")
    if phase is None:  # a sine is a cosine a quarter of a turn before
        phase = np.repeat([[0.0], [-math.pi / 2]], len(w), axis=0)
        w, phase = np.concatenate([w, w]), np.broadcast_to(phase, (waves, n))
    of_map = (n, -1, weights["bias"].shape[0])

    def of_columns(part: str, value: Any, shape: tuple[int, ...]) -> str:
        return graph.constant(f"{name}.{part}", np.moveaxis(value, -1, 0).reshape(shape))

    z = _taken(graph, name, "columns", x, [[column] for column in columns])
    z = graph.node("Transpose", name, z, perm=[1, 0, 2])
    z = graph.node("MatMul", name, z, of_columns("frequency", w, (n, 1, waves)))
    z = graph.node("Mul", name, z, graph.constant(f"{name}.turn", 2 * math.pi))
    z = graph.node("Add", name, z, of_columns("phase", phase, (n, 1, waves)))
    z = graph.node("Cos", name, z)
    z = graph.node("MatMul", name, z, of_columns("weight", weights["weight"], of_map))
    z = graph.node("Add", name, z, of_columns("bias", weights["bias"], of_map))
    z = graph.activation(layer.activation, name, z)
    z = graph.node("Flatten", name, graph.node("Transpose", name, z, perm=[1, 0, 2]), axis=1)
    return graph.node("Concat", name, *_staying(graph, layer, name, x), z, axis=1)


def write_piecewise(
    graph: GraphWriter,
    layer: layers.PiecewiseLinearEmbedding,
    name: str,
    weights: Weights,
    x: str,
) -> str:
    """Bins of all embedded columns side by side: (columns, rows, bins), then (..., units).

    Columns with fewer bins than others have empty ones at the end.
    """
    columns = _embedded(layer, graph)
    counts = [len(edges) - 1 for edges in layer.bins]
    shape = (len(columns), 1, max(counts))
    left, width = np.zeros(shape), np.ones(shape)
    of_bins = np.zeros((len(columns), max(counts), layer.units))
    ends = np.cumsum(counts)
    for j, (edges, count) in enumerate(zip(layer.bins, counts, strict=True)):
        left[j, 0, :count], width[j, 0, :count] = edges[:-1], np.diff(edges)
        of_bins[j, :count] = weights["weight"][ends[j] - count : ends[j]]
    low, high = _limits(counts)
    bias = graph.constant(f"{name}.bias", weights["bias"][:, np.newaxis])

    z = _taken(graph, name, "columns", x, [[column] for column in columns])
    z = graph.node("Transpose", name, z, perm=[1, 0, 2])
    c = z
    for operator, part, value in (
        ("Sub", "left", left),
        ("Div", "width", width),
        ("Max", "low", low),
        ("Min", "high", high),
        ("MatMul", "weight", of_bins),
    ):
        c = graph.node(operator, name, c, graph.constant(f"{name}.{part}", value))
    if layer.version == "A":
        z = graph.activation(layer.activation, name, graph.node("Add", name, c, bias))
    else:
        linear = graph.constant(f"{name}.linear", weights["linear"][:, np.newaxis])
        z = graph.node("Add", name, graph.node("Mul", name, z, linear), bias)
        z = graph.node("Add", name, z, graph.activation(layer.activation, name, c))
    z = graph.node("Flatten", name, graph.node("Transpose", name, z, perm=[1, 0, 2]), axis=1)
    return graph.node("Concat", name, *_staying(graph, layer, name, x), z, axis=1)


def _limits(counts: Sequence[int]) -> tuple[Array, Array]:
    """Return between what the part of each bin lies, where columns have so many."""
    low, high = np.zeros((2, len(counts), 1, max(counts)))
    low[:, 0, 0] = -np.inf
    for j, count in enumerate(counts):
        high[j, 0, : count - 1], high[j, 0, count - 1] = 1, np.inf
    return low, high


def _embedded(layer: Any, graph: GraphWriter) -> Sequence[int]:
    (n_inputs,) = graph.row
    return range(n_inputs) if layer.columns is None else layer.columns


def _staying(graph: GraphWriter, layer: Any, name: str, x: str) -> list[str]:
    """Return the columns that stay, the first ones of the output, as one part or none."""
    if getattr(layer, "with_input", False):
        return [x]
    embedded = set(_embedded(layer, graph))
    staying = [column for column in range(graph.row[0]) if column not in embedded]
    return [_taken(graph, name, "staying", x, staying)] if staying else []


def _taken(graph: GraphWriter, name: str, part: str, x: str, columns: Any) -> str:
    return graph.node(
        "Gather", name, x, graph.exact(f"{name}.{part}", np.array(columns, np.int64)), axis=1
    )


# -- reading


def begin_gather(node: Node) -> Part:
    """Begin a part: columns of rows of one axis."""
    x, columns = node.given(Value, np.ndarray)
    n = x.shape[-1]
    if len(x.shape) != 1 or node.attribute("axis") not in (1, -1):
        raise ValueError("it must take columns of rows of one axis, got others")
    if columns.dtype != np.int64 or not columns.size or columns.min() < -n or columns.max() >= n:
        raise ValueError(f"its columns must be of the {n} of a row, got others")
    return Part(x, ("Gather",), (np.where(columns < 0, columns + n, columns),))


def begin_difference(node: Node) -> Part:
    """Begin a part: an activation less what it was given."""
    after, x = node.given(Value, Value)
    if after is x:
        return Part(x, ("Sub",))
    if after.before is not x or not isinstance(after.layer, layers.Activation):
        raise ValueError(
            "the difference of two computed arrays must be that of an activation and its input, "
            "got another"
        )
    return Part(x, ("Sub",), (), str(after.layer.activation))


TABLE = ("Gather", "Round", "Equal", "Cast", "MatMul")
WAVES = ("Gather", "Transpose", "MatMul", "Mul", "Add", "Cos", "MatMul", "Add")
BINS = ("Gather", "Transpose", "Sub", "Div", "Max", "Min", "MatMul")
LINE = ("Gather", "Transpose", "Mul", "Add")
FOLLOWING = {*TABLE[1:], *WAVES[1:], *BINS[1:], "Relu", "Flatten"}
MAY_TURN = {"Add", "Equal", "Max", "Min", "Mul"}
"""The operators that may be given their constant first."""

WITH_CONSTANT = {*MAY_TURN, "Div", "MatMul", "Sub"}


def follow(node: Node, data_type: int) -> Part | Value:
    """Return what a node makes of parts: one that is longer, or the rows after a layer."""
    if node.operator == "Concat":
        return end_embedding(node)
    if node.operator == "Add" and any(isinstance(each, Value) for each in node.inputs):
        return end_parametric(node)
    if node.operator == "Add" and all(isinstance(each, Part) for each in node.inputs):
        return join_parts(node)
    if node.operator in MAY_TURN and isinstance(node.inputs[0], np.ndarray):
        node.inputs.reverse()
    part, *constants = node.given(Part, *[np.ndarray] * (node.operator in WITH_CONSTANT))
    wanted = {"Cast": {"to": data_type}, "Transpose": {"perm": [1, 0, 2]}, "Flatten": {"axis": 1}}
    said = {key: value for key, value in node.attributes().items() if key != "saturate"}
    if node.operator not in FOLLOWING or said != wanted.get(node.operator, {}):
        raise ValueError("it must be of an embedding as cynn writes it, got another")
    made = (*part.made, node.operator)
    activation = "relu" if node.operator == "Relu" else part.activation
    return Part(part.x, made, (*part.constants, *constants), activation)


def join_parts(node: Node) -> Part:
    """Go on with the sum of two parts of the same rows: that of a line and of bins."""
    line, bins = node.given(Part, Part)
    if line.made != LINE or line.x is not bins.x:
        raise ValueError("the sum of two parts must be of an embedding's line and bins, got others")
    made = (*line.made, *bins.made, "Add")
    return Part(line.x, made, (*line.constants, *bins.constants), bins.activation)


def end_parametric(node: Node) -> Value:
    """``x + a (f(x) - x)``."""
    if isinstance(node.inputs[0], Part):
        node.inputs.reverse()
    x, part = node.given(Value, Part)
    if part.made != ("Sub", "Mul") or part.x is not x or part.constants[0].shape != x.shape:
        raise ValueError("it must end a parametric activation, got another sum")
    return x.then(layers.ParametricActivation(part.activation), *part.constants)  # type: ignore[no-any-return]


def end_embedding(node: Node) -> Value:
    """Make an embedding of the columns that stay and those that are embedded."""
    if node.attribute("axis") not in (1, -1):
        raise ValueError("axis must be 1, got another")
    staying, *parts = node.inputs
    if isinstance(staying, Part) and staying.made != ("Gather",):
        staying, parts = None, node.inputs
    node.inputs = parts
    node.given(*[Part] * max(1, len(parts)))
    x = parts[0].x
    if any(part.x is not x for part in parts):
        raise ValueError("its inputs must be of the same rows, got others")
    layer: layers.Embedding | layers.PeriodicEmbedding | layers.PiecewiseLinearEmbedding
    if all(part.made == TABLE for part in parts):
        layer, weights = _tables(parts)
    elif len(parts) == 1 and "Div" in parts[0].made and staying is not x:
        layer, weights = _bins(parts[0])
    elif len(parts) == 1:
        layer, weights = _waves(parts[0], with_input=staying is x)
    else:
        raise ValueError("its inputs must be embeddings as cynn writes them, got others")
    (n,) = x.shape
    embedded = [] if staying is x or layer.columns is None else layer.columns
    stays = [column for column in range(n) if column not in embedded]
    if staying is not x:
        came = [] if staying is None else _numbers(staying)
        if came != ([] if layer.columns is None else stays):
            raise ValueError("its first columns must be those that are not embedded, got others")
    return x.then(layer, *weights)  # type: ignore[no-any-return]


def _tables(parts: Sequence[Part]) -> tuple[layers.Embedding, list[Array]]:
    columns: list[int] = []
    tables = []
    for part in parts:
        taken, known, table = part.constants
        if taken.size != 1 or table.ndim != 2 or known.shape != table.shape[:1]:
            raise ValueError("its tables must have a row for each number, got others")
        if not np.array_equal(known, np.arange(len(table))):
            raise ValueError("its numbers must be 0, 1, 2 and so on, got others")
        columns += _numbers(part)
        tables.append(table)
    if len({table.shape[1] for table in tables}) > 1:
        raise ValueError("its tables must have rows of one length, got others")
    sizes = [len(table) for table in tables]
    return layers.Embedding(columns, sizes, tables[0].shape[1]), tables


def _waves(part: Part, with_input: bool) -> tuple[layers.PeriodicEmbedding, list[Array]]:
    relu = ("Relu",) * (part.activation == "relu")
    if part.made != (*WAVES, *relu, "Transpose", "Flatten"):
        raise ValueError("it must be an embedding as cynn writes it, got another")
    taken, w, turn, phase, weight, bias = part.constants
    n, waves, units = taken.size, w.shape[-1], bias.shape[-1]
    wanted = ((n, 1), (n, 1, waves), (), (n, 1, waves), (n, waves, units), (n, 1, units))
    if tuple(each.shape for each in part.constants) != wanted or not units:
        raise ValueError("its constants must be those of an embedding, got other shapes")
    if abs(float(turn) - 2 * math.pi) > 1e-6:
        raise ValueError(f"its angles must be in turns of 2 pi, got {float(turn)}")
    w, phase, bias = (np.moveaxis(each[:, 0], 0, -1) for each in (w, phase, bias))
    weights = [w, phase, np.moveaxis(weight, 0, -1), bias]
    half = waves // 2
    cos_bias = bool(
        waves % 2
        or not np.array_equal(w[:half], w[half:])
        or (phase[:half] != 0).any()
        or (phase[half:] != phase.dtype.type(-math.pi / 2)).any()
    )
    if not cos_bias:
        weights[:2] = [w[:half]]
    columns = _numbers(part)
    layer = layers.PeriodicEmbedding(
        None if columns == list(range(part.x.shape[0])) else columns,
        frequencies=waves,
        units=units + int(with_input),
        activation=part.activation,
        cos_bias=cos_bias,
        with_input=with_input,
    )
    return layer, weights


def _bins(part: Part) -> tuple[layers.PiecewiseLinearEmbedding, list[Array]]:
    relu = ("Relu",) * (part.activation == "relu")
    end = ("Transpose", "Flatten")
    if part.made == (*BINS, "Add", *relu, *end):
        taken, *of_bins, bias = part.constants
        linear: list[Array] = []
    elif part.made == (*LINE, *BINS, *relu, "Add", *end):
        taken, slope, bias, again, *of_bins = part.constants
        if not np.array_equal(taken, again):
            raise ValueError("its line and its bins must be of the same columns, got others")
        linear = [slope]
    else:
        raise ValueError("it must be an embedding as cynn writes it, got another")
    left, width, low, high, weight = of_bins
    n, most, units = taken.size, left.shape[-1] if left.ndim else 0, bias.shape[-1]
    shapes = [each.shape for each in (taken, left, width, low, high, weight, bias, *linear)]
    of_units = [(n, 1, units)] * (1 + len(linear))
    if shapes != [(n, 1), *[(n, 1, most)] * 4, (n, most, units), *of_units]:
        raise ValueError("its constants must be those of an embedding, got other shapes")
    counts = [int(np.argmax(np.isposinf(high[j, 0]))) + 1 for j in range(n)]
    if not all(map(np.array_equal, (low, high), _limits(counts))):
        raise ValueError("its limits must be 0 and 1 of all bins but the outermost, got others")
    bins = []
    rounding = 4 * float(np.finfo(left.dtype).eps)
    for j, count in enumerate(counts):
        begins, widths = left[j, 0, :count].astype(np.float64), width[j, 0, :count]
        with np.errstate(over="ignore", invalid="ignore"):
            ends = begins + widths
            apart = abs(ends[:-1] - begins[1:])
            allowed = rounding * (abs(begins[:-1]) + abs(begins[1:]))
        if (apart > allowed).any():
            raise ValueError("its bins must begin where those before end, got others")
        bins.append([*begins.tolist(), float(ends[-1])])
    columns = _numbers(part)
    layer = layers.PiecewiseLinearEmbedding(
        None if columns == list(range(part.x.shape[0])) else columns,
        bins,
        units,
        version="B" if linear else "A",
        activation=part.activation,
    )
    of_columns = [each[:, 0] for each in (*linear, bias)]
    return layer, [*of_columns, np.concatenate([weight[j, :c] for j, c in enumerate(counts)])]


def _numbers(part: Part) -> list[int]:
    """Return the columns that a part takes."""
    return [int(column) for column in part.constants[0].ravel()]


def refuse(node: Node) -> Part:
    """Refuse an operator that is read on the way to an embedding alone."""
    raise ValueError("its input must be columns on the way to an embedding, got others")


OPERATORS = {
    **dict.fromkeys(("Concat", "Cos", "Equal", "Round", "Transpose"), refuse),
    "Gather": begin_gather,
}

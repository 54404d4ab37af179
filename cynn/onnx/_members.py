"""What members are in ONNX: rows side by side between layers, an axis of their own within one.

Reading goes by chains, as that of embeddings: a node that gives the members their axis begins a
`Part`, the one that takes it away makes a layer of it. The mean over them is the end of a graph.
"""

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers
from ._graph import GraphWriter, Weights
from ._values import Array, Node, Part, Value

OPSET = 18
"""The first version of the operators in which ReduceMean has its axes for an input."""

# -- writing


def write_members(
    graph: GraphWriter, layer: layers.Members, name: str, weights: Weights, x: str
) -> str:
    """``y[m] = r[m] * x``."""
    axis = graph.exact(f"{name}.axis", np.array([1], np.int64))
    y = graph.node("Unsqueeze", name, x, axis)
    y = graph.node("Mul", name, y, graph.constant(f"{name}.scale", weights["scale"]))
    return _side_by_side(graph, name, y, graph.row[0])


def write_member_affine(
    graph: GraphWriter, layer: layers.MemberAffine, name: str, weights: Weights, x: str
) -> str:
    """``y[m] = f(s[m] * x[m] + b[m])``."""
    y = _by_member(graph, name, x, layer.k)
    own = weights["weight"]
    if layer.use_scale:
        y = graph.node("Mul", name, y, graph.constant(f"{name}.scale", own[0]))
    if layer.use_bias:
        y = graph.node("Add", name, y, graph.constant(f"{name}.bias", own[-1]))
    return graph.activation(layer.activation, name, _side_by_side(graph, name, y, graph.row[0]))


def write_member_dense(
    graph: GraphWriter, layer: layers.MemberDense, name: str, weights: Weights, x: str
) -> str:
    """``y[m] = W[m] @ x[m]``: products of (members, rows, columns), as runtimes are fast at them.

    With the members between the rows and the columns, ONNX Runtime takes ten times as long.
    """
    w = graph.constant(f"{name}.weight", np.swapaxes(weights["weight"], 1, 2))
    y = _by_member(graph, name, x, layer.k)
    y = graph.node("Transpose", name, y, perm=[1, 0, 2])
    y = graph.node("MatMul", name, y, w)
    y = graph.node("Transpose", name, y, perm=[1, 0, 2])
    return _side_by_side(graph, name, y, layer.units)


def write_mean(graph: GraphWriter, name: str, x: str, members: int) -> str:
    """Write the mean of each row's members, where there are several."""
    if members == 1:
        return x
    graph.opset = max(graph.opset, OPSET)
    axis = graph.exact(f"{name}.axis", np.array([1], np.int64))
    return graph.node("ReduceMean", name, _by_member(graph, name, x, members), axis, keepdims=0)


def _by_member(graph: GraphWriter, name: str, x: str, members: int) -> str:
    """Give the members of a row, side by side, an axis of their own."""
    return _reshaped(graph, name, x, (-1, members, graph.row[0]))


def _side_by_side(graph: GraphWriter, name: str, x: str, columns: int) -> str:
    return _reshaped(graph, name, x, (-1, columns))


def _reshaped(graph: GraphWriter, name: str, x: str, shape: tuple[int, ...]) -> str:
    return graph.node("Reshape", name, x, graph.exact(f"{name}.shape", np.array(shape, np.int64)))


# -- reading


def begin(node: Node) -> Part:
    """Begin a part: rows whose members have an axis of their own, or will have one."""
    x, whole = node.given(Value, np.ndarray)
    node.attribute("allowzero")  # which says nothing of a shape without zeros
    if len(x.shape) != 1:
        raise ValueError(f"its input must be rows of one axis, got shape {x.shape}")
    return Part(x, (node.operator,), (whole,))


def members(x: Value, axis: Array, scale: Array, shape: Array) -> Value:
    """``y[m] = r[m] * x``."""
    _expect_lines(x, scale)
    _expect(axis, [1])
    _expect(shape, [-1, *x.shape])
    return x.then(layers.Members(len(scale)), scale)


def affine(x: Value, to_members: Array, *lines: Array, with_scale: bool, with_bias: bool) -> Value:
    """``y[m] = s[m] * x[m] + b[m]``; the activation is the next layer."""
    *own, shape = lines
    _expect_lines(x, *own)
    k = len(own[0])
    _expect(to_members, [-1, k, *x.shape])
    _expect(shape, [-1, *x.shape])
    layer = layers.MemberAffine(k, use_scale=with_scale, use_bias=with_bias)
    return x.then(layer, np.stack(own))


def dense(x: Value, to_members: Array, w: Array, shape: Array) -> Value:
    """``y[m] = W[m] @ x[m]``."""
    if w.ndim != 3 or w.shape[1] != x.shape[0]:
        raise ValueError(f"its matrices must fit rows of shape {x.shape}, got shape {w.shape}")
    k, _, units = w.shape
    _expect(to_members, [-1, k, *x.shape])
    _expect(shape, [-1, units])
    return x.then(layers.MemberDense(units, k), np.swapaxes(w, 1, 2))


def _affine(with_scale: bool, with_bias: bool) -> Callable[..., Value]:
    return lambda x, *given: affine(x, *given, with_scale=with_scale, with_bias=with_bias)


ENDS: dict[tuple[str, ...], Callable[..., Value]] = {
    ("Unsqueeze", "Mul", "Reshape"): members,
    ("Reshape", "Mul", "Add", "Reshape"): _affine(True, True),
    ("Reshape", "Mul", "Reshape"): _affine(True, False),
    ("Reshape", "Add", "Reshape"): _affine(False, True),
    ("Reshape", "Transpose", "MatMul", "Transpose", "Reshape"): dense,
}
"""The chains of operators that are layers."""

MEAN = ("Reshape", "ReduceMean")
"""The chain at the end of a graph."""

CHAINS = (*ENDS, MEAN)


def begins(part: Part) -> bool:
    """Return whether a part is of rows by their members."""
    return part.made[0] in ("Reshape", "Unsqueeze")


def follow(node: Node) -> Part | Value:
    """Return what a node makes of such a part: one that is longer, or the rows after a layer."""
    if node.operator in ("Add", "Mul") and isinstance(node.inputs[0], np.ndarray):
        node.inputs.reverse()  # the constant may come first
    perm, keepdims = node.attribute("perm"), node.attribute("keepdims")
    for name in ("allowzero", "noop_with_empty_axes"):  # there are axes, and no zeros in a shape
        node.attribute(name)
    part = next(each for each in node.inputs if isinstance(each, Part))
    made = (*part.made, node.operator)
    if (
        not any(chain[: len(made)] == made for chain in CHAINS)
        or perm != ([1, 0, 2] if node.operator == "Transpose" else None)
        or keepdims
    ):
        raise ValueError("it must be of members as cynn writes them, got another")
    _, *constants = node.given(Part, *[np.ndarray] * (node.operator != "Transpose"))
    given, end = (*part.constants, *constants), ENDS.get(made)
    return Part(part.x, made, given) if end is None else end(part.x, *given)


def without_mean(output: Any) -> Any:
    """Return what a graph gives, without the mean over members at its end.

    Raises
    ------
    ValueError
        If there are members, and no mean over them; or the mean of something else.
    """
    if isinstance(output, Part) and output.made == MEAN:
        x = output.x
        to_members, axis = output.constants
        _expect(to_members, [-1, x.members, *x.shape])
        _expect(axis, [1])
        return x
    if isinstance(output, Value) and output.members > 1:
        raise ValueError(
            f"its output must be the mean over {output.members} members, got what each gives"
        )
    return output


def _expect_lines(x: Value, *constants: Array) -> None:
    """Refuse what has not a number for each column of each member, of as many in each constant."""
    for lines in constants:
        if lines.ndim != 2 or lines.shape != (len(constants[0]), *x.shape):
            raise ValueError(
                f"its constants must have {x.shape[0]} numbers for each member, got shape "
                f"{lines.shape}"
            )


def _expect(came: Array, wanted: list[int]) -> None:
    if came.tolist() != wanted:
        raise ValueError(
            f"its shapes must be those of members, {wanted}, got {reprlib.repr(came.tolist())}"
        )


def refuse(node: Node) -> Part:
    """Refuse an operator that is read as the mean over members alone."""
    raise ValueError("its input must be members on an axis of their own, got others")


OPERATORS = {"ReduceMean": refuse, "Reshape": begin, "Unsqueeze": begin}

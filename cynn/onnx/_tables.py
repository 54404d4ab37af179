"""What a table is in ONNX: its columns in front of the network, its target behind."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..tables import (
    Categorical,
    Classes,
    Coded,
    Column,
    Numeric,
    QuantileNumeric,
    Quantity,
    TableEncoder,
    Target,
)
from ..tables._columns import Number
from ..tables._written import FAR, missing_numbers, spellings_of
from ._graph import GraphWriter
from ._quantiles import write_quantiles


def write_encoder(graph: GraphWriter, encoder: TableEncoder) -> tuple[list[Any], str]:
    """Write what makes of columns the rows that a network takes.

    Parameters
    ----------
    graph : GraphWriter
        The graph.
    encoder : TableEncoder
        Of columns as `expect_writable` wants them.

    Returns
    -------
    inputs : list of onnx.ValueInfoProto
        An input for each column, of its name: float64 or string, of shape (batch, 1).
    rows : str
        The name of the rows.
    """
    from onnx import TensorProto, helper

    graph.taken.update(column.name for column in encoder.columns)
    numeric = [column for column in encoder.columns if isinstance(column, Number)]
    categorical = [column for column in encoder.columns if isinstance(column, Categorical)]
    parts: list[str] = []
    sources: dict[tuple[str, int], int] = {}  # where the numbers of a column come to lie
    if numeric:
        parts += _write_numeric(graph, numeric, encoder.missing)
        sources |= {(column.name, 0): i for i, column in enumerate(numeric)}
        flagged = [column for column in numeric if column.missing]
        sources |= {(column.name, 1): len(sources) + i for i, column in enumerate(flagged)}
    for column in categorical:
        parts.append(_write_categorical(graph, column, encoder.missing))
        sources |= {(column.name, i): len(sources) + i for i in range(column.width)}
    rows = graph.joined("table", parts)
    order = [sources[column.name, i] for column in encoder.columns for i in range(column.width)]
    if order != list(range(len(order))):
        rows = graph.node("Gather", "table", rows, graph.exact("table.order", order), axis=1)

    def kind(column: Column) -> Any:
        return TensorProto.STRING if isinstance(column, Categorical) else TensorProto.DOUBLE

    return [
        helper.make_tensor_value_info(column.name, kind(column), ["batch", 1])
        for column in encoder.columns
    ], rows


def _write_numeric(
    graph: GraphWriter, columns: list[Number], missing_texts: tuple[str, ...]
) -> list[str]:
    """Write all columns of numbers at once: scaled, and 1 for those that are missing.

    In float64, whatever the network computes in: the mean may have more digits than float32.
    """
    x = graph.joined("numbers", [column.name for column in columns])
    missing = graph.node("IsNaN", "numbers", x)
    for i, number in enumerate(missing_numbers(missing_texts)):
        constant = graph.exact(f"missing{i}", np.float64(number))
        missing = graph.node(
            "Or", f"missing{i}", missing, graph.node("Equal", f"missing{i}", x, constant)
        )
    scaled = _write_scaled(graph, columns, x)
    zero = graph.exact("numbers.zero", np.float64(0))
    parts = [graph.cast("numbers", graph.node("Where", "numbers", missing, zero, scaled))]
    flagged = [i for i, column in enumerate(columns) if column.missing]
    if flagged:
        flags = missing
        if len(flagged) < len(columns):
            places = graph.exact("missing.places", flagged)
            flags = graph.node("Gather", "missing", missing, places, axis=1)
        parts.append(graph.cast("missing", flags))
    return parts


def _write_scaled(graph: GraphWriter, columns: list[Number], x: str) -> str:
    """Write the way from numbers to those that the network gets, each kind of columns at once."""
    parts, order = [], []
    for kind, write in ((Numeric, _write_distances), (QuantileNumeric, _write_quantiles)):
        places = [i for i, column in enumerate(columns) if isinstance(column, kind)]
        if not places:
            continue
        own = x
        if len(places) < len(columns):
            of_kind = graph.exact("numbers.places", places)
            own = graph.node("Gather", "numbers", x, of_kind, axis=1)
        parts.append(write(graph, [columns[i] for i in places], own))
        order += places
    scaled = graph.joined("numbers.scaled", parts)
    if order != sorted(order):
        back = graph.exact("numbers.order", np.argsort(order))
        scaled = graph.node("Gather", "numbers", scaled, back, axis=1)
    return scaled


def _write_distances(graph: GraphWriter, columns: Sequence[Any], x: str) -> str:
    """Write how far numbers are from their means, in deviations."""
    means, stds = ([getattr(column, name) for column in columns] for name in ("mean", "std"))
    scaled = graph.node("Sub", "numbers", x, graph.exact("numbers.mean", np.array(means, float)))
    scaled = graph.node("Div", "numbers", scaled, graph.exact("numbers.std", np.array(stds, float)))
    return _write_clip(graph, [column.clip or np.inf for column in columns], scaled)


def _write_quantiles(graph: GraphWriter, columns: Sequence[Any], x: str) -> str:
    return write_quantiles(graph, [column.quantiles for column in columns], x)


def _write_clip(graph: GraphWriter, clips: list[float], z: str) -> str:
    """Write ``z / sqrt(1 + (z / clip)**2)``, where any is clipped; infinite ones change nothing."""
    if not np.isfinite(clips).any():
        return z
    one, clip = graph.exact("numbers.one", np.float64(1)), graph.exact("numbers.clip", clips)
    for operator, sign in (("Min", 1.0), ("Max", -1.0)):
        far = graph.exact("numbers.far", [sign * FAR * clip for clip in clips])
        z = graph.node(operator, "numbers", z, far)
    part = graph.node("Div", "numbers", z, clip)
    root = graph.node("Add", "numbers", graph.node("Mul", "numbers", part, part), one)
    return graph.node("Div", "numbers", z, graph.node("Sqrt", "numbers", root))


def _write_categorical(graph: GraphWriter, column: Categorical, missing: tuple[str, ...]) -> str:
    """Write a column of texts: 1 for the row's category, zeros for what is none; or its code."""
    name = column.name
    spellings = spellings_of(column, missing)
    first = int(isinstance(column, Coded))  # of codes 0 is what is none
    place = graph.node(
        "LabelEncoder",
        f"{name}.category",
        name,
        domain="ai.onnx.ml",
        keys_strings=list(spellings),
        values_int64s=[first + place for place in spellings.values()],
        default_int64=first - 1,
    )
    if first:
        return graph.cast(f"{name}.category", place)
    numbers = graph.node(
        "OneHotEncoder",
        f"{name}.category",
        place,
        domain="ai.onnx.ml",
        cats_int64s=list(range(column.width)),
        zeros=1,
    )
    numbers = graph.node("Flatten", f"{name}.category", numbers, axis=1)
    return numbers if graph.dtype == np.float32 else graph.cast(f"{name}.category", numbers)


def labels_of(target: Target, classes: ArrayLike | None) -> NDArray[Any] | None:
    """Return the labels that a file gives, of a type that ONNX has.

    Parameters
    ----------
    target : Target
        The table's, as `expect_writable` wants it.
    classes : array_like or None
        The labels of an estimator, in the order of those of the target.

    Returns
    -------
    ndarray or None
        int64 of whole numbers, float64, bools, or texts; None for a quantity.

    Raises
    ------
    ValueError
        If they are of another type.
    """
    if not isinstance(target, Classes):
        return None
    if classes is None:
        return np.array(target.labels, object)
    classes = np.asarray(classes)
    if classes.dtype.kind in "iuf":
        whole = np.can_cast(classes.dtype, np.int64)
        wanted = np.int64 if whole else np.uint64 if classes.dtype.kind == "u" else np.float64
        return classes.astype(wanted)
    if classes.dtype.kind == "b":
        return classes
    if not all(isinstance(label, str) for label in classes.tolist()):
        raise ValueError(
            "classes_ must be numbers, bools or strings for ONNX, got dtype "
            f"{classes.dtype}: train on such labels, or pass network_only=True"
        )
    return classes.astype(object)


def write_target(
    graph: GraphWriter, target: Target, labels: NDArray[Any] | None, y: str
) -> list[Any]:
    """Write what the table says of the numbers that a network gives.

    Parameters
    ----------
    graph : GraphWriter
        The graph.
    target : Target
        The table's, as `expect_writable` wants it.
    labels : ndarray or None
        Those of classes, as `labels_of` gives them.
    y : str
        The name of these numbers.

    Returns
    -------
    list of onnx.ValueInfoProto
        The outputs: the probabilities, of the graph's type, and the labels; or the quantity, or
        its quantiles, in float64 as its mean may have more digits than float32.
    """
    from onnx import TensorProto, helper

    if isinstance(target, Quantity):
        name = graph.named(_write_quantity(graph, target, y), "output")
        shape = ["batch", target.n_outputs]
        return [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape)]
    assert isinstance(target, Classes) and labels is not None
    name = graph.named(y, "output")
    given = graph.exact("labels", labels)
    index = graph.node("ArgMax", "label", name, axis=1, keepdims=0)
    label = graph.named(graph.node("Gather", "label", given, index), "label")
    kind = helper.np_dtype_to_tensor_dtype(labels.dtype)
    return [
        helper.make_tensor_value_info(name, graph.data_type, ["batch", target.n_outputs]),
        helper.make_tensor_value_info(label, kind, ["batch"]),
    ]


def _write_quantity(graph: GraphWriter, target: Quantity, y: str) -> str:
    """Write the way from a network's units to those of the table, in float64."""
    from onnx import TensorProto

    def number(name: str, value: float) -> str:
        return graph.exact(f"target.{name}", np.float64(value))

    if target.n_outputs > 1:  # none of its quantiles is above the next
        y = graph.ascending("target", y, target.n_outputs)
    if graph.dtype != np.float64:
        y = graph.node("Cast", "target", y, to=TensorProto.DOUBLE)
    y = graph.node("Mul", "target", y, number("std", target.std))
    y = graph.node("Add", "target", y, number("mean", target.mean))
    if target.scale != "linear":
        y = graph.node("Exp", "target", y)
    if target.scale == "log1p":
        y = graph.node("Sub", "target", y, number("one", 1.0))
    if target.low is not None:
        y = graph.node("Max", "target", y, number("low", target.low))
    if target.high is not None:
        y = graph.node("Min", "target", y, number("high", target.high))
    return y

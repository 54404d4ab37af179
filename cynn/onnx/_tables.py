"""What a table is in ONNX: its columns in front of the network, its target behind."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..tables import Categorical, Classes, Numeric, Quantity, TableEncoder, Target
from ..tables._values import category, number_of, without
from ._graph import GraphWriter


def expect_writable(encoder: TableEncoder, row: tuple[int, ...], n_outputs: int) -> None:
    """Refuse a table that is not that of a network, or that ONNX cannot say.

    Parameters
    ----------
    encoder : TableEncoder
        The table.
    row : tuple of int
        The shape of what the network takes.
    n_outputs : int
        How many numbers the network gives.

    Raises
    ------
    ValueError
        If it has a column or a target of a user's class, a name that is no Unicode, or other sizes
        than the network.
    """
    instead = "pass network_only=True to write the network without it"
    for i, column in enumerate(encoder.columns):
        if type(column) not in (Numeric, Categorical):
            raise ValueError(
                f"model.table.columns[{i}] must be Numeric or Categorical for ONNX, got "
                f"{column!r:.100}: {instead}"
            )
    if type(encoder.target) not in (Classes, Quantity):
        raise ValueError(
            "model.table.target must be Classes or Quantity for ONNX, got "
            f"{encoder.target!r:.100}: {instead}"
        )
    quantiles = getattr(encoder.target, "quantiles", None)
    if quantiles is not None:
        raise ValueError(
            "model.table.target must say one number for ONNX, got the quantiles "
            f"{quantiles!r:.100}: {instead}"
        )
    for text in _texts(encoder):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"model.table must have names that UTF-8 can write for ONNX, got {text!r:.100}: "
                f"{instead}"
            ) from error
    if row != (encoder.width,) or n_outputs != encoder.target.n_outputs:
        raise ValueError(
            f"model must take {encoder.width} numbers and give {encoder.target.n_outputs}, as its "
            f"table does, for ONNX, got rows of shape {row} and {n_outputs} outputs: {instead}"
        )


def _texts(encoder: TableEncoder) -> Iterator[str]:
    """Return what the graph will say in words."""
    yield encoder.target.name
    yield from getattr(encoder.target, "labels", ())
    for column in encoder.columns:
        yield column.name
        yield from getattr(column, "categories", ())


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
    numeric = [column for column in encoder.columns if isinstance(column, Numeric)]
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
    kinds = {Numeric: TensorProto.DOUBLE, Categorical: TensorProto.STRING}
    return [
        helper.make_tensor_value_info(column.name, kinds[type(column)], ["batch", 1])
        for column in encoder.columns
    ], rows


def _write_numeric(
    graph: GraphWriter, columns: list[Numeric], missing_texts: tuple[str, ...]
) -> list[str]:
    """Write all columns of numbers at once: scaled, and 1 for those that are missing.

    In float64, whatever the network computes in: the mean may have more digits than float32.
    """
    x = graph.joined("numbers", [column.name for column in columns])
    missing = graph.node("IsNaN", "numbers", x)
    for i, number in enumerate(_missing_numbers(missing_texts)):
        constant = graph.exact(f"missing{i}", np.float64(number))
        missing = graph.node(
            "Or", f"missing{i}", missing, graph.node("Equal", f"missing{i}", x, constant)
        )
    means, stds = ([getattr(column, name) for column in columns] for name in ("mean", "std"))
    scaled = graph.node("Sub", "numbers", x, graph.exact("numbers.mean", np.array(means, float)))
    scaled = graph.node("Div", "numbers", scaled, graph.exact("numbers.std", np.array(stds, float)))
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


def _missing_numbers(texts: tuple[str, ...]) -> list[float]:
    """Return the numbers that a user's texts call missing."""
    numbers = {number_of(text) for text in texts} - {None}
    return sorted(
        number
        for number in numbers
        if number is not None
        and not np.isnan(number)
        and np.isnan(without(np.array([number]), texts)).all()
    )


def _write_categorical(graph: GraphWriter, column: Categorical, missing: tuple[str, ...]) -> str:
    """Write a column of texts: 1 for the category of the row, zeros for what is none."""
    name = column.name
    spellings = _spellings(column, missing)
    place = graph.node(
        "LabelEncoder",
        f"{name}.category",
        name,
        domain="ai.onnx.ml",
        keys_strings=list(spellings),
        values_int64s=list(spellings.values()),
        default_int64=-1,
    )
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


def _spellings(column: Categorical, missing: tuple[str, ...]) -> dict[str, int]:
    """Return the usual spellings of the categories, each with the place of its category.

    The encoder says which of them are equal; ONNX compares texts alone.
    """
    words: dict[str, None] = {}
    numerals = [category(text, column.notation) for text in column.categories]
    longest = min(max(map(len, filter(str.isdecimal, numerals)), default=0), 20)
    for text, plain in zip(column.categories, numerals, strict=True):
        words |= dict.fromkeys((text, column.notation.written(plain), f"{plain}.0"))
        if plain.isdecimal():  # postal codes, say
            words |= dict.fromkeys(plain.zfill(n) for n in range(len(plain), longest + 1))
        if not plain.isascii():
            words[unicodedata.normalize("NFD", plain)] = None
        if plain in ("0", "1"):
            truth = str(plain == "1")
            words |= dict.fromkeys((truth, truth.lower(), truth.upper()))
    out = np.zeros((len(words), column.width), bool)
    column.encode(without(np.array(list(words), object), missing), out)
    return {word: int(row.argmax()) for word, row in zip(words, out, strict=True) if row.any()}


def write_target(graph: GraphWriter, target: Target, y: str) -> list[Any]:
    """Write what the table says of the numbers that a network gives.

    Parameters
    ----------
    graph : GraphWriter
        The graph.
    target : Target
        The table's, as `expect_writable` wants it.
    y : str
        The name of these numbers.

    Returns
    -------
    list of onnx.ValueInfoProto
        The outputs: the probabilities, of the graph's type, and the labels; or the quantity, in
        float64 as its mean may have more digits than float32.
    """
    from onnx import TensorProto, helper

    if isinstance(target, Quantity):
        if graph.dtype != np.float64:
            y = graph.node("Cast", "target", y, to=TensorProto.DOUBLE)
        y = graph.node("Mul", "target", y, graph.exact("target.std", np.float64(target.std)))
        y = graph.node("Add", "target", y, graph.exact("target.mean", np.float64(target.mean)))
        name = graph.named(y, "output")
        return [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["batch", 1])]
    assert isinstance(target, Classes)
    name = graph.named(y, "output")
    labels = graph.exact("labels", np.array(target.labels, object))
    index = graph.node("ArgMax", "label", name, axis=1, keepdims=0)
    label = graph.named(graph.node("Gather", "label", labels, index), "label")
    return [
        helper.make_tensor_value_info(name, graph.data_type, ["batch", target.n_outputs]),
        helper.make_tensor_value_info(label, TensorProto.STRING, ["batch"]),
    ]

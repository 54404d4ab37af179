"""Columns of numbers by their quantiles in ONNX, as `cynn.preprocessing.QuantileNormal` has it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..preprocessing._columns import _MIDDLE, _TAIL, LEAST_PROBABILITY
from ._graph import GraphWriter


def write_quantiles(graph: GraphWriter, columns: Sequence[Sequence[float]], x: str) -> str:
    """Write what makes numbers normally distributed.

    Parameters
    ----------
    graph : GraphWriter
        The graph.
    columns : sequence of sequence of float
        The quantiles of each column.
    x : str
        The numbers, of shape (batch, columns), in float64.

    Returns
    -------
    str
        What they become, in float64; of NaN it is any number.
    """
    writer = _Quantiles(graph, columns, x)
    return _write_normal(writer, writer.probabilities())


class _Quantiles:
    """Nodes about the quantiles of several columns, which lie one after the other.

    Each column is filled up with infinity to a power of two, less one, by which a number's place
    among them is found in as many steps as that power: a step looks at the middle of what is left.
    """

    def __init__(self, graph: GraphWriter, columns: Sequence[Sequence[float]], x: str) -> None:
        self._graph, self._x = graph, x
        counts = np.array([len(column) for column in columns])
        self._power = int(counts.max()).bit_length()
        size = 2**self._power - 1
        filled = np.full((len(columns), size), np.inf)
        for row, column in zip(filled, columns, strict=True):
            row[: len(column)] = column
        self._filled = graph.exact("quantiles.values", filled.ravel())
        self._first = graph.exact("quantiles.first", np.arange(len(columns)) * size)
        self._zero = graph.exact("quantiles.zero", np.zeros(len(columns), np.int64))
        self._one = graph.exact("quantiles.one", np.int64(1))
        self._last = graph.exact("quantiles.last", np.maximum(counts - 1, 0))
        self._before_last = graph.exact("quantiles.before", np.maximum(counts - 2, 0))
        self._intervals = graph.exact("quantiles.intervals", np.maximum(counts - 1.0, 1.0))
        self._ends = [
            graph.exact(f"quantiles.{name}", np.array([column[i] for column in columns]))
            for name, i in (("least", 0), ("largest", -1))
        ]
        self._constant = graph.exact(
            "quantiles.constant", np.array([column[0] == column[-1] for column in columns])
        )

    def probabilities(self) -> str:
        """Write which part of a column lies below each number: of equal quantiles the middle."""
        twice = self.node("Add", self._place("GreaterOrEqual"), self._place("Greater"))
        found = self.node("Mul", twice, self.number("half", 0.5))
        least, largest = self._ends
        is_largest = self.node("GreaterOrEqual", self._x, largest)
        found = self.node("Where", is_largest, self.number("top", 1.0), found)
        is_least = self.node("LessOrEqual", self._x, least)
        found = self.node("Where", is_least, self.number("bottom", 0.0), found)
        return self.node("Where", self._constant, self.number("middle", 0.5), found)

    def _place(self, operator: str) -> str:
        """Write where a number lies, from the last quantile that it is beyond on."""
        place = self.node("Sub", self._count(operator), self._one)
        place = self.node("Min", self.node("Max", place, self._zero), self._before_last)
        low, high = self._at(place), self._at(self.node("Add", place, self._one))
        part = self.node("Div", self.node("Sub", self._x, low), self.node("Sub", high, low))
        from_first = self.node("Add", self.node("Cast", place, to=_double()), part)
        return self.node("Div", from_first, self._intervals)

    def _count(self, operator: str) -> str:
        """Write how many quantiles of its column a number is beyond, by that operator."""
        place = self._first
        for power in reversed(range(self._power)):
            middle = self.node("Add", place, self.whole("middle", 2**power - 1))
            value = self.node("Gather", self._filled, middle)
            is_beyond = self.node(operator, self._x, value)
            after = self.node("Add", middle, self._one)
            place = self.node("Where", is_beyond, after, place)
        return self.node("Sub", place, self._first)

    def _at(self, place: str) -> str:
        """Write the quantile of a place: of a column with one alone, that."""
        place = self.node("Min", place, self._last)
        return self.node("Gather", self._filled, self.node("Add", place, self._first))

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node."""
        return self._graph.node(operator, "quantiles", *inputs, **attributes)

    def number(self, name: str, value: float) -> str:
        """Add a number in float64."""
        return self._graph.exact(f"quantiles.{name}", np.float64(value))

    def whole(self, name: str, value: int) -> str:
        """Add a whole number."""
        return self._graph.exact(f"quantiles.{name}", np.int64(value))


def _double() -> Any:
    from onnx import TensorProto

    return TensorProto.DOUBLE


def _write_normal(writer: _Quantiles, p: str) -> str:
    """Write where the normal distribution has these probabilities, by Wichura's AS 241."""
    node, number = writer.node, writer.number

    def polynomial(factors: Sequence[float], r: str) -> str:
        value = number("factor", factors[0])
        for factor in factors[1:]:
            value = node("Add", node("Mul", value, r), number("factor", factor))
        return value

    def quotient(factors: Sequence[Sequence[float]], r: str) -> str:
        return node("Div", polynomial(factors[0], r), polynomial(factors[1], r))

    one = number("whole", 1.0)
    p = node("Max", p, number("lowest", LEAST_PROBABILITY))
    p = node("Min", p, number("highest", 1 - LEAST_PROBABILITY))
    q = node("Sub", p, number("half", 0.5))
    r = node("Sub", number("middle.from", 0.180625), node("Mul", q, q))
    middle = node("Mul", q, quotient(_MIDDLE, r))
    smaller = node("Min", p, node("Sub", one, p))
    r = node("Sub", node("Sqrt", node("Neg", node("Log", smaller))), number("tail.from", 1.6))
    tail = node("Mul", node("Sign", q), quotient(_TAIL, r))
    is_middle = node("LessOrEqual", node("Abs", q), number("middle.end", 0.425))
    return node("Where", is_middle, middle, tail)

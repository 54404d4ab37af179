"""Rows of a table that can be used: with a value in a column; with cells that can be encoded."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._encoder import TableEncoder
from ._frames import columns_of
from ._numbers import decimal_of, notation_and_numbers
from ._table import Table
from ._targets import column
from ._values import category, texts


def rows_with(table: Mapping[str, Any], name: str, decimal: str | None = None) -> NDArray[np.intp]:
    """Return the rows that have a value in a column: those to learn a target from.

    Parameters
    ----------
    table : mapping of str to array_like, shape (n,), or a data frame
        The columns by name.
    name : str
        The column.
    decimal : str, optional
        What stands before the decimals of numbers: "." or ","; by default the column tells it.

    Returns
    -------
    ndarray of int, shape (k,)
        Their places, in order. In a column of numbers a missing value is what counts as a missing
        number; elsewhere what counts as a missing string.

    Raises
    ------
    ValueError
        If there is no such column.

    See Also
    --------
    target_of : What a column asks of a network.

    Examples
    --------
    >>> from cynn.tables import target_of
    >>> table = {"size": np.array([1.5, 2.0, 4.0]), "price": np.array(["3", "", "8"])}
    >>> rows = rows_with(table, "price")
    >>> rows
    array([0, 2])
    >>> target = target_of({"price": table["price"][rows]}, "price", "regression")
    >>> encoder = TableEncoder.fit(table, target, rows=rows)
    >>> encoder.encode(table)[rows].shape
    (2, 1)
    """
    named = columns_of(table)
    values = column(named, name)
    try:
        read = notation_and_numbers(
            f"column {name!r:.100}",
            values,
            decimal,
            cache(lambda: decimal_of(column(named, other) for other in named)),
        )
    except ValueError:  # which is for `target_of` to say
        read = None
    if read is not None:
        return np.flatnonzero(~np.isnan(read[1]))
    words = texts(values)
    return (
        np.arange(len(values))
        if words is None
        else np.flatnonzero([category(word) != "" for word in words])
    )


def encodable(table: Table, encoder: TableEncoder) -> tuple[NDArray[np.intp], list[str]]:
    """Return the rows that an encoder can encode, and for each other row a text that says why not.

    Parameters
    ----------
    table : Table
        The rows.
    encoder : TableEncoder
        What encodes them.

    Returns
    -------
    ndarray of int, shape (k,)
        Places of rows that can be encoded, in order.
    list of str
        What is wrong with the others, their numbers in the file first.

    Raises
    ------
    ValueError
        If it is not a matter of rows: a column is missing, say.

    Examples
    --------
    >>> from cynn.tables import Classes, Numeric
    >>> encoder = TableEncoder([Numeric("a", 0.0, 1.0)], Classes("y", ["p", "q"]))
    >>> encodable(Table({"a": np.array(["1", "x", "3"], object)}), encoder)
    (array([0, 2]), ["row 2: column 'a' must hold numbers, got 'x'"])
    """
    columns = Table({each.name: column(table, each.name) for each in encoder.columns})
    n = len(table.rows)
    encoder.encode(columns.take(np.arange(0)))
    bad = []
    parts = [np.arange(n)]
    while parts:  # halves of what has a bad row have it, or not
        part = parts.pop()
        try:
            encoder.encode(columns.take(part))
        except ValueError as error:
            if len(part) > 1:
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                why = str(error).replace(" in row 1", "").partition(": pass missing=")[0]
                (row,) = part.tolist()
                bad.append((row, f"row {table.rows[row]}: {why}"))
    kept = np.delete(np.arange(n), [row for row, _ in bad])
    return kept, [why for _, why in bad]

"""A table as others than Python read it: whether it can be written, and its words."""

import unicodedata
from collections.abc import Iterator

import numpy as np

from ._coded import Coded
from ._columns import Categorical, Numeric
from ._dates import Dates
from ._encoder import TableEncoder
from ._quantiles import QuantileNumeric
from ._targets import Classes, Quantity
from ._values import category, number_of, without

FAR = 1e100
"""How many times its `clip` a number is taken for at most: squares of larger ones overflow."""


def expect_writable(encoder: TableEncoder, row: tuple[int, ...], n_outputs: int, what: str) -> None:
    """Refuse a table that is not that of a network, or that cannot be said there.

    Parameters
    ----------
    encoder : TableEncoder
        The table.
    row : tuple of int
        The shape of what the network takes.
    n_outputs : int
        How many numbers the network gives.
    what : str
        What it is written as.

    Raises
    ------
    ValueError
        If it has a column of dates, a column or a target of a user's class, a name that is no
        Unicode, or other sizes than the network.
    """
    instead = "pass network_only=True to write the network without it"
    for i, column in enumerate(encoder.columns):
        if type(column) is Dates:
            raise ValueError(
                f"columns must hold no dates for {what}, which has none, got {column.name!r:.100}: "
                "ignore it in training, or pass network_only=True to write the network without the "
                "table"
            )
        if type(column) not in (Numeric, QuantileNumeric, Categorical, Coded):
            raise ValueError(
                f"model.table.columns[{i}] must be of numbers, Categorical or Coded for {what}, "
                f"got {column!r:.100}: {instead}"
            )
    if type(encoder.target) not in (Classes, Quantity):
        raise ValueError(
            f"model.table.target must be Classes or Quantity for {what}, got "
            f"{encoder.target!r:.100}: {instead}"
        )
    for text in _texts(encoder):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"model.table must have names that UTF-8 can write for {what}, got {text!r:.100}: "
                f"{instead}"
            ) from error
    if row != (encoder.width,) or n_outputs != encoder.target.n_outputs:
        raise ValueError(
            f"model must take {encoder.width} numbers and give {encoder.target.n_outputs}, as its "
            f"table does, for {what}, got rows of shape {row} and {n_outputs} outputs: {instead}"
        )


def _texts(encoder: TableEncoder) -> Iterator[str]:
    """Return what the graph will say in words."""
    yield encoder.target.name
    yield from getattr(encoder.target, "labels", ())
    for column in encoder.columns:
        yield column.name
        yield from getattr(column, "categories", ())


def missing_numbers(texts: tuple[str, ...]) -> list[float]:
    """Return the numbers that a user's texts call missing."""
    numbers = {number_of(text) for text in texts} - {None}
    return sorted(
        number
        for number in numbers
        if number is not None
        and not np.isnan(number)
        and np.isnan(without(np.array([number]), texts)).all()
    )


def spellings_of(column: Categorical, missing: tuple[str, ...]) -> dict[str, int]:
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
    values = without(np.array(list(words), object), missing).tolist()
    places = {word: column._place(value) for word, value in zip(words, values, strict=True)}
    return {word: place for word, place in places.items() if place is not None and place >= 0}

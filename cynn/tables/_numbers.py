"""The numbers of a column that is seen for the first time: how they are written, what is none."""

import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import choice
from ._notation import (
    AS_PYTHON,
    BOOLS,
    PLAIN,
    Notation,
    amount,
    has_decimals,
    notation_of,
    told,
)
from ._values import all_plain, is_missing, number_of, numbers, text_of, texts

FEW = 10
"""No more different numbers than this beside texts are taken for names of categories."""


SAMPLE = 1000
"""So many texts say whether it is worth looking at all."""


def notation_and_numbers(
    what: str,
    values: NDArray[Any],
    decimal: str | None = None,
    elsewhere: Callable[[], str | None] = lambda: None,
) -> tuple[Notation, NDArray[np.float64]] | None:
    """Return how the numbers of a column are written, and the numbers; None if it holds others.

    Parameters
    ----------
    what : str
        The column, for the message.
    values : ndarray, shape (n,)
        What stands in it.
    decimal, elsewhere
        See `notation_of`.

    Returns
    -------
    tuple of Notation and ndarray of float64, shape (n,), or None
        NaN where a number is missing.

    Raises
    ------
    ValueError
        If a number is infinite, or numbers can be read in several ways.

    Examples
    --------
    >>> notation_and_numbers("column 'a'", np.array(["1,5", "-"]))
    (Notation(decimal=',', unit=''), array([1.5, nan]))
    """
    if decimal is not None:
        choice("decimal", decimal, (".", ","))
    notation, floats = AS_PYTHON, numbers(values)
    if values.dtype.kind in "USO":
        pointed = has_decimals(_stripped(values)) if floats is not None else False
        if pointed is not False:  # numbers that Python reads, and their points group no thousands
            mark = decimal or elsewhere() or ""
            notation = Notation("" if pointed and mark == "," else mark)
        else:
            numerals = {} if _holds_words(values) else _numerals(values)
            written = notation_of(what, numerals, decimal, elsewhere) if numerals else None
            if written is not None:
                notation = written
                floats = numbers(values, notation)
    if floats is None or not _are_bools(floats) and _holds_bools(values):
        return None
    infinite = np.isinf(floats)
    if infinite.any():
        row = int(infinite.argmax())
        raise ValueError(
            f"{what} must hold finite numbers, got {shown(values[row])} in row {row + 1}"
            + remedy(values[row])
        )
    return notation, floats


def notation_of_names(
    what: str,
    values: NDArray[Any],
    decimal: str | None = None,
    elsewhere: Callable[[], str | None] = lambda: None,
) -> Notation:
    """Return how the numbers among the categories of a column are written.

    Where that is not in one way they are read as Python reads them, and other texts are words.

    Parameters
    ----------
    what : str
        The column.
    values : ndarray, shape (n,)
        What stands in it.
    decimal, elsewhere
        See `notation_of`.

    Returns
    -------
    Notation
        `AS_PYTHON` where there are no numbers too.

    Examples
    --------
    >>> notation_of_names("column 'a'", np.array(["1,5", "none", "3"]))
    Notation(decimal=',', unit='')
    >>> notation_of_names("column 'a'", np.array(["1,5", "1.5", "$3"]))
    Notation(decimal='', unit='')
    """
    if values.dtype.kind not in "USO":
        return AS_PYTHON
    numerals = {
        word: row
        for word, row in _numerals(values).items()
        if amount(word, ".") or amount(word, ",")
    }
    try:
        written = notation_of(what, numerals, decimal, elsewhere) if numerals else None
    except ValueError:  # in several units, or in several ways
        written = None
    return written or AS_PYTHON


def expect_numbers(what: str, values: NDArray[Any], names: str) -> None:
    """Raise if nearly all values of a column that holds others too are numbers.

    Nearly all are nine in ten if the numbers are of more than `FEW` values, and half if a single
    text stands beside them. Fewer values may be names of categories: beside these it is one value,
    or one in a hundred.

    Parameters
    ----------
    what : str
        The column, for the message.
    values : ndarray, shape (n,)
        What stands in it.
    names : str
        What makes the numbers names of categories, for the message.

    Raises
    ------
    ValueError
        It names the first value that is no number.

    Examples
    --------
    >>> values = np.array([*map(str, range(30)), "k.A."])
    >>> expect_numbers("column 'age'", values, "--categorical age")
    Traceback (most recent call last):
    ValueError: column 'age' must hold numbers alone, got 'k.A.' in row 31, 1 of 31 values that is \
none: pass missing=['k.A.'] (--missing 'k.A.') if it stands for a missing value, --categorical \
age if the numbers are names
    """
    words = texts(values) if values.dtype.kind in "USO" else None
    if words is None:
        return
    if not _half_are_numbers(words):
        return
    counts = Counter(word for word in words if not is_missing(word))
    odd = [word for word in counts if _is_odd(word, ".") and _is_odd(word, ",")]
    if not odd:
        _expect_one_mark(what, words, list(counts), names)
    n, n_odd = counts.total(), sum(counts[word] for word in odd)
    n_different = len(counts) - len(odd)
    if n_different > FEW:
        nearly = n_odd <= (n / 2 if len(odd) == 1 else n / 10)
    else:
        nearly = n_different > 1 and n_odd <= max(1, n / 100) and n_odd <= n / 4
    if not odd or not nearly:
        return
    verb = "is" if n_odd == 1 else "are"
    raise ValueError(
        f"{what} must hold numbers alone, got {shown(odd[0])} in row {words.index(odd[0]) + 1}, "
        f"{n_odd:,} of {n:,} values that {verb} none{remedy(odd[0])}, {names} if the numbers are "
        "names"
    )


def _expect_one_mark(what: str, words: list[str], different: list[str], names: str) -> None:
    """Raise where numbers have a point before the decimals in some rows and a comma in others."""
    with_point, with_comma = (
        [word for word in different if _is_odd(word, other)] for other in (",", ".")
    )
    if with_point and with_comma:
        one, other = sorted((with_point, with_comma), key=len)
        raise ValueError(
            f"{what} must hold numbers with one decimal mark, got {shown(one[0])} in row "
            f"{words.index(one[0]) + 1}, {shown(other[0])} in row {words.index(other[0]) + 1}: "
            f"write them in one way, or pass {names} if the numbers are names"
        )


def first_non_number(
    values: NDArray[Any], notation: Notation = AS_PYTHON, remedied: bool = True
) -> str:
    """Describe the first value that is no number, its row and what to do, for an error message."""
    if values.dtype.kind in "USO":
        for row, value in enumerate(values.tolist(), 1):
            if number_of(value, notation) is None:
                return f"{shown(value)} in row {row}{remedy(value) if remedied else ''}"
    return f"values of type {values.dtype}"


def first_non_text(values: NDArray[Any]) -> str:
    """Describe the first value that is no text and no number, and its row, for an error message."""
    if values.dtype.kind == "O":
        for row, value in enumerate(values.tolist(), 1):
            if text_of(value) is None:
                return f"{shown(value)} in row {row}"
    return f"values of type {values.dtype}"


def decimal_of(columns: Iterable[NDArray[Any]]) -> str | None:
    """Return what the columns of a table tell of how numbers are written; see `told`.

    Examples
    --------
    >>> decimal_of([np.array(["1,5", "2"]), np.array(["1,234"]), np.array([3.5])])
    ','
    >>> decimal_of([np.array(["1,000.5"]), np.array(["1.5", "2"])])
    '.'
    """
    marks = {_told(values) for values in columns} - {None}
    if "," in marks and len(marks) > 1:
        return None
    return max((mark for mark in marks if mark is not None), default=None)


def _told(values: NDArray[Any]) -> str | None:
    if values.dtype.kind not in "USO":
        return None
    if all_plain(values, "") is not None:  # quicker
        return "" if has_decimals(_stripped(values)) else None
    return None if _holds_words(values) else told(_numerals(values))


def _numerals(values: NDArray[Any]) -> dict[str, int]:
    """Return the different texts, and the first row of each, that are not read alike always."""
    rows: dict[str, int] = {}
    for row, value in enumerate(values.tolist(), 1):
        if isinstance(value, str):
            rows.setdefault(value, row)
    stripped = {word.strip(): row for word, row in reversed(rows.items())}
    return {
        word: row
        for word, row in reversed(stripped.items())
        if "," in word or number_of(word) is None or PLAIN.fullmatch(word)
    }


def _holds_words(values: NDArray[Any]) -> bool:
    """Return whether the first value that is not read as a number is none in any notation."""
    for value in values.tolist():
        if number_of(value) is None:
            return not (
                isinstance(value, str) and any(amount(value.strip(), mark) for mark in ".,")
            )
    return False


def _half_are_numbers(words: list[str]) -> bool:
    """Return whether half of the texts may be numbers, by a sample where there are many."""
    present = [word for word in words if word]
    if len(present) > SAMPLE:
        present = [present[i] for i in np.random.default_rng(0).choice(len(present), SAMPLE)]
    numerals = sum(
        n for word, n in Counter(present).items() if not (_is_odd(word, ".") and _is_odd(word, ","))
    )
    return numerals > 0.4 * len(present)


def _stripped(values: NDArray[Any]) -> Iterator[str]:
    return (value.strip() for value in values.tolist() if isinstance(value, str))


def _holds_bools(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "USO" and any(
        isinstance(value, str) and value.strip().casefold() in BOOLS for value in values.tolist()
    )


def _are_bools(floats: NDArray[np.float64]) -> bool:
    return bool((np.isnan(floats) | (floats == 0) | (floats == 1)).all())


def _is_odd(word: str, mark: str) -> bool:
    if word.casefold() in BOOLS:  # beside other numbers, as bools alone are numbers
        return True
    if amount(word, mark) is not None:
        return False
    return number_of(word) is None or mark == "," and amount(word, ".") is not None


def shown(value: object) -> str:
    """Return a value as an error shows it.

    Examples
    --------
    >>> shown(np.float64(1.5)), shown("two")
    ('1.5', "'two'")
    """
    return reprlib.repr(value.item() if isinstance(value, np.generic) else value)


def remedy(value: object) -> str:
    """Return how an error ends that a value may be mended by, if it stands for a missing one.

    Examples
    --------
    >>> remedy("k.A.")
    ": pass missing=['k.A.'] (--missing 'k.A.') if it stands for a missing value"
    """
    text = shown(value.strip() if isinstance(value, str) else str(value))
    return f": pass missing=[{text}] (--missing {text}) if it stands for a missing value"

"""What stands in a column: numbers, or texts, or neither; what is missing; what equals what."""

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._notation import AS_PYTHON, BOOLS, LONGEST, PLAIN, Notation, amount

MISSING = frozenset(
    "- -- – — . .. … ? #n/a na n/a n.a. #na nan -nan nat null (null) none \\n <na> <nan> "
    "1.#ind -1.#ind 1.#qnan -1.#qnan".split()
    + ["", "#n/a n/a"]
)
"""Texts that stand for a missing number, in any case: as pandas, Excel and databases write it."""

MISSING_CATEGORIES = frozenset(
    ("", "nan", "-nan", "nat", "<na>", "<nan>", "#na", "#n/a", "#n/a n/a")
)
"""Those of them that stand for a missing category too: "-" and "none" may be one."""

_EXCEL = re.compile(r"#(?:¡?[^\W\d_]+(?:/0)?[!?]|N/A|N/D|NV|GETTING_DATA)")  # in any language
_REAL = (int, float, np.number, np.bool_)  # made once: a row takes microseconds
_WHOLE = re.compile(r"([+-]?)(\d+)(?:\.0*)?", re.ASCII)
_LONGEST_INT = 300  # digits: what floats hold too
_INFINITY = re.compile(r"[+-]?inf(?:inity)?")


def numbers(values: NDArray[Any], notation: Notation = AS_PYTHON) -> NDArray[np.float64] | None:
    """Return a column as numbers, NaN where one is missing; None if something else stands there.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Of any type; texts are read as Python reads a float, without underscores, bools as 1 and 0,
        durations as their seconds.
    notation : Notation, optional
        How else texts may be written.

    Returns
    -------
    ndarray of float64, shape (n,), or None
        The numbers.

    Examples
    --------
    >>> numbers(np.array(["1", "2.5e1", "NA", "-inf"]))
    array([  1.,  25.,  nan, -inf])
    >>> numbers(np.array(["1.234,5 €"]), Notation(",", "€"))
    array([1234.5])
    >>> numbers(np.array(["1", "2", "three"])) is None
    True
    """
    if values.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            return values.astype(np.float64)
    if not _holds_objects(values):
        return None
    if notation.unit != "%":
        plain = all_plain(values, notation.decimal)
        if plain is not None:
            return plain
    read: dict[str, float | None] = {}  # each text once
    floats = []
    for value in values.tolist():
        if type(value) is str:
            if value not in read:
                read[value] = number_of(value, notation)
            number = read[value]
        else:
            number = number_of(value, notation)
        if number is None:
            return None
        floats.append(number)
    return np.array(floats, np.float64)


def all_plain(values: NDArray[Any], decimal: str) -> NDArray[np.float64] | None:
    """Return texts that are all finite numbers without groups, in a tenth of the time."""
    try:
        together = "".join(values.tolist())
        if decimal == ",":
            if "." in together or max(map(len, values.tolist())) > LONGEST:
                return None
            values = np.array([value.replace(",", ".") for value in values.tolist()])
        floats = values.astype(np.float64)
    except (TypeError, ValueError):
        return None
    fine = together.isascii() and "_" not in together and bool(np.isfinite(floats).all())
    return floats if fine else None


def number_of(value: object, notation: Notation = AS_PYTHON) -> float | None:
    """Return a number, NaN for a missing one, or None; see `numbers`.

    Examples
    --------
    >>> number_of(" 2 "), number_of(True), number_of("#N/A"), number_of("two")
    (2.0, 1.0, nan, None)
    """
    if isinstance(value, str):
        text = value.strip()
        number = notation.number(text)
        return _number_of_word(text) if number is None else number
    if value is None:
        return math.nan
    if isinstance(value, _REAL) or _is_decimal(value):
        if isinstance(value, np.timedelta64):  # which NumPy takes for a whole number
            return float(value / np.timedelta64(1, "s"))
        try:
            return None if isinstance(value, np.complexfloating) else float(value)  # type: ignore[arg-type]
        except OverflowError:
            return math.inf
        except ValueError:  # a Decimal that is a signalling NaN
            return math.nan
    if type(value).__name__ in ("timedelta", "Timedelta"):
        return float(value.total_seconds())  # type: ignore[attr-defined]
    return math.nan if _is_pandas_missing(value) else None


def texts(values: NDArray[Any], notation: Notation = AS_PYTHON) -> list[str] | None:
    """Return a column as texts, empty where one is missing; None if something else stands there.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Of any type.
    notation : Notation, optional
        How the column's texts write numbers, and these are written here.

    Returns
    -------
    list of str, or None
        A whole number is written without a point, so that 1.0 of one file is "1" of another.

    Examples
    --------
    >>> texts(np.array([1.0, 2.5, np.nan]))
    ['1', '2.5', '']
    >>> texts(np.array([0.1], np.float32))
    ['0.1']
    >>> texts(np.array([" red", None], dtype=object))
    ['red', '']
    >>> texts(np.array([1.5]), Notation(","))
    ['1,5']
    """
    if values.dtype.kind not in "biuf" and not _holds_objects(values):
        return None
    if values.dtype.kind == "f" and values.dtype.itemsize != 8:
        values = np.array([float(str(value)) for value in values])  # the shortest text of its type
    words = [text_of(value, notation) for value in values.tolist()]
    return None if None in words else [text for text in words if text is not None]


def text_of(value: object, notation: Notation = AS_PYTHON) -> str | None:
    """Return a text, empty for a missing one, or None; see `texts`."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, np.floating) and value.itemsize != 8:
        value = float(str(value))
    if isinstance(value, np.generic):
        value = value.item()
    if _is_decimal(value):
        value = _int_or_float(value)
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else notation.written(repr(value))
    if value is None or _is_pandas_missing(value):
        return ""
    return str(value) if isinstance(value, int) else None


def category(text: str, notation: Notation = AS_PYTHON) -> str:
    """Return what a text is as a category: equal for texts that mean the same.

    Numbers are equal by value, however they are written, and bools are 1 and 0. Any other text
    equals itself alone, save that Unicode writes some letters in two ways.

    Parameters
    ----------
    text : str
        Without spaces around it, as `texts` gives it.
    notation : Notation, optional
        How else a number may be written.

    Returns
    -------
    str
        Empty for a text that says that there is none.

    Examples
    --------
    >>> [category(text) for text in ("1", "1.0", "01", "+1e0", "True", "true")]
    ['1', '1', '1', '1', '1', '1']
    >>> category("0.10"), category("red"), category("Red"), category("#N/A")
    ('0.1', 'red', 'Red', '')
    >>> category("1.000,0", Notation(","))
    '1000'
    """
    number = text if notation == AS_PYTHON else notation.as_python(text) or text
    whole = _WHOLE.fullmatch(number)
    if whole is not None:  # of any length, to the last digit
        sign, digits = whole[1], whole[2].lstrip("0") or "0"
        return f"-{digits}" if sign == "-" and digits != "0" else digits
    folded = text.casefold()
    if folded in MISSING_CATEGORIES or _is_error(text):
        return ""
    if PLAIN.fullmatch(number) or folded in BOOLS:
        return text_of(number_of(number)) or ""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without(values: NDArray[Any], missing: Iterable[str]) -> NDArray[Any]:
    """Return a column with nothing in place of values that a user's texts call missing.

    Parameters
    ----------
    values : ndarray, shape (n,)
        The column.
    missing : iterable of str
        The texts; one that is a number stands for the number.

    Returns
    -------
    ndarray, shape (n,)
        `values` itself where none of them is there.

    Examples
    --------
    >>> without(np.array([1, -999]), ["-999"])
    array([ 1., nan])
    >>> without(np.array(["1", "k.A."], object), ["k.A."])
    array(['1', None], dtype=object)
    """
    names = missing_names(missing)
    if not names or not (values.dtype.kind in "iuf" or _holds_objects(values)):
        return values
    if values.dtype.kind in "iuf":
        numerals = [number_of(name) for name in names - BOOLS.keys()]
        mask = np.isin(values, [number for number in numerals if number is not None])
        return np.where(mask, np.nan, values) if mask.any() else values
    gone = np.array([is_called_missing(value, names) for value in values.tolist()], bool)
    if not gone.any():
        return values
    rest = values.astype(object)
    rest[gone] = None
    return rest


def missing_names(missing: Iterable[str]) -> frozenset[str]:
    """Return what `is_called_missing` compares a user's texts for a missing value by."""
    return frozenset(_name(text.strip()) for text in missing)


def is_called_missing(value: object, names: frozenset[str]) -> bool:
    """Return whether a value is one of those that `missing_names` gave.

    Examples
    --------
    >>> names = missing_names(["-999", "k.A."])
    >>> [is_called_missing(value, names) for value in (-999, "-999.0", "K.A.", "k")]
    [True, True, True, False]
    """
    text = text_of(value)
    return text is not None and _name(text) in names


def missing_texts(missing: object) -> tuple[str, ...]:
    """Return a user's texts for a missing value as a tuple, each once."""
    wanted = "missing must be a sequence of strings"
    if isinstance(missing, str) or not isinstance(missing, Iterable):
        raise TypeError(f"{wanted}, got {missing!r:.100}")
    chosen = tuple(dict.fromkeys(missing))
    for text in chosen:
        if not isinstance(text, str):
            raise TypeError(f"{wanted}, got {text!r:.100} among them")
    return chosen


def is_missing(text: str) -> bool:
    """Return whether a text without spaces around it stands for a missing number."""
    return text.casefold() in MISSING or _is_error(text)


def _is_error(text: str) -> bool:
    """Return whether a text is an error of Excel's."""
    return text.startswith("#") and text.isupper() and _EXCEL.fullmatch(text) is not None


def _name(text: str) -> str:
    """Return what a user's text for a missing value is compared by."""
    if "," in text and len(text) < LONGEST and not amount(text, "."):  # no thousands: decimals
        parsed = amount(text, ",")
        text = text_of(parsed[0]) or "" if parsed and not parsed[1] else text
    return category(text) or text.casefold() if PLAIN.fullmatch(text) else text.casefold()


def _number_of_word(text: str) -> float | None:
    """Return the number of a text that is none in any notation: a bool, an infinity, a NaN."""
    folded = text.casefold()
    if folded in BOOLS:
        return BOOLS[folded]
    if is_missing(text):
        return math.nan
    return float(folded) if _INFINITY.fullmatch(folded) else None


def _holds_objects(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "USO"


def _is_decimal(value: object) -> bool:
    return type(value).__name__ == "Decimal"  # importing its module takes a millisecond


def _int_or_float(value: Any) -> int | float:
    """Return a Decimal, to the last digit where it is a whole number."""
    if value.is_finite() and value.adjusted() < _LONGEST_INT and value == value.to_integral_value():
        return int(value)
    return math.nan if value.is_nan() else float(value)


def _is_pandas_missing(value: object) -> bool:
    return type(value).__name__ in ("NAType", "NaTType")

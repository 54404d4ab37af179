"""How the numbers of a column are written: decimal mark, thousands, currency, percent."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""A number as Python writes it; beside these there are infinities, and the words for bools."""

BOOLS = {"true": 1.0, "false": 0.0}
"""Words that are numbers, in any case: a bool is one wherever it is counted with."""

LONGEST = 64
"""A text of more characters than this is no number in another notation than Python's."""

_SPACES = "'’ \u00a0\u2009\u202f"  # with the apostrophes of Switzerland
_SIGNS = "$£€¢¤¥฿\u20a0-\u20c0"
_CODES = (
    "USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|TRY|SGD|HKD|"
    "kr|zł|Kč|Ft"
)
_GAP = r"[ \t\u00a0\u2009\u202f]*"
_UNIT = rf"[A-Z]{{0,3}}[{_SIGNS}]|{_CODES}|%"
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+−])?{_GAP}(?P<before>{_UNIT})?{_GAP}(?P<inner_sign>[-+−])?"
    rf"(?P<digits>[.,]?[0-9](?:[0-9.,{_SPACES}]*[0-9])?[.,]?)(?P<power>[eE][-+]?[0-9]+)?"
    rf"{_GAP}(?P<behind>{_UNIT})?(?P<close>\))?"
)
_GROUPED = {  # by decimal mark: its digits, with the other mark or spaces between thousands
    ".": re.compile(
        rf"(?:[1-9]\d{{0,2}}(?:([,{_SPACES}])\d{{3}})(?:\1\d{{3}})*"
        r"|[1-9]\d?(?:,\d\d)+,\d{3}|\d+)(?:\.\d*)?|\.\d+",
        re.ASCII,
    ),
    ",": re.compile(
        rf"(?:[1-9]\d{{0,2}}(?:([.{_SPACES}])\d{{3}})(?:\1\d{{3}})*|\d+)(?:,\d*)?|,\d+", re.ASCII
    ),
}
_SIMPLE = {  # most numbers, which are read at once
    ".": re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII),
    ",": re.compile(r"[+-]?\d+(?:,\d*)?", re.ASCII),
}
_UNGROUPED = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_WHOLE_FLOAT = re.compile(r"[+-]?\d+\.0", re.ASCII)  # no group of thousands in any notation
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,])\d{3}", re.ASCII)  # or three decimals


class Notation(NamedTuple):
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : str
        What stands before the decimals where thousands are grouped, "." or ","; empty where all
        numbers are written without groups, and a point before the decimals.
    unit : str
        A currency, or "%"; empty where there is none.
    """

    decimal: str = ""
    unit: str = ""

    def number(self, text: str) -> float | None:
        """Return the number that a text says in this notation, or None.

        A number without its currency is one too; one without its "%" is none, but 0. A whole number
        as Python writes a float, with a point and a zero, is one in every notation but "%".

        Examples
        --------
        >>> Notation(",", "€").number("1.234,50 €")
        1234.5
        >>> Notation(unit="%").number("5%")
        0.05
        >>> Notation(",").number("10115.0")
        10115.0
        >>> Notation().number("1,234") is None
        True
        """
        decimal, unit = self
        if decimal != "," and unit != "%":
            plain = plain_number(text)
            if plain is not None or not decimal and not unit:
                return plain
        as_python = self.as_python(text)
        return None if as_python is None else float(as_python)

    def as_python(self, text: str) -> str | None:
        """Return the number that a text says in this notation, to the last digit, or None.

        Examples
        --------
        >>> Notation(",", "€").as_python("12.345.678.901.234.567,8 €")
        '12345678901234567.8'
        """
        decimal, unit = self
        if unit != "%" and (decimal != "," or text.endswith(".0")):
            if (PLAIN if decimal != "," else _WHOLE_FLOAT).fullmatch(text):
                return text
            if not decimal and not unit:
                return None
        parsed = _parsed(text, decimal) if len(text) <= LONGEST else None
        if parsed is None:
            return None
        number, own_unit = parsed
        fits = own_unit == unit or not own_unit and (unit != "%" or float(number) == 0)
        return number if fits else None

    def written(self, number: str) -> str:
        """Return a number that Python wrote as a text that says it in this notation.

        Where numbers have a "%" it stays as it is: without one it is none of the column's.

        Examples
        --------
        >>> Notation(",").written("1.234")
        '1,234'
        """
        return number.replace(".", ",") if self.decimal == "," and self.unit != "%" else number


AS_PYTHON = Notation()
"""Texts are read as Python reads a float."""


def plain_number(text: str) -> float | None:
    """Return the number that a text says as `PLAIN` has it, or None: quicker than the expression.

    Examples
    --------
    >>> plain_number("1e3"), plain_number("1_000"), plain_number("nan")
    (1000.0, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    if value - value == 0 and text.isascii() and "_" not in text:
        return value
    return value if PLAIN.fullmatch(text) else None  # too large, infinite or missing


def amount(text: str, decimal: str) -> tuple[float, str] | None:
    """Return the number and the unit of a text, or None.

    Parameters
    ----------
    text : str
        Without spaces around it.
    decimal : str
        As of a `Notation`.

    Returns
    -------
    tuple of float and str, or None
        Of a percentage its hundredth.

    Examples
    --------
    >>> amount("-$1,234.50", "."), amount("(12)", "."), amount("7,5 %", ",")
    ((-1234.5, '$'), (-12.0, ''), (0.075, '%'))
    """
    parsed = _parsed(text, decimal) if len(text) <= LONGEST else None
    return None if parsed is None else (float(parsed[0]), parsed[1])


@lru_cache(1 << 12)  # a column asks for each of its texts several times
def _parsed(text: str, decimal: str) -> tuple[str, str] | None:
    """Return the number of a text as Python writes it, and the unit, or None; see `amount`."""
    if _SIMPLE[decimal or "."].fullmatch(text):
        return text.replace(",", "."), ""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits, unit = match["digits"], match["before"] or match["behind"] or ""
    if match["before"] and match["behind"] or bool(match["open"]) != bool(match["close"]):
        return None
    signs = [sign for sign in (match["sign"], match["inner_sign"]) if sign]
    if len(signs) + bool(match["open"]) > 1:
        return None
    if not (_GROUPED[decimal] if decimal else _UNGROUPED).fullmatch(digits):
        return None
    whole, _, decimals = digits.partition(decimal or ".")
    whole = re.sub(r"\D", "", whole, flags=re.ASCII)
    power = int((match["power"] or "e0")[1:]) - (2 if unit == "%" else 0)
    minus = "-" if match["open"] or signs not in ([], ["+"]) else ""
    return f"{minus}{whole or 0}.{decimals or 0}" + (f"e{power}" if power else ""), unit


def notation_of(
    what: str,
    texts: Mapping[str, int],
    decimal: str | None = None,
    elsewhere: Callable[[], str | None] = lambda: None,
) -> Notation | None:
    """Return the notation in which all texts of a column are numbers, or None.

    Parameters
    ----------
    what : str
        The column, for the message.
    texts : mapping of str to int
        What stands in it, without spaces around, and in which row first.
    decimal : str, optional
        The decimal mark, where it is known.
    elsewhere : callable, optional
        Returns what the columns of the table tell, as `told` has it. Numbers that do not tell their
        notation have the table's: those of new rows may.

    Returns
    -------
    Notation or None
        None if something else stands there.

    Raises
    ------
    ValueError
        If numbers have different units, or may be thousands as well as decimals.

    Examples
    --------
    >>> notation_of("price", {"1.234,50 €": 1, "99 €": 2})
    Notation(decimal=',', unit='€')
    >>> notation_of("weight", {"1.5": 1, "2": 2})
    Notation(decimal='', unit='')
    """
    plain = all(PLAIN.fullmatch(text) for text in texts)
    fitting = [mark for mark in (".", ",") if all(amount(text, mark) for text in texts)]
    if decimal in fitting:
        fitting = [decimal]
    if not fitting:
        return AS_PYTHON if plain else None
    mark: str | None = fitting[0]
    if len(fitting) == 2:
        mark = "." if elsewhere() == "" else elsewhere()
        doubtful = next((text for text in texts if amount(text, ".") != amount(text, ",")), None)
        if mark is None and doubtful is not None:
            mark = _likely(texts)
            if mark is None:
                raise ValueError(
                    f"{what} must hold numbers that can be read in one way, got {doubtful!r} in "
                    f"row {texts[doubtful]}: pass decimal=',' (--decimal ,) if a comma stands "
                    "before decimals, decimal='.' (--decimal .) if it groups thousands"
                )
    mark = mark or "."
    unit = _unit(what, texts, mark)
    if mark == "." != (decimal or elsewhere()):  # no thousands, here or elsewhere
        if plain or unit and all(amount(text, "") for text in texts):
            mark = ""
    return Notation(mark, unit)


def told(texts: Collection[str]) -> str | None:
    """Return how alone the texts of a column are all numbers, as `Notation.decimal`, or None.

    Examples
    --------
    >>> told(["1,5", "2"]), told(["1,000.5", "2"]), told(["1.5", "2"])
    (',', '.', '')
    >>> told(["1.234", "2"]), told(["a"])
    (None, None)
    """
    fitting = [mark for mark in (".", ",") if all(amount(text, mark) for text in texts)]
    if not texts or len(fitting) != 1:
        return None
    return "" if fitting == ["."] and all(amount(text, "") for text in texts) else fitting[0]


def has_decimals(texts: Iterable[str]) -> bool | None:
    """Return whether a point in plain numbers groups no thousands; None where there is no point.

    Examples
    --------
    >>> has_decimals(["1.234", "0.5"]), has_decimals(["1.234", "-12.000", "7"])
    (True, False)
    """
    pointed = None
    for text in texts:
        if "." in text:
            if not _THOUSANDS.fullmatch(text.lstrip("+-")):
                return True
            pointed = False
    return pointed


def _likely(texts: Collection[str]) -> str | None:
    """Return the decimal mark where marks have three digits behind them in all numbers.

    A point is what Python writes. A comma groups thousands where whole numbers up to 999 stand
    beside it, and none above: with decimals some would have fewer than three.
    """
    if not any("," in text for text in texts):
        return "."
    amounts = [amount(text, ".") for text in texts if "," not in text]
    whole = [abs(parsed[0]) for parsed in amounts if parsed and parsed[0]]
    return "." if whole and all(value.is_integer() and value < 1000 for value in whole) else None


def _unit(what: str, texts: Mapping[str, int], mark: str) -> str:
    """Return the one unit of a column, or raise."""
    by_unit: dict[str, str] = {}
    for text in texts:
        parsed = amount(text, mark)
        if parsed is not None and (parsed[0] or parsed[1]):
            by_unit.setdefault(parsed[1], text)
    if len(by_unit) > 2 or len(by_unit) == 2 and ("" not in by_unit or "%" in by_unit):
        one, other = list(by_unit.values())[:2]
        raise ValueError(
            f"{what} must be in one unit, got {other!r} in row {texts[other]}, {one!r} in row "
            f"{texts[one]}: convert one of them"
        )
    return max(by_unit, default="")

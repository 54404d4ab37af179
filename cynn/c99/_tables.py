"""What a table is in C: a struct of its columns in front of the network, its target behind."""

import re
from collections.abc import Iterable, Iterator, Sequence

from ..preprocessing._columns import _MIDDLE, _TAIL
from ..tables import Categorical, Coded, Column, QuantileNumeric, Quantity, TableEncoder
from ..tables._columns import Number
from ..tables._written import missing_numbers, spellings_of
from ._source import Source

WORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while NULL NAN".split()
)
"""What C99 keeps for itself, and what the source uses."""

MOST_BYTES = 4_000
"""Of a string: C99 promises 4,095."""


def fields_of(encoder: TableEncoder) -> list[str]:
    """Return the name of each column as a member of a struct has it, all different.

    Parameters
    ----------
    encoder : TableEncoder
        The columns.

    Returns
    -------
    list of str
        Their names, with an underscore for what C does not take.

    Examples
    --------
    >>> from cynn.tables import Numeric
    >>> columns = [Numeric(name, 0, 1) for name in ("size (m)", "size [m]", "int", "3")]
    >>> fields_of(TableEncoder(columns, Quantity("y", 0, 1)))
    ['size__m_', 'size__m__2', 'int_', 'c3']
    """
    taken: list[str] = []
    for column in encoder.columns:
        name = re.sub(r"\W", "_", column.name, flags=re.ASCII)
        name = name if name[:1].isalpha() else f"c{name}"
        name = f"{name}_" if name in WORDS else name
        wanted, count = name, 1
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        taken.append(name)
    return taken


def write_struct(encoder: TableEncoder, name: str) -> str:
    """Return the struct of a row.

    Parameters
    ----------
    encoder : TableEncoder
        Of columns as `cynn.tables._written.expect_writable` wants them.
    name : str
        What it is called.

    Returns
    -------
    str
        Its definition, with a comment that says how a missing value is given.
    """
    members = [
        f"    {kind}{field}; /* {said} */"
        for column, field in zip(encoder.columns, fields_of(encoder), strict=True)
        for kind, said in [_said(column)]
    ]
    lines = "\n".join(members)
    top = "/* A row. Where one is missing a number is NAN, a text a null pointer or empty. */"
    return f"{top}\ntypedef struct {{\n{lines}\n}} {name};"


def _said(column: Column) -> tuple[str, str]:
    shown = quoted(column.name)
    if isinstance(column, Categorical):
        some = ", ".join(map(quoted, column.categories[:3]))
        more = ", ..." if len(column.categories) > 3 else ""
        return "const char *", _comment(f"{shown}: {some}{more}")
    return "double ", _comment(shown)


def _comment(text: str) -> str:
    return text.replace("*/", "* /").replace("/*", "/ *")


def quoted(text: str) -> str:
    r"""Return a text as a literal of C, in UTF-8.

    Parameters
    ----------
    text : str
        Any that UTF-8 can write.

    Returns
    -------
    str
        Of ASCII alone.

    Examples
    --------
    >>> print(quoted('né "a"?'))
    "n\303\251 \"a\"\?"
    """
    parts = []
    for byte in text.encode():
        letter = chr(byte)
        if letter in '"\\?':  # two question marks may begin a trigraph
            parts.append(f"\\{letter}")
        elif 32 <= byte < 127:
            parts.append(letter)
        else:
            parts.append(f"\\{byte:03o}")
    return f'"{"".join(parts)}"'


def expect_short(texts: Iterable[str]) -> None:
    """Refuse texts that C need not take.

    Raises
    ------
    ValueError
        If one has more than `MOST_BYTES`, or holds a null character.
    """
    for text in texts:
        if len(text.encode()) > MOST_BYTES or "\0" in text:
            raise ValueError(
                f"model.table must have texts of at most {MOST_BYTES:,} bytes, without null "
                f"characters, for C, got {text!r:.100}: pass network_only=True to write the "
                "network without it"
            )


def write_encoder(c: Source, encoder: TableEncoder, row: str) -> str:
    """Return the function that makes of a row what the network takes.

    Parameters
    ----------
    c : Source
        The file.
    encoder : TableEncoder
        The columns.
    row : str
        The type of a row.

    Returns
    -------
    str
        ``static void encode(const row *row, REAL *x)``.
    """
    c.begin(0)
    at = 0
    coded = missing_numbers(encoder.missing)
    for i, (column, field) in enumerate(zip(encoder.columns, fields_of(encoder), strict=True)):
        c.statements.append(f"/* {_said(column)[1]} */")
        if isinstance(column, Categorical):
            c.statements += _category(c, column, f"column{i}", f"row->{field}", at, encoder.missing)
        else:
            assert isinstance(column, Number)
            c.statements += _number(c, column, f"column{i}", f"row->{field}", at, coded)
        at += column.width
    return c.function(f"static void encode(const {row} *row, {c.word} *x)")


def _number(
    c: Source, column: Number, name: str, value: str, at: int, missing: Sequence[float]
) -> Iterator[str]:
    """Yield what writes a number: 0 where it is missing, and the flag that says so."""
    is_missing = " || ".join(
        [f"{value} != {value}", *(f"{value} == {float(number)!r}" for number in missing)]
    )
    if isinstance(column, QuantileNumeric):
        _need_normal(c)
        quantiles = c.doubles(f"{name}_quantiles", column.quantiles)
        number = f"quantile({value}, {quantiles}, {len(column.quantiles)})"
    else:
        c.need("distance")
        own = (repr(float(getattr(column, part))) for part in ("mean", "std", "clip"))
        number = f"distance({value}, {', '.join(own)})"
    yield f"x[{at}] = {is_missing} ? 0 : ({c.word}){number};"
    if column.missing:
        yield f"x[{at + 1}] = {is_missing};"


def _need_normal(c: Source) -> None:
    if "quantile" in c.functions:
        return
    for part, factors in zip(
        ("middle_top", "middle_bottom", "tail_top", "tail_bottom"), (*_MIDDLE, *_TAIL), strict=True
    ):
        c.doubles(part, factors)
    c.need("quotient")
    c.need("quantile")


def _category(
    c: Source, column: Categorical, name: str, value: str, at: int, missing: tuple[str, ...]
) -> Iterator[str]:
    """Yield what writes a text: 1 for its category, zeros for what is none; or its code."""
    c.need("category")
    spellings = spellings_of(column, missing)
    expect_short(spellings)
    by_bytes = sorted(spellings, key=str.encode)
    texts = c.strings(f"{name}_texts", map(quoted, by_bytes))
    places = c.integers(f"{name}_places", [spellings[text] for text in by_bytes])
    found = f"category({value}, {texts}, {places}, {len(by_bytes)})"
    if isinstance(column, Coded):
        yield f"x[{at}] = ({c.word})({found} + 1);"
    else:
        c.need("one_of")
        yield f"one_of({found}, x + {at}, {column.width});"


def write_quantity(c: Source, target: Quantity) -> str:
    """Return what makes of a network's outputs what the table says.

    Parameters
    ----------
    c : Source
        The file.
    target : Quantity
        The table's.

    Returns
    -------
    str
        ``static void quantity(const REAL *z, double *y)``.
    """
    c.begin(target.n_outputs)
    c.need(f"scale_{target.scale}")
    for i in range(target.n_outputs):
        c.statements.append(
            f"y[{i}] = scale_{target.scale}({float(target.std)!r} * z[{i}] + "
            f"{float(target.mean)!r});"
        )
        for limit, sign in ((target.low, "<"), (target.high, ">")):
            if limit is not None:
                c.statements.append(f"y[{i}] = y[{i}] {sign} {limit!r} ? {limit!r} : y[{i}];")
    if target.n_outputs > 1:
        c.call("ascend", "y", target.n_outputs)
    return c.function(f"static void quantity(const {c.word} *z, double *y)")

"""The parts of the page: texts that are escaped, lists, tables, sections."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

LONGEST = 200
"""The letters of a cell of a table; of more it says that it goes on."""


def printable(value: object, also: str = "") -> str:
    """Return a text with a mark for each letter that is not printable, as those that turn a line.

    Parameters
    ----------
    value : object
        Anything; its ``str``.
    also : str
        What is kept though it is not printable.
    """
    return "".join(c if c.isprintable() or c in also else "\ufffd" for c in str(value))


def text(value: object, also: str = "") -> str:
    r"""Return a text as HTML: printable and escaped.

    Examples
    --------
    >>> print(text('<b title="x">\u202e'))
    &lt;b title=&quot;x&quot;&gt;�
    """
    return escape(printable(value, also))


def cell(value: Any) -> str:
    """Return a value of a table as it is shown there.

    Examples
    --------
    >>> cell(0.123456789), cell(np.int64(7)), cell(None)
    ('0.123457', '7', '')
    """
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    words = str(value)
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Return names and what each is, as a list."""
    lines = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>\n" for name, value in pairs)
    return f"<dl>\n{lines}</dl>" if lines else ""


def table(
    head: Sequence[str],
    lines: Iterable[Sequence[Any]],
    name: str,
    texts: int = 1,
    is_captioned: bool = True,
) -> str:
    """Return a table whose first cell of a line names it; it scrolls where it is wide.

    Parameters
    ----------
    head : sequence of str
        What the columns are.
    lines : iterable of sequence
        A value for each column.
    name : str
        What it is called.
    texts : int, default 1
        The first so many columns hold texts: the others are numbers, and end at one edge.
    is_captioned : bool, default True
        Whether its name stands above it.
    """
    kinds = ["" if i < texts else ' class="number"' for i in range(len(head))]
    top = "".join(
        f'<th scope="col"{kind}>{text(each)}</th>' for each, kind in zip(head, kinds, strict=True)
    )
    body = []
    for line in lines:
        first, *others = (text(cell(value)) for value in line)
        more = "".join(
            f"<td{kind}>{value}</td>" for value, kind in zip(others, kinds[1:], strict=True)
        )
        body.append(f'<tr><th scope="row">{first}</th>{more}</tr>')
    caption = f"<caption>{text(name)}</caption>\n" if is_captioned else ""
    return scrolled(
        f"<table>\n{caption}<thead><tr>{top}</tr></thead>\n<tbody>\n"
        + "\n".join(body)
        + "\n</tbody>\n</table>",
        name,
    )


def scrolled(content: str, name: str) -> str:
    """Return what scrolls by itself where it is wider than the page, by keys too."""
    return (
        f'<div class="scrolled" role="region" tabindex="0" aria-label="{text(name)}">\n'
        f"{content}\n</div>"
    )


def figure(picture: str, caption: str = "") -> str:
    """Return a picture with what it shows below it."""
    below = f"\n<figcaption>{text(caption)}</figcaption>" if caption else ""
    return f"<figure>\n{picture}{below}\n</figure>"


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph."""
    is_of = f' class="{kind}"' if kind else ""
    return f"<p{is_of}>{text(words)}</p>"


def section(name: str, title: str, *parts: str) -> str:
    """Return a section with those of its parts that are there."""
    content = "\n".join(part for part in parts if part)
    head = f'<h2 id="{name}">{text(title)}</h2>'
    return f'<section aria-labelledby="{name}">\n{head}\n{content}\n</section>'

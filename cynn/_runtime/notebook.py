"""What is shown in a notebook: one place in its output that is written anew, tables, curves.

No library is imported for it: IPython is there where a notebook is. Text has the colour of the
page, light or dark. Names come from users and are escaped.
"""

import html
import importlib
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Of Okabe and Ito's palette; told apart with every common kind of colour blindness."""

MOST_POINTS = 300
"""So many points has a curve."""

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 190, 64, 26, 24


class Cell:
    """A place in a notebook's output; what it shows is replaced, so that nothing flickers.

    Parameters
    ----------
    display : callable
        IPython's ``display``.
    """

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def write(self, page: str, text: str) -> None:
        """Show a piece of HTML, or where there is no HTML a text."""
        data = {"text/html": page, "text/plain": text}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


def new_cell() -> Cell | None:
    """Return a new place in the output of this notebook; None outside of one."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    if ask is None or getattr(ask(), "kernel", None) is None:  # a terminal has no kernel
        return None
    return Cell(importlib.import_module("IPython.display").display)


def table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()
) -> str:
    """Return a table as HTML; all but the first column are numbers, or like them.

    Examples
    --------
    >>> table("of <b>", ["a"], [["1 & 2"]])[:48]
    '<table><caption>of &lt;b&gt;</caption><thead><tr'
    """

    def line(cells: Sequence[str], tag: str) -> str:
        sides = ["left", *["right"] * (len(cells) - 1)]
        written = (
            f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{''.join(written)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    last = f"<tfoot>{line(foot, 'th')}</tfoot>" if foot else ""
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead>{line(header, 'th')}</thead>"
        f"<tbody>{body}</tbody>{last}</table>"
    )


def curves(series: Mapping[str, Sequence[float]], first: int = 1) -> str:
    """Return curves over the epochs as SVG; what is not finite is left out.

    Parameters
    ----------
    series : mapping of str to sequence of float
        By name, a number for each epoch; at most four.
    first : int, default 1
        The first epoch.

    Returns
    -------
    str
        Empty where there is no finite number.

    Examples
    --------
    >>> "polyline" in curves({"loss": [0.5, 0.25]}), curves({"loss": [float("nan")]})
    (True, '')
    """
    finite = [value for values in series.values() for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    last = max(map(len, series.values())) - 1

    def place(i: int, value: float) -> tuple[float, float]:
        across = i / last if last else 0.5
        up = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
        high_edge = HEIGHT - BOTTOM - TOP
        return LEFT + across * (WIDTH - LEFT - 12), TOP + (1 - up) * high_edge

    marks = []
    for (name, values), color in zip(series.items(), COLORS, strict=False):
        for run in _runs(values):
            points = [place(i, values[i]) for i in run]
            if len(points) == 1:
                x, y = points[0]
                marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>')
            else:
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
                marks.append(
                    f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
                )
        x = LEFT + 130 * list(series).index(name)
        marks.append(f'<rect x="{x}" y="6" width="12" height="4" fill="{color}"/>')
        marks.append(_text(x + 18, 12, name[:14], "start"))
    foot = HEIGHT - BOTTOM
    marks += [
        f'<path d="M{LEFT - 6} {TOP}V{foot + 4}H{WIDTH - 8}" fill="none" stroke="currentColor" '
        'opacity="0.5"/>',
        _text(LEFT - 10, TOP + 5, f"{high:.4g}", "end"),
        _text(LEFT - 10, foot, f"{low:.4g}" if high > low else "", "end"),
        _text(LEFT, HEIGHT - 4, f"epoch {first}", "start"),
        _text(WIDTH - 12, HEIGHT - 4, f"{first + last}" if last else "", "end"),
    ]
    said = html.escape(", ".join(f"{name} from {_ends(part)}" for name, part in series.items()))
    return (
        f'<svg role="img" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="max-width:100%;height:auto"><title>{said}</title>{"".join(marks)}</svg>'
    )


def _ends(values: Sequence[float]) -> str:
    return f"{values[0]:.4g} to {values[-1]:.4g}" if values else "nothing"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="12" font-family="sans-serif" fill="currentColor" '
        f'text-anchor="{anchor}">{html.escape(text)}</text>'
    )


def _runs(values: Sequence[float]) -> list[list[int]]:
    """Return the places of finite numbers that follow one another, of many some."""
    step = max(1, math.ceil(len(values) / MOST_POINTS))
    runs: list[list[int]] = [[]]
    for i in sorted({*range(0, len(values), step), len(values) - 1}):
        if i < 0:
            continue
        if math.isfinite(values[i]):
            runs[-1].append(i)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]

"""What the pictures share: the colours, the axes that are drawn into, the arrays that are drawn."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import shown

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""Blue and vermilion of Okabe and Ito's palette."""

SKY = "#56B4E9"
"""The palette's lighter blue, which takes the place of the other on a dark ground."""

COLORS = (POSITIVE, NEGATIVE, "#009E73", "#CC79A7", SKY, "#E69F00")
"""Six colours of the palette, for curves; its yellow is not seen on white, its black on black."""

LINES = ("-", "--", ":", "-.")
"""How the curves are drawn of which the first six have the same colours."""


def axes(ax: Any, width: float = 6.4, height: float = 4.8) -> Any:
    """Return `ax`, or the axes of a new figure of that size in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `ax` is something else than axes.
    """
    try:
        from matplotlib.axes import Axes
    except ImportError as error:
        wanted = "pip install 'cynn-learn[plots]'"
        raise ImportError(f"plots need matplotlib: {wanted}") from error
    if ax is None:
        from matplotlib import pyplot

        return pyplot.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes, got {shown(ax)}")
    return ax


def is_dark(ax: Any) -> bool:
    """Return whether light is drawn on dark there, as in matplotlib's style "dark_background"."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba

    def lightness(color: Any) -> float:
        red, green, blue, _ = to_rgba(color)
        return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)

    for face in (ax.get_facecolor(), ax.figure.get_facecolor()):
        if to_rgba(face)[3] > 0.5:
            return lightness(face) < 0.4
    return lightness(rcParams["text.color"]) > 0.5  # of what is seen through nothing is known


def faint(ax: Any) -> str:
    """Return the grey of what is said in passing; it keeps a contrast of 4.5 to 1."""
    return "0.65" if is_dark(ax) else "0.45"


def frame(ax: Any) -> None:
    """Draw a grid behind what is drawn, and no frame at the top and the right."""
    ax.grid(color="0.25" if is_dark(ax) else "0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def remark(ax: Any, text: str, **where: Any) -> None:
    """Say something in passing above the picture."""
    ax.set_title(text, fontsize="medium", color=faint(ax), **where)


def color_of(ax: Any, i: int = 0) -> str:
    """Return the colour of the class or the curve of that number; the first is a blue."""
    color = COLORS[i % len(COLORS)]
    return {POSITIVE: SKY, SKY: POSITIVE}.get(color, color) if is_dark(ax) else color


def line_style(ax: Any, i: int) -> dict[str, Any]:
    """Return how the curve of that number is drawn."""
    return {"color": color_of(ax, i), "linestyle": LINES[i // len(COLORS) % len(LINES)]}


def signed_colors() -> Any:
    """Return a colour map from negative over white to positive."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [NEGATIVE, "white", POSITIVE])


def blank(ax: Any) -> None:
    """Take away the frame and the ticks."""
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def spread(n: int, most: int) -> NDArray[np.intp]:
    """Return the places of at most `most` out of `n` things, the first, the last and even between.

    Examples
    --------
    >>> spread(3, 5), spread(100, 4)
    (array([0, 1, 2]), array([ 0, 33, 66, 99]))
    """
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))


def names_of(name: str, names: Any, n: int) -> list[str]:
    """Return `n` names: those given, else the numbers from 0.

    Raises
    ------
    TypeError, ValueError
        If it is no sequence of as many.
    """
    if names is None:
        return [str(i) for i in range(n)]
    given = count_of(names, name)
    if given != n:
        raise ValueError(f"{name} must hold {n} names, got {given}")
    return [plain(str(label)) for label in names]


def count_of(names: Any, name: str = "classes") -> int:
    """Return how many names there are.

    Raises
    ------
    TypeError
        If it is no sequence of names.
    """
    is_list = isinstance(names, Sequence) and not isinstance(names, str | bytes)
    if is_list or isinstance(names, np.ndarray) and names.ndim == 1:
        if all(isinstance(label, str | Real | np.generic) for label in names):
            return len(names)
    raise TypeError(f"{name} must be a list of names, got {shown(names)}")


def plain(text: str, most: int = 24) -> str:
    r"""Return a name as it is to be written: short, on one line, no dollar taken for a formula.

    Examples
    --------
    >>> print(plain("a price in $ of something long"))
    a price in \$ of somethi…
    """
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    return (line if len(line) <= most else line[: most - 1] + "…").replace("$", r"\$")

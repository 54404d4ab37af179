"""Pictures inside a page: matplotlib's as SVG in the page's own colours, images as PNG."""

import base64
import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ._html import printable, text

COLORS = {
    "#000000": "ink",
    "#333333": "ink",
    "#737373": "faint",
    "#e5e5e5": "rule",
    "#e6e6e6": "rule",
    "#ffffff": "paper",
    "#0072b2": "positive",
    "#d55e00": "negative",
}
"""What the plots are drawn in, and what each is on the page, in light or in dark."""

SMALLEST, LARGEST = 0.95, 1.3
"""How many pixels a point may be: what is written in a picture stays readable."""

MANY = 300
"""Points, from which on they are one image in the picture, as each alone takes a hundred bytes."""

SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "cynn", "axes.edgecolor": "0.45"}


def expect_matplotlib() -> None:
    """Raise an ImportError that says what to install where there is no matplotlib."""
    try:
        import matplotlib.axes  # noqa: F401
    except ImportError as error:
        wanted = "pip install 'cynn-learn[plots]'"
        raise ImportError(f"reports need matplotlib: {wanted}") from error


def svg(draw: Callable[[], Any], label: str, name: str) -> str:
    """Return what is drawn as an element of a page.

    Parameters
    ----------
    draw : function
        It returns the Axes of a new figure of pyplot, which is closed.
    label : str
        What it shows, for those who do not see it.
    name : str
        What the names within it begin with; no other picture of the page has the same.
    """
    from matplotlib import pyplot, style

    file, open_before = io.BytesIO(), set(pyplot.get_fignums())
    try:
        with (
            pyplot.ioff(),
            style.context(["default", SETTINGS]),
            warnings.catch_warnings(action="ignore", category=UserWarning),
        ):  # that letters are missing, which the reader's own fonts have, or that a legend is slow
            ax = draw()
            for points in ax.collections:
                if len(points.get_offsets()) > MANY:
                    points.set_rasterized(True)
            ax.figure.savefig(file, format="svg", transparent=True, dpi=160)
    finally:
        for number in set(pyplot.get_fignums()) - open_before:
            pyplot.close(number)
    return _in_page(ElementTree.fromstring(file.getvalue()), label, name)


def _in_page(root: ElementTree.Element, label: str, name: str) -> str:
    """Return a picture in the page's names and colours, without other vocabularies."""
    for parent in root.iter():
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    wanted = set(re.findall(r"#([\w-]+)", " ".join(_references(root))))
    for element in root.iter():
        element.tag = _local(element.tag)
        given = {_local(key): value for key, value in element.attrib.items()}
        element.attrib.clear()
        for key, value in given.items():
            if key == "id":
                if value not in wanted:
                    continue
                value = f"{name}-{value}"
            elif key in ("href", "clip-path"):
                value = re.sub(r"^((?:url\()?#)", rf"\g<1>{name}-", value)
            elif key in ("style", "fill", "stroke"):
                value = re.sub("#[0-9a-f]{6}", _color, value)
            element.set(key, value)
    width = float(root.attrib.pop("width").removesuffix("pt"))
    for key in ("height", "version"):
        root.attrib.pop(key, None)
    root.set("class", "picture")
    root.set("role", "img")
    root.set("aria-label", printable(label))
    low, high = (f"{pixels * width:.0f}px" for pixels in (SMALLEST, LARGEST))
    root.set("style", f"width: 100%; min-width: {low}; max-width: {high}")
    return ElementTree.tostring(root, encoding="unicode")


def _references(root: ElementTree.Element) -> list[str]:
    return [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if value.startswith("#") and _local(key) == "href" or "url(#" in value
    ]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _color(found: re.Match[str]) -> str:
    color = found.group()
    return f"var(--{COLORS[color]})" if color in COLORS else color


def image(pixels: NDArray[Any], label: str) -> str:
    """Return an image as an element of a page.

    Parameters
    ----------
    pixels : ndarray, shape (height, width) or (height, width, 3)
        From 0, which is black, to 1.
    label : str
        What it shows, for those who do not see it.
    """
    from matplotlib import image as images

    file = io.BytesIO()
    settings: dict[str, Any] = {"metadata": {"Software": None}}
    if pixels.ndim == 2:
        settings |= {"cmap": "gray", "vmin": 0, "vmax": 1}
    images.imsave(file, np.nan_to_num(pixels), format="png", **settings)
    data = base64.b64encode(file.getvalue()).decode()
    height, width = pixels.shape[:2]
    return (
        f'<img src="data:image/png;base64,{data}" alt="{text(label)}" '
        f'width="{width}" height="{height}">'
    )

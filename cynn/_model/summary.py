"""The table that `Model.summary` prints."""

import math
from collections.abc import Sequence

from .. import layers
from .._runtime import notebook
from ..layers._stack import members_by_layer

LONGEST = 60  # characters of a layer


def table(parts: Sequence[layers.Layer], input_shape: tuple[int, ...] | None) -> str:
    """Return a table of the layers: what each gives and how many parameters it has.

    Of k members the output is written as k times that of each.

    Parameters
    ----------
    parts : sequence of Layer
        The layers.
    input_shape : tuple of int or None
        The shape of one row of the input; None: not known yet.

    Returns
    -------
    str
        Lines, without a newline at the end.

    Examples
    --------
    >>> print(table([layers.Dense(10)], (784,)))
    layer      output  parameters
    ---------  ------  ----------
    Dense(10)  (10,)        7,850
    ---------  ------  ----------
    total                   7,850
    """
    lines = rows_of(parts, input_shape)
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    rule = "  ".join("-" * width for width in widths)
    texts = [
        f"{name:{widths[0]}}  {output:{widths[1]}}  {count:>{widths[2]}}"
        for name, output, count in lines
    ]
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


def page(caption: str, parts: Sequence[layers.Layer], input_shape: tuple[int, ...] | None) -> str:
    """Return the same table as HTML.

    Examples
    --------
    >>> "7,850</td>" in page("a", [layers.Dense(10)], (784,))
    True
    """
    header, *rows, foot = rows_of(parts, input_shape)
    return notebook.table(caption, header, rows, foot)


def rows_of(
    parts: Sequence[layers.Layer], input_shape: tuple[int, ...] | None
) -> list[tuple[str, str, str]]:
    """Return the header, a line for each layer, and the total."""
    lines = [("layer", "output", "parameters")]
    if input_shape is None:
        lines += [(_short(layer), "?", "?") for layer in parts]
        return [*lines, ("total", "", "not built yet")]
    sizes = layers.input_sizes(parts, input_shape)
    shapes = layers.output_shapes(parts, input_shape)
    total = 0
    for layer, size, shape, k in zip(parts, sizes, shapes, members_by_layer(parts), strict=True):
        count = sum(math.prod(part) for part in layer.weight_shapes(size))
        total += count
        output = str(shape) if k == 1 else f"{k} x {shape}"
        lines.append((_short(layer), output, f"{count:,}"))
    return [*lines, ("total", "", f"{total:,}")]


def _short(layer: layers.Layer) -> str:
    """Write a layer, cut where it is long: one may hold a number for each column."""
    text = repr(layer)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

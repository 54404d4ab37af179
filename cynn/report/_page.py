"""The page: its sections from what it is made of."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import plots
from .._model import summary
from .._specs.validation import array, shown
from ._contents import MOST_COLUMNS, Classified, Contents, Predicted
from ._environment import environment
from ._errors import agreement, confusion, mistakes, residuals
from ._html import facts, figure, paragraph, section, table, text
from ._pictures import svg
from ._style import STYLE

MOST_LAYERS = 100
"""Layers that are listed."""

LINES = "\n\t"
"""What is kept in texts of several lines."""


def page(contents: Contents) -> str:
    """Return a page of HTML.

    Parameters
    ----------
    contents : Contents
        What it says.

    Raises
    ------
    TypeError, ValueError
        If the history is none.
    """
    sections: dict[str, tuple[str, list[str]]] = {
        "data": ("Data", _data(contents)),
        "network": ("Network", _network(contents)),
        "training": ("Training", _training(contents)),
        "measures": ("Measures", _measures(contents)),
        **_of_answers(contents.answers, contents.part),
        "repeat": ("How to repeat it", _repeat(contents)),
    }
    present = {name: (title, parts) for name, (title, parts) in sections.items() if any(parts)}
    links = "".join(f'<li><a href="#{name}">{text(title)}</a></li>' for name, (title, _) in
                    present.items())  # fmt: skip
    body = [section(name, title, *parts) for name, (title, parts) in present.items()]
    words = text(contents.notes or "", also=LINES)
    notes = f'<p class="notes">{words}</p>\n' if words else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(contents.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{text(contents.title)}</h1>\n{_lead(contents)}\n{notes}"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n</header>\n<main>\n'
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _lead(contents: Contents) -> str:
    """Return what matters most, in a line."""
    last = contents.measures.get(contents.part, {})
    for name in ("accuracy", "R2", *last):
        if not math.isnan(last.get(name, math.nan)):
            n = "" if contents.answers is None else f"{len(contents.answers.true):,} "
            said = f"{name} {_measured(name, last[name])} on {n}{contents.part}"
            return paragraph(said[0].upper() + said[1:], "lead")
    return ""


def _data(contents: Contents) -> list[str]:
    columns = contents.columns
    listed = columns[:MOST_COLUMNS]
    more = f", the first {len(listed)}" if len(listed) < len(columns) else ""
    caption = f"{len(columns):,} columns{more}"
    return [
        facts(contents.data),
        table(["column", "what it is"], listed, caption, texts=2) if columns else "",
    ]


def _network(contents: Contents) -> list[str]:
    model, *others = contents.models
    head, *lines, total = summary.rows_of(model.layers, model.input_shape)
    layers = ", ".join(line[0] for line in lines[:MOST_LAYERS])
    label = f"Diagram of the neurons and the weights between them. Layers: {layers}"
    one = " of the first member" if others else ""

    def draw() -> Any:
        return plots.network(model, inputs=contents.inputs, outputs=contents.outputs)

    try:
        drawn = figure(
            svg(draw, label, "network"),
            f"Neurons and weights{one}. Blue weights are positive, orange ones negative.",
        )
    except ValueError as error:  # of layers, or weights, that no picture shows
        drawn = paragraph(f"There is no diagram: {error}", "faint")
    listed = [*lines[:MOST_LAYERS], total]
    return [drawn, table(head, listed, f"Layers{one}", texts=2), _first_weights(contents)]


def _first_weights(contents: Contents) -> str:
    """Return what the neurons of the first layer look for in an image."""
    answers, model = contents.answers, contents.models[0]
    if answers is None or answers.rows.images is None or answers.rows.images.ndim != 3:
        return ""
    shape = answers.rows.images.shape[1:]
    label = "Weights of the first layer's neurons as images: blue is positive, orange negative"
    try:
        return figure(
            svg(lambda: plots.weights(model, count=36, shape=shape), label, "weights"),
            "What the first layer looks for: its weights, a picture for each neuron.",
        )
    except ValueError:  # its first layer is of other sizes, or diverged
        return ""


def _training(contents: Contents) -> list[str]:
    history = contents.history
    series = getattr(history, "history", history)
    if series is None:
        what = "the epochs of its training are not known, as of a model that was loaded"
        return [facts(contents.training), paragraph(f"There are no curves: {what}.", "faint")]
    if not isinstance(series, Mapping):
        raise TypeError(f"history must be what fit returned, got {shown(history)}")
    names = [name for name in series if isinstance(name, str) and not name.startswith("val_")]
    lines: list[list[str]] = []
    curves: list[str] = []
    for place, name in enumerate(names):
        said = []
        for key, part in ((name, "training"), (f"val_{name}", "validation")):
            values = array(key, series.get(key, []))
            if values.ndim != 1:
                raise ValueError(
                    f"history must hold a number for each epoch, got {values.shape} in {key!r}"
                )
            if len(values):
                numbers = _course(values)
                said.append(f"{part} from {numbers[0]} to {numbers[1]}")
                lines.append([name, part, *numbers])
        if said:
            label = f"Curve of the {name} over the epochs. {'; '.join(said)}"
            curves.append(figure(svg(_curve(history, name), label, f"curve{place}")))
    if not curves:
        return [facts(contents.training)]
    pictures = "\n".join(curves)
    of = "The first member's epochs" if len(contents.models) > 1 else "Over the epochs"
    head = ["measure", "of", "first", "last", "least", "largest"]
    return [
        facts(contents.training),
        f'<div class="pictures">\n{pictures}\n</div>',
        table(head, lines, of, texts=2),
    ]


def _curve(history: Any, name: str) -> Any:
    from matplotlib import pyplot

    def draw() -> Any:
        ax = pyplot.subplots(figsize=(5.0, 3.6), layout="constrained")[1]
        return plots.curve(history, name, ax=ax)

    return draw


def _course(numbers: NDArray[Any]) -> list[str]:
    """Return how a measure went: the first number, the last, the least and the largest."""
    finite = numbers[np.isfinite(numbers)]
    least, largest = (finite.min(), finite.max()) if finite.size else (math.nan, math.nan)
    return [f"{value:.4g}" for value in (numbers[0], numbers[-1], least, largest)]


def _measures(contents: Contents) -> list[str]:
    names = list(dict.fromkeys(name for part in contents.measures.values() for name in part))
    lines = [
        [name, *(_measured(name, part.get(name)) for part in contents.measures.values())]
        for name in names
    ]
    head = ["measure", *contents.measures]
    missing = paragraph(contents.missing) if contents.missing else ""
    return [table(head, lines, "Measures", is_captioned=False) if names else "", missing]


def _measured(name: str, value: float | None) -> str:
    """Return a measure as people write it."""
    if value is None:
        return ""
    return f"{value:.2%}" if name.endswith("accuracy") else f"{value:.4g}"


def _of_answers(
    answers: Classified | Predicted | None, part: str
) -> dict[str, tuple[str, list[str]]]:
    """Return the sections of what was said of the rows."""
    if isinstance(answers, Classified):
        return {
            "confusion": ("Confusion matrix", confusion(answers, part)),
            "mistakes": ("Worst mistakes", mistakes(answers)),
        }
    if isinstance(answers, Predicted):
        return {
            "agreement": ("Agreement", agreement(answers, part)),
            "residuals": ("Largest errors", residuals(answers)),
        }
    return {}


def _repeat(contents: Contents) -> list[str]:
    command = contents.command
    code = f'<pre tabindex="0"><code>{text(command, also=LINES)}</code></pre>' if command else ""
    now = datetime.now().astimezone().isoformat(" ", "minutes")
    return [
        code,
        facts([("seed", contents.seed), *environment(), ("written", now)]),
    ]

"""What was said of the rows, and where it was wrong."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import plots
from ..metrics import confusion_matrix
from ..plots._images import full_range, percent, wrong_rows
from ..plots._style import NEGATIVE, POSITIVE, axes, plain, remark, spread
from ._contents import Classified, Predicted, Rows
from ._html import cell, figure, paragraph, scrolled, table, text
from ._pictures import image, svg

MOST_CLASSES = 30
"""Classes of a matrix of numbers; of more it is a picture."""

MOST_IMAGES, MOST_ROWS, MOST_VALUES = 24, 15, 8
"""Mistakes that are shown as images, those that are lines of a table, and the columns of these."""

SHADE = 0.6
"""How much of its colour the darkest cell has: what is written in it stays readable."""


def confusion(answers: Classified, part: str) -> list[str]:
    """Return the confusion matrix, and what was most often taken for what."""
    k = len(answers.labels)
    counts = confusion_matrix(answers.true, answers.outputs.argmax(axis=1), k)
    right, total = int(np.trace(counts)), int(counts.sum())
    said = f"{right:,} of {total:,} {part} are correct. {_most_frequent(counts, answers.labels)}"
    caption = "Rows: true, columns: predicted. The darker a cell, the larger its share of its row."
    if k > MOST_CLASSES:

        def draw() -> Any:
            return plots.confusion(
                answers.true, answers.outputs, classes=[_name(each) for each in answers.labels]
            )

        label = f"Confusion matrix of {k} classes. {said}"
        return [paragraph(said), figure(svg(draw, label, "confusion"), caption)]
    return [paragraph(said), _matrix(counts, answers.labels, caption)]


def _matrix(counts: NDArray[np.int64], labels: Any, caption: str) -> str:
    shares = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    top = "".join(f'<th scope="col">{text(_name(label))}</th>' for label in labels)
    lines = []
    for i, label in enumerate(labels):
        cells = []
        for j, n in enumerate(counts[i].tolist()):
            # Blue where it is right, orange where it is wrong, seen through: on light and on dark.
            color = "0 114 178" if i == j else "213 94 0"
            shade = f' style="background: rgb({color} / {SHADE * shares[i, j]:.2f})"' if n else ""
            right = ' class="right"' if i == j else ""
            cells.append(f"<td{right}{shade}>{n if n else ''}</td>")
        lines.append(f'<tr><th scope="row">{text(_name(label))}</th>{"".join(cells)}</tr>')
    return scrolled(
        f'<table class="confusion">\n<caption>{text(caption)}</caption>\n<thead><tr>'
        f'<th scope="col">true \\ predicted</th>{top}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody>\n</table>",
        "Confusion matrix",
    )


def _most_frequent(counts: NDArray[np.int64], labels: Any) -> str:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [divmod(int(place), len(counts)) for place in order]
    told = [
        f"{_name(labels[i])} taken for {_name(labels[j])} ({wrong[i, j]:,})"
        for i, j in pairs
        if wrong[i, j]
    ]
    return f"Most frequent errors: {', '.join(told)}." if told else "There are no errors."


def _name(label: object, most: int = 30) -> str:
    words = " ".join(str(label).split()) or "(empty)"
    return words if len(words) <= most else words[: most - 1] + "…"


def mistakes(answers: Classified) -> list[str]:
    """Return the rows whose true class was held the least probable, as images or as lines."""
    wrong = wrong_rows(answers.true, answers.outputs)
    if not len(wrong):
        return [paragraph(f"There are none in {len(answers.true):,} rows.")]
    images = answers.rows.images
    worst = wrong[: MOST_ROWS if images is None else MOST_IMAGES]
    count = f"{len(wrong):,} mistakes" if len(wrong) > 1 else "1 mistake"
    which = f"The {len(worst)} worst of {count}" if len(worst) < len(wrong) else f"All {count}"
    by = "the least probable true class" if answers.are_probabilities else "the least true output"
    lead = f"{which}, {by} first; {answers.rows.counted}."
    guess = answers.outputs.argmax(axis=1)
    if images is not None:
        return [paragraph(lead), _sheet(answers, images, worst, guess)]
    names = list(answers.rows.columns)[:MOST_VALUES]
    lines = [
        [
            answers.rows.numbers[row],
            _name(answers.labels[answers.true[row]]),
            _name(answers.labels[guess[row]]),
            _held(answers, row, answers.true[row]),
            _held(answers, row, guess[row]),
            *_values(answers.rows, names, row),
        ]
        for row in worst
    ]
    of = "probability of" if answers.are_probabilities else "output of"
    head = ["row", "true", "predicted", f"{of} true", f"{of} predicted", *names]
    return [table(head, lines, lead, texts=3)]


def _sheet(
    answers: Classified, images: NDArray[Any], worst: NDArray[np.intp], guess: NDArray[np.intp]
) -> str:
    items = []
    for row in worst:
        true, said = (_name(answers.labels[place]) for place in (answers.true[row], guess[row]))
        number = answers.rows.numbers[row]
        picture = image(full_range(images[row]), f"Row {number}: true {true}, predicted {said}")
        p_true, p_said = (_held(answers, row, place) for place in (answers.true[row], guess[row]))
        items.append(
            f"<li>{picture}<p><strong>predicted {text(said)}</strong> ({text(p_said)})<br>"
            f'true {text(true)} ({text(p_true)})<br><span class="faint">row {number}</span></p>'
            "</li>"
        )
    sheet = "\n".join(items)
    return f'<ul class="mistakes">\n{sheet}\n</ul>'


def _held(answers: Classified, row: int, place: int) -> str:
    value = float(answers.outputs[row, place])
    return percent(value) if answers.are_probabilities else cell(value)


def _values(rows: Rows, names: list[str], row: int) -> list[str]:
    found = [cell(np.asarray(rows.columns[name])[row]) for name in names]
    return [_name(value) if value else "" for value in found]


def agreement(answers: Predicted, part: str) -> list[str]:
    """Return predicted against true numbers, and the residuals against the predicted ones."""
    true, predicted = answers.true, answers.predicted
    errors = np.abs(true - predicted)
    half = f"half of the errors are below {np.median(errors):.4g}"
    label = f"Predicted against true {answers.name} of {len(true):,} {part}: {half}"
    residual_label = f"Residuals, true - predicted, of {answers.name} against what was predicted"
    return [
        paragraph(f"Of {len(true):,} {part} {half}, and nine of ten below "
                  f"{np.quantile(errors, 0.9):.4g}."),
        '<div class="pictures">',
        figure(
            svg(lambda: plots.agreement(true, predicted), label, "agreement"),
            f"{answers.name}: predicted against true. On the line both are equal.",
        ),
        figure(
            svg(lambda: _residuals(answers), residual_label, "residuals"),
            "Residuals, true - predicted: a pattern in them is something left to learn.",
        ),
        "</div>",
    ]  # fmt: skip


def _residuals(answers: Predicted) -> Any:
    """Draw the residuals against what was predicted."""
    shown = spread(len(answers.true), 5_000)
    predicted = answers.predicted[shown]
    ax = axes(None, 5.2, 5.0)  # as the picture beside it
    size = 16 if len(shown) < 500 else 6
    ax.scatter(
        predicted, answers.true[shown] - predicted, s=size, color=POSITIVE, alpha=0.45, linewidths=0
    )
    ax.axhline(0, color=NEGATIVE, lw=1.5)
    if len(shown) < len(answers.true):
        title = f"{len(shown):,} of {len(answers.true):,} rows"
        remark(ax, title)
    ax.set_xlabel(plain(f"predicted {answers.name}"))
    ax.set_ylabel("true - predicted")
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def residuals(answers: Predicted) -> list[str]:
    """Return the rows that were missed by most."""
    errors = answers.true - answers.predicted
    worst = np.argsort(-np.abs(errors), kind="stable")[:MOST_ROWS]
    names = list(answers.rows.columns)[:MOST_VALUES]
    lines = [
        [
            answers.rows.numbers[row],
            *(cell(float(value[row])) for value in (answers.true, answers.predicted, errors)),
            *_values(answers.rows, names, row),
        ]
        for row in worst
    ]
    head = ["row", "true", "predicted", "true - predicted", *names]
    caption = f"The {len(worst)} largest errors; {answers.rows.counted}"
    return [table(head, lines, caption)]

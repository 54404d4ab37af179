"""A loss from the rule for one row of it."""

from collections.abc import Callable

from .arrays import Matrix, Vector, numbers, rows
from .checks import require_apart, require_shape, shape

Row = list[float]


def by_row(
    name: str,
    rule: Callable[[Row, Row], tuple[float, Row, Row]],
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
) -> float:
    """Apply a rule (loss, row of `out`, row of `delta` before weighting) to each row; add up."""
    lengths = shape(name, "prediction", prediction, 2)
    require_shape(name, "target", target, lengths)
    require_shape(name, "weight", weight, lengths[:1])
    require_shape(name, "out", out, lengths)
    require_shape(name, "delta", delta, lengths)
    outputs = {"out": out, "delta": delta}
    require_apart(name, outputs, prediction=prediction, target=target, weight=weight)
    total = 0.0
    row_parts = zip(rows(prediction), rows(target), numbers(weight), strict=True)
    for r, (prediction_row, target_row, w) in enumerate(row_parts):
        loss, out_row, delta_row = rule(prediction_row, target_row)
        total += w * loss
        for j, (p, d) in enumerate(zip(out_row, delta_row, strict=True)):
            out[r][j] = p
            delta[r][j] = w * d
    return total

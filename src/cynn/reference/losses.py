"""Losses: how wrong the predictions are, and in which direction they should move.

Each one is ``f(prediction, target, weight, out, delta) -> float``. For every row r it finds
``loss_r`` from the row's prediction and target; it returns the sum of ``weight[r] * loss_r``,
writes the gradient of that sum into `delta` (backpropagation starts from it), and writes the
probabilities that the prediction stands for into `out`.

`softmax_cross_entropy` and `sigmoid_binary_cross_entropy` are fused with the activation before
them: they take the numbers that went into it (the logits). Their gradient is simply what came
minus what was wanted, and nothing is lost to rounding when a probability is close to 0 or 1.
"""

import math
from collections.abc import Callable

from .activations import sigmoid_of
from .arrays import Matrix, Vector, numbers, rows
from .checks import require_apart, require_shape, shape
from .softmax import softmax_of

LOSSES = (
    "softmax_cross_entropy",
    "cross_entropy",
    "sigmoid_binary_cross_entropy",
    "binary_cross_entropy",
    "mean_squared_error",
)

TINY = 2.2250738585072014e-308
"""Smallest normal number of the element type: below it, the logarithm's argument is cut off."""

Row = list[float]


def softmax_cross_entropy(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Cross-entropy of softmax: ``loss_r = -sum_j t_j * log(p_j)`` with ``p = softmax(z)``.

    ``log(p_j) = z_j - log(sum_i exp(z_i))``, so a probability too small to be written down still
    has its logarithm. A target of 0 adds 0. ``delta_j = weight_r * (p_j * sum_i t_i - t_j)``.

    Bishop, *Pattern Recognition and Machine Learning* (2006), section 4.3.4.

    Parameters
    ----------
    prediction : matrix (rows, n)
        The logits z.
    target : matrix (rows, n)
        The probabilities t that are wanted; for a known class 1 there and 0 elsewhere.
    weight : vector (rows,)
        How much each row counts.
    out : matrix (rows, n)
        Written: ``softmax(z)``.
    delta : matrix (rows, n)
        Written: the gradient of the returned sum with respect to `prediction`.

    Returns
    -------
    float
        Sum over the rows of ``weight_r * loss_r``.

    Raises
    ------
    ValueError
        If the shapes do not agree, or `out` or `delta` shares memory with another argument.

    Examples
    --------
    >>> out, delta = [[0.0, 0.0]], [[0.0, 0.0]]
    >>> loss = softmax_cross_entropy([[0.0, 0.0]], [[1.0, 0.0]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5, 0.5]], [[-0.5, 0.5]])
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        p = softmax_of(z)
        top = max(z, default=0.0)
        log_total = math.log(sum(math.exp(z_i - top) for z_i in z))
        loss = -sum(t_j * (z_j - top - log_total) for z_j, t_j in zip(z, t, strict=True) if t_j)
        wanted = sum(t)
        return loss, p, [p_j * wanted - t_j for p_j, t_j in zip(p, t, strict=True)]

    return _by_row("softmax_cross_entropy", rule, prediction, target, weight, out, delta)


def cross_entropy(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Cross-entropy of probabilities: ``loss_r = -sum_j t_j * log(p_j)``.

    p is cut off to [TINY, 1] within the logarithm. ``delta_j = -weight_r * t_j / max(p_j, TINY)``.
    `prediction` is the probabilities p, `out` receives a copy of them; otherwise parameters and
    errors are those of `softmax_cross_entropy`.

    Examples
    --------
    >>> out, delta = [[0.0, 0.0]], [[0.0, 0.0]]
    >>> loss = cross_entropy([[0.5, 0.5]], [[0.5, 0.5]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5, 0.5]], [[-1.0, -1.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        pairs = [(_at_least_tiny(p_j), t_j) for p_j, t_j in zip(p, t, strict=True)]
        loss = -sum(t_j * math.log(1.0 if p_j > 1.0 else p_j) for p_j, t_j in pairs)
        return loss, p, [-t_j / p_j for p_j, t_j in pairs]

    return _by_row("cross_entropy", rule, prediction, target, weight, out, delta)


def sigmoid_binary_cross_entropy(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Binary cross-entropy of sigmoid: each output on its own is a question of yes (1) or no (0).

    ``loss_r = mean_j of max(z_j, 0) - z_j * t_j + log(1 + exp(-|z_j|))``, which is
    `binary_cross_entropy` of ``p = sigmoid(z)`` written so that nothing overflows.
    ``delta_j = weight_r * (p_j - t_j) / n``. `prediction` is the logits z, `out` receives
    ``sigmoid(z)``; otherwise parameters and errors are those of `softmax_cross_entropy`.

    Examples
    --------
    >>> out, delta = [[0.0]], [[0.0]]
    >>> loss = sigmoid_binary_cross_entropy([[0.0]], [[1.0]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5]], [[-0.5]])
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(z)
        p = [sigmoid_of(z_j) for z_j in z]
        loss = sum(
            max(z_j, 0.0) - z_j * t_j + math.log1p(math.exp(-abs(z_j)))
            for z_j, t_j in zip(z, t, strict=True)
        )
        return loss / n, p, [(p_j - t_j) / n for p_j, t_j in zip(p, t, strict=True)]

    return _by_row("sigmoid_binary_cross_entropy", rule, prediction, target, weight, out, delta)


def binary_cross_entropy(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Binary cross-entropy: ``loss_r = -mean_j of t_j * log(p_j) + (1 - t_j) * log(1 - p_j)``.

    Arguments of the logarithms are at least TINY, and likewise the divisors in
    ``delta_j = weight_r * ((1 - t_j) / (1 - p_j) - t_j / p_j) / n``. `prediction` is the
    probabilities p, `out` receives a copy of them; otherwise parameters and errors are those of
    `softmax_cross_entropy`.

    Examples
    --------
    >>> out, delta = [[0.0]], [[0.0]]
    >>> loss = binary_cross_entropy([[0.5]], [[1.0]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5]], [[-2.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        cut = [
            (_at_least_tiny(p_j), _at_least_tiny(1.0 - p_j), t_j)
            for p_j, t_j in zip(p, t, strict=True)
        ]
        loss = -sum(t_j * math.log(yes) + (1.0 - t_j) * math.log(no) for yes, no, t_j in cut)
        return loss / n, p, [((1.0 - t_j) / no - t_j / yes) / n for yes, no, t_j in cut]

    return _by_row("binary_cross_entropy", rule, prediction, target, weight, out, delta)


def mean_squared_error(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Mean squared error: ``loss_r = mean_j of (p_j - t_j)**2``.

    ``delta_j = 2 * weight_r * (p_j - t_j) / n``. `prediction` and `target` are any numbers, `out`
    receives a copy of `prediction`; otherwise parameters and errors are those of
    `softmax_cross_entropy`.

    Examples
    --------
    >>> out, delta = [[0.0, 0.0]], [[0.0, 0.0]]
    >>> mean_squared_error([[3.0, 1.0]], [[1.0, 1.0]], [1.0], out, delta)
    2.0
    >>> out, delta
    ([[3.0, 1.0]], [[2.0, 0.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        return sum(e * e for e in errors) / n, p, [2.0 * e / n for e in errors]

    return _by_row("mean_squared_error", rule, prediction, target, weight, out, delta)


def _at_least_tiny(p: float) -> float:
    return TINY if p < TINY else p  # and not max(), which may drop a NaN


def _by_row(
    name: str,
    rule: Callable[[Row, Row], tuple[float, Row, Row]],
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
) -> float:
    """Apply a rule (loss, row of `out`, row of `delta` before weighting) to each row; add up."""
    wanted = shape(name, "prediction", prediction, 2)
    require_shape(name, "target", target, wanted)
    require_shape(name, "weight", weight, wanted[:1])
    require_shape(name, "out", out, wanted)
    require_shape(name, "delta", delta, wanted)
    outputs = {"out": out, "delta": delta}
    require_apart(name, outputs, prediction=prediction, target=target, weight=weight)
    total = 0.0
    everything = zip(rows(prediction), rows(target), numbers(weight), strict=True)
    for r, (prediction_row, target_row, w) in enumerate(everything):
        loss, out_row, delta_row = rule(prediction_row, target_row)
        total += w * loss
        for j, (p, d) in enumerate(zip(out_row, delta_row, strict=True)):
            out[r][j] = p
            delta[r][j] = w * d
    return total


LOSS = dict(
    zip(
        LOSSES,
        (
            softmax_cross_entropy,
            cross_entropy,
            sigmoid_binary_cross_entropy,
            binary_cross_entropy,
            mean_squared_error,
        ),
        strict=True,
    )
)
"""The loss of each name."""

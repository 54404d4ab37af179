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
from inspect import signature

from .activations import exp_of, sigmoid_of
from .arrays import Matrix, Vector
from .canonical import binary_log_loss, half_poisson_deviance, half_squared_error, log_loss
from .hinge import categorical_hinge, hinge
from .regression import huber, mean_absolute_error, mean_squared_error, quantile
from .rowwise import Row, by_row
from .softmax import softmax_of

# In the order of their numbers, which C knows: a new loss comes last.
__all__ = [
    "softmax_cross_entropy",
    "cross_entropy",
    "sigmoid_binary_cross_entropy",
    "binary_cross_entropy",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "quantile",
    "poisson",
    "log_poisson",
    "hinge",
    "categorical_hinge",
    "log_loss",
    "binary_log_loss",
    "half_squared_error",
    "half_poisson_deviance",
]

TINY = 2.2250738585072014e-308
"""Smallest normal number of the element type: below it, the logarithm's argument is cut off."""


def softmax_cross_entropy(
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
    label_smoothing: float = 0.0,
) -> float:
    """Return the cross-entropy of ``p = softmax(z)``: ``loss_r = -sum_j t_j * log(p_j)``.

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
    label_smoothing : float
        The part, from 0 to below 1, of each target that is spread over all n evenly:
        ``(1 - s) * t + s / n`` takes the place of t.

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
        p, t = softmax_of(z), _smoothed(t, label_smoothing, len(t))
        top = max(z, default=0.0)
        log_total = math.log(sum(math.exp(z_i - top) for z_i in z))
        loss = -sum(t_j * (z_j - top - log_total) for z_j, t_j in zip(z, t, strict=True) if t_j)
        target_sum = sum(t)
        return loss, p, [p_j * target_sum - t_j for p_j, t_j in zip(p, t, strict=True)]

    return by_row("softmax_cross_entropy", rule, prediction, target, weight, out, delta)


def cross_entropy(
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
    label_smoothing: float = 0.0,
) -> float:
    """Return the cross-entropy of probabilities: ``loss_r = -sum_j t_j * log(p_j)``.

    p is cut off to [TINY, 1] within the logarithm. ``delta_j = -weight_r * t_j / max(p_j, TINY)``.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The probabilities p, and the probabilities t that are wanted.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: a copy of `prediction`, and the gradient of the returned sum with respect to
        `prediction`.
    label_smoothing : float
        The part, from 0 to below 1, of each target that is spread evenly over all n.

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
    >>> loss = cross_entropy([[0.5, 0.5]], [[0.5, 0.5]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5, 0.5]], [[-1.0, -1.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        t = _smoothed(t, label_smoothing, len(t))
        pairs = [(_at_least_tiny(p_j), t_j) for p_j, t_j in zip(p, t, strict=True)]
        loss = -sum(t_j * math.log(1.0 if p_j > 1.0 else p_j) for p_j, t_j in pairs)
        return loss, p, [-t_j / p_j for p_j, t_j in pairs]

    return by_row("cross_entropy", rule, prediction, target, weight, out, delta)


def sigmoid_binary_cross_entropy(
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
    label_smoothing: float = 0.0,
) -> float:
    """Return the binary cross-entropy of ``p = sigmoid(z)``: each output is yes (1) or no (0).

    ``loss_r = mean_j of max(z_j, 0) - z_j * t_j + log(1 + exp(-|z_j|))``, which is
    `binary_cross_entropy` of ``p = sigmoid(z)`` written so that nothing overflows. ``delta_j =
    weight_r * (p_j - t_j) / n``. Smoothing puts ``(1 - s) * t + s / 2`` in the place of t.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The logits z, and the targets t, from 0 to 1.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: ``sigmoid(z)``, and the gradient of the returned sum with respect to `prediction`.
    label_smoothing : float
        The part, from 0 to below 1, of each target that is spread evenly over yes and no.

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
    >>> out, delta = [[0.0]], [[0.0]]
    >>> loss = sigmoid_binary_cross_entropy([[0.0]], [[1.0]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5]], [[-0.5]])
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        n, t = len(z), _smoothed(t, label_smoothing, 2)
        p = [sigmoid_of(z_j) for z_j in z]
        loss = sum(
            max(z_j, 0.0) - z_j * t_j + math.log1p(math.exp(-abs(z_j)))
            for z_j, t_j in zip(z, t, strict=True)
        )
        return loss / n, p, [(p_j - t_j) / n for p_j, t_j in zip(p, t, strict=True)]

    return by_row("sigmoid_binary_cross_entropy", rule, prediction, target, weight, out, delta)


def binary_cross_entropy(
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
    label_smoothing: float = 0.0,
) -> float:
    """Return the binary cross-entropy: ``-mean_j of t_j * log(p_j) + (1 - t_j) * log(1 - p_j)``.

    Arguments of the logarithms are at least TINY, and likewise the divisors in ``delta_j = weight_r
    * ((1 - t_j) / (1 - p_j) - t_j / p_j) / n``.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The probabilities p, and the targets t, from 0 to 1.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: a copy of `prediction`, and the gradient of the returned sum with respect to
        `prediction`.
    label_smoothing : float
        The part, from 0 to below 1, of each target that is spread evenly over yes and no.

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
    >>> out, delta = [[0.0]], [[0.0]]
    >>> loss = binary_cross_entropy([[0.5]], [[1.0]], [1.0], out, delta)
    >>> round(loss, 4), out, delta
    (0.6931, [[0.5]], [[-2.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n, t = len(p), _smoothed(t, label_smoothing, 2)
        cut = [
            (_at_least_tiny(p_j), _at_least_tiny(1.0 - p_j), t_j)
            for p_j, t_j in zip(p, t, strict=True)
        ]
        loss = -sum(t_j * math.log(yes) + (1.0 - t_j) * math.log(no) for yes, no, t_j in cut)
        return loss / n, p, [((1.0 - t_j) / no - t_j / yes) / n for yes, no, t_j in cut]

    return by_row("binary_cross_entropy", rule, prediction, target, weight, out, delta)


def poisson(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the Poisson loss of rates: ``loss_r = mean_j of p_j - t_j * log(p_j)``.

    It is the negative log-likelihood of counts t that come at the rates p, without ``log(t!)``,
    which no prediction changes (Bishop, *Pattern Recognition and Machine Learning* (2006), section
    4.3.6: a generalised linear model). The argument of the logarithm is at least TINY, and so is
    the divisor in ``delta_j = weight_r * (1 - t_j / p_j) / n``.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The rates p, and the counts t.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: a copy of `prediction`, and the gradient of the returned sum with respect to
        `prediction`.

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
    >>> poisson([[1.0, 1.0]], [[1.0, 3.0]], [1.0], out, delta)
    1.0
    >>> out, delta
    ([[1.0, 1.0]], [[0.0, -1.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        cut = [(p_j, _at_least_tiny(p_j), t_j) for p_j, t_j in zip(p, t, strict=True)]
        loss = sum(p_j - (t_j * math.log(q) if t_j else 0.0) for p_j, q, t_j in cut)
        return loss / n, p, [(1.0 - t_j / q) / n for _, q, t_j in cut]

    return by_row("poisson", rule, prediction, target, weight, out, delta)


def log_poisson(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the Poisson loss of the rates' logarithms: ``mean_j of exp(z_j) - t_j * z_j``.

    It is `poisson` of ``p = exp(z)``, and any number z will do. ``delta_j = weight_r * (exp(z_j) -
    t_j) / n``.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The logarithms z of the rates, and the counts t.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: a copy of `prediction`, and the gradient of the returned sum with respect to
        `prediction`.

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
    >>> log_poisson([[0.0, 0.0]], [[1.0, 3.0]], [1.0], out, delta)
    1.0
    >>> out, delta
    ([[0.0, 0.0]], [[0.0, -1.0]])
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(z)
        rates = [exp_of(z_j) for z_j in z]
        parts = zip(rates, z, t, strict=True)
        loss = sum(p_j - (t_j * z_j if t_j else 0.0) for p_j, z_j, t_j in parts)
        return loss / n, z, [(p_j - t_j) / n for p_j, t_j in zip(rates, t, strict=True)]

    return by_row("log_poisson", rule, prediction, target, weight, out, delta)


def _smoothed(t: Row, smoothing: float, n: int) -> Row:
    return [(1.0 - smoothing) * t_j + smoothing / n for t_j in t] if smoothing else t


def _at_least_tiny(p: float) -> float:
    return TINY if p < TINY else p  # and not max(), which may drop a NaN


LOSS: dict[str, Callable[..., float]] = {name: globals()[name] for name in __all__}
"""The loss of each name, in the order of their numbers."""

LOSSES = tuple(LOSS)
"""Their names."""

WITH_ARGUMENT = tuple(name for name, loss in LOSS.items() if len(signature(loss).parameters) > 5)
"""The losses that have an argument of their own, such as label smoothing."""

__all__ += ["LOSSES", "TINY"]

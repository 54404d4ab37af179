"""scikit-learn's losses: the gradient is what came minus what was wanted, for each of them.

Each takes the numbers before the last activation and brings that activation with it, the one for
which its gradient is ``weight_r * (p_j - t_j)``; a row's loss is the sum over its columns.
Arguments, result and errors are those of the losses in `losses`; `out` receives p.

In a logarithm a probability is at least EPSILON away from 0 and 1; the gradient knows of no bounds.
"""

import math

from .activations import exp_of, sigmoid_of
from .arrays import Matrix, Vector
from .rowwise import Row, by_row
from .softmax import softmax_of

EPSILON = 2.220446049250313e-16
"""From 1 to the next number of the element type."""


def log_loss(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the log loss of classes: ``loss_r = -sum_j t_j * log(p_j)`` with ``p = softmax(z)``.

    The target is 1 at the class and 0 elsewhere; of other targets the whole sum is bounded, in
    proportion to the sum of t.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The logits z, and the targets t.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: p, and the gradient of the returned sum with respect to `prediction`.

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
    >>> round(log_loss([[0.0, 99.0]], [[1.0, 0.0]], [1.0], out, delta), 4)
    36.0437
    >>> [round(d, 4) for d in delta[0]]
    [-1.0, 1.0]
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        p, top, target_sum = softmax_of(z), max(z, default=0.0), sum(t)
        log_total = math.log(sum(math.exp(z_i - top) for z_i in z))
        loss = -sum(t_j * (z_j - top - log_total) for z_j, t_j in zip(z, t, strict=True) if t_j)
        delta = [p_j * target_sum - t_j for p_j, t_j in zip(p, t, strict=True)]
        return _bounded(loss, target_sum), p, delta

    return by_row("log_loss", rule, prediction, target, weight, out, delta)


def binary_log_loss(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the log loss of outputs that are yes or no, each on its own, with ``p = sigmoid(z)``.

    ``loss_r = sum_j of -t_j * log(p_j) - (1 - t_j) * log(1 - p_j)``.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The logits z, and the targets t, from 0 to 1.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: p, and the gradient of the returned sum with respect to `prediction`.

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
    >>> round(binary_log_loss([[0.0, -99.0]], [[1.0, 1.0]], [1.0], out, delta), 4)
    36.7368
    >>> [round(d, 4) for d in delta[0]]
    [-0.5, -1.0]
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        p = [sigmoid_of(z_j) for z_j in z]
        loss = 0.0
        for z_j, t_j in zip(z, t, strict=True):
            small = math.log1p(math.exp(-abs(z_j)))
            yes, no = _bounded(small + max(0.0, -z_j)), _bounded(small + max(0.0, z_j))
            loss += t_j * yes + (1.0 - t_j) * no
        return loss, p, [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]

    return by_row("binary_log_loss", rule, prediction, target, weight, out, delta)


def half_squared_error(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return half the squared error: ``loss_r = sum_j of (p_j - t_j)**2 / 2`` with ``p = z``.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The numbers p, and the targets t.
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
    >>> half_squared_error([[3.0, 1.0]], [[1.0, 1.0]], [1.0], out, delta), delta
    (2.0, [[2.0, 0.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        return sum(0.5 * e * e for e in errors), p, errors

    return by_row("half_squared_error", rule, prediction, target, weight, out, delta)


def half_poisson_deviance(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return half the deviance of counts: ``sum_j of t_j * log(t_j / p_j) - t_j + p_j``.

    The rates are ``p = exp(z)``.

    A target of 0 adds p alone; of one below 0 the loss is NaN.

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The logarithms z of the rates, and the counts t.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: p, and the gradient of the returned sum with respect to `prediction`.

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
    >>> round(half_poisson_deviance([[0.0, 0.0]], [[0.0, 3.0]], [1.0], out, delta), 4), delta
    (2.2958, [[1.0, -2.0]])
    """

    def rule(z: Row, t: Row) -> tuple[float, Row, Row]:
        p = [exp_of(z_j) for z_j in z]
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        parts = zip(errors, z, t, strict=True)
        loss = sum(e + (t_j * (_log(t_j) - z_j) if t_j else 0.0) for e, z_j, t_j in parts)
        return loss, p, errors

    return by_row("half_poisson_deviance", rule, prediction, target, weight, out, delta)


def _bounded(loss: float, share: float = 1.0) -> float:
    """Bound ``-share * log(p)``; a NaN stays, as every comparison with it is false."""
    least, most = -share * math.log1p(-EPSILON), -share * math.log(EPSILON)
    return least if loss < least else most if loss > most else loss


def _log(t: float) -> float:
    return math.log(t) if t > 0.0 else math.nan

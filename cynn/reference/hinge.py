"""Hinge losses: content once the right answer is ahead by a margin of 1.

Arguments, result and errors are those of the losses in `losses`; `out` receives a copy of the
prediction, numbers of any size whose order says the class.
"""

import math

from .arrays import Matrix, Vector
from .rowwise import Row, by_row


def hinge(prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix) -> float:
    """Return the hinge loss: ``loss_r = mean_j of max(0, 1 - s_j * p_j)`` with ``s = 2 * t - 1``.

    ``delta_j = -weight_r * s_j / n`` where that is above 0, else 0.

    C. Cortes and V. Vapnik, *Support-vector networks*, Machine Learning 20 (1995).

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The scores p, and the targets t: yes (1) or no (0).
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
    >>> hinge([[0.5, -2.0]], [[1.0, 0.0]], [1.0], out, delta)
    0.25
    >>> out, delta
    ([[0.5, -2.0]], [[-0.5, 0.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        signs = [2.0 * t_j - 1.0 for t_j in t]
        lacks = [_above_zero(1.0 - s * p_j) for s, p_j in zip(signs, p, strict=True)]
        delta = [-s / n if x > 0.0 else x for s, x in zip(signs, lacks, strict=True)]
        return sum(lacks) / n, p, delta

    return by_row("hinge", rule, prediction, target, weight, out, delta)


def categorical_hinge(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the hinge loss of classes: ``loss_r = max(0, 1 + max_(j != c) p_j - p_c)``.

    c is the place of the row's largest target, the first of equals. Where the loss is above 0,
    delta is ``-weight_r`` at c and ``weight_r`` at the largest other prediction, the first of
    equals; elsewhere it is 0. A row of one number has no other class and no loss.

    K. Crammer and Y. Singer, *On the algorithmic implementation of multiclass kernel-based vector
    machines*, Journal of Machine Learning Research 2 (2001).

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The scores p, and the targets t, of which the largest is that of the class.
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
    >>> out, delta = [[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]
    >>> categorical_hinge([[2.0, 1.5, 0.0]], [[1.0, 0.0, 0.0]], [1.0], out, delta)
    0.5
    >>> delta
    [[-1.0, 1.0, 0.0]]
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        c = _largest(t, -1)
        rival = _largest(p, c)
        delta = [0.0] * len(p)
        if rival < 0:
            return 0.0, p, delta
        lack = _above_zero(1.0 + p[rival] - p[c])
        slope = 1.0 if lack > 0.0 else lack
        delta[c], delta[rival] = -slope, slope
        return lack, p, delta

    return by_row("categorical_hinge", rule, prediction, target, weight, out, delta)


def _above_zero(x: float) -> float:
    return 0.0 if x <= 0.0 else x  # and not max(), which may drop a NaN


def _largest(values: Row, other_than: int) -> int:
    """Return the place of the first largest, NaN above all, other than one; -1: there is none."""
    best = -1
    for i, value in enumerate(values):
        if i == other_than or (best >= 0 and math.isnan(values[best])):
            continue
        if best < 0 or not value <= values[best]:
            best = i
    return best

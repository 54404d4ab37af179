"""Losses of real numbers: squared, absolute, in between, and lopsided.

Arguments, result and errors are those of the losses in `losses`; `out` receives a copy of the
prediction. p is the prediction, t the target, n the numbers in a row.
"""

from .arrays import Matrix, Vector
from .rowwise import Row, by_row


def mean_squared_error(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the mean squared error: ``loss_r = mean_j of (p_j - t_j)**2``.

    ``delta_j = 2 * weight_r * (p_j - t_j) / n``.

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
    >>> mean_squared_error([[3.0, 1.0]], [[1.0, 1.0]], [1.0], out, delta)
    2.0
    >>> out, delta
    ([[3.0, 1.0]], [[2.0, 0.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        return sum(e * e for e in errors) / n, p, [2.0 * e / n for e in errors]

    return by_row("mean_squared_error", rule, prediction, target, weight, out, delta)


def mean_absolute_error(
    prediction: Matrix, target: Matrix, weight: Vector, out: Matrix, delta: Matrix
) -> float:
    """Return the mean absolute error: ``loss_r = mean_j of |p_j - t_j|``.

    ``delta_j = weight_r * sign(p_j - t_j) / n``, 0 where p is t.

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
    >>> mean_absolute_error([[3.0, 1.0]], [[1.0, 1.0]], [1.0], out, delta)
    1.0
    >>> out, delta
    ([[3.0, 1.0]], [[0.5, 0.0]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        return sum(map(abs, errors)) / n, p, [_clipped(e, 0.0, 1.0) / n for e in errors]

    return by_row("mean_absolute_error", rule, prediction, target, weight, out, delta)


def huber(
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
    threshold: float = 1.0,
) -> float:
    """Return Huber's loss: squared for small errors, absolute for large ones.

    With ``e = p_j - t_j`` and the threshold d, ``loss_r = mean_j of e**2 / 2`` where ``|e| <= d``,
    and of ``d * (|e| - d / 2)`` elsewhere. ``delta_j = weight_r * e / n``, e cut off to [-d, d].

    P. J. Huber, *Robust estimation of a location parameter*, Annals of Mathematical Statistics 35
    (1964).

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The numbers p, and the targets t.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: a copy of `prediction`, and the gradient of the returned sum with respect to
        `prediction`.
    threshold : float
        The error d, above 0, from which on the loss is linear.

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
    >>> huber([[3.0, 1.5]], [[0.0, 1.0]], [1.0], out, delta, 1.0)
    1.3125
    >>> out, delta
    ([[3.0, 1.5]], [[0.5, 0.25]])
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        # c (e - c / 2), with c the error that is cut off, is both branches.
        cut = [_clipped(e, threshold, threshold) for e in errors]
        loss = sum(c * (e - c / 2.0) for e, c in zip(errors, cut, strict=True))
        return loss / n, p, [c / n for c in cut]

    return by_row("huber", rule, prediction, target, weight, out, delta)


def quantile(
    prediction: Matrix,
    target: Matrix,
    weight: Vector,
    out: Matrix,
    delta: Matrix,
    q: float | tuple[float, ...] = 0.5,
) -> float:
    """Return the quantile (pinball) loss: of slope q below the target, and ``1 - q`` above it.

    ``loss_r = mean_j of q * (t_j - p_j)`` where p is below t, of ``(1 - q) * (p_j - t_j)``
    elsewhere.

    The prediction that makes it least is the q-quantile of the targets, of which a part q lies
    below it. ``delta_j = weight_r * -q / n`` where p is below t, ``weight_r * (1 - q) / n`` above,
    0 where p is t.

    R. Koenker and G. Bassett, *Regression quantiles*, Econometrica 46 (1978).

    Parameters
    ----------
    prediction, target : matrix (rows, n)
        The numbers p, and the targets t.
    weight : vector (rows,)
        The weight of each row.
    out, delta : matrix (rows, n)
        Written: a copy of `prediction`, and the gradient of the returned sum with respect to
        `prediction`.
    q : float or tuple of float
        The quantile, between 0 and 1; or one for each of the n numbers in a row.

    Returns
    -------
    float
        Sum over the rows of ``weight_r * loss_r``.

    Raises
    ------
    ValueError
        If the shapes do not agree, or `out` or `delta` shares memory with another argument; or
        there are more or fewer quantiles than numbers in a row.

    Examples
    --------
    >>> out, delta = [[0.0, 0.0]], [[0.0, 0.0]]
    >>> quantile([[3.0, 1.0]], [[1.0, 2.0]], [1.0], out, delta, 0.75)
    0.625
    >>> out, delta
    ([[3.0, 1.0]], [[0.125, -0.375]])
    >>> quantile([[3.0, 1.0]], [[1.0, 2.0]], [1.0], out, delta, (0.75, 0.5))
    0.5
    >>> delta
    [[0.125, -0.25]]
    """

    def rule(p: Row, t: Row) -> tuple[float, Row, Row]:
        n = len(p)
        errors = [p_j - t_j for p_j, t_j in zip(p, t, strict=True)]
        expect_number("quantile", q, n)
        each = q if isinstance(q, tuple) else (q,) * n
        slopes = [
            -q_j if e < 0.0 else 1.0 - q_j if e > 0.0 else e
            for q_j, e in zip(each, errors, strict=True)
        ]
        loss = sum(slope * e for slope, e in zip(slopes, errors, strict=True))
        return loss / n, p, [slope / n for slope in slopes]

    return by_row("quantile", rule, prediction, target, weight, out, delta)


def expect_number(loss: str, number: float | tuple[float, ...], n: int) -> None:
    """Refuse the number of a loss, unless it is one, or, of `quantile`, one for each of n outputs.

    Parameters
    ----------
    loss : str
        Its name.
    number : float or tuple of float
        What it is given.
    n : int
        The numbers in a row.

    Raises
    ------
    TypeError
        If a loss that takes one number is given several.
    ValueError
        If there are not n of them.

    Examples
    --------
    >>> expect_number("quantile", (0.25, 0.75), 3)
    Traceback (most recent call last):
    ValueError: loss: quantile must have 3 numbers, one for each output, got 2
    """
    if not isinstance(number, tuple):
        return
    if loss != "quantile":
        raise TypeError(f"loss: {loss} must have one number, got {number}")
    if len(number) != n:
        raise ValueError(
            f"loss: {loss} must have {n} numbers, one for each output, got {len(number)}"
        )


def _clipped(e: float, limit: float, to: float) -> float:
    """Return e, but `to` with e's sign beyond the limit; NaN is NaN."""
    return to if e > limit else -to if e < -limit else e

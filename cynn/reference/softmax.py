"""Softmax, the activation that looks at a whole row, and the way back through it."""

import math

from .arrays import Matrix, rows
from .checks import require_apart, require_shape, shape
from .elementwise import check_pair


def softmax(x: Matrix, out: Matrix) -> None:
    """Compute the softmax of each row: ``f(x)[j] = exp(x[j]) / sum over i of exp(x[i])``.

    The largest number of the row is subtracted first. It cancels, and no power can overflow. A row
    with a NaN or +inf in it, or with nothing but -inf, comes out as NaN throughout.

    Parameters
    ----------
    x, out : matrix (m, n)
        The rows, and what is written: the softmax of each. They share no memory.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> softmax([[1000.0, 1000.0]], out)
    >>> out
    [[0.5, 0.5]]
    """
    require_shape("softmax", "out", out, shape("softmax", "x", x, 2))
    require_apart("softmax", {"out": out}, x=x)
    for i, row in enumerate(rows(x)):
        for j, p in enumerate(softmax_of(row)):
            out[i][j] = p


def softmax_of(row: list[float]) -> list[float]:
    """Return the softmax of one row.

    Examples
    --------
    >>> softmax_of([0.0, 0.0])
    [0.5, 0.5]
    """
    # max() may or may not pick a NaN. Either way the sum is NaN, and with it every quotient.
    top = max(row, default=0.0)
    powers = [math.exp(z - top) for z in row]
    total = sum(powers)
    return [e / total for e in powers]


def softmax_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `softmax`: ``y[j] * (grad_y[j] - sum over i of grad_y[i] * y[i])``.

    In a softmax every output depends on every input of its row, hence the sum.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `softmax`; the gradient of the loss with respect to it; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> softmax_backward([[0.5, 0.5]], [[1.0, 0.0]], out)
    >>> out
    [[0.25, -0.25]]
    """
    check_pair("softmax_backward", y, grad_y, out)
    for i, (row, grads) in enumerate(zip(rows(y), rows(grad_y), strict=True)):
        mean = sum(g * p for p, g in zip(row, grads, strict=True))
        for j, (p, g) in enumerate(zip(row, grads, strict=True)):
            out[i][j] = p * (g - mean)

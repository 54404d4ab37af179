"""Doing the same thing to every number of a matrix."""

from collections.abc import Callable

from .arrays import Matrix, rows
from .checks import require_apart, require_shape, shape


def each(name: str, f: Callable[[float], float], x: Matrix, out: Matrix) -> None:
    """Write f of every number."""
    require_shape(name, "out", out, shape(name, "x", x, 2))
    require_apart(name, {"out": out}, x=x)
    for i, row in enumerate(rows(x)):
        for j, z in enumerate(row):
            out[i][j] = f(z)


def each_pair(
    name: str, f: Callable[[float, float], float], y: Matrix, grad_y: Matrix, out: Matrix
) -> None:
    """Write f of every output and the gradient that belongs to it."""
    check_pair(name, y, grad_y, out)
    for i, (row, grads) in enumerate(zip(rows(y), rows(grad_y), strict=True)):
        for j, (value, grad) in enumerate(zip(row, grads, strict=True)):
            out[i][j] = f(value, grad)


def check_pair(name: str, y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Check the arguments of a way back."""
    lengths = shape(name, "y", y, 2)
    require_shape(name, "grad_y", grad_y, lengths)
    require_shape(name, "out", out, lengths)
    require_apart(name, {"out": out}, y=y, grad_y=grad_y)

"""Products of matrices: all the weighted sums of a layer, for many rows of inputs, at once.

There are three of them, because training needs the same product with one side or the other turned
(transposed), and the turning costs nothing when it is done while reading.
"""

from .arrays import Matrix, rows
from .checks import require_apart, require_shape, shape


def matmul(a: Matrix, b: Matrix, out: Matrix) -> None:
    """Multiply two matrices: ``out[i][j] = sum over p of a[i][p] * b[p][j]``.

    Row i of `a` is one row of inputs, column j of `b` the weights of one neuron.

    Parameters
    ----------
    a : matrix (m, k)
        The left factor.
    b : matrix (k, n)
        The right factor.
    out : matrix (m, n)
        Written; it shares no memory with `a` or `b`.

    Raises
    ------
    ValueError
        If the shapes do not agree, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> matmul([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]], out)
    >>> out
    [[13.0, 16.0]]
    """
    m, k = shape("matmul", "a", a, 2)
    _, n = shape("matmul", "b", b, 2)
    require_shape("matmul", "b", b, (k, n))
    require_shape("matmul", "out", out, (m, n))
    require_apart("matmul", {"out": out}, a=a, b=b)
    _products(rows(a), _turned(rows(b)), out)


def matmul_nt(a: Matrix, b: Matrix, out: Matrix) -> None:
    """Multiply by a transposed matrix: ``out[i][j] = sum over p of a[i][p] * b[j][p]``.

    Backpropagation needs it to send errors from a layer's outputs back to its inputs.

    Parameters
    ----------
    a : matrix (m, k)
        The left factor.
    b : matrix (n, k)
        The right factor, transposed.
    out : matrix (m, n)
        Written; it shares no memory with `a` or `b`.

    Raises
    ------
    ValueError
        If the shapes do not agree, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> matmul_nt([[1.0, 2.0]], [[3.0, 5.0], [4.0, 6.0]], out)
    >>> out
    [[13.0, 16.0]]
    """
    m, k = shape("matmul_nt", "a", a, 2)
    n, _ = shape("matmul_nt", "b", b, 2)
    require_shape("matmul_nt", "b", b, (n, k))
    require_shape("matmul_nt", "out", out, (m, n))
    require_apart("matmul_nt", {"out": out}, a=a, b=b)
    _products(rows(a), rows(b), out)


def matmul_tn(a: Matrix, b: Matrix, out: Matrix) -> None:
    """Multiply a transposed matrix: ``out[i][j] = sum over p of a[p][i] * b[p][j]``.

    Backpropagation needs it for the gradient of a layer's weights: p runs over the rows of a batch.

    Parameters
    ----------
    a : matrix (k, m)
        The left factor, transposed.
    b : matrix (k, n)
        The right factor.
    out : matrix (m, n)
        Written; it shares no memory with `a` or `b`.

    Raises
    ------
    ValueError
        If the shapes do not agree, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> matmul_tn([[1.0], [2.0]], [[3.0, 4.0], [5.0, 6.0]], out)
    >>> out
    [[13.0, 16.0]]
    """
    k, m = shape("matmul_tn", "a", a, 2)
    _, n = shape("matmul_tn", "b", b, 2)
    require_shape("matmul_tn", "b", b, (k, n))
    require_shape("matmul_tn", "out", out, (m, n))
    require_apart("matmul_tn", {"out": out}, a=a, b=b)
    _products(_turned(rows(a)), _turned(rows(b)), out)


def _turned(x: list[list[float]]) -> list[list[float]]:
    """Return the columns of `x` as rows."""
    return [list(column) for column in zip(*x, strict=True)]


def _products(left: list[list[float]], right: list[list[float]], out: Matrix) -> None:
    """Write the product of every row on the left with every row on the right."""
    for i in range(len(out)):
        for j in range(len(out[i])):
            # A sum of nothing has no rows to look at: factors without numbers in them give zeros.
            pairs = zip(left[i], right[j], strict=True) if left and right else ()
            out[i][j] = sum((p * q for p, q in pairs), 0.0)

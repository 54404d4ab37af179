"""Passes forward and backward in one line each, for whoever writes a network by hand.

What the other files write into arguments, these functions return. A network of two layers goes
forward, finds its error, goes backward and learns so::

    h = forward(x, w1, b1, "relu")
    z = forward(h, w2, b2)
    loss, grad_z = error(z, target)
    grad_h, grad_w2, grad_b2 = backward(h, w2, b2, grad_z)
    _, grad_w1, grad_b1 = backward(x, w1, b1, grad_h, "relu")
    w1, w2 = updated(w1, grad_w1, 0.1), updated(w2, grad_w2, 0.1)
    b1, b2 = updated(b1, grad_b1, 0.1), updated(b2, grad_b2, 0.1)
"""

from typing import Any

from .arrays import Flat, Matrix, Rows, Vector, numbers, rows, zeros
from .backprop import dense_backward, dense_forward
from .by_name import BACKWARD, FORWARD, FROM_INPUT
from .checks import require_shape, shape
from .losses import LOSS
from .matmul import matmul
from .sgd import sgd


def product(a: Matrix, b: Matrix) -> Rows:
    """Return the product of two matrices, ``a @ b``.

    Parameters
    ----------
    a : matrix (m, k)
        The left factor.
    b : matrix (k, n)
        The right factor.

    Returns
    -------
    list of list of float
        The product, (m, n).

    Raises
    ------
    TypeError, ValueError
        If they are no matrices, or their shapes do not agree.

    See Also
    --------
    cynn.reference.matmul : Writes it.

    Examples
    --------
    >>> product([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])
    [[13.0, 16.0]]
    """
    n_rows, _ = shape("product", "a", a, 2)
    _, n_columns = shape("product", "b", b, 2)
    out = zeros(n_rows or 0, n_columns or 0)
    matmul(a, b, out)
    return out


def transposed(x: Matrix) -> Rows:
    """Return the columns of a matrix as rows.

    Parameters
    ----------
    x : matrix (m, n)
        The matrix.

    Returns
    -------
    list of list of float
        The matrix with rows and columns exchanged, (n, m).

    Raises
    ------
    TypeError, ValueError
        If `x` is no matrix.

    Examples
    --------
    >>> transposed([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]
    """
    shape("transposed", "x", x, 2)
    return [list(column) for column in zip(*rows(x), strict=True)]


def activated(x: Matrix, activation: str) -> Rows:
    """Return an activation of every number of a matrix; softmax of every row.

    Parameters
    ----------
    x : matrix (m, n)
        The numbers.
    activation : str
        One of `ACTIVATIONS`.

    Returns
    -------
    list of list of float
        What the activation gives, (m, n).

    Raises
    ------
    TypeError, ValueError
        If `x` is no matrix, or the activation is not known.

    Examples
    --------
    >>> activated([[-1.0, 0.0, 2.0]], "relu")
    [[0.0, 0.0, 2.0]]
    """
    n_rows, n_columns = shape("activated", "x", x, 2)
    _expect_known("activated", activation)
    out = zeros(n_rows or 0, n_columns or 0)
    FORWARD[activation](x, out)
    return out


def forward(x: Matrix, w: Matrix, b: Vector, activation: str = "identity") -> Rows:
    """Return the output of a layer, ``f(x @ w + b)``.

    Parameters
    ----------
    x : matrix (rows, n_in)
        Inputs.
    w : matrix (n_in, n_out)
        Weights; column j belongs to neuron j.
    b : vector (n_out,)
        Biases.
    activation : str, default "identity"
        The name of f, one of `ACTIVATIONS`.

    Returns
    -------
    list of list of float
        The output, (rows, n_out).

    Raises
    ------
    TypeError, ValueError
        If the shapes do not agree, or the activation is not known.

    See Also
    --------
    cynn.reference.dense_forward : Writes it.

    Examples
    --------
    >>> forward([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]], [-20.0, 0.5], "relu")
    [[0.0, 16.5]]
    """
    n_rows, _ = shape("forward", "x", x, 2)
    (n_out,) = shape("forward", "b", b, 1)
    _expect_known("forward", activation)
    out = zeros(n_rows or 0, n_out or 0)
    dense_forward(x, w, b, activation, out)
    return out


def error(
    prediction: Matrix, target: Matrix, loss: str = "softmax_cross_entropy"
) -> tuple[float, Rows]:
    """Return the mean loss of the rows, and its gradient with respect to the predictions.

    Parameters
    ----------
    prediction : matrix (rows, n)
        What the last layer gave; for the losses with an activation in their name, what goes into
        that activation.
    target : matrix (rows, n)
        What was wanted; for classes, one-hot rows.
    loss : str, default "softmax_cross_entropy"
        One of `LOSSES`.

    Returns
    -------
    loss : float
        Mean over the rows.
    gradient : list of list of float
        How it changes with each number of `prediction`, (rows, n).

    Raises
    ------
    TypeError, ValueError
        If the shapes do not agree, there is no row, or the loss is not known.

    See Also
    --------
    cynn.reference.softmax_cross_entropy : Writes the gradient; rows have weights there.

    Examples
    --------
    >>> loss, gradient = error([[0.0, 0.0]], [[1.0, 0.0]])
    >>> round(loss, 4), gradient
    (0.6931, [[-0.5, 0.5]])
    """
    n_rows, n_columns = shape("error", "prediction", prediction, 2)
    if not n_rows:
        raise ValueError(f"error: prediction must have at least one row, got {n_rows}")
    if loss not in tuple(LOSS):
        raise ValueError(f"error: loss must be one of {tuple(LOSS)}, got {loss!r}")
    out, gradient = zeros(n_rows, n_columns or 0), zeros(n_rows, n_columns or 0)
    weight = [1.0 / n_rows] * n_rows
    return LOSS[loss](prediction, target, weight, out, gradient), gradient


def backward(
    x: Matrix, w: Matrix, b: Vector, grad_y: Matrix, activation: str = "identity"
) -> tuple[Rows, Rows, Flat]:
    """Return the gradient of the loss with respect to all that went into a layer.

    The layer is computed once more for it, which a network that keeps its outputs saves.

    Parameters
    ----------
    x, w, b : matrix (rows, n_in), matrix (n_in, n_out), vector (n_out,)
        As given to `forward`.
    grad_y : matrix (rows, n_out)
        How the loss changes with each number that `forward` returned.
    activation : str, default "identity"
        As given to `forward`.

    Returns
    -------
    grad_x : list of list of float
        How the loss changes with `x`, (rows, n_in): what the layer before goes on from.
    grad_w : list of list of float
        How the loss changes with `w`, (n_in, n_out).
    grad_b : list of float
        How the loss changes with `b`, (n_out,).

    Raises
    ------
    TypeError, ValueError
        If the shapes do not agree, or the activation is not known.

    See Also
    --------
    cynn.reference.dense_backward : Writes them, behind the activation.

    Examples
    --------
    >>> backward([[1.0, 2.0]], [[3.0], [4.0]], [0.0], [[0.5]], "relu")
    ([[1.5, 2.0]], [[0.5], [1.0]], [0.5])
    """
    _expect_known("backward", activation)
    z = forward(x, w, b)
    n_rows, n_in, n_out = len(z), len(w), len(b)
    delta = zeros(n_rows, n_out)
    kept = z if activation in FROM_INPUT else activated(z, activation)
    BACKWARD[activation](kept, grad_y, delta)
    grad_x, grad_w, grad_b = zeros(n_rows, n_in), zeros(n_in, n_out), [0.0] * n_out
    dense_backward(x, w, delta, grad_x, grad_w, grad_b)
    return grad_x, grad_w, grad_b


def updated(values: Any, gradient: Any, learning_rate: float) -> Any:
    """Return weights or biases after a step against their gradient.

    Parameters
    ----------
    values : matrix (m, n) or vector (n,)
        Weights, or biases.
    gradient : matrix (m, n) or vector (n,)
        How the loss changes with each of them.
    learning_rate : float
        Length of the step.

    Returns
    -------
    list of list of float, or list of float
        ``values - learning_rate * gradient``.

    Raises
    ------
    TypeError, ValueError
        If the shapes differ.

    See Also
    --------
    cynn.reference.sgd : Changes a vector in place, with momentum and weight decay.

    Examples
    --------
    >>> updated([1.0, 2.0], [0.5, -0.5], 0.5)
    [0.75, 2.25]
    >>> updated([[1.0, 2.0]], [[0.5, -0.5]], 0.5)
    [[0.75, 2.25]]
    """
    is_matrix = hasattr(values, "__len__") and len(values) > 0 and hasattr(values[0], "__len__")
    lengths = shape("updated", "values", values, 2 if is_matrix else 1)
    require_shape("updated", "gradient", gradient, lengths)
    if is_matrix:
        pairs = zip(rows(values), rows(gradient), strict=True)
        return [updated(row, slopes, learning_rate) for row, slopes in pairs]
    w, slopes = numbers(values), numbers(gradient)
    sgd(w, slopes, [0.0] * len(w), learning_rate, 0.0, False, 0.0)
    return w


def _expect_known(function: str, activation: str) -> None:
    if activation not in tuple(FORWARD):
        raise ValueError(
            f"{function}: activation must be one of {tuple(FORWARD)}, got {activation!r}"
        )

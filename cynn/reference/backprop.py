"""A layer forward and backward: backpropagation is the chain rule, one layer at a time.

For a network of two layers the whole of training comes down to these lines, in which H is the
output of the hidden layer and ``@`` the product of matrices::

    H = f(x @ W1 + b1)                      forward, hidden layer
    z = H @ W2 + b2                         forward, output layer
    error = gradient of the loss for z      softmax with cross-entropy: softmax(z) - target
    gradient of W2 = H.T @ error            how each weight contributed to the error
    gradient of b2 = column sums of error
    gradient of H  = error @ W2.T           the error sent back through the weights
    error of H     = gradient of H * f'     ... and through the activation
    gradient of W1 = x.T @ (error of H)     from here on everything repeats

Rumelhart, Hinton & Williams, *Learning representations by back-propagating errors* (1986).
"""

from .arrays import Matrix, MutableVector, Vector, numbers, rows, zeros
from .by_name import FORWARD
from .checks import require_apart, require_shape, shape
from .matmul import matmul, matmul_nt, matmul_tn


def dense_forward(x: Matrix, w: Matrix, b: Vector, activation: str, out: Matrix) -> None:
    """Compute the output of a layer: ``out = f(x @ w + b)``.

    Parameters
    ----------
    x : matrix (rows, n_in)
        Inputs.
    w : matrix (n_in, n_out)
        Weights; column j belongs to neuron j.
    b : vector (n_out,)
        Biases.
    activation : str
        The name of f, one of `ACTIVATIONS`.
    out : matrix (rows, n_out)
        Written; it shares no memory with the other arguments.

    Raises
    ------
    ValueError
        If the activation is not known, the shapes do not agree, or `out` shares memory with
        another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> dense_forward([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]], [-20.0, 0.5], "relu", out)
    >>> out
    [[0.0, 16.5]]
    """
    if activation not in FORWARD:
        raise ValueError(
            f"dense_forward: activation must be one of {tuple(FORWARD)}, got {activation!r}"
        )
    n_rows, n_in = shape("dense_forward", "x", x, 2)
    _, n_out = shape("dense_forward", "w", w, 2)
    require_shape("dense_forward", "w", w, (n_in, n_out))
    require_shape("dense_forward", "b", b, (n_out,))
    require_shape("dense_forward", "out", out, (n_rows, n_out))
    require_apart("dense_forward", {"out": out}, x=x, w=w, b=b)
    biases = numbers(b)
    z = zeros(len(x), len(biases))
    matmul(x, w, z)
    for row in z:
        for j, bias in enumerate(biases):
            row[j] += bias
    FORWARD[activation](z, out)


def dense_backward(
    x: Matrix, w: Matrix, delta: Matrix, grad_x: Matrix, grad_w: Matrix, grad_b: MutableVector
) -> None:
    """Compute the gradient of the loss with respect to all that goes into ``z = x @ w + b``.

    ``grad_w = x.T @ delta``: a weight changes the loss by its input times the error of its output.
    ``grad_b`` = column sums of `delta`. ``grad_x = delta @ w.T``: an input changes every output.

    Parameters
    ----------
    x : matrix (rows, n_in)
        The inputs of the forward pass.
    w : matrix (n_in, n_out)
        The weights of the forward pass.
    delta : matrix (rows, n_out)
        The error: the gradient of the loss with respect to z.
    grad_x : matrix (rows, n_in)
        Written: the gradient with respect to `x`.
    grad_w : matrix (n_in, n_out)
        Written: the gradient with respect to `w`.
    grad_b : vector (n_out,)
        Written: the gradient with respect to b.

    Raises
    ------
    ValueError
        If the shapes do not agree, or an output shares memory with another argument.

    Examples
    --------
    >>> grad_x, grad_w, grad_b = [[0.0, 0.0]], [[0.0], [0.0]], [0.0]
    >>> dense_backward([[1.0, 2.0]], [[3.0], [4.0]], [[0.5]], grad_x, grad_w, grad_b)
    >>> grad_x, grad_w, grad_b
    ([[1.5, 2.0]], [[0.5], [1.0]], [0.5])
    """
    n_rows, n_in = shape("dense_backward", "x", x, 2)
    _, n_out = shape("dense_backward", "w", w, 2)
    require_shape("dense_backward", "w", w, (n_in, n_out))
    require_shape("dense_backward", "delta", delta, (n_rows, n_out))
    require_shape("dense_backward", "grad_x", grad_x, (n_rows, n_in))
    require_shape("dense_backward", "grad_w", grad_w, (n_in, n_out))
    require_shape("dense_backward", "grad_b", grad_b, (n_out,))
    outputs = {"grad_x": grad_x, "grad_w": grad_w, "grad_b": grad_b}
    require_apart("dense_backward", outputs, x=x, w=w, delta=delta)
    matmul_nt(delta, w, grad_x)
    matmul_tn(x, delta, grad_w)
    errors = rows(delta)
    for j in range(len(grad_b)):
        grad_b[j] = sum((row[j] for row in errors), 0.0)

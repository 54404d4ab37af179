"""Activations: the function at the end of a neuron, and the way back through it.

Each one comes as a pair. ``f(x, out)`` writes f of every number of `x`. ``f_backward(y, grad_y,
out)`` is for training: `y` is what f gave (the stored output, so that nothing needs computing
twice), `grad_y` says how the loss changes with each number of `y`, and `out` receives how it
changes with each number that went into f, which is ``grad_y * f'(x)`` by the chain rule. Some fall
before they rise, so that two inputs give one output: their way back takes `x` in the place of `y`.
They and the other smooth kin of relu stand in `smooth`; `by_name` has all of them.

Infinities and NaN go through as processors carry them, without an exception.
"""

import math

from .arrays import Matrix
from .elementwise import each, each_pair

LEAKY_SLOPE = 0.01
"""Slope of `leaky_relu` below zero."""


def identity(x: Matrix, out: Matrix) -> None:
    """Compute the identity: ``f(x) = x``.

    Parameters
    ----------
    x : matrix (m, n)
        The numbers.
    out : matrix (m, n)
        Written; it shares no memory with `x`.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with `x`.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> identity([[-1.0, 2.0]], out)
    >>> out
    [[-1.0, 2.0]]
    """
    each("identity", lambda z: z, x, out)


def identity_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `identity`: ``f'(x) = 1``, so ``out = grad_y``.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `identity`; the gradient of the loss with respect to it; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> identity_backward([[-1.0, 2.0]], [[0.5, 0.5]], out)
    >>> out
    [[0.5, 0.5]]
    """
    each_pair("identity_backward", lambda y, g: g, y, grad_y, out)


def relu(x: Matrix, out: Matrix) -> None:
    """Compute the rectified linear unit: ``f(x) = max(x, 0)``; NaN stays NaN.

    Nair & Hinton, *Rectified linear units improve restricted Boltzmann machines* (2010).

    Parameters
    ----------
    x : matrix (m, n)
        The numbers.
    out : matrix (m, n)
        Written; it shares no memory with `x`.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with `x`.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> relu([[-1.0, 2.0]], out)
    >>> out
    [[0.0, 2.0]]
    """
    each("relu", lambda z: 0.0 if z <= 0.0 else z, x, out)


def relu_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `relu`: ``f'(x)`` is 1 above zero, and 0 at zero and below.

    Parameters
    ----------
    y : matrix (m, n)
        What `relu` gave.
    grad_y : matrix (m, n)
        How the loss changes with `y`.
    out : matrix (m, n)
        Written: how the loss changes with what went into `relu`. It shares no memory with `y` or
        `grad_y`.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> relu_backward([[0.0, 2.0]], [[0.5, 0.5]], out)
    >>> out
    [[0.0, 0.5]]
    """
    each_pair("relu_backward", lambda y, g: 0.0 if y <= 0.0 else g, y, grad_y, out)


def leaky_relu(x: Matrix, out: Matrix) -> None:
    """Compute the leaky rectified linear unit: ``f(x) = x`` above zero, ``0.01 * x`` elsewhere.

    Maas, Hannun & Ng, *Rectifier nonlinearities improve neural network acoustic models* (2013).

    Parameters
    ----------
    x, out : matrix (m, n)
        The numbers, and what is written: f of each. They share no memory.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> leaky_relu([[-1.0, 2.0]], out)
    >>> out
    [[-0.01, 2.0]]
    """
    each("leaky_relu", lambda z: LEAKY_SLOPE * z if z <= 0.0 else z, x, out)


def leaky_relu_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `leaky_relu`: ``f'(x)`` is 1 above zero, 0.01 elsewhere.

    The output has the sign of the input, so `y` tells on which side of zero it was.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `leaky_relu`; the gradient of the loss with respect to it; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> leaky_relu_backward([[-0.01, 2.0]], [[0.5, 0.5]], out)
    >>> out
    [[0.005, 0.5]]
    """
    slope = LEAKY_SLOPE
    each_pair("leaky_relu_backward", lambda y, g: slope * g if y <= 0.0 else g, y, grad_y, out)


def sigmoid(x: Matrix, out: Matrix) -> None:
    """Compute the logistic sigmoid, in (0, 1): ``f(x) = 1 / (1 + exp(-x))``.

    Parameters
    ----------
    x, out : matrix (m, n)
        The numbers, and what is written: f of each. They share no memory.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0, 0.0]]
    >>> sigmoid([[-1000.0, 0.0, 1000.0]], out)
    >>> out
    [[0.0, 0.5, 1.0]]
    """
    each("sigmoid", sigmoid_of, x, out)


def sigmoid_of(z: float) -> float:
    """Return the sigmoid of one number, by whichever of two equal formulas does not overflow.

    Examples
    --------
    >>> sigmoid_of(0.0)
    0.5
    """
    if z >= 0.0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


def exp_of(z: float) -> float:
    """Return the exponential of one number, infinity where `math` raises.

    Examples
    --------
    >>> exp_of(0.0), exp_of(1000.0)
    (1.0, inf)
    """
    try:
        return math.exp(z)
    except OverflowError:
        return math.inf


def sigmoid_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `sigmoid`: ``f'(x) = y * (1 - y)``.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `sigmoid`; the gradient of the loss with respect to it; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> sigmoid_backward([[0.5, 1.0]], [[2.0, 2.0]], out)
    >>> out
    [[0.5, 0.0]]
    """
    each_pair("sigmoid_backward", lambda y, g: g * (y * (1.0 - y)), y, grad_y, out)


def tanh(x: Matrix, out: Matrix) -> None:
    """Compute tanh, in (-1, 1): ``f(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))``.

    Parameters
    ----------
    x, out : matrix (m, n)
        The numbers, and what is written: f of each. They share no memory.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0, 0.0]]
    >>> tanh([[-1000.0, 0.0, 1000.0]], out)
    >>> out
    [[-1.0, 0.0, 1.0]]
    """
    each("tanh", math.tanh, x, out)


def tanh_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `tanh`: ``f'(x) = 1 - y**2``.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `tanh`; the gradient of the loss with respect to it; and, written, that with
        respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> tanh_backward([[0.5, 1.0]], [[2.0, 2.0]], out)
    >>> out
    [[1.5, 0.0]]
    """
    each_pair("tanh_backward", lambda y, g: g * (1.0 - y * y), y, grad_y, out)

"""More activations: the smooth kin of relu, a sigmoid of straight lines, and the exponential.

`elu`, `selu`, `softplus`, `hard_sigmoid` and `exponential` never fall, so their way back is found
from the output, as in `activations`. `silu`, `gelu`, `gelu_tanh` and `mish` fall a little before
they rise: their way back takes `x`.

What minus infinity gives is the limit, also where the formula says infinity times zero.
"""

import math

from .activations import exp_of, sigmoid_of
from .arrays import Matrix
from .elementwise import each, each_pair

KIN_OF_RELU = ("relu", "leaky_relu", "elu", "silu", "gelu", "gelu_tanh", "mish")
"""The activations that cut off about half of what they see: `initializers` makes up for it."""

SELU_SCALE = 1.0507009873554804934
SELU_ALPHA = 1.6732632423543772848
"""With these two a layer of `selu` keeps the mean 0 and the variance 1 of what goes through it."""

GELU_SLOPE = math.sqrt(2.0 / math.pi)
GELU_CUBIC = 0.044715
"""What `gelu_tanh` puts into tanh: ``GELU_SLOPE * (x + GELU_CUBIC * x**3)``."""


def elu(x: Matrix, out: Matrix) -> None:
    """Compute the exponential linear unit: ``f(x) = x`` above zero, ``exp(x) - 1`` elsewhere.

    Clevert, Unterthiner & Hochreiter, *Fast and accurate deep network learning by exponential
    linear units* (2016), with alpha = 1.

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
    >>> elu([[-1000.0, 2.0]], out)
    >>> out
    [[-1.0, 2.0]]
    """
    each("elu", lambda z: math.expm1(z) if z <= 0.0 else z, x, out)


def elu_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `elu`: ``f'(x)`` is 1 above zero and ``exp(x) = y + 1`` elsewhere.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `elu`; the gradient of the loss with respect to it; and, written, that with
        respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> elu_backward([[-0.75, 2.0]], [[0.5, 0.5]], out)
    >>> out
    [[0.125, 0.5]]
    """
    each_pair("elu_backward", lambda y, g: g * (y + 1.0) if y <= 0.0 else g, y, grad_y, out)


def selu(x: Matrix, out: Matrix) -> None:
    """Compute `elu` with two constants: ``scale * x``, ``scale * alpha * (exp(x) - 1)`` below zero.

    Klambauer, Unterthiner, Mayr & Hochreiter, *Self-normalizing neural networks* (2017), equations
    2 and 14.

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
    >>> selu([[-1000.0, 2.0]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[-1.7581, 2.1014]]
    """
    bottom = SELU_SCALE * SELU_ALPHA
    each("selu", lambda z: bottom * math.expm1(z) if z <= 0.0 else SELU_SCALE * z, x, out)


def selu_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `selu`: ``f'(x)`` is scale above zero, ``y + scale * alpha`` below.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `selu`; the gradient of the loss with respect to it; and, written, that with
        respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> selu_backward([[-0.7581, 2.0]], [[0.5, 0.5]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[0.5, 0.5254]]
    """
    bottom, scale = SELU_SCALE * SELU_ALPHA, SELU_SCALE
    each_pair("selu_backward", lambda y, g: g * (y + bottom if y <= 0.0 else scale), y, grad_y, out)


def softplus(x: Matrix, out: Matrix) -> None:
    """Compute the softplus, a smooth relu: ``f(x) = log(1 + exp(x))``.

    Dugas et al., *Incorporating second-order functional knowledge for better option pricing*
    (2001).

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
    >>> softplus([[-1000.0, 1000.0]], out)
    >>> out
    [[0.0, 1000.0]]
    """
    each("softplus", softplus_of, x, out)


def softplus_of(z: float) -> float:
    """Return the softplus of one number, without an exponential that overflows.

    Examples
    --------
    >>> softplus_of(0.0) == math.log(2.0)
    True
    """
    return (0.0 if z < 0.0 else z) + math.log1p(math.exp(-abs(z)))


def softplus_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `softplus`: ``f'(x)`` is the sigmoid of x, which is ``1 - exp(-y)``.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `softplus`; the gradient of the loss with respect to it; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0]]
    >>> softplus_backward([[1000.0]], [[0.5]], out)
    >>> out
    [[0.5]]
    """
    each_pair("softplus_backward", lambda y, g: -g * math.expm1(-y), y, grad_y, out)


def hard_sigmoid(x: Matrix, out: Matrix) -> None:
    """Compute the hard sigmoid: ``f(x) = x / 6 + 1 / 2``, clipped to [0, 1].

    Howard et al., *Searching for MobileNetV3* (2019), section 5.2; Courbariaux, Bengio & David,
    *BinaryConnect* (2015), have another slope.

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
    >>> hard_sigmoid([[-4.0, 1.5, 4.0]], out)
    >>> out
    [[0.0, 0.75, 1.0]]
    """
    each("hard_sigmoid", hard_sigmoid_of, x, out)


def hard_sigmoid_of(z: float) -> float:
    """Return the hard sigmoid of one number.

    Examples
    --------
    >>> hard_sigmoid_of(0.0)
    0.5
    """
    line = z / 6.0 + 0.5
    return 0.0 if line <= 0.0 else 1.0 if line >= 1.0 else line


def hard_sigmoid_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `hard_sigmoid`: ``f'(x)`` is 1 / 6 where ``0 < y < 1``, else 0.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `hard_sigmoid`; the gradient of the loss with respect to it; and, written,
        that with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0, 0.0]]
    >>> hard_sigmoid_backward([[0.0, 0.75, 1.0]], [[6.0, 6.0, 6.0]], out)
    >>> out
    [[0.0, 1.0, 0.0]]
    """
    each_pair(
        "hard_sigmoid_backward",
        lambda y, g: 0.0 if y <= 0.0 or y >= 1.0 else g / 6.0,
        y,
        grad_y,
        out,
    )


def silu(x: Matrix, out: Matrix) -> None:
    """Compute the sigmoid-weighted linear unit: ``f(x) = x * sigmoid(x)``.

    Elfwing, Uchibe & Doya, *Sigmoid-weighted linear units for neural network function approximation
    in reinforcement learning* (2018).

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
    >>> silu([[0.0, 1000.0]], out)
    >>> out
    [[0.0, 1000.0]]
    """
    each("silu", lambda z: gated(z, sigmoid_of(z)), x, out)


def gated(z: float, gate: float) -> float:
    """Return ``z * gate``, and 0 where z is minus infinity: its gate closes faster than it falls.

    Examples
    --------
    >>> gated(4.0, 0.5), gated(-math.inf, 0.0)
    (2.0, 0.0)
    """
    return 0.0 if z == -math.inf else z * gate


def silu_backward(x: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `silu`: ``f'(x) = s + x * s * (1 - s)`` with ``s = sigmoid(x)``.

    Parameters
    ----------
    x : matrix (m, n)
        What went into `silu`.
    grad_y : matrix (m, n)
        How the loss changes with what came out.
    out : matrix (m, n)
        Written: how the loss changes with `x`. It shares no memory with `x` or `grad_y`.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> silu_backward([[0.0, 1000.0]], [[2.0, 2.0]], out)
    >>> out
    [[1.0, 2.0]]
    """

    def slope(z: float) -> float:
        s = sigmoid_of(z)
        return s if math.isinf(z) else s + z * s * (1.0 - s)

    each_pair("silu_backward", lambda z, g: g * slope(z), x, grad_y, out)


def normal_distribution(z: float) -> float:
    """Return the part of a normal distribution that lies below z, exact in both tails.

    Examples
    --------
    >>> normal_distribution(0.0)
    0.5
    """
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def gelu(x: Matrix, out: Matrix) -> None:
    """Compute the Gaussian error linear unit: ``f(x) = x * Phi(x)``.

    Phi is `normal_distribution`. Hendrycks & Gimpel, *Gaussian error linear units* (2016).

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
    >>> out = [[0.0, 1.0, 1000.0]]
    >>> gelu([[0.0, 1.0, 1000.0]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[0.0, 0.8413, 1000.0]]
    """
    each("gelu", lambda z: gated(z, normal_distribution(z)), x, out)


def gelu_backward(x: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `gelu`: ``f'(x) = Phi(x) + x * phi(x)``, phi the normal density.

    Parameters
    ----------
    x, grad_y, out : matrix (m, n)
        The input of `gelu`; the gradient of the loss with respect to its output; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> gelu_backward([[0.0, 1000.0]], [[2.0, 2.0]], out)
    >>> out
    [[1.0, 2.0]]
    """

    def slope(z: float) -> float:
        below = normal_distribution(z)
        if math.isinf(z):
            return below
        return below + z * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)

    each_pair("gelu_backward", lambda z, g: g * slope(z), x, grad_y, out)


def gelu_tanh(x: Matrix, out: Matrix) -> None:
    """Approximate `gelu`: ``x * (1 + tanh(u)) / 2`` with ``u = 0.798 * (x + 0.0447 * x**3)``.

    The constants are `GELU_SLOPE` and `GELU_CUBIC`, from section 2 of the paper that `gelu` names.
    ``(1 + tanh(u)) / 2`` is ``sigmoid(2 * u)``, which keeps its digits also where tanh is near -1.

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
    >>> gelu_tanh([[0.0, 1.0]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[0.0, 0.8412]]
    """
    each("gelu_tanh", lambda z: gated(z, sigmoid_of(_twice_u(z))), x, out)


def gelu_tanh_backward(x: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `gelu_tanh`: ``f'(x) = s + x * s * (1 - s) * 2 * u'``, s as there.

    Parameters
    ----------
    x, grad_y, out : matrix (m, n)
        The input of `gelu_tanh`; the gradient of the loss with respect to its output; and, written,
        that with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> gelu_tanh_backward([[0.0, 1000.0]], [[2.0, 2.0]], out)
    >>> out
    [[1.0, 2.0]]
    """

    def slope(z: float) -> float:
        s = sigmoid_of(_twice_u(z))
        if abs(z) > 64.0:  # s is 0 or 1, and z**2 may overflow
            return s
        return s + z * s * (1.0 - s) * 2.0 * GELU_SLOPE * (1.0 + 3.0 * GELU_CUBIC * z * z)

    each_pair("gelu_tanh_backward", lambda z, g: g * slope(z), x, grad_y, out)


def _twice_u(z: float) -> float:
    return 2.0 * GELU_SLOPE * z * (1.0 + GELU_CUBIC * z * z)


def mish(x: Matrix, out: Matrix) -> None:
    """Let a number through by the tanh of its softplus: ``f(x) = x * tanh(log(1 + exp(x)))``.

    Misra, *Mish: a self regularized non-monotonic activation function* (2019).

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
    >>> mish([[0.0, 1.0, 1000.0]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[0.0, 0.8651, 1000.0]]
    """
    each("mish", lambda z: gated(z, math.tanh(softplus_of(z))), x, out)


def mish_backward(x: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `mish`: ``f'(x) = t + x * (1 - t**2) * sigmoid(x)``, ``y = x * t``.

    Parameters
    ----------
    x, grad_y, out : matrix (m, n)
        The input of `mish`; the gradient of the loss with respect to its output; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> mish_backward([[0.0, 1000.0]], [[2.0, 2.0]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[1.2, 2.0]]
    """

    def slope(z: float) -> float:
        t = math.tanh(softplus_of(z))
        return t if math.isinf(z) else t + z * (1.0 - t * t) * sigmoid_of(z)

    each_pair("mish_backward", lambda z, g: g * slope(z), x, grad_y, out)


def exponential(x: Matrix, out: Matrix) -> None:
    """Compute the exponential function, above 0: ``f(x) = exp(x)``.

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
    >>> exponential([[0.0, 1.0, -1000.0]], out)
    >>> [[round(value, 4) for value in row] for row in out]
    [[1.0, 2.7183, 0.0]]
    """
    each("exponential", exp_of, x, out)


def exponential_backward(y: Matrix, grad_y: Matrix, out: Matrix) -> None:
    """Compute the gradient of `exponential`: ``f'(x)`` is the output y.

    Parameters
    ----------
    y, grad_y, out : matrix (m, n)
        The output of `exponential`; the gradient of the loss with respect to it; and, written, that
        with respect to the input. `out` shares no memory with the others.

    Raises
    ------
    ValueError
        If the shapes differ, or `out` shares memory with another argument.

    Examples
    --------
    >>> out = [[0.0, 0.0]]
    >>> exponential_backward([[1.0, 3.0]], [[2.0, 2.0]], out)
    >>> out
    [[2.0, 6.0]]
    """
    each_pair("exponential_backward", lambda y, g: g * y, y, grad_y, out)

"""The first weights of a layer: zeros, and the scaled random draws in use.

A layer keeps the size of its signal from input to output, and of its error from output to input,
when the variance of its weights fits the number of its inputs (`fan_in`) and outputs (`fan_out`).
Each rule here is one such variance, drawn uniformly or normally. Draws are made in float64 and
then rounded, so that a seed gives the same weights in both precisions. The normal draws are not
truncated.

Two of them, "std" and "he+5", are finished by the training rows: `FROM_ROWS` has how.
"""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._specs.activation_table import TABLE
from ._specs.names import missing_from
from ._specs.validation import choice, real_dtype
from ._specs.validation import shape as checked_shape

DRAWN_BLOCK = 1 << 20  # numbers that are drawn at a time

Initializer: TypeAlias = Callable[..., NDArray[Any]]
"""A function ``f(shape, rng, dtype)`` that gives an array of that shape."""

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__, "initializer")


def zeros(
    shape: tuple[int, ...],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Return zeros: the usual bias, and never a hidden layer's weights, which would stay alike.

    Parameters
    ----------
    shape : tuple of int
        The shape wanted.
    rng : numpy.random.Generator, optional
        Not used.
    dtype : dtype, default float32
        The type of the array: float32 or float64.

    Returns
    -------
    ndarray of dtype
        Zeros of that shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return np.zeros(checked_shape("shape", shape), real_dtype(dtype))


def glorot_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw uniformly from ±sqrt(6 / (fan_in + fan_out)): for sigmoid, tanh, softmax and linear.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``; of ``(n,)``, a bias, both are n.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights, of variance ``2 / (fan_in + fan_out)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    glorot_normal : The same variance, normally distributed.

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010, equation 16.

    Examples
    --------
    >>> weights = glorot_uniform((784, 128), np.random.default_rng(0))
    >>> bool(abs(weights).max() <= np.sqrt(6 / 912)), weights.dtype.name
    (True, 'float32')
    """
    fan_in, fan_out = _fans(shape)
    return _uniform(2 / (fan_in + fan_out), shape, rng, dtype)


def glorot_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw normally with variance 2 / (fan_in + fan_out): for sigmoid, tanh, softmax and linear.

    The source of the rule is that of `glorot_uniform`.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``; of ``(n,)``, a bias, both are n.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights, of variance ``2 / (fan_in + fan_out)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    glorot_uniform : The same variance, uniformly distributed.

    Examples
    --------
    >>> glorot_normal((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    fan_in, fan_out = _fans(shape)
    return _normal(2 / (fan_in + fan_out), shape, rng, dtype)


def he_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw uniformly from ±sqrt(6 / fan_in): for relu and its kin, which pass half the signal.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``; of ``(n,)``, a bias, both are n.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights, of variance ``2 / fan_in``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    he_normal : The same variance, normally distributed.

    References
    ----------
    He, Zhang, Ren and Sun, Delving deep into rectifiers: surpassing human-level performance on
    ImageNet classification, ICCV 2015, section 2.2.

    Examples
    --------
    >>> he_uniform((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    return _uniform(2 / _fans(shape)[0], shape, rng, dtype)


def he_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw normally with variance 2 / fan_in: for relu and its kin.

    The source of the rule is that of `he_uniform`.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``; of ``(n,)``, a bias, both are n.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights, of variance ``2 / fan_in``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    he_uniform : The same variance, uniformly distributed.

    Examples
    --------
    >>> he_normal((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    return _normal(2 / _fans(shape)[0], shape, rng, dtype)


def lecun_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw uniformly from ±sqrt(3 / fan_in): outputs of the variance of the inputs.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``; of ``(n,)``, a bias, both are n.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights, of variance ``1 / fan_in``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    lecun_normal : The same variance, normally distributed.

    References
    ----------
    LeCun, Bottou, Orr and Müller, Efficient BackProp, in Neural Networks: Tricks of the Trade,
    Springer 1998, section 4.6.

    Examples
    --------
    >>> lecun_uniform((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    return _uniform(1 / _fans(shape)[0], shape, rng, dtype)


def lecun_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw normally with variance 1 / fan_in: outputs of the variance of the inputs.

    The source of the rule is that of `lecun_uniform`.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``; of ``(n,)``, a bias, both are n.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights, of variance ``1 / fan_in``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    lecun_uniform : The same variance, uniformly distributed.

    Examples
    --------
    >>> lecun_normal((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    return _normal(1 / _fans(shape)[0], shape, rng, dtype)


def std(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Draw normally with variance 1 / fan_in, as `lecun_normal`; the training rows do the rest.

    At the first ``Model.fit`` each column of W is divided by the standard deviation, over n, that
    its outputs ``x @ W`` have on the training rows; by 1 where that is 0. So every unit begins with
    outputs of variance 1, whatever the rows are.

    Parameters
    ----------
    shape : tuple of int
        ``(fan_in, fan_out)``.
    rng : numpy.random.Generator
        The generator that the weights are drawn from.
    dtype : dtype, default float32
        The type of the weights: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The weights as they are before a fit, and stay in a model whose weights are set before it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    he_plus_5 : The biases that go with it.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024, appendix A.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(2, kernel_initializer="std"), Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> x = np.random.default_rng(0).uniform(0, 1000, (50, 3))
    >>> _ = model.fit(x, x[:, 0], epochs=0, verbose=0)
    >>> model.layer_outputs(x)[0].std(axis=0).round(3)
    array([1., 1.], dtype=float32)
    """
    return lecun_normal(shape, rng, dtype)


def he_plus_5(
    shape: tuple[int, ...],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Return zeros, for biases called "he+5"; the training rows do the rest.

    At the first ``Model.fit`` the bias of each unit becomes minus a random mixture of its outputs
    ``x @ W`` at 5 training rows, which are drawn for each unit: so its kink, or its zero, lies
    among the rows. The weights of the mixture are exponentially distributed, divided by their sum.

    Parameters
    ----------
    shape : tuple of int
        ``(n,)``.
    rng : numpy.random.Generator, optional
        Not used.
    dtype : dtype, default float32
        The type of the array: float32 or float64.

    Returns
    -------
    ndarray of dtype
        The biases as they are before a fit, and stay in a model whose weights are set before it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    std : The weights that go with it.

    References
    ----------
    Steinwart, A sober look at neural network initializations, arXiv:1903.11482, 2019.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(40, bias_initializer="he+5"), Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> x = np.random.default_rng(0).uniform(999, 1000, (50, 3))
    >>> _ = model.fit(x, x[:, 0], epochs=0, verbose=0)
    >>> y = model.layer_outputs(x)[0]
    >>> bool(((y.min(axis=0) < 0) & (y.max(axis=0) > 0)).all())
    True
    """
    return zeros(shape, rng, dtype)


INITIALIZERS: dict[str, Initializer] = {
    function.__name__: function
    for function in (
        zeros,
        glorot_uniform,
        glorot_normal,
        he_uniform,
        he_normal,
        lecun_uniform,
        lecun_normal,
        std,
    )
} | {"he+5": he_plus_5}
"""The initializers by name."""


def _over_deviation(
    weight: NDArray[Any], outputs: NDArray[Any], rng: np.random.Generator
) -> NDArray[Any]:
    """Return W with each column divided by the standard deviation of its outputs."""
    deviation = outputs.std(axis=0, dtype=np.float64)
    # That of equal numbers is the rounding of their mean.
    varies = (outputs != outputs[0]).any(axis=0) & (deviation >= np.finfo(weight.dtype).tiny)
    divided: NDArray[Any] = weight / np.where(varies & np.isfinite(deviation), deviation, 1.0)
    return divided


def _minus_mixture(
    bias: NDArray[Any], outputs: NDArray[Any], rng: np.random.Generator
) -> NDArray[Any]:
    """Return for each unit minus a convex combination of its outputs at 5 rows."""
    rows = rng.integers(0, len(outputs), (len(bias), 5))
    shares = rng.exponential(size=rows.shape)
    shares /= shares.sum(axis=1, keepdims=True)
    units = np.arange(len(bias))[:, np.newaxis]
    mixture: NDArray[Any] = (shares * outputs[rows, units]).sum(axis=1)
    return -mixture


FROM_ROWS: dict[str, Initializer] = {"std": _over_deviation, "he+5": _minus_mixture}
"""How the training rows finish what was drawn: ``f(weight, outputs, rng)``, `outputs` being x W."""


def for_activation(activation: object) -> str:
    """Return the name of the initializer that suits a layer with that activation.

    Parameters
    ----------
    activation : str or cynn.activations.Custom
        One of ``cynn.layers.ACTIVATIONS``, or a function.

    Returns
    -------
    str
        ``he_uniform`` for relu and its kin, which pass half of the signal; ``lecun_uniform`` for
        selu, whose constants are made for that variance (Klambauer et al., Self-normalizing neural
        networks, NIPS 2017); ``glorot_uniform`` for the others.

    Examples
    --------
    >>> for_activation("gelu"), for_activation("selu"), for_activation("tanh")
    ('he_uniform', 'lecun_uniform', 'glorot_uniform')
    """
    entry = TABLE.get(activation) if isinstance(activation, str) else None
    return "glorot_uniform" if entry is None else entry.first_weights


def get(name: str) -> Initializer:
    """Return the initializer of that name.

    Parameters
    ----------
    name : str
        A key of `INITIALIZERS`.

    Returns
    -------
    callable
        ``f(shape, rng, dtype)``.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> get("he_normal") is he_normal
    True
    """
    return INITIALIZERS[choice("initializer", name, INITIALIZERS)]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    sizes = checked_shape("shape", shape)
    if len(sizes) not in (1, 2):
        raise ValueError(f"shape must be (fan_in, fan_out) or (n,), got {sizes}")
    return sizes[0], sizes[-1]


def _generator(rng: object) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def _uniform(
    variance: float, shape: tuple[int, ...], rng: object, dtype: DTypeLike
) -> NDArray[Any]:
    limit = math.sqrt(3 * variance)  # the variance of a uniform draw from ±limit is limit**2 / 3
    return _drawn(lambda n: _generator(rng).uniform(-limit, limit, n), shape, dtype)


def _normal(variance: float, shape: tuple[int, ...], rng: object, dtype: DTypeLike) -> NDArray[Any]:
    deviation = math.sqrt(variance)
    return _drawn(lambda n: _generator(rng).normal(0.0, deviation, n), shape, dtype)


def _drawn(
    draw: Callable[[int], NDArray[Any]], shape: tuple[int, ...], dtype: DTypeLike
) -> NDArray[Any]:
    """Draw a block at a time, so that Ctrl-C is seen in between; to the same numbers as at once."""
    weights = np.empty(math.prod(shape), real_dtype(dtype))
    for start in range(0, len(weights), DRAWN_BLOCK):
        weights[start : start + DRAWN_BLOCK] = draw(min(DRAWN_BLOCK, len(weights) - start))
    return weights.reshape(shape)

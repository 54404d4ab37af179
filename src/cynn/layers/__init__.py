"""Layers: what a network is made of, in order.

A layer here is a declaration; the network that the model builds from it does the arithmetic. Shapes
are those of one row, without the batch axis.
"""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import initializers, specs
from ..checks import array, choice, flag, integer, number, numbers, real_dtype
from ..specs import ACTIVATIONS
from .base import Layer as Layer
from .base import one_axis
from .dropout import Dropout as Dropout
from .normalization import BatchNorm as BatchNorm
from .normalization import LayerNorm as LayerNorm


class Dense(Layer):
    """A fully connected layer: ``activation(x @ W + b)``.

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str, default "identity"
        One of ``cynn.layers.ACTIVATIONS``.
    kernel_initializer : str, default "auto"
        How W is drawn: a name in ``cynn.initializers``, or ``"auto"``: what
        `cynn.initializers.for_activation` says.
    bias_initializer : str, default "zeros"
        How b is drawn: a name in ``cynn.initializers``.
    use_bias : bool, default True
        Whether there is a b; without it the layer is ``activation(x @ W)``.
    l1, l2 : float, default 0.0
        ``l1 * sum(abs(W)) + l2 * sum(W**2)`` is added to the loss: weights are drawn to 0 by l1,
        and kept small by l2. Finite, at least 0.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Examples
    --------
    >>> layer = Dense(128, "relu")
    >>> layer
    Dense(128, 'relu')
    >>> layer.output_shape((784,)), layer.step()
    ((128,), ('dense', 128, 'relu'))
    >>> [w.shape for w in layer.initial_weights(784, np.random.default_rng(0))]
    [(784, 128), (128,)]
    >>> layer.output_shape((28, 28))
    Traceback (most recent call last):
    ValueError: Dense(128, 'relu') takes rows of shape (n,), got (28, 28): put Flatten() before it
    """

    def __init__(
        self,
        units: int,
        activation: str = "identity",
        *,
        kernel_initializer: str = "auto",
        bias_initializer: str = "zeros",
        use_bias: bool = True,
        l1: float = 0.0,
        l2: float = 0.0,
        name: str | None = None,
    ) -> None:
        known = initializers.INITIALIZERS
        self.units = integer("units", units)
        self.activation = choice("activation", activation, ACTIVATIONS)
        self.kernel_initializer = choice("kernel_initializer", kernel_initializer, ("auto", *known))
        self.bias_initializer = choice("bias_initializer", bias_initializer, known)
        self.use_bias = flag("use_bias", use_bias)
        wanted = "a finite number of at least 0"
        self.l1 = number("l1", l1, wanted, lambda found: found >= 0)
        self.l2 = number("l2", l2, wanted, lambda found: found >= 0)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Give ``(units,)`` for ``(n,)``; see `Layer.output_shape`."""
        one_axis(self, input_shape)
        return (self.units,)

    def step(self) -> tuple[Any, ...]:
        """Give ``("dense", units, activation)``, and False after it where there is no bias."""
        step = ("dense", self.units, self.activation)
        return step if self.use_bias else (*step, False)

    def weight_names(self) -> list[str]:
        """Give ``["weight", "bias"]``, or the first alone."""
        return ["weight", "bias"] if self.use_bias else ["weight"]

    def penalties(self) -> list[tuple[float, float]]:
        """Give ``[(l1, l2)]``."""
        return [(self.l1, self.l2)]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Give the shapes of W and b: ``[(n_inputs, units), (units,)]``; of W alone without b."""
        shapes = [(integer("n_inputs", n_inputs), self.units), (self.units,)]
        return shapes if self.use_bias else shapes[:1]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw ``[W, b]``; see `Layer.initial_weights`."""
        kernel = self.kernel_initializer
        if kernel == "auto":
            kernel = initializers.for_activation(self.activation)
        real = real_dtype(dtype)
        draws = (initializers.get(kernel), initializers.get(self.bias_initializer))
        return [
            draw(size, rng, real)
            for draw, size in zip(draws, self.weight_shapes(n_inputs), strict=False)
        ]


class Activation(Layer):
    """An activation on its own, for each number; softmax is over the numbers of a row.

    Parameters
    ----------
    activation : str
        One of ``cynn.layers.ACTIVATIONS``.
    name : str, optional
        A name of your own for it.

    Examples
    --------
    >>> Activation("relu").output_shape((28, 28))
    (28, 28)
    """

    def __init__(self, activation: str, *, name: str | None = None) -> None:
        self.activation = choice("activation", activation, ACTIVATIONS)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Give the same shape; softmax takes ``(n,)`` only. See `Layer.output_shape`."""
        if self.activation == "softmax":  # the network would take it over all axes at once
            return one_axis(self, input_shape)
        return super().output_shape(input_shape)

    def step(self) -> tuple[Any, ...]:
        """Give ``("activation", activation)``."""
        return ("activation", self.activation)


class Flatten(Layer):
    """Rows of any shape as rows of numbers, in C order.

    Parameters
    ----------
    name : str, optional
        A name of your own for it.

    Examples
    --------
    >>> Flatten().output_shape((28, 28))
    (784,)
    """

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Give ``(n,)``, n the product of the sizes; see `Layer.output_shape`."""
        return (math.prod(super().output_shape(input_shape)),)


class Rescale(Layer):
    """Each number times `scale`, plus `offset`; pixels come to [0, 1] by ``Rescale(1 / 255)``.

    Parameters
    ----------
    scale : float
        Finite.
    offset : float, default 0.0
        Finite.
    name : str, optional
        A name of your own for it.

    Examples
    --------
    >>> Rescale(2, -1).step()
    ('rescale', 2.0, -1.0)
    """

    def __init__(self, scale: float, offset: float = 0.0, *, name: str | None = None) -> None:
        self.scale = number("scale", scale)
        self.offset = number("offset", offset)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Give ``("rescale", scale, offset)``."""
        return ("rescale", self.scale, self.offset)


class Normalize(Layer):
    """Each column less its mean, divided by its standard deviation.

    Parameters
    ----------
    mean : sequence of float
        The mean of each number of a row, in C order; finite.
    std : sequence of float
        As many standard deviations; finite, at least `LEAST_STD`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    See Also
    --------
    Normalize.adapt : Make the layer from data.

    Examples
    --------
    >>> Normalize.adapt([[1, 10], [3, 10]])
    Normalize((2.0, 10.0), (1.0, 1.0))
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], *, name: str | None = None
    ) -> None:
        self.mean = numbers("mean", mean)
        wanted = f"a finite number, at least {LEAST_STD}"
        self.std = numbers("std", std, wanted, lambda value: value >= LEAST_STD)
        count = len(self.mean)
        if len(self.std) != count:
            raise ValueError(f"std must hold {count} numbers like mean, got {len(self.std)}")
        super().__init__(name=name)

    @classmethod
    def adapt(cls, x: ArrayLike, *, name: str | None = None) -> Normalize:
        """Make the layer that brings each column of `x` to mean 0 and standard deviation 1.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            Rows, at least one; finite. Give those to train on alone.
        name : str, optional
            A name of your own for it.

        Returns
        -------
        Normalize
            The standard deviation is over n; that of a column that is the same in every row counts
            as 1.

        Raises
        ------
        TypeError, ValueError
            If `x` holds no rows of finite numbers.
        """
        found = array("x", x)
        if found.ndim < 2 or found.size == 0:
            raise ValueError(f"x must hold rows of numbers, got shape {found.shape}")
        total = np.zeros(found.shape[1:])
        squares = np.zeros_like(total)
        blocks = range(0, len(found), max(1, ADAPT_BLOCK // total.size))
        step = max(1, ADAPT_BLOCK // total.size)
        for i in blocks:
            total += found[i : i + step].sum(axis=0, dtype=np.float64)
        mean = total / len(found)
        for i in blocks:  # once more, so that a large mean costs no digits
            squares += ((found[i : i + step] - mean) ** 2).sum(axis=0)
        std = np.sqrt(squares / len(found))
        if not np.isfinite(std).all():
            raise ValueError("x must hold finite numbers, got NaN, an infinity or too large a one")
        std[std < LEAST_STD] = 1
        return cls(mean.ravel().tolist(), std.ravel().tolist(), name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Give the same shape, of as many numbers as `mean`; see `Layer.output_shape`."""
        sizes = super().output_shape(input_shape)
        if math.prod(sizes) != len(self.mean):
            raise ValueError(
                f"Normalize has means of {len(self.mean)} numbers, got rows of shape {sizes}"
            )
        return sizes

    def step(self) -> tuple[Any, ...]:
        """Give ``("normalize", mean, std)``."""
        return ("normalize", self.mean, self.std)


class Residual(Layer):
    """A skip connection: ``x + f(x)``, f being layers in a row.

    Parameters
    ----------
    layers : sequence of Layer
        What f is made of; together they give the shape that they take.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If `layers` is not as said.

    References
    ----------
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016.

    Examples
    --------
    >>> layer = Residual([Dense(64, "relu"), Dense(32)])
    >>> layer.output_shape((32,)), layer.weight_names()
    ((32,), ['0.weight', '0.bias', '1.weight', '1.bias'])
    >>> layer.step()
    ('residual', (('dense', 64, 'relu'), ('dense', 32, 'identity')))
    >>> layer.output_shape((16,))
    Traceback (most recent call last):
    ValueError: the layers of a Residual must give the shape (16,) that they take, got (32,)
    """

    def __init__(self, layers: Sequence[Layer], *, name: str | None = None) -> None:
        if not isinstance(layers, tuple | list):
            raise TypeError(f"layers must be a list of layers, got {layers!r}")
        if not layers:
            raise ValueError("layers must hold at least one layer, got none")
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers[{i}] must be a layer such as Dense(10), got {layer!r}")
        self.layers = tuple(layers)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Give the same shape; see `Layer.output_shape`."""
        found = sizes = super().output_shape(input_shape)
        for layer in self.layers:
            found = layer.output_shape(found)
        if found != sizes:
            raise ValueError(
                f"the layers of a Residual must give the shape {sizes} that they take, got {found}"
            )
        return sizes

    def step(self) -> tuple[Any, ...]:
        """Give ``("residual", steps)``."""
        steps = (layer.step() for layer in self.layers)
        return ("residual", tuple(step for step in steps if step is not None))

    def weight_names(self) -> list[str]:
        """Give the names that the layers have for their weights, each after the layer's number."""
        return [f"{i}.{name}" for i, each in enumerate(self.layers) for name in each.weight_names()]

    def penalties(self) -> list[tuple[float, float]]:
        """Give those of the layers, one after the other."""
        return [pair for each in self.layers for pair in each.penalties()]

    def state_names(self) -> list[str]:
        """Give the names of the layers' running statistics, each after the layer's number."""
        return [f"{i}.{name}" for i, each in enumerate(self.layers) for name in each.state_names()]

    def state_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Give the shapes of the layers' running statistics."""
        pairs = zip(self.layers, self._sizes(n_inputs), strict=True)
        return [found for layer, size in pairs for found in layer.state_shapes(size)]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Give the shapes of the layers' weights, one layer after the other."""
        sizes = self._sizes(n_inputs)
        pairs = zip(self.layers, sizes, strict=True)
        return [found for layer, size in pairs for found in layer.weight_shapes(size)]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw the weights of the layers; see `Layer.initial_weights`."""
        pairs = zip(self.layers, self._sizes(n_inputs), strict=True)
        return [w for layer, size in pairs for w in layer.initial_weights(size, rng, dtype)]

    def _sizes(self, n_inputs: int) -> list[int]:
        """Give how many numbers go into each layer; those with weights take rows of one axis."""
        shapes = [(integer("n_inputs", n_inputs),)]
        for layer in self.layers[:-1]:
            shapes.append(layer.output_shape(shapes[-1]))
        return [math.prod(each) for each in shapes]


LEAST_STD = 1e-37
"""The least standard deviation of `Normalize`: its inverse is a float32."""

ADAPT_BLOCK = 1 << 20  # numbers that `Normalize.adapt` takes at a time

LAYERS = (
    Activation, BatchNorm, Dense, Dropout, Flatten, LayerNorm, Normalize, Rescale, Residual,
)  # fmt: skip
"""The layers that a file may name."""


def output_shapes(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Give the shape of a row after each layer.

    Raises
    ------
    ValueError
        If a layer cannot take the shape that comes to it, or the last gives no single row.

    Examples
    --------
    >>> output_shapes([Flatten(), Dense(10)], (28, 28))
    [(784,), (10,)]
    """
    found = []
    for layer in layers:
        input_shape = layer.output_shape(input_shape)
        found.append(input_shape)
    if len(input_shape) != 1:
        raise ValueError(
            f"the last layer gives rows of shape {input_shape}: put Flatten() before it"
        )
    return found


def input_sizes(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> list[int]:
    """Give how many numbers of a row go into each layer.

    Examples
    --------
    >>> input_sizes([Flatten(), Dense(10)], (28, 28))
    [784, 784]
    """
    shapes = [input_shape, *output_shapes(layers, input_shape)[:-1]]
    return [math.prod(each) for each in shapes]


def weight_shapes(
    layers: Sequence[Layer], input_shape: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """Give the shape of each weight of the layers, by name, in layer order.

    Examples
    --------
    >>> weight_shapes([Flatten(), Dense(10)], (28, 28))
    {'layer1.weight': (784, 10), 'layer1.bias': (10,)}
    """
    return {
        f"layer{i}.{part}": each
        for i, (layer, size) in enumerate(
            zip(layers, input_sizes(layers, input_shape), strict=True)
        )
        for part, each in zip(layer.weight_names(), layer.weight_shapes(size), strict=True)
    }


def state_shapes(
    layers: Sequence[Layer], input_shape: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """Give the shape of each running statistic of the layers, by name, in layer order.

    Examples
    --------
    >>> state_shapes([Dense(10), BatchNorm()], (784,))
    {'layer1.moving_mean': (10,), 'layer1.moving_variance': (10,)}
    """
    return {
        f"layer{i}.{part}": each
        for i, (layer, size) in enumerate(
            zip(layers, input_sizes(layers, input_shape), strict=True)
        )
        for part, each in zip(layer.state_names(), layer.state_shapes(size), strict=True)
    }


def from_dict(data: dict[str, Any]) -> Layer:
    """Make a layer again from its ``to_dict()``.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments; it may come from a file.

    Returns
    -------
    Layer
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If anything is wrong with it.

    Examples
    --------
    >>> from_dict(Dense(128, "relu").to_dict())
    Dense(128, 'relu')
    """
    return specs.from_dict(data, LAYERS)

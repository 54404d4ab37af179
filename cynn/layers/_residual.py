"""Layers with a way around them."""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs.validation import integer, shown
from ..schedules import Schedule
from ._layer import Layer

__all__ = ["Residual"]


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
        If `layers` is not as described.

    References
    ----------
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> layer = Residual([Dense(64, "relu"), Dense(32)])
    >>> layer.output_shape((32,)), layer.weight_names()
    ((32,), ['0.weight', '0.bias', '1.weight', '1.bias'])
    >>> layer.step()
    ('residual', (('dense', 64, 'relu'), ('dense', 32, 'identity')))
    >>> layer.output_shape((16,))
    Traceback (most recent call last):
    ValueError: the layers of a Residual must return the shape (16,) that they take, got (32,)
    """

    def __init__(self, layers: Sequence[Layer], *, name: str | None = None) -> None:
        if not isinstance(layers, tuple | list):
            raise TypeError(f"layers must be a list of layers, got {shown(layers)}")
        if not layers:
            raise ValueError("layers must hold at least one layer, got none")
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"layers[{i}] must be a layer such as Dense(10), got {shown(layer)}"
                )
        self.layers = tuple(layers)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape; see `Layer.output_shape`."""
        output = sizes = super().output_shape(input_shape)
        for layer in self.layers:
            output = layer.output_shape(output)
        if output != sizes:
            raise ValueError(
                f"the layers of a Residual must return the shape {sizes} that they take, got "
                f"{output}"
            )
        return sizes

    def members(self, before: int) -> int:
        """Return as many; see `Layer.members`."""
        after = before
        for layer in self.layers:
            after = layer.members(after)
        if after != before:
            raise ValueError(
                f"members must be {before} behind a Residual as before it, got {after}: put "
                "Members before it"
            )
        return before

    def _of_member(self, weights: list[NDArray[Any]], m: int) -> tuple[Layer, list[NDArray[Any]]]:
        parts, own = [], []
        for layer in self.layers:
            n = len(layer.weight_names())
            part, taken = layer._of_member(weights[:n], m)
            weights = weights[n:]
            parts.append(part)
            own += taken
        return self.replace(layers=parts), own

    def step(self) -> tuple[Any, ...]:
        """Return ``("residual", steps)``; see `Layer.step`."""
        steps = (layer.step() for layer in self.layers)
        return ("residual", tuple(step for step in steps if step is not None))

    def weight_names(self) -> list[str]:
        """Return the names of the layers' weights, each after the layer's number.

        See `Layer.weight_names`.
        """
        return [
            f"{i}.{name}" for i, layer in enumerate(self.layers) for name in layer.weight_names()
        ]

    def factors(self) -> list[tuple[float, float]]:
        """Return those of the layers, one after the other; see `Layer.factors`."""
        return [pair for layer in self.layers for pair in layer.factors()]

    def dropouts(self) -> list[float | Schedule]:
        """Return those of the layers, one after the other; see `Layer.dropouts`."""
        return [rate for layer in self.layers for rate in layer.dropouts()]

    def penalties(self) -> list[tuple[float, float]]:
        """Return those of the layers, one after the other; see `Layer.penalties`."""
        return [pair for layer in self.layers for pair in layer.penalties()]

    def state_names(self) -> list[str]:
        """Return the names of the layers' running statistics, each after the layer's number.

        See `Layer.state_names`.
        """
        return [
            f"{i}.{name}" for i, layer in enumerate(self.layers) for name in layer.state_names()
        ]

    def state_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of the layers' running statistics; see `Layer.state_shapes`."""
        pairs = zip(self.layers, self._sizes(n_inputs), strict=True)
        return [shape for layer, size in pairs for shape in layer.state_shapes(size)]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of the layers' weights, one layer after the other.

        See `Layer.weight_shapes`.
        """
        sizes = self._sizes(n_inputs)
        pairs = zip(self.layers, sizes, strict=True)
        return [shape for layer, size in pairs for shape in layer.weight_shapes(size)]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw the weights of the layers; see `Layer.initial_weights`."""
        pairs = zip(self.layers, self._sizes(n_inputs), strict=True)
        return [w for layer, size in pairs for w in layer.initial_weights(size, rng, dtype)]

    def _sizes(self, n_inputs: int) -> list[int]:
        """Return how many numbers go into each layer; those with weights take rows of one axis."""
        shapes = [(integer("n_inputs", n_inputs),)]
        for layer in self.layers[:-1]:
            shapes.append(layer.output_shape(shapes[-1]))
        return [math.prod(shape) for shape in shapes]

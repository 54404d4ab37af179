"""Layers in a row: the shapes of what goes through them and of what they keep."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import shape, shown
from ._layer import Layer

__all__ = ["MOST_LAYERS", "input_sizes", "output_shapes", "state_shapes", "weight_shapes"]

MOST_LAYERS = 10_000
"""How many layers a model may have, with those inside of others."""

COPIED_BLOCK = 1 << 22
"""How many numbers are copied at a time."""


def output_shapes(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shape of a row after each layer.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, in order.
    input_shape : tuple of int
        The shape of one row of the input.

    Returns
    -------
    list of tuple of int
        One shape for each layer; the last one has a single axis.

    Raises
    ------
    TypeError, ValueError
        If `layers` holds anything else, a layer cannot take the shape that comes to it, or the last
        gives no single row.

    See Also
    --------
    input_sizes : Return how many numbers of a row go into each layer.

    Examples
    --------
    >>> from cynn.layers import Dense, Flatten
    >>> output_shapes([Flatten(), Dense(10)], (28, 28))
    [(784,), (10,)]
    """
    shapes = []
    if not isinstance(layers, tuple | list):
        raise TypeError(f"layers must be a list of Layer objects, got {shown(layers)}")
    input_shape = shape("input_shape", input_shape)
    members = 1
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(f"layers must hold Layer objects, got {shown(layer)}")
        input_shape = layer.output_shape(input_shape)
        members = layer.members(members)
        shapes.append(input_shape)
    if len(input_shape) != 1:
        raise ValueError(
            f"the last layer must return rows of shape (n,), got {input_shape}: put Flatten() "
            "before it"
        )
    return shapes


def row_sizes(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> list[int]:
    """Return how many numbers of a row go into each layer, and how many the last one gives.

    Examples
    --------
    >>> from cynn.layers import Dense, Flatten
    >>> row_sizes([Flatten(), Dense(10)], (28, 28))
    [784, 784, 10]
    """
    return [math.prod(row) for row in (input_shape, *output_shapes(layers, input_shape))]


def members_by_layer(layers: Sequence[Layer]) -> list[int]:
    """Return how many rows each layer gives for each row of the model; see `Layer.members`.

    Examples
    --------
    >>> from cynn.layers import Dense, MemberAffine, Members
    >>> members_by_layer([Dense(10), Members(4), MemberAffine(4)])
    [1, 4, 4]
    """
    members = [1]
    for layer in layers:
        members.append(layer.members(members[-1]))
    return members[1:]


def initial_parameters(
    layers: Sequence[Layer], sizes: Sequence[int], rng: Any, dtype: Any
) -> NDArray[Any]:
    """Draw the first weights of all layers, one after the other in a flat array.

    Parameters
    ----------
    layers : sequence of Layer
    sizes : sequence of int
        As `row_sizes` gives them.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float32 or float64.
    """
    weights = [
        weight
        for layer, size in zip(layers, sizes, strict=False)
        for weight in layer.initial_weights(size, rng, dtype)
    ]
    parameters, start = np.empty(sum(weight.size for weight in weights), dtype), 0
    for weight in weights:
        numbers = weight.ravel()
        for first in range(0, len(numbers), COPIED_BLOCK):  # Ctrl-C is seen in between
            part = numbers[first : first + COPIED_BLOCK]
            parameters[start + first : start + first + len(part)] = part
        start += len(numbers)
    return parameters


def input_sizes(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> list[int]:
    """Return how many numbers of a row go into each layer.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, in order.
    input_shape : tuple of int
        The shape of one row of the input.

    Returns
    -------
    list of int
        One count for each layer.

    Raises
    ------
    ValueError
        If a layer cannot take the shape that comes to it, or the last one does not return single
        rows.

    Examples
    --------
    >>> from cynn.layers import Dense, Flatten
    >>> input_sizes([Flatten(), Dense(10)], (28, 28))
    [784, 784]
    """
    return row_sizes(layers, input_shape)[:-1]


def weight_shapes(
    layers: Sequence[Layer], input_shape: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of the layers, by name, in layer order.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, in order.
    input_shape : tuple of int
        The shape of one row of the input.

    Returns
    -------
    dict of str to tuple of int
        By the names that a model file has for the arrays: ``layer0.weight``, ``layer0.bias``, ...

    Raises
    ------
    ValueError
        If a layer cannot take the shape that comes to it, or the last one does not return single
        rows.

    Examples
    --------
    >>> from cynn.layers import Dense, Flatten
    >>> weight_shapes([Flatten(), Dense(10)], (28, 28))
    {'layer1.weight': (784, 10), 'layer1.bias': (10,)}
    """
    return {
        f"layer{i}.{name}": shape
        for i, (layer, size) in enumerate(
            zip(layers, input_sizes(layers, input_shape), strict=True)
        )
        for name, shape in zip(layer.weight_names(), layer.weight_shapes(size), strict=True)
    }


def state_shapes(
    layers: Sequence[Layer], input_shape: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each running statistic of the layers, by name, in layer order.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, in order.
    input_shape : tuple of int
        The shape of one row of the input.

    Returns
    -------
    dict of str to tuple of int
        By the names that a model file has for the arrays; empty where no layer has running
        statistics.

    Raises
    ------
    ValueError
        If a layer cannot take the shape that comes to it, or the last one does not return single
        rows.

    Examples
    --------
    >>> from cynn.layers import BatchNorm, Dense
    >>> state_shapes([Dense(10), BatchNorm()], (784,))
    {'layer1.moving_mean': (10,), 'layer1.moving_variance': (10,)}
    """
    return {
        f"layer{i}.{name}": shape
        for i, (layer, size) in enumerate(
            zip(layers, input_sizes(layers, input_shape), strict=True)
        )
        for name, shape in zip(layer.state_names(), layer.state_shapes(size), strict=True)
    }

"""Layers in a row: the shapes of what goes through them and of what they keep."""

import math
from collections.abc import Sequence

from ._layer import Layer

__all__ = ["input_sizes", "output_shapes", "state_shapes", "weight_shapes"]


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
    ValueError
        If a layer cannot take the shape that comes to it, or the last gives no single row.

    See Also
    --------
    input_sizes : Return how many numbers of a row go into each layer.

    Examples
    --------
    >>> from cynn.layers import Dense, Flatten
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
    shapes = [input_shape, *output_shapes(layers, input_shape)[:-1]]
    return [math.prod(each) for each in shapes]


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
        f"layer{i}.{part}": each
        for i, (layer, size) in enumerate(
            zip(layers, input_sizes(layers, input_shape), strict=True)
        )
        for part, each in zip(layer.weight_names(), layer.weight_shapes(size), strict=True)
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
        f"layer{i}.{part}": each
        for i, (layer, size) in enumerate(
            zip(layers, input_sizes(layers, input_shape), strict=True)
        )
        for part, each in zip(layer.state_names(), layer.state_shapes(size), strict=True)
    }

"""Looking into a model: what its layers give, and what its input would have to become."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from .._data.sparse import read
from .._runtime.threads import get_num_threads
from .._specs.validation import integer
from . import loops, plan


def layer_outputs(
    kernels: Any,
    parts: Sequence[layers.Layer],
    numbers: NDArray[Any],
    state: NDArray[Any],
    rows: Any,
    input_shape: tuple[int, ...],
) -> list[NDArray[Any]]:
    """Return what each layer makes of rows; each is a network of its own, fed by the one before.

    Parameters
    ----------
    kernels : module
        A target.
    parts : sequence of Layer
        The layers.
    numbers : ndarray
        Their weights, one after the other.
    state : ndarray
        Their running statistics, in the same way.
    rows : ndarray
        What goes in, as the kernels read it.
    input_shape : tuple of int
        The shape of one row of the input.

    Returns
    -------
    list of ndarray
        For each layer an array (rows, ...) of its output's shape.
    """
    outputs, start, state_start = [], 0, 0
    sizes = layers.input_sizes(parts, input_shape)
    shapes = layers.output_shapes(parts, input_shape)
    for layer, size, shape in zip(parts, sizes, shapes, strict=True):
        network = kernels.Network(size, *plan.steps_of([layer]))
        network.set_params(numbers[start : start + network.n_params])
        network.set_state(state[state_start : state_start + network.n_state])
        start, state_start = start + network.n_params, state_start + network.n_state
        rows = loops.predict(network, rows, get_num_threads, numbers.dtype)
        outputs.append(rows.reshape(len(rows), *shape))
    return outputs


def input_gradient(
    network: Any, rows: Any, targets: Any, output: int | None, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return how each row's loss, or without targets its output of that number, changes with it."""
    direction = None
    if targets is None:
        index = integer("output", output, 0)
        if index >= network.n_outputs:
            raise ValueError(f"output must be less than {network.n_outputs}, got {index}")
        direction = np.zeros((len(rows), network.n_outputs), dtype)
        direction[:, index] = 1
    gradient = np.empty((len(rows), network.n_inputs), dtype)
    for part in loops.slices(network, len(rows)):
        x = read(rows[part], network)
        y = None if targets is None else targets[part]
        network.input_gradient(
            x, y, None if direction is None else direction[part], gradient[part], get_num_threads()
        )
    return gradient

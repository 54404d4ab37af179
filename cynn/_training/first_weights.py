"""First weights that the training rows finish, layer after layer: see `cynn.initializers`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._data.sparse import SparseInput
from .._model.layerwise import LayerByLayer
from .._model.loops import Batches
from .._model.plan import begins_from_rows, dense_layers
from .._runtime.threads import get_num_threads
from ..initializers import FROM_ROWS
from ..layers import Dense, Layer, Residual
from ..layers._stack import members_by_layer

MOST_ROWS = 10_000
"""How many rows are looked at, drawn by the model's seed where there are more."""

MOST_NUMBERS = 1 << 23
"""How many numbers between two layers are in memory: of wide layers there are fewer rows."""

LEAST_ROWS = 64
"""But not fewer than these, which are less than the weights of so wide a layer."""


def finish_first_weights(
    model: Any, data: Batches | None, threads: Callable[[], int] = get_num_threads
) -> None:
    """Finish a model's first weights, which are as they were drawn.

    A layer's inputs are what the layers before it, in use, make of the rows with their own first
    weights; those of all members, where it has members.

    Parameters
    ----------
    model : Model
        It is built.
    data : Batches or None
        The rows to train on; those of weight 0 are left out. None where another process does it.
    threads : callable
        Says how many a call may use.
    """
    model._awaits_rows = False
    if data is None:
        return
    rng = np.random.default_rng([model.seed, 1])
    sizes = [*model._row_sizes(model._input_shape), *(d.units for d in dense_layers(model.layers))]
    rows = _drawn(data, max(sizes) * max(members_by_layer(model.layers)), rng)
    network = model._network
    numbers, state = (np.empty(n, model.dtype) for n in (network.n_params, network.n_state))
    network.get_params(numbers)
    network.get_state(state)
    _finish(model.layers, LayerByLayer(model._kernels, numbers, state, rows, threads), rng)
    network.set_params(numbers)


def _drawn(data: Batches, widest: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return the rows to look at, as the kernels read them."""
    rows = np.arange(len(data.x)) if data.rows is None else data.rows
    if data.weight is not None:
        rows = rows[data.weight[rows] > 0]
    most = min(MOST_ROWS, max(LEAST_ROWS, MOST_NUMBERS // widest))
    if len(rows) > most:
        rows = rows[np.sort(rng.choice(len(rows), most, replace=False, shuffle=False))]
    x = data.x[rows]
    return x.dense() if isinstance(x, SparseInput) else x


def _finish(parts: Sequence[Layer], way: LayerByLayer, rng: np.random.Generator) -> None:
    """Finish the weights of the layers on the way, in place."""
    last = max(i for i, layer in enumerate(parts) if begins_from_rows(layer))
    for i, layer in enumerate(parts[: last + 1]):
        if isinstance(layer, Dense):
            _finish_dense(layer, way, rng)
        if isinstance(layer, Residual) and begins_from_rows(layer):
            _finish(layer.layers, way.inside(), rng)
        if i < last:
            way.through(layer)


@np.errstate(over="ignore", invalid="ignore")  # a training on such rows diverges, and says so
def _finish_dense(layer: Dense, way: LayerByLayer, rng: np.random.Generator) -> None:
    product = Dense(layer.units, use_bias=False)
    kernel, *bias = way.weights(layer)
    if finish := FROM_ROWS.get(layer.kernel_initializer):
        kernel[...] = finish(kernel, way.outputs(product, kernel.ravel()), rng)
    if bias and (finish := FROM_ROWS.get(layer.bias_initializer)):
        bias[0][...] = finish(bias[0], way.outputs(product, kernel.ravel()), rng)

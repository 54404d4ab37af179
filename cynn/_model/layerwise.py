"""Rows on their way through layers one by one, each a network of its own, fed by the one before."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from .._runtime.threads import get_num_threads
from . import loops
from .plan import plan_of
from .weights import flat, shaped


class LayerByLayer:
    """Some rows between two layers, and what the layers to come have learned.

    Parameters
    ----------
    kernels : module
        A target.
    numbers : ndarray
        The weights of the layers to come, one after the other.
    state : ndarray
        Their running statistics, in the same way.
    rows : ndarray, shape (n, columns)
        What goes into the first, as the kernels read it.
    threads : callable
        Says how many a call may use.
    members : int
        How many of the rows are one row's, side by side: see `Layer.members`.

    Attributes
    ----------
    rows : ndarray, shape (n, columns)
        What goes into the next.
    members : int
        As above.
    """

    def __init__(
        self,
        kernels: Any,
        numbers: NDArray[Any],
        state: NDArray[Any],
        rows: NDArray[Any],
        threads: Callable[[], int] = get_num_threads,
        members: int = 1,
    ) -> None:
        self._kernels, self._threads = kernels, threads
        self._numbers, self._state = numbers, state
        self.rows = self._source = rows
        self.members = members
        # Those at the head that learn nothing begin with the input itself, whose digits they may
        # need.
        self._head: list[layers.Layer] = []
        self._is_at_head = True

    def inside(self) -> "LayerByLayer":
        """Return the way through the layers that the next one is made of."""
        return LayerByLayer(
            self._kernels, self._numbers, self._state, self.rows, self._threads, self.members
        )

    def weights(self, layer: layers.Layer) -> list[NDArray[Any]]:
        """Return the weights of the next layer, which may be written to."""
        return shaped(self._numbers, layer.weight_shapes(self.rows.shape[1]))

    def outputs(self, layer: layers.Layer, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return what any layer without statistics, of those weights, would make of the rows."""
        network = self._network([layer], self.rows)
        network.set_params(numbers)
        return self._predicted(network, self.rows)

    def through(self, layer: layers.Layer) -> NDArray[Any]:
        """Take the rows through the next layer; return what it made of them.

        A network gives the mean of its members, so each goes through the layer by itself.
        """
        before, self.members = self.members, layer.members(self.members)
        kind = (layer.step() or ("rescale",))[0]
        self._is_at_head = self._is_at_head and kind in ("rescale", "normalize")
        if self._is_at_head:
            self._head.append(layer)
        rows = self._source if self._is_at_head else self.rows
        shapes, states = (of(rows.shape[1]) for of in (layer.weight_shapes, layer.state_shapes))
        n, n_state = (sum(map(math.prod, of)) for of in (shapes, states))
        numbers, state = self._numbers[:n], self._state[:n_state]
        self._numbers, self._state = self._numbers[n:], self._state[n_state:]
        parts = self._head if self._is_at_head else [layer]
        if self.members == 1:
            self.rows = self._made(parts, numbers, state, rows)
            return self.rows
        made = []
        for m in range(self.members):
            own, weights = layer._of_member(shaped(numbers, shapes), m)
            of_member = rows if before == 1 else np.ascontiguousarray(rows[m::before])
            made.append(self._made([own], flat(weights, numbers.dtype), state, of_member))
        self.rows = np.stack(made, axis=1).reshape(-1, made[0].shape[1])
        return self.rows

    def _made(
        self,
        parts: list[layers.Layer],
        numbers: NDArray[Any],
        state: NDArray[Any],
        rows: NDArray[Any],
    ) -> NDArray[Any]:
        """Return what layers of these weights and running statistics make of rows."""
        network = self._network(parts, rows)
        network.set_params(numbers)
        network.set_state(state)
        return self._predicted(network, rows)

    def _network(self, parts: list[layers.Layer], rows: NDArray[Any]) -> Any:
        return self._kernels.Network(rows.shape[1], *plan_of(parts, self._numbers.dtype)[:4])

    def _predicted(self, network: Any, rows: NDArray[Any]) -> NDArray[Any]:
        return loops.predict(network, rows, self._threads, self._numbers.dtype)

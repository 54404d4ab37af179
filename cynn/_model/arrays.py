"""What a model has learned, in and out as arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _backend
from .._runtime.access import exclusive, shared
from ..layers import Layer, state_shapes, weight_shapes
from ..optimizers import Optimizer
from .weights import checked_arrays, flat, named_state, set_state, shaped


class Learned:
    """The part of `Model` that knows weights, running statistics and the optimizer's state."""

    dtype: np.dtype[Any]
    layers: tuple[Layer, ...]
    optimizer: Optimizer | None
    _network: Any
    _awaits_rows: bool = False
    """Whether the rows of the first fit are still to finish the first weights."""

    def _built_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    def _weight_names(self) -> dict[str, tuple[int, ...]]:
        return weight_shapes(self.layers, self._built_shape())

    def _weight_shapes(self) -> list[tuple[int, ...]]:
        return list(self._weight_names().values())

    @shared
    def get_weights(self) -> list[NDArray[Any]]:
        """Return copies of the weights in layer order: ``[W (in, out), b (out,), ...]``.

        Returns
        -------
        list of ndarray
            Of the model's dtype.

        Raises
        ------
        RuntimeError
            If the model has no weights yet.
        """
        self._built_shape()
        numbers = np.empty(self._network.n_params, self.dtype)
        self._network.get_params(numbers)
        return shaped(numbers, self._weight_shapes())

    @shared
    def named_weights(self) -> dict[str, NDArray[Any]]:
        """Return copies of the weights by name, in the order of `get_weights`.

        Returns
        -------
        dict of str to ndarray
            ``layer0.weight`` and so on: the layer's place, counted from 0, and what it is there.

        Raises
        ------
        RuntimeError
            If the model has no weights yet.

        Examples
        --------
        >>> from cynn import Model
        >>> from cynn.layers import Dense, Flatten
        >>> model = Model([Flatten(), Dense(3)], seed=0)
        >>> model.build((2, 2))
        >>> {name: w.shape for name, w in model.named_weights().items()}
        {'layer1.weight': (4, 3), 'layer1.bias': (3,)}
        """
        return dict(zip(self._weight_names(), self.get_weights(), strict=True))

    @exclusive(nested=True)
    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the weights, in the order and the shapes of `get_weights`.

        Where they are an average, so are those that the optimizer moves.

        Parameters
        ----------
        weights : sequence of array_like
            As `get_weights` returns them; they are copied.

        Raises
        ------
        TypeError, ValueError
            If one is missing, too many, or of another shape; nothing is changed then.
        RuntimeError
            If the model has no weights yet.
        """
        arrays = checked_arrays("weights", weights, self._weight_shapes(), self.dtype)
        self._network.set_params(flat(arrays, self.dtype))
        self._awaits_rows = False

    @shared
    def get_state(self) -> list[NDArray[Any]]:
        """Return copies of the layers' running statistics, in layer order.

        Returns
        -------
        list of ndarray
            For each `BatchNorm` its moving mean and its moving variance.

        Raises
        ------
        RuntimeError
            If the model has no weights yet.
        """
        shapes = list(state_shapes(self.layers, self._built_shape()).values())
        numbers = np.empty(self._network.n_state, self.dtype)
        self._network.get_state(numbers)
        return shaped(numbers, shapes)

    @exclusive(nested=True)
    def set_state(self, state: Sequence[ArrayLike]) -> None:
        """Set the running statistics.

        Parameters
        ----------
        state : sequence of array_like
            As `get_state` returns it; it is copied.

        Raises
        ------
        TypeError, ValueError
            If an array is missing, too many, of another shape, or a variance is negative; nothing
            is changed then.
        RuntimeError
            If the model has no weights yet.
        """
        names = state_shapes(self.layers, self._built_shape())
        arrays = checked_arrays("state", state, list(names.values()), self.dtype)
        for i, name in enumerate(names):
            # NaN is what a diverged training leaves, and a copy of such a model is like it.
            if name.endswith("variance") and (arrays[i] < 0).any():
                raise ValueError(f"state[{i}] must hold variances, got negative numbers")
        self._network.set_state(flat(arrays, self.dtype))

    @shared
    def get_learned(self) -> NDArray[Any]:
        """Return a copy of the weights and the running statistics, as one flat array.

        Returns
        -------
        ndarray, shape (n,)
            Of the model's dtype.

        Raises
        ------
        RuntimeError
            If the model has no weights yet.
        """
        self._built_shape()
        n = self._network.n_params
        numbers = np.empty(n + self._network.n_state, self.dtype)
        self._network.get_params(numbers[:n])
        self._network.get_state(numbers[n:])
        return numbers

    @exclusive(nested=True)
    def set_learned(self, numbers: ArrayLike) -> None:
        """Set the weights and the running statistics.

        Parameters
        ----------
        numbers : array_like, shape (n,)
            As `get_learned` returns them; they are copied.

        Raises
        ------
        TypeError, ValueError
            If there are not as many numbers, or a variance is negative; nothing is changed then.
        RuntimeError
            If the model has no weights yet.
        """
        weights = self._weight_shapes()
        state = list(state_shapes(self.layers, self._built_shape()).values())
        n = self._network.n_params
        size = (n + self._network.n_state,)
        (values,) = checked_arrays("learned", [numbers], [size], self.dtype)
        self.set_state(shaped(values[n:], state))
        self.set_weights(shaped(values[:n], weights))

    @shared
    def get_optimizer_state(self) -> list[NDArray[Any]]:
        """Return copies of the optimizer's state.

        Returns
        -------
        list of ndarray
            For each of its slots (SGD has one, the velocity; Adam two; where the weights are an
            average, the last is those that the optimizer moves) an array for each weight, in the
            order and shapes of `get_weights`; then its scalars, float64 (NAdam has one, the
            product of its momenta); then the number of steps it has done, int64.

        Raises
        ------
        RuntimeError
            If the model has no weights yet.
        """
        return list(named_state(self._network, self._weight_names(), self.dtype).values())

    @exclusive(nested=True)
    def set_optimizer_state(self, state: Sequence[ArrayLike]) -> None:
        """Set the optimizer's state.

        Parameters
        ----------
        state : sequence of array_like
            As `get_optimizer_state` returns it; the scalars and the number of steps at its end may
            be left out, and begin anew then.

        Raises
        ------
        TypeError, ValueError
            If an array is missing, too many, or of another shape; nothing is changed then.
        RuntimeError
            If the model has no weights yet.
        """
        first: dict[str, float] = {}
        if self.optimizer is not None:
            kernel = str(self.optimizer.kernel()[0])
            first = _backend.kernels(self.dtype.name).OPTIMIZERS[kernel][2]
        set_state(self._network, state, self._weight_shapes(), self.dtype, first)

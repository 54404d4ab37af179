"""Normalisation inside a network: numbers brought to one size, then to one that is learned."""

from __future__ import annotations  # naming numpy.random would load it

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs.validation import integer, number, real_dtype
from ._layer import Layer, one_axis

__all__ = ["BatchNorm", "LayerNorm"]


class _Normalization(Layer):
    """What both have: a scale gamma and a shift beta for each column."""

    epsilon: float

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of one axis; see `Layer.output_shape`."""
        return one_axis(self, input_shape)

    def weight_names(self) -> list[str]:
        """Return ``["weight", "bias"]``: gamma and beta; see `Layer.weight_names`."""
        return ["weight", "bias"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of gamma and beta: ``[(n_inputs,), (n_inputs,)]``.

        See `Layer.weight_shapes`.
        """
        return [(integer("n_inputs", n_inputs),)] * 2

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Return ones for gamma and zeros for beta; nothing is drawn.

        See `Layer.initial_weights`.
        """
        real = real_dtype(dtype)
        return [np.ones(n_inputs, real), np.zeros(n_inputs, real)]


class LayerNorm(_Normalization):
    """Each row by its own mean and variance: ``gamma * (x - mean) / sqrt(variance + eps) + beta``.

    Training and use are the same, and rows do not see each other.

    Parameters
    ----------
    epsilon : float, default 1e-3
        Keeps the divisor from 0; finite, above 0.
    learning_rate_factor, weight_decay_factor : float or mapping of str to float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by here: one number for
        all weights, or numbers by the names of `weight_names`. Finite, at least 0; weights whose
        learning rate is multiplied by 0 are frozen.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    BatchNorm : Normalize by column, over the batch.

    References
    ----------
    Ba, Kiros and Hinton, Layer normalization, 2016, arXiv:1607.06450.

    Examples
    --------
    >>> LayerNorm().weight_shapes(128), LayerNorm().step()
    ([(128,), (128,)], ('layer_norm', 0.001))
    """

    def __init__(
        self,
        epsilon: float = 1e-3,
        *,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.epsilon = _epsilon(epsilon)
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("layer_norm", epsilon)``; see `Layer.step`."""
        return ("layer_norm", self.epsilon)


class BatchNorm(_Normalization):
    """Each column by its mean and variance over the batch, in use by running ones.

    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``. With each batch of training the
    running mean and variance become ``momentum * running + (1 - momentum) * the batch's``, with
    the variance divided by the rows, as in Keras; they begin with 0 and 1. All rows of a batch
    count the same for them, whatever their weights; a batch of no weight at all changes nothing. A
    batch by which one would become infinite or NaN is a FloatingPointError, and changes nothing. A
    model keeps them apart from its weights: `Model.get_state`.

    Parameters
    ----------
    momentum : float, default 0.99
        From 0 to 1.
    epsilon : float, default 1e-3
        Keeps the divisor from 0; finite, above 0.
    learning_rate_factor, weight_decay_factor : float or mapping of str to float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by here: one number for
        all weights, or numbers by the names of `weight_names`. Finite, at least 0; weights whose
        learning rate is multiplied by 0 are frozen.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    LayerNorm : Normalize by row; training and use are the same.
    Normalize : Normalize the inputs, by statistics of the training set.

    References
    ----------
    Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal
    covariate shift, ICML 2015.

    Examples
    --------
    >>> BatchNorm(momentum=0.9).step()
    ('batch_norm', 0.9, 0.001)
    >>> BatchNorm().weight_names(), BatchNorm().state_names()
    (['weight', 'bias'], ['moving_mean', 'moving_variance'])
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        *,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        requirement = "a number from 0 to 1"
        self.momentum = number("momentum", momentum, requirement, lambda x: 0 <= x <= 1)
        self.epsilon = _epsilon(epsilon)
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("batch_norm", momentum, epsilon)``; see `Layer.step`."""
        return ("batch_norm", self.momentum, self.epsilon)

    def state_names(self) -> list[str]:
        """Return ``["moving_mean", "moving_variance"]``; see `Layer.state_names`."""
        return ["moving_mean", "moving_variance"]

    def state_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return their shapes: ``[(n_inputs,), (n_inputs,)]``; see `Layer.state_shapes`."""
        return [(integer("n_inputs", n_inputs),)] * 2


def _epsilon(value: Any) -> float:
    requirement = "a finite number above 0"
    return number("epsilon", value, requirement, lambda epsilon: epsilon > 0)

"""Activations on their own."""

from __future__ import annotations  # naming numpy.random would load it

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import activations
from .._specs.validation import integer, real_dtype
from ._layer import Layer, one_axis

__all__ = ["Activation", "ParametricActivation"]


class Activation(Layer):
    """An activation on its own, for each number; softmax is over the numbers of a row.

    Parameters
    ----------
    activation : str or cynn.activations.Custom
        One of ``cynn.layers.ACTIVATIONS``, or a function of your own, which is slower; it sees a
        row of any shape as one of numbers.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Dense : A layer with weights, which takes its activation as an argument.
    ParametricActivation : One of which each column learns how much it needs.

    Examples
    --------
    >>> Activation("relu").output_shape((28, 28))
    (28, 28)
    """

    def __init__(self, activation: str | activations.Custom, *, name: str | None = None) -> None:
        self.activation = activations.checked("activation", activation)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape; softmax takes ``(n,)`` only. See `Layer.output_shape`."""
        if self.activation == "softmax":  # the network would take it over all axes at once
            return one_axis(self, input_shape)
        return super().output_shape(input_shape)

    def step(self) -> tuple[Any, ...]:
        """Return ``("activation", activation)``; see `Layer.step`."""
        return ("activation", self.activation)


class ParametricActivation(Layer):
    """An activation f of which each column learns how much it needs: ``y = x + a * (f(x) - x)``.

    With an a of 1, as it begins, it is the activation; with 0 it changes nothing.

    Parameters
    ----------
    activation : str
        One of ``cynn.layers.ACTIVATIONS``; softmax is over the numbers of a row.
    learning_rate_factor, weight_decay_factor : float or mapping of str to float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by; see `Dense`.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Activation : The same without a.

    Notes
    -----
    The gradient of a is the sum over the rows of ``(f(x) - x) * dL/dy``. It takes rows of shape
    (n,).

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024.

    Examples
    --------
    >>> layer = ParametricActivation("mish")
    >>> layer.output_shape((4,)), layer.step(), layer.weight_names()
    ((4,), ('parametric', 'mish'), ['weight'])
    >>> layer.initial_weights(4, np.random.default_rng(0))
    [array([1., 1., 1., 1.], dtype=float32)]
    """

    def __init__(
        self,
        activation: str,
        *,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        checked = activations.checked("activation", activation)
        if not isinstance(checked, str):
            raise TypeError(
                "activation must be a name for ParametricActivation, got the user-defined "
                f"{checked!r}"
            )
        self.activation = checked
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of one axis; see `Layer.output_shape`."""
        return one_axis(self, input_shape)

    def step(self) -> tuple[Any, ...]:
        """Return ``("parametric", activation)``; see `Layer.step`."""
        return ("parametric", self.activation)

    def weight_names(self) -> list[str]:
        """Return ``["weight"]``: a; see `Layer.weight_names`."""
        return ["weight"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shape of a: ``[(n_inputs,)]``; see `Layer.weight_shapes`."""
        return [(integer("n_inputs", n_inputs),)]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Return ones; nothing is drawn; see `Layer.initial_weights`."""
        return [np.ones(n_inputs, real_dtype(dtype))]

"""The fully connected layer."""

from __future__ import annotations  # naming numpy.random would load it

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import activations, initializers
from .._specs.validation import choice, flag, integer, number
from ._layer import Layer, one_axis

__all__ = ["Dense"]

KERNEL_INITIALIZERS = ("auto", *(name for name in initializers.INITIALIZERS if name != "he+5"))
BIAS_INITIALIZERS = tuple(name for name in initializers.INITIALIZERS if name != "std")


class Dense(Layer):
    """A fully connected layer: ``activation(x @ W + b)``.

    Parameters
    ----------
    units : int
        The number of outputs.
    activation : str, cynn.activations.Custom or None, default "identity"
        One of ``cynn.layers.ACTIVATIONS``, or a function of your own, which is slower. None is
        "identity", and the words of other libraries are taken: docs/migration.md.
    kernel_initializer : str, default "auto"
        How W is drawn: a name in ``cynn.initializers``, or ``"auto"``: what
        `cynn.initializers.for_activation` says. ``"std"`` is finished by the rows of the first fit:
        `cynn.initializers.std`.
    bias_initializer : str, default "zeros"
        How b is drawn: a name in ``cynn.initializers``, or ``"he+5"``, which is finished by the
        rows of the first fit: `cynn.initializers.he_plus_5`.
    use_bias : bool, default True
        Whether there is a b; without it the layer is ``activation(x @ W)``.
    l1, l2 : float, default 0.0
        ``l1 * sum(abs(W)) + l2 * sum(W**2)`` is added to the loss: weights are drawn to 0 by l1,
        and kept small by l2. Finite, at least 0.
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
    Activation : An activation on its own, as after a `BatchNorm`.
    Flatten : Rows of several axes as rows of numbers.

    Examples
    --------
    >>> layer = Dense(128, "relu")
    >>> layer
    Dense(128, 'relu')
    >>> layer.output_shape((784,)), layer.step()
    ((128,), ('dense', 128, 'relu'))
    >>> [w.shape for w in layer.initial_weights(784, np.random.default_rng(0))]
    [(784, 128), (128,)]
    >>> Dense(2, weight_decay_factor={"bias": 0})
    Dense(2, weight_decay_factor={'bias': 0.0})
    >>> Dense(2, learning_rate_factor=0.5, weight_decay_factor={"bias": 0}).factors()
    [(0.5, 1.0), (0.5, 0.0)]
    >>> Dense(128, "relu").output_shape((28, 28))
    Traceback (most recent call last):
    ValueError: rows for Dense(128, 'relu') must be flat, got (28, 28): put Flatten() before it
    """

    def __init__(
        self,
        units: int,
        activation: str | activations.Custom | None = "identity",
        *,
        kernel_initializer: str = "auto",
        bias_initializer: str = "zeros",
        use_bias: bool = True,
        l1: float = 0.0,
        l2: float = 0.0,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.units = integer("units", units)
        self.activation = activations.checked("activation", activation)
        self.kernel_initializer = choice(
            "kernel_initializer", kernel_initializer, KERNEL_INITIALIZERS, "initializer"
        )
        self.bias_initializer = choice(
            "bias_initializer", bias_initializer, BIAS_INITIALIZERS, "initializer"
        )
        self.use_bias = flag("use_bias", use_bias)
        requirement = "a finite number of at least 0"
        self.l1 = number("l1", l1, requirement, lambda x: x >= 0)
        self.l2 = number("l2", l2, requirement, lambda x: x >= 0)
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(units,)`` for ``(n,)``; see `Layer.output_shape`."""
        one_axis(self, input_shape)
        return (self.units,)

    def step(self) -> tuple[Any, ...]:
        """Return ``("dense", units, activation)``, and False after it where there is no bias.

        See `Layer.step`.
        """
        step = ("dense", self.units, self.activation)
        return step if self.use_bias else (*step, False)

    def weight_names(self) -> list[str]:
        """Return ``["weight", "bias"]``, or the first alone; see `Layer.weight_names`."""
        return ["weight", "bias"] if self.use_bias else ["weight"]

    def penalties(self) -> list[tuple[float, float]]:
        """Return ``[(l1, l2)]``; see `Layer.penalties`."""
        return [(self.l1, self.l2)]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of W and b: ``[(n_inputs, units), (units,)]``; of W alone without b.

        See `Layer.weight_shapes`.
        """
        shapes = [(integer("n_inputs", n_inputs), self.units), (self.units,)]
        return shapes if self.use_bias else shapes[:1]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw ``[W, b]``; see `Layer.initial_weights`."""
        kernel = self.kernel_initializer
        if kernel == "auto":
            kernel = initializers.for_activation(self.activation)
        table = initializers.INITIALIZERS
        draws = (table[kernel], table[self.bias_initializer])
        return [
            draw(size, rng, dtype)
            for draw, size in zip(draws, self.weight_shapes(n_inputs), strict=False)
        ]

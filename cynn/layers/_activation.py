"""An activation on its own."""

from typing import Any

from .. import activations
from ._layer import Layer, one_axis

__all__ = ["Activation"]


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

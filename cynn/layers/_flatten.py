"""Rows of several axes as rows of numbers."""

import math

from ._layer import Layer

__all__ = ["Flatten"]


class Flatten(Layer):
    """Rows of any shape as rows of numbers, in C order.

    Parameters
    ----------
    name : str, optional
        A name of your own for it.

    See Also
    --------
    cynn.preprocessing.flatten : The same for an array, outside the model.

    Examples
    --------
    >>> Flatten().output_shape((28, 28))
    (784,)
    """

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(n,)``, n the product of the sizes; see `Layer.output_shape`."""
        return (math.prod(super().output_shape(input_shape)),)

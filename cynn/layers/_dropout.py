"""Dropout: noise that keeps neurons from leaning on each other."""

from typing import Any

from .._specs.validation import number
from ._layer import Layer

__all__ = ["Dropout"]


class Dropout(Layer):
    """In training each number becomes 0 with the probability `rate`; what is left is scaled up.

    ``y = x / (1 - rate)``, or 0; in use ``y = x``. What is dropped follows from the model's seed,
    the epoch, the step in it and the row's place in the batch, so that it does not depend on the
    number of threads, and a training that goes on from a file drops what an unbroken one would.

    Parameters
    ----------
    rate : float
        At least 0, less than 1; taken to the nearest multiple of 2^-16.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    cynn.augmentation.Augment : Noise and small changes of images.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent
    neural networks from overfitting, JMLR 2014.

    Examples
    --------
    >>> Dropout(0.5).output_shape((128,)), Dropout(0.5).step()
    ((128,), ('dropout', 0.5))
    """

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        requirement = "a number of at least 0 and less than 1"
        self.rate = number("rate", rate, requirement, lambda rate: 0 <= rate < 1)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("dropout", rate)``; see `Layer.step`."""
        return ("dropout", self.rate)

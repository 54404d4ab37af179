"""Dropout: noise that keeps neurons from leaning on each other."""

from typing import Any

from ..schedules import Schedule, fraction
from ._layer import Layer

__all__ = ["Dropout"]


class Dropout(Layer):
    """In training each number becomes 0 with the probability `rate`; what is left is scaled up.

    ``y = x / (1 - rate)``, or 0; in use ``y = x``. What is dropped follows from the model's seed,
    the epoch, the step in it and the row's place in the batch, so that it does not depend on the
    number of threads, and a training that goes on from a file drops what an unbroken one would.

    Parameters
    ----------
    rate : float or Schedule
        At least 0, less than 1; taken to the nearest multiple of 2^-16. A schedule of
        `cynn.schedules` gives the rate of each step.
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

    Less of it towards the end of a training:

    >>> from cynn.schedules import FlatCosine
    >>> Dropout(FlatCosine(0.15))
    Dropout(FlatCosine(0.15))
    """

    def __init__(self, rate: float | Schedule, *, name: str | None = None) -> None:
        self.rate = fraction("rate", rate)
        super().__init__(name=name)

    def step(self) -> tuple[Any, ...]:
        """Return ``("dropout", rate)``, 0 in the place of a schedule; see `Layer.step`."""
        return ("dropout", 0.0 if isinstance(self.rate, Schedule) else self.rate)

    def dropouts(self) -> list[float | Schedule]:
        """Return ``[rate]``; see `Layer.dropouts`."""
        return [self.rate]

"""Augmentation: images that are drawn a little different in every epoch."""

import math

from ._specs.spec import Spec
from ._specs.validation import integer, number


class Augment(Spec):
    """Small shifts, rotations and noise, drawn anew for every row and epoch of a training.

    A row is turned around its middle, then shifted, by whole pixels; between pixels it is
    interpolated (bilinear), and what comes in from outside is what a pixel of 0 is. Then noise is
    added. All three are drawn from the model's seed, the epoch, the step and the row's place in
    the batch, so that they do not depend on the number of threads.

    Parameters
    ----------
    shift : int, default 0
        By how many pixels at most, up or down and to either side; every whole number up to there is
        as likely.
    rotate : float, default 0.0
        By how many degrees at most, either way; finite, at least 0.
    noise : float, default 0.0
        The standard deviation of what is added to each pixel as the network takes it in, after a
        `Rescale` at the head; finite, at least 0. It is the sum of four uniform numbers, nearly
        normal, never more than 3.5 deviations.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> Augment(shift=2, rotate=10.0)
    Augment(2, 10.0)
    """

    def __init__(self, shift: int = 0, rotate: float = 0.0, noise: float = 0.0) -> None:
        self.shift = integer("shift", shift, 0)
        if self.shift > LARGEST_SHIFT:
            raise ValueError(f"shift must be at most {LARGEST_SHIFT}, got {shift}")
        wanted = "a finite number of at least 0"
        self.rotate = number("rotate", rotate, wanted, lambda degrees: degrees >= 0)
        self.noise = number("noise", noise, wanted, lambda deviation: deviation >= 0)

    def kernel(self, input_shape: tuple[int, ...]) -> tuple[int, int, int, float, float]:
        """Return height, width, shift, angle in radians and noise, for the network.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of a row.

        Returns
        -------
        tuple of (int, int, int, float, float)
            In that order.

        Raises
        ------
        ValueError
            If rows of that shape are no images.

        Examples
        --------
        >>> Augment(2).kernel((28, 28))
        (28, 28, 2, 0.0, 0.0)
        >>> Augment(2).kernel((784,))
        Traceback (most recent call last):
        ValueError: x must have rows of shape (height, width) for augment, got (784,)
        """
        if len(input_shape) != 2:
            raise ValueError(
                f"x must have rows of shape (height, width) for augment, got {input_shape}"
            )
        return (*input_shape, self.shift, math.radians(self.rotate), self.noise)


LARGEST_SHIFT = 1 << 20
"""Pixels; no image is so large."""

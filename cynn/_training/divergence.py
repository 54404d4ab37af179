"""The end of a training whose numbers are no longer finite: what is said, and to lower what."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where in a training a step is.

    Attributes
    ----------
    epoch : int or None
        Counted from 0; None where there are no epochs.
    step : int
        Counted from 0 within the epoch, or of all where there are none.
    rate : float
        The learning rate of the step.
    updates : int
        How often the weights have been changed before it.
    clip_norm : float or None
        To what the optimizer limits the gradients.
    """

    epoch: int | None
    step: int
    rate: float
    updates: int
    clip_norm: float | None

    def __str__(self) -> str:
        """Say it as people count: from 1."""
        epoch = "" if self.epoch is None else f"epoch {self.epoch + 1}, "
        return f"{epoch}step {self.step + 1}, at a learning rate of {self.rate:.4g}"

    @property
    def advice(self) -> str:
        """What to do about a training that has diverged there."""
        limit = "limit the gradients (clip_norm=1.0 of the optimizer)"
        if self.clip_norm is not None:
            limit = f"the optimizer's clip_norm, which is {self.clip_norm:.4g}"
        return f"the training has diverged: lower the learning rate, or {limit}"


def error_of_loss(loss: float, place: Place) -> FloatingPointError:
    """Return what a training ends with whose loss is not finite."""
    advice = place.advice
    if not place.updates:  # no learning rate has done this
        advice = "it was so before the first step: scale x and y to numbers around 1"
    return FloatingPointError(f"loss must be finite, got {loss} in {place}: {advice}")


def error_of_statistics(error: FloatingPointError, place: Place) -> FloatingPointError:
    """Return what a training ends with where running statistics would not be finite."""
    return FloatingPointError(f"{error} (in {place})")


def error_of_weights(place: Place) -> FloatingPointError:
    """Return what a training ends with whose last step left weights that are not finite.

    Its loss, from before that step, was finite.
    """
    return FloatingPointError(
        f"weights must be finite, got NaN or infinity after {place}: {place.advice}"
    )


def error_of_means(mean: float, place: Place) -> FloatingPointError:
    """Return what a training ends with whose running means have no finite squares."""
    return FloatingPointError(
        f"running means of a BatchNorm must be numbers with finite squares, got {mean:.4g} after "
        f"{place}: scale x to numbers around 1, and leave out columns that hold a fill value"
    )


def error_of_validation(loss: float, place: Place) -> FloatingPointError:
    """Return what a training ends with whose loss on the rows held out is not finite."""
    return FloatingPointError(
        f"val_loss must be finite, got {loss} after {place}: {place.advice}, unless x or y of the "
        "validation data are not finite, or too large"
    )

"""The end of a training whose numbers are no longer finite: what is said, and to lower what."""

from typing import NamedTuple

ADVICE = (
    "the training has diverged: lower the learning rate, or limit the gradients "
    "(clip_norm=1.0 of the optimizer)"
)


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
    """

    epoch: int | None
    step: int
    rate: float
    updates: int

    def __str__(self) -> str:
        """Say it as people count: from 1."""
        epoch = "" if self.epoch is None else f"epoch {self.epoch + 1}, "
        return f"{epoch}step {self.step + 1}, at a learning rate of {self.rate:.4g}"


def error_of_loss(loss: float, place: Place) -> FloatingPointError:
    """Return what a training ends with whose loss is not finite."""
    advice = ADVICE
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
        f"weights must be finite, got NaN or infinity after {place}: {ADVICE}"
    )


def error_of_validation(loss: float, epoch: int) -> FloatingPointError:
    """Return what a training ends with whose loss on the rows held out is not finite."""
    return FloatingPointError(
        f"val_loss must be finite, got {loss} after epoch {epoch + 1}: {ADVICE}, unless x or y of "
        "the validation data are not finite, or too large"
    )

"""What a step is told of the call that it works in, beside its rows."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .arrays import Flat
from .random import BITS, random_bits

DrawKey = tuple[int, int, int, int]
"""What a batch draws by: seed, epoch, step in it, and the place of the first row in its batch."""


class Place(NamedTuple):
    """What of other steps comes before a step: parameters, running statistics, and dropouts.

    And how many rows a row of the network has become: one for each member.
    """

    params: int = 0
    state: int = 0
    draws: int = 0
    members: int = 1

    def past(self, step: Any) -> "Place":
        """Return the place after a step that stands here."""
        return Place(
            self.params + step.n_params,
            self.state + step.n_state,
            self.draws + step.n_draws,
            self.members * step.n_members,
        )


@dataclass
class Call:
    """A prediction or a step of training.

    Attributes
    ----------
    state : list of float
        The running statistics of all steps, end to end.
    key : int or None
        That of the batch's random numbers; None: the weights are not being trained.
    place : int
        That of the first row in its batch, where a batch comes in blocks.
    counts : bool
        Whether a row of the batch has a weight.
    dropouts : list of float or None
        The rates of the steps that draw; None: their own.
    loss_number : float or None
        The loss's own argument; None: that it was chosen with.
    """

    state: Flat = field(default_factory=list)
    key: int | None = None
    place: int = 0
    counts: bool = True
    dropouts: Flat | None = None
    loss_number: float | None = None


def batch_key(draw_key: DrawKey) -> int:
    """Return the key of a batch's random numbers.

    It is a number from the upper half of the epoch's sequence, of which `permutation` uses the
    lower.

    Raises
    ------
    ValueError
        If the key is not four whole numbers from 0 and below ``2**64``.

    Examples
    --------
    >>> batch_key((0, 0, 0, 0)) == batch_key((0, 0, 0, 128)) != batch_key((0, 0, 1, 0))
    True
    """
    if len(draw_key) != 4 or not all(0 <= number < BITS for number in draw_key):
        raise ValueError(
            f"network: draw_key must be 4 numbers that are not negative, got {draw_key}"
        )
    seed, epoch, step, _ = draw_key
    return random_bits(random_bits(seed, epoch), BITS // 2 + step)

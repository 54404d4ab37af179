"""Lion."""

from ..schedules import Schedule
from ._optimizer import Optimizer, pair

__all__ = ["Lion"]


class Lion(Optimizer):
    """Every weight moves by as much: by the sign of a mean of the gradients.

    For each weight w and its gradient g, with what is kept for it starting at 0, and t counting
    the steps from 1::

        c = beta1 * m + (1 - beta1) * g
        w = w - learning_rate * (sign(c) + weight_decay * w)
        m = beta2 * m + (1 - beta2) * g

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.0001
        At least 0; a schedule gives one rate a step.
    betas : (float, float), default (0.9, 0.99)
        How much of m counts in the step, and how much of it is kept.
    weight_decay : float or Schedule, default 0.0
        The part of each weight, times the learning rate, that a step takes away.
    clip_value, clip_norm : float, optional
        The largest number in a gradient, and its largest norm; see `SGD`.
    average : float, optional
        How much a step keeps of an average of the weights; see `SGD`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    AdamW : The usual choice; its learning rate is usually 3 to 10 times larger.

    References
    ----------
    Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2.

    Examples
    --------
    >>> Lion(3e-5, weight_decay=1.0)
    Lion(3e-05, weight_decay=1.0)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.0001,
        *,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float | Schedule = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.betas = pair("betas", betas)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        return ("lion", *self.betas, self._decay)

"""Optimizers that divide each gradient by what its squares have been: RMSprop and its kin."""

from .._specs.validation import flag
from ..schedules import Schedule
from ._optimizer import Optimizer, above_zero, not_negative, part

__all__ = ["RMSprop", "Adagrad", "Adadelta"]


class RMSprop(Optimizer):
    """Gradients divided by the root of their mean square.

    For each weight w and its gradient g, with what is kept for it starting at 0, and t counting
    the steps from 1::

        g = g + weight_decay * w
        s = alpha * s + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g             (centered; else a = 0)
        v = momentum * v + g / (sqrt(s - a**2) + eps)
        w = w - learning_rate * v

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        At least 0; a schedule gives one rate a step.
    alpha : float, default 0.99
        How much of the means is kept, at least 0 and less than 1.
    eps : float, default 1e-8
        Keeps the divisor from 0, above 0.
    momentum : float, default 0.0
        How much of the previous steps is kept, at least 0 and less than 1.
    centered : bool, default False
        Divide by the deviation from the mean.
    weight_decay : float or Schedule, default 0.0
        The factor of the L2 penalty ``weight_decay / 2 * sum(w**2)``, at least 0.
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
    Adam : With momentum too; the usual choice.

    References
    ----------
    Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012. Graves, Generating
    sequences with recurrent neural networks, 2013 (centred).

    Examples
    --------
    >>> RMSprop(alpha=0.9, centered=True)
    RMSprop(alpha=0.9, centered=True)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float | Schedule = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.alpha = part("alpha", alpha)
        self.eps = above_zero("eps", eps)
        self.momentum = part("momentum", momentum)
        self.centered = flag("centered", centered)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        name = "rmsprop_centered" if self.centered else "rmsprop"
        return (name, self.alpha, self.eps, self._decay)


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares.

    For each weight w and its gradient g, with what is kept for it starting at 0, and t counting
    the steps from 1::

        g = g + weight_decay * w
        s = s + g**2
        w = w - learning_rate / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        At least 0; a schedule gives one rate a step.
    lr_decay : float, default 0.0
        How fast the learning rate declines, at least 0.
    initial_accumulator_value : float, default 0.0
        What s starts at instead, at least 0.
    eps : float, default 1e-10
        Keeps the divisor from 0, above 0.
    weight_decay : float or Schedule, default 0.0
        The factor of the L2 penalty ``weight_decay / 2 * sum(w**2)``, at least 0.
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
    RMSprop : With a mean in place of the sum, so that steps do not vanish.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic
    optimization, JMLR 12, 2011.

    Examples
    --------
    >>> Adagrad(0.1)
    Adagrad(0.1)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        lr_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        weight_decay: float | Schedule = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.lr_decay = not_negative("lr_decay", lr_decay)
        self.initial_accumulator_value = not_negative(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.eps = above_zero("eps", eps)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        return (
            "adagrad", self.lr_decay, self.eps, self._decay, self.initial_accumulator_value,
        )  # fmt: skip


class Adadelta(Optimizer):
    """Adagrad without a rate to choose: steps of the size that steps have had.

    For each weight w and its gradient g, with what is kept for it starting at 0, and t counting
    the steps from 1::

        g = g + weight_decay * w
        s = rho * s + (1 - rho) * g**2
        d = sqrt(u + eps) / sqrt(s + eps) * g
        u = rho * u + (1 - rho) * d**2
        w = w - learning_rate * d

    Parameters
    ----------
    learning_rate : float or Schedule, default 1.0
        At least 0; a schedule gives one rate a step.
    rho : float, default 0.9
        How much of the means is kept, at least 0 and less than 1.
    eps : float, default 1e-6
        Keeps the divisor from 0, and lets the first steps be more than 0; above 0.
    weight_decay : float or Schedule, default 0.0
        The factor of the L2 penalty ``weight_decay / 2 * sum(w**2)``, at least 0.
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
    Adam : The usual choice.

    References
    ----------
    Zeiler, ADADELTA: an adaptive learning rate method, 2012, algorithm 1.

    Examples
    --------
    >>> Adadelta(rho=0.95)
    Adadelta(rho=0.95)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 1.0,
        *,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float | Schedule = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.rho = part("rho", rho)
        self.eps = above_zero("eps", eps)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        return ("adadelta", self.rho, self.eps, self._decay)

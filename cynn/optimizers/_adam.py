"""Adam, AdamW and NAdam."""

from .._specs.validation import flag
from ..schedules import Schedule
from ._optimizer import Optimizer, above_zero, not_negative, pair

__all__ = ["Adam", "AdamW", "NAdam"]


class Adam(Optimizer):
    """Steps by the mean of the gradients, divided by the root of their mean square.

    For each weight w and its gradient g, with what is kept for it starting at 0, and t counting
    the steps from 1::

        g = g + weight_decay * w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w = w - learning_rate * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        At least 0; a schedule gives one rate a step.
    betas : (float, float), default (0.9, 0.999)
        How much of each mean is kept, each at least 0 and less than 1.
    eps : float, default 1e-8
        Keeps the divisor from 0, above 0.
    amsgrad : bool, default False
        Divide by the greatest v so far (Reddi, Kale and Kumar 2018).
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
    AdamW : With weight decay apart from the gradient, the usual choice with weight decay.
    SGD : Gradient descent with momentum; needs more tuning.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    Reddi, Kale and Kumar, On the convergence of Adam and beyond, ICLR 2018.

    Examples
    --------
    >>> Adam(3e-4)
    Adam(0.0003)
    >>> Adam(betas=(0.9, 0.99), amsgrad=True)
    Adam(betas=(0.9, 0.99), amsgrad=True)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        amsgrad: bool = False,
        weight_decay: float | Schedule = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.betas = pair("betas", betas)
        self.eps = above_zero("eps", eps)
        self.amsgrad = flag("amsgrad", amsgrad)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        name = "amsgrad" if self.amsgrad else "adam"
        return (name, *self.betas, self.eps, self._decay)


class AdamW(Optimizer):
    """Adam whose weight decay is apart from the gradient, and so not divided by its size.

    For each weight w and its gradient g, with what is kept for it starting at 0, and t counting
    the steps from 1::

        w = w - learning_rate * weight_decay * w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        w = w - learning_rate * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        At least 0; a schedule gives one rate a step.
    betas : (float, float), default (0.9, 0.999)
        How much of each mean is kept, each at least 0 and less than 1.
    eps : float, default 1e-8
        Keeps the divisor from 0, above 0.
    amsgrad : bool, default False
        Divide by the greatest v so far (Reddi, Kale and Kumar 2018).
    weight_decay : float or Schedule, default 0.01
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
    Adam : With the weight decay in the gradient, as an L2 penalty.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2.
    Reddi, Kale and Kumar, On the convergence of Adam and beyond, ICLR 2018.

    Examples
    --------
    >>> AdamW(0.001, weight_decay=0.1)
    AdamW(weight_decay=0.1)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        amsgrad: bool = False,
        weight_decay: float | Schedule = 0.01,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.betas = pair("betas", betas)
        self.eps = above_zero("eps", eps)
        self.amsgrad = flag("amsgrad", amsgrad)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        name = "amsgradw" if self.amsgrad else "adamw"
        return (name, *self.betas, self.eps, self._decay)


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead: a step also takes what the next one would make of it.

    For each weight w and its gradient g, with m and v starting at 0, P at 1, and t counting the
    steps from 1; mu and P are the same for all weights::

        mu = betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))
        mu_next = betas[0] * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
        P = P * mu
        if decoupled_weight_decay:
            w = w - learning_rate * weight_decay * w
        else:
            g = g + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        ahead = mu_next * m / (1 - P * mu_next) + (1 - mu) * g / (1 - P)
        w = w - learning_rate * ahead / (sqrt(v / (1 - betas[1] ** t)) + eps)

    P is kept from step to step, in `Model.get_optimizer_state` and in model files too.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.002
        At least 0; a schedule gives one rate a step.
    betas : (float, float), default (0.9, 0.999)
        How much of each mean is kept, each at least 0 and less than 1. The momentum mu grows from
        about half of the first to the first.
    eps : float, default 1e-8
        Keeps the divisor from 0, above 0.
    weight_decay : float or Schedule, default 0.0
        The factor of the L2 penalty ``weight_decay / 2 * sum(w**2)``, at least 0.
    momentum_decay : float, default 0.004
        How fast mu grows, at least 0; at 0 it stays at half of ``betas[0]``.
    decoupled_weight_decay : bool, default False
        Whether weight_decay is, as in `AdamW`, the part of each weight, times the learning rate,
        that a step takes away.
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
    Adam : Without the look ahead.

    References
    ----------
    Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2, with the
    growing momentum of its section 3, as ``torch.optim.NAdam``.

    Examples
    --------
    >>> NAdam(0.01, weight_decay=0.1, decoupled_weight_decay=True)
    NAdam(0.01, weight_decay=0.1, decoupled_weight_decay=True)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.002,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | Schedule = 0.0,
        momentum_decay: float = 0.004,
        decoupled_weight_decay: bool = False,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.betas = pair("betas", betas)
        self.eps = above_zero("eps", eps)
        self.momentum_decay = not_negative("momentum_decay", momentum_decay)
        self.decoupled_weight_decay = flag("decoupled_weight_decay", decoupled_weight_decay)

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it; see `Optimizer.kernel`."""
        name = "nadamw" if self.decoupled_weight_decay else "nadam"
        ratio = 0.96**self.momentum_decay  # what the momentum lacks, by what it lacked before
        return (name, *self.betas, self.eps, self._decay, ratio)

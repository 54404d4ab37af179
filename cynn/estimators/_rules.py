"""The updates of scikit-learn's two stochastic solvers: their settings, and what they remember.

A rule is an optimizer to the loop of a training: it gives the rates and momenta of steps.

They differ from PyTorch's, which `cynn.optimizers` follows: the velocity carries the learning rate,
and Adam's epsilon is not corrected for the bias.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..optimizers import Optimizer
from ..schedules import Schedule


class Rule:
    """What the rules have in common.

    Attributes
    ----------
    t : int
        The steps taken.
    state : list of ndarray
        What the rule remembers of them, flat; empty before the first step.
    average : float or None
        How much a step keeps of an average of the weights.
    """

    average: float | None = None

    def _begin(self) -> None:
        self.t = 0
        self.state: list[NDArray[Any]] = []

    def kernel(self) -> tuple[str | float, ...]:
        """Return the kernels' name of the rule, and its numbers."""
        raise NotImplementedError

    def clips(self) -> tuple[float, float]:
        """Return the limits of a gradient's numbers and of its norm."""
        return math.inf, math.inf

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the rates of the steps from `start` up to `stop` of a fit that has `total`."""
        raise NotImplementedError

    def momenta(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the momentum of these steps."""
        return np.zeros(stop - start)

    def by_step(self, start: int, stop: int, total: int) -> tuple[Any, Any, Any]:
        """Return rates and momenta of these steps, and weight decays, where they change."""
        return self.rates(start, stop, total), self.momenta(start, stop, total), None

    def iteration_ends(self, t: int) -> None:
        """Set the rate for the next epoch; `t` counts the rows seen."""

    def trigger_stopping(self, message: str, verbose: Any) -> bool:
        """Return whether to stop where there is no progress."""
        if verbose:
            print(f"{message} Stopping.")
        return True


class SGDRule(Rule):
    """Descent with momentum: ``v = momentum * v - rate * g``, ``w = w + v``.

    With Nesterov's momentum ``w = w + momentum * v - rate * g`` of the new v.

    Parameters
    ----------
    learning_rate_init : float
        The first rate.
    schedule : {"constant", "invscaling", "adaptive"} or Schedule
        A schedule of `cynn.schedules` gives the rate of each step.
        "invscaling": ``learning_rate_init / (t + 1)**power_t`` after an epoch that ends at the
        row t. "adaptive": a fifth each time the training would stop.
    momentum : float
        The part of v that is kept.
    nesterov : bool
        Whether to look ahead.
    power_t : float
        The exponent of "invscaling".

    Attributes
    ----------
    learning_rate : float
        The rate now.
    """

    def __init__(
        self,
        learning_rate_init: float,
        schedule: str | Schedule = "constant",
        momentum: float = 0.9,
        nesterov: bool = True,
        power_t: float = 0.5,
    ) -> None:
        self.learning_rate_init = learning_rate_init
        self.learning_rate = float(learning_rate_init)
        self.schedule, self.power_t = schedule, power_t
        self.momentum, self.nesterov = momentum, nesterov
        self._begin()

    def kernel(self) -> tuple[str | float, ...]:
        """Return the kernels' name of the rule, and its numbers."""
        return "sgd_sklearn", float(self.nesterov), 0.0

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the rates of some of the steps of a fit."""
        if isinstance(self.schedule, Schedule):
            return self.schedule.rates(start, stop, total)
        return np.full(stop - start, self.learning_rate)

    def momenta(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the momentum of some of the steps of a fit."""
        return np.full(stop - start, float(self.momentum))

    def iteration_ends(self, t: int) -> None:
        """Set the rate for the next epoch; `t` counts the rows seen."""
        if self.schedule == "invscaling":
            self.learning_rate = float(self.learning_rate_init) / (t + 1) ** self.power_t

    def trigger_stopping(self, message: str, verbose: Any) -> bool:
        """Return whether to stop without progress: not yet, if the rate can still fall."""
        stops = self.schedule != "adaptive" or self.learning_rate <= 1e-6
        if not stops:
            self.learning_rate /= 5.0
        if verbose and self.schedule != "adaptive":
            print(f"{message} Stopping.")
        elif verbose and stops:
            print(f"{message} Learning rate too small. Stopping.")
        elif verbose:
            print(f"{message} Setting learning rate to {self.learning_rate:f}")
        return stops


class AdamRule(Rule):
    """Adam, with epsilon beside the moment that is not yet corrected.

    In step t, from 1::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        rate = learning_rate_init * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - rate * m / (sqrt(v) + epsilon)

    This is the second form in section 2 of Kingma and Ba, Adam: A method for stochastic
    optimization, 2015.

    Parameters
    ----------
    learning_rate_init, beta_1, beta_2, epsilon : float
        As above.

    schedule : str or Schedule
        A schedule of `cynn.schedules` gives `learning_rate_init` of each step.

    Attributes
    ----------
    learning_rate : float
        The rate of the last step.
    """

    def __init__(
        self,
        learning_rate_init: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        schedule: str | Schedule = "constant",
    ) -> None:
        self.learning_rate_init, self.schedule = learning_rate_init, schedule
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self._begin()

    def kernel(self) -> tuple[str | float, ...]:
        """Return the kernels' name of the rule, and its numbers."""
        return "adam_sklearn", float(self.beta_1), float(self.beta_2), float(self.epsilon), 0.0

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the rates of some of the steps of a fit; the correction is the kernels'."""
        if isinstance(self.schedule, Schedule):
            return self.schedule.rates(start, stop, total)
        return np.full(stop - start, float(self.learning_rate_init))

    @property
    def learning_rate(self) -> float:
        """The rate of the last step."""
        rate = float(self.learning_rate_init)
        if self.t == 0:
            return rate
        return rate * math.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)


class ToolkitRule(Rule):
    """A rule of `cynn.optimizers`, which are PyTorch's.

    Parameters
    ----------
    optimizer : Optimizer
        With its own rate or schedule.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.schedule = optimizer.learning_rate
        self.average = optimizer.average
        self._begin()

    def kernel(self) -> tuple[str | float, ...]:
        """Return the kernels' name of the rule, and its numbers."""
        return self.optimizer.kernel()

    def clips(self) -> tuple[float, float]:
        """Return the limits of a gradient's numbers and of its norm."""
        return self.optimizer.clips()

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the rates of some of the steps of a fit."""
        return self.optimizer.rates(start, stop, total)

    def momenta(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the momentum of some of the steps of a fit."""
        return self.optimizer.momenta(start, stop, total)

    def by_step(self, start: int, stop: int, total: int) -> tuple[Any, Any, Any]:
        """Return what of the optimizer changes from step to step."""
        return self.optimizer.by_step(start, stop, total)

"""Optimizers: how the weights follow the gradient.

A spec here names the rule and its settings; the rule itself runs in the kernels, and
``cynn.reference`` has it in plain Python.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import specs
from .checks import flag, number
from .schedules import SCHEDULES, Schedule
from .schedules import learning_rate as checked_rate


class Optimizer(specs.Spec):
    """Base of the optimizers."""

    learning_rate: float | Schedule
    momentum: float
    nesterov: bool
    weight_decay: float

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Give the learning rates of the steps from `start` up to, and not including, `stop`.

        Parameters
        ----------
        start, stop : int
            ``0 <= start <= stop <= total``.
        total : int
            The steps of the whole run.

        Returns
        -------
        ndarray of float64, shape (stop - start,)
            One rate a step.
        """
        rate = self.learning_rate
        if isinstance(rate, Schedule):
            return rate.rates(start, stop, total)
        return _constant(rate, start, stop, total)

    def momenta(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Give the momentum of the steps from `start` up to, and not including, `stop`.

        Parameters
        ----------
        start, stop, total : int
            As for `rates`.

        Returns
        -------
        ndarray of float64, shape (stop - start,)
            One momentum a step.
        """
        return _constant(self.momentum, start, stop, total)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov's look ahead, and weight decay.

    For each weight w, its gradient g and its velocity v, which starts at 0::

        g = g + weight_decay * w
        v = momentum * v + g
        w = w - learning_rate * (g + momentum * v if nesterov else v)

    This is PyTorch's form: the learning rate multiplies the velocity and is not part of it, so
    that a rate that changes acts at once. Weight decay is added to every weight's gradient, biases
    included.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        At least 0; a schedule gives one rate a step.
    momentum : float, default 0.0
        At least 0 and less than 1; 0 is plain descent.
    nesterov : bool, default False
        Step from where the velocity leads; needs momentum.
    weight_decay : float, default 0.0
        The factor of the L2 penalty ``weight_decay / 2 * sum(w**2)``, at least 0.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep
    learning, ICML 2013 (momentum and Nesterov's form of it, equations 1 to 4). Polyak, Some
    methods of speeding up the convergence of iteration methods, 1964 (momentum).

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(0.1, 0.9)
    >>> from cynn.schedules import Cosine
    >>> SGD(Cosine(0.1), 0.9, nesterov=True)
    SGD(Cosine(0.1), 0.9, nesterov=True)
    >>> SGD(0.1, nesterov=True)
    Traceback (most recent call last):
    ValueError: nesterov=True needs a momentum above 0, got momentum=0.0
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.learning_rate = (
            learning_rate
            if isinstance(learning_rate, Schedule)
            else checked_rate("learning_rate", learning_rate)
        )
        wanted = "at least 0 and less than 1"
        self.momentum = number("momentum", momentum, wanted, lambda m: 0 <= m < 1)
        self.nesterov = flag("nesterov", nesterov)
        wanted = "a finite number of at least 0"
        self.weight_decay = number("weight_decay", weight_decay, wanted, lambda decay: decay >= 0)
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov=True needs a momentum above 0, got momentum=0.0")


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD}
"""The optimizers by name."""


def get(optimizer: str | Optimizer) -> Optimizer:
    """Give the optimizer of that name, with its defaults, or the optimizer itself.

    Parameters
    ----------
    optimizer : str or Optimizer
        A key of `OPTIMIZERS`, or an object.

    Returns
    -------
    Optimizer
        The object.

    Examples
    --------
    >>> get("sgd")
    SGD()
    """
    return specs.get("optimizer", optimizer, Optimizer, OPTIMIZERS)


def from_dict(data: dict[str, Any]) -> Optimizer:
    """Make an optimizer again from its ``to_dict()``.

    Examples
    --------
    >>> from_dict(SGD(0.1, momentum=0.9).to_dict())
    SGD(0.1, 0.9)
    """
    return specs.from_dict(data, OPTIMIZERS.values(), inner=SCHEDULES)


def _constant(value: float, start: int, stop: int, total: int) -> NDArray[np.float64]:
    """Give the same value for each step; quicker than a schedule, and asked for every epoch."""
    if not 0 <= start <= stop <= total:
        raise ValueError(f"steps {start} to {stop} are not within a run of {total}")
    return np.full(stop - start, value)

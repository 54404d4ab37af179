"""Learning rates over a run: a schedule gives one rate for each step.

A step is one batch; a run of ``total_steps`` steps counts them from 0. The optimizer hands the
rates of an epoch to the network as an array.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import specs
from .checks import integer, number


class Schedule(specs.Spec):
    """Base of the schedules: a subclass writes its formula once, in `at`.

    Examples
    --------
    >>> class Halving(Schedule):
    ...     def at(self, steps, total_steps):
    ...         return 0.5 ** (steps // 100)
    >>> Halving()(250, total_steps=1000)
    0.25
    """

    def at(self, steps: NDArray[np.float64], total_steps: int) -> Any:
        """Give the rates of many steps at once; this is what a subclass writes.

        Parameters
        ----------
        steps : ndarray of float64, shape (m,)
            Step numbers, counted from 0.
        total_steps : int
            The steps of the whole run.

        Returns
        -------
        ndarray, shape (m,), or float
            The rates.
        """
        raise NotImplementedError(f"{type(self).__name__} must define at(steps, total_steps)")

    def __call__(self, step: int, total_steps: int) -> float:
        """Give the rate of one step.

        Parameters
        ----------
        step : int
            From 0 to ``total_steps - 1``.
        total_steps : int
            The steps of the whole run.

        Returns
        -------
        float
            The rate.
        """
        step = integer("step", step, 0)
        return float(self.rates(step, step + 1, total_steps)[0])

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Give the rates of the steps from `start` up to, and not including, `stop`.

        Parameters
        ----------
        start, stop : int
            ``0 <= start <= stop <= total``.
        total : int
            The steps of the whole run.

        Returns
        -------
        ndarray of float64, shape (stop - start,)
            The rates.

        Raises
        ------
        ValueError
            If the steps are not within the run, or a rate is negative or not finite.
        """
        total = integer("total", total, 0)
        start, stop = integer("start", start, 0), integer("stop", stop, 0)
        if not start <= stop <= total:
            raise ValueError(f"steps {start} to {stop} are not within a run of {total}")
        found = np.empty(stop - start)
        found[:] = self.at(np.arange(start, stop, dtype=np.float64), total)
        if not ((found >= 0) & (found < np.inf)).all():
            raise ValueError(f"{self!r} gave a learning rate that is negative or not finite")
        return found


class Constant(Schedule):
    """The same rate at every step.

    Parameters
    ----------
    rate : float
        At least 0.

    Examples
    --------
    >>> Constant(0.1).rates(0, 3, total=3)
    array([0.1, 0.1, 0.1])
    """

    def __init__(self, rate: float) -> None:
        self.rate = learning_rate("rate", rate)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> float:
        """Give ``rate``."""
        return self.rate


class Cosine(Schedule):
    """Half a cosine from one rate down to another, after a linear warm-up.

    With ``w = round(warmup * total_steps)`` steps of warm-up, step s has the rate ::

        initial * (s + 1) / (w + 1)                                        where s < w
        final + (initial - final) * (1 + cos(pi * (s - w) / (total_steps - w))) / 2   after it

    so that step w is the first at the full rate, and the step after the last would be at `final`.

    Parameters
    ----------
    initial : float
        The highest rate, at least 0.
    final : float, default 0.0
        The rate at the end, at least 0.
    warmup : float, default 0.0
        The part of the run that warms up, at least 0 and less than 1.

    References
    ----------
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017,
    equation 5 (here without restarts). Warm-up: Goyal et al., Accurate, large minibatch SGD:
    training ImageNet in 1 hour, 2017, section 2.2.

    Examples
    --------
    >>> Cosine(0.2).rates(0, 4, total=4).round(3)
    array([0.2  , 0.171, 0.1  , 0.029])
    >>> Cosine(0.2, warmup=0.5).rates(0, 4, total=4).round(3)
    array([0.067, 0.133, 0.2  , 0.1  ])
    """

    def __init__(self, initial: float, final: float = 0.0, warmup: float = 0.0) -> None:
        self.initial = learning_rate("initial", initial)
        self.final = learning_rate("final", final)
        wanted = "at least 0 and less than 1"
        self.warmup = number("warmup", warmup, wanted, lambda part: 0 <= part < 1)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Give the warm-up's line, then the cosine."""
        warm = round(self.warmup * total_steps)
        turn = np.pi * (steps - warm) / max(total_steps - warm, 1)
        cosine = self.final + (self.initial - self.final) * (1 + np.cos(turn)) / 2
        return np.where(steps < warm, self.initial * (steps + 1) / (warm + 1), cosine)


SCHEDULES = (Constant, Cosine)
"""The schedules that a file may name."""


def from_dict(data: dict[str, Any]) -> Schedule:
    """Make a schedule again from its ``to_dict()``.

    Examples
    --------
    >>> from_dict({"class": "Cosine", "initial": 0.1, "final": 0.0, "warmup": 0.05})
    Cosine(0.1, warmup=0.05)
    """
    return specs.from_dict(data, SCHEDULES)


def learning_rate(name: str, value: object) -> float:
    """Give `value` as a learning rate: a finite ``float`` of at least 0.

    Examples
    --------
    >>> learning_rate("rate", -1)
    Traceback (most recent call last):
    ValueError: rate must be a finite number of at least 0, got -1.0
    """
    return number(name, value, "a finite number of at least 0", lambda rate: rate >= 0)

"""What all optimizers have in common."""

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .._specs import spec
from .._specs.names import missing_attribute
from .._specs.validation import number, shown
from ..schedules import Schedule

RATE = "a finite number of at least 0, or a Schedule such as Cosine(0.1)"


class Optimizer(spec.Spec):
    """Base of the optimizers.

    A subclass says in `kernel` which rule of the kernels it is, and gives what every optimizer has
    to `_common`.

    Attributes
    ----------
    learning_rate : float or Schedule
        The rate of a step.
    weight_decay : float or Schedule
        At least 0.
    clip_value, clip_norm : float or None
        The largest absolute value in a gradient, and the largest norm of all gradients together.
    average : float or None
        How much a step keeps of an average of the weights, which the model has then.

    Examples
    --------
    >>> from cynn.optimizers import Adam
    >>> isinstance(Adam(), Optimizer), Adam(0.01).rates(0, 2, total=10)
    (True, array([0.01, 0.01]))
    """

    learning_rate: float | Schedule
    weight_decay: float | Schedule
    clip_value: float | None
    clip_norm: float | None
    average: float | None
    momentum: float

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what an attribute is here that another library's optimizers have."""
            if name.startswith("_"):  # copies and pickles ask for many of these
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise missing_attribute(self, name)

    def _common(
        self, learning_rate: Any, weight_decay: Any, clip_value: Any, clip_norm: Any, average: Any
    ) -> None:
        """Check and keep the settings that every optimizer has."""
        self.learning_rate = _rate("learning_rate", learning_rate)
        self.weight_decay = _rate("weight_decay", weight_decay)
        self.clip_value = _limit("clip_value", clip_value)
        self.clip_norm = _limit("clip_norm", clip_norm)
        self.average = None if average is None else part("average", average)

    @property
    def _decay(self) -> float:
        """The weight decay of the rule; 0 where a schedule gives that of each step."""
        return 0.0 if isinstance(self.weight_decay, Schedule) else self.weight_decay

    def kernel(self) -> tuple[str | float, ...]:
        """Return the rule as a network takes it: its name among the kernels, then its numbers.

        Returns
        -------
        tuple of str and float
            Such as ``("sgd", nesterov, weight_decay)``; the order of the numbers is the kernel's.

        Raises
        ------
        NotImplementedError
            Unless a subclass defines it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define kernel")

    def clips(self) -> tuple[float, float]:
        """Return the limits of a gradient's values and of its norm, infinite for none.

        Returns
        -------
        value : float
            The largest absolute value of a number in the gradient.
        norm : float
            The largest Euclidean norm of the gradient of all weights together.
        """
        value, norm = self.clip_value, self.clip_norm
        return (math.inf if value is None else value, math.inf if norm is None else norm)

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the learning rates of the steps from `start` up to, and not including, `stop`.

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

        Raises
        ------
        ValueError
            If the steps are not within the run.
        """
        rate = self.learning_rate
        if isinstance(rate, Schedule):
            return rate.rates(start, stop, total)
        return _constant(rate, start, stop, total)

    def momenta(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the momentum of the steps from `start` up to, and not including, `stop`.

        Parameters
        ----------
        start, stop, total : int
            As for `rates`.

        Returns
        -------
        ndarray of float64, shape (stop - start,)
            One momentum a step.

        Raises
        ------
        ValueError
            If the steps are not within the run.
        """
        return _constant(vars(self).get("momentum", 0.0), start, stop, total)

    def by_step(
        self, start: int, stop: int, total: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Return what changes from step to step, of those from `start` up to `stop`.

        Parameters
        ----------
        start, stop, total : int
            As for `rates`.

        Returns
        -------
        rates, momenta : ndarray of float64, shape (stop - start,)
            One number a step.
        decays : ndarray of float64, shape (stop - start,), or None
            The weight decays; None where it is the same in all steps, and part of the rule.

        Raises
        ------
        ValueError
            If the steps are not within the run, or a schedule gives a number that is negative or
            not finite.
        """
        decay = self.weight_decay
        decays = decay.rates(start, stop, total) if isinstance(decay, Schedule) else None
        return self.rates(start, stop, total), self.momenta(start, stop, total), decays


def _rate(name: str, value: Any) -> float | Schedule:
    if isinstance(value, Schedule):
        return value
    return number(name, value, RATE, lambda rate: rate >= 0)


def not_negative(name: str, value: Any) -> float:
    """Return a finite number of at least 0, or refuse it."""
    return number(name, value, "a finite number of at least 0", lambda x: x >= 0)


def above_zero(name: str, value: Any) -> float:
    """Return a finite number above 0, or refuse it."""
    return number(name, value, "a finite number above 0", lambda x: x > 0)


def part(name: str, value: Any) -> float:
    """Return a number of at least 0 and less than 1, or refuse it."""
    return number(name, value, "at least 0 and less than 1", lambda x: 0 <= x < 1)


def pair(name: str, value: Any) -> tuple[float, float]:
    """Return two numbers, each of at least 0 and less than 1, or refuse them."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be two numbers, got {shown(value)}")
    return (part(f"{name}[0]", value[0]), part(f"{name}[1]", value[1]))


def _limit(name: str, value: Any) -> float | None:
    return None if value is None else above_zero(name, value)


def _constant(value: float, start: int, stop: int, total: int) -> NDArray[np.float64]:
    """Return the same value for each step; quicker than a schedule, and asked for every epoch."""
    if not 0 <= start <= stop <= total:
        raise ValueError(
            f"start and stop must be within the {total} steps of a run, got {start} and {stop}"
        )
    return np.full(stop - start, value)

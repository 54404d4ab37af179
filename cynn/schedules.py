"""Numbers that change over a run: a schedule gives one for each step.

It may stand in the place of a learning rate or a weight decay (`cynn.optimizers`), of the rate of a
`cynn.layers.Dropout`, and of the label smoothing of a cross-entropy (`cynn.losses`). A step is one
batch; a run of ``total_steps`` steps counts them from 0. A fit hands the numbers of an epoch to the
network as arrays.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._specs import spec
from ._specs.names import missing_from
from ._specs.validation import integer, number


class Schedule(spec.Spec):
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
        """Return the rates of many steps at once; this is what a subclass writes.

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

        Raises
        ------
        NotImplementedError
            Unless a subclass defines it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define at(steps, total_steps)")

    def __call__(self, step: int, total_steps: int) -> float:
        """Return the rate of one step.

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

        Raises
        ------
        ValueError
            If the step is not within the run, or the rate is negative or not finite.
        """
        step = integer("step", step, 0)
        return float(self.rates(step, step + 1, total_steps)[0])

    def rates(self, start: int, stop: int, total: int) -> NDArray[np.float64]:
        """Return the rates of the steps from `start` up to, and not including, `stop`.

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
            raise ValueError(
                f"start and stop must be within the {total} steps of a run, got {start} and {stop}"
            )
        rates = np.empty(stop - start)
        rates[:] = self.at(np.arange(start, stop, dtype=np.float64), total)
        if not ((rates >= 0) & (rates < np.inf)).all():
            raise ValueError(f"{self!r} must return finite rates of at least 0, got others")
        return rates


class Constant(Schedule):
    """The same rate at every step.

    Parameters
    ----------
    rate : float
        At least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> Constant(0.1).rates(0, 3, total=3)
    array([0.1, 0.1, 0.1])
    """

    def __init__(self, rate: float) -> None:
        self.rate = learning_rate("rate", rate)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> float:
        """Return ``rate``; see `Schedule.at`."""
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

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    OneCycle : Rise and fall along half cosines.
    cynn.callbacks.ReduceLROnPlateau : Lower the rate when a training no longer improves.

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
        """Return the warm-up's line, then the cosine; see `Schedule.at`."""
        warm = round(self.warmup * total_steps)
        turn = np.pi * (steps - warm) / max(total_steps - warm, 1)
        cosine = self.final + (self.initial - self.final) * (1 + np.cos(turn)) / 2
        return np.where(steps < warm, self.initial * (steps + 1) / (warm + 1), cosine)


class CosineLog(Schedule):
    """Waves from 0 up to the rate and down to 0 again, each twice as long as the one before.

    Step s has the rate ::

        rate * (1 - cos(2 * pi * log2(1 + (2**cycles - 1) * s / total_steps))) / 2

    Parameters
    ----------
    rate : float
        The top of each wave, at least 0.
    cycles : int, default 4
        How many waves, from 1 to 52.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    FlatCosine : What goes with it for dropout and weight decay.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024 (there "coslog4").

    Examples
    --------
    >>> CosineLog(0.2, cycles=2).rates(0, 6, total=6).round(3)
    array([0.   , 0.186, 0.   , 0.144, 0.186, 0.065])
    """

    def __init__(self, rate: float, cycles: int = 4) -> None:
        self.rate = learning_rate("rate", rate)
        self.cycles = integer("cycles", cycles)
        if self.cycles > 52:
            raise ValueError(f"cycles must be a whole number from 1 to 52, got {self.cycles}")

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the waves; see `Schedule.at`."""
        turns = np.log2(1 + (2**self.cycles - 1) * (steps / total_steps))
        waves: NDArray[np.float64] = self.rate * (1 - np.cos(2 * np.pi * turns)) / 2
        return waves


class FlatCosine(Schedule):
    """The same rate for half of the run, then down to 0 along half a cosine.

    With ``t = s / total_steps`` step s has the rate ::

        rate                                            where t < 0.5
        rate * (1 + cos(pi * (2 * t - 1))) / 2          after it

    Parameters
    ----------
    rate : float
        That of the first half, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Cosine : The fall alone.
    CosineLog : For the learning rate beside it.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted
    trees on tabular data, NeurIPS 2024 (there "flat_cos").

    Examples
    --------
    >>> FlatCosine(0.2).rates(0, 8, total=8).round(3)
    array([0.2  , 0.2  , 0.2  , 0.2  , 0.2  , 0.171, 0.1  , 0.029])
    """

    def __init__(self, rate: float) -> None:
        self.rate = learning_rate("rate", rate)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the line, then the cosine; see `Schedule.at`."""
        return _cosine(self.rate, 0.0, np.maximum(2 * (steps / total_steps) - 1, 0))


class Exponential(Schedule):
    """From one rate down (or up) to another by the same factor at every step.

    Step s has the rate ::

        initial * (final / initial) ** (s / (total_steps - 1))

    Parameters
    ----------
    initial : float
        The rate of the first step, above 0.
    final : float
        The rate of the last, above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Step : At equal distances only.
    Cosine : The usual choice.

    Examples
    --------
    >>> Exponential(0.8, 0.1).rates(0, 4, total=4).round(3)
    array([0.8, 0.4, 0.2, 0.1])
    """

    def __init__(self, initial: float, final: float) -> None:
        wanted = "a finite number above 0"
        self.initial = number("initial", initial, wanted, lambda rate: rate > 0)
        self.final = number("final", final, wanted, lambda rate: rate > 0)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the powers of one factor; see `Schedule.at`."""
        factor: float = self.final / self.initial
        return self.initial * factor ** (steps / max(total_steps - 1, 1))


class Step(Schedule):
    """A rate that is multiplied by a factor, again and again, at equal distances.

    Step s has the rate ::

        initial * factor ** floor(s / total_steps * parts)

    Parameters
    ----------
    initial : float
        The rate of the first part, at least 0.
    factor : float, default 0.1
        What it is multiplied by from part to part, at least 0.
    parts : int, default 3
        How many parts, as long as one another, the run has.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Exponential : By the same factor at every step.

    Examples
    --------
    >>> Step(0.4, factor=0.5, parts=3).rates(0, 6, total=6)
    array([0.4, 0.4, 0.2, 0.2, 0.1, 0.1])
    """

    def __init__(self, initial: float, factor: float = 0.1, parts: int = 3) -> None:
        self.initial = learning_rate("initial", initial)
        self.factor = learning_rate("factor", factor)
        self.parts = integer("parts", parts)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the power that belongs to each step's part of the run; see `Schedule.at`."""
        return self.initial * self.factor ** (steps * self.parts // total_steps)


class OneCycle(Schedule):
    """Up to a highest rate and down to almost nothing, each along half a cosine.

    With ``t = warmup * total_steps - 1`` the step at the top, the rate goes from
    ``highest / start`` at step 0 to `highest` at t, and from there to ``highest / start / end`` at
    the last step.

    Parameters
    ----------
    highest : float
        The rate at the top, at least 0.
    warmup : float, default 0.3
        The part of the run that goes up, above 0 and less than 1.
    start : float, default 25.0
        How many times smaller the first rate is than the highest, at least 1.
    end : float, default 10000.0
        How many times smaller the last rate is than the first, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Cosine : The fall alone, after a linear warm-up.

    References
    ----------
    Smith and Topin, Super-convergence: very fast training of neural networks using large learning
    rates, 2017; with cosines, as in PyTorch's ``OneCycleLR``.

    Examples
    --------
    >>> OneCycle(0.5, warmup=0.5).rates(0, 8, total=8).round(3)
    array([0.02 , 0.14 , 0.38 , 0.5  , 0.427, 0.25 , 0.073, 0.   ])
    """

    def __init__(
        self, highest: float, warmup: float = 0.3, start: float = 25.0, end: float = 1e4
    ) -> None:
        self.highest = learning_rate("highest", highest)
        wanted = "above 0 and less than 1"
        self.warmup = number("warmup", warmup, wanted, lambda part: 0 < part < 1)
        wanted = "a finite number of at least 1"
        self.start = number("start", start, wanted, lambda ratio: ratio >= 1)
        self.end = number("end", end, wanted, lambda ratio: ratio >= 1)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the way up, then the way down; see `Schedule.at`."""
        first = self.highest / self.start
        top = self.warmup * total_steps - 1
        last = total_steps - 1
        up = np.clip(steps / top if top > 0 else np.ones_like(steps), 0, 1)
        down = np.clip((steps - top) / max(last - top, 1e-12), 0, 1)
        rising = _cosine(first, self.highest, up)
        return np.where(steps <= top, rising, _cosine(self.highest, first / self.end, down))


class Warmup(Schedule):
    """Another schedule, after a linear rise to its first rate.

    With ``w = round(part * total_steps)`` steps of warm-up and the other schedule's rates ``r``
    over a run of ``total_steps - w`` steps, step s has the rate ::

        r(0) * (s + 1) / (w + 1)        where s < w
        r(s - w)                        after it

    Parameters
    ----------
    schedule : Schedule
        What comes after.
    part : float, default 0.05
        The part of the run that warms up, at least 0 and less than 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Cosine : Has a warm-up of its own.

    Examples
    --------
    >>> Warmup(Constant(0.4), part=0.5).rates(0, 6, total=6)
    array([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    """

    def __init__(self, schedule: Schedule, part: float = 0.05) -> None:
        self.schedule = _checked_schedule("schedule", schedule)
        self.part = number("part", part, "at least 0 and less than 1", lambda p: 0 <= p < 1)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the line, then the other schedule's rates; see `Schedule.at`."""
        warm = min(round(self.part * total_steps), total_steps - 1)
        after = np.empty_like(steps)
        after[:] = self.schedule.at(np.maximum(steps - warm, 0), total_steps - warm)
        return after * np.where(steps < warm, (steps + 1) / (warm + 1), 1.0)


class Then(Schedule):
    """One schedule for the first part of the run, another for the rest; each sees its own part.

    Parameters
    ----------
    first, second : Schedule
        The two; either may be made of others in turn.
    part : float, default 0.5
        The part of the run that the first has, above 0 and less than 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> Then(Constant(0.1), Cosine(0.1), part=0.5).rates(0, 4, total=4).round(3)
    array([0.1 , 0.1 , 0.1 , 0.05])
    """

    def __init__(self, first: Schedule, second: Schedule, part: float = 0.5) -> None:
        self.first = _checked_schedule("first", first)
        self.second = _checked_schedule("second", second)
        self.part = number("part", part, "above 0 and less than 1", lambda p: 0 < p < 1)

    def at(self, steps: NDArray[np.float64], total_steps: int) -> NDArray[np.float64]:
        """Return the first's rates, then the second's; see `Schedule.at`."""
        turn = round(self.part * total_steps)
        rates = np.empty_like(steps)
        early = steps < turn
        rates[early] = self.first.at(steps[early], turn)
        rates[~early] = self.second.at(steps[~early] - turn, total_steps - turn)
        return rates


SCHEDULES = (Constant, Cosine, CosineLog, FlatCosine, Exponential, Step, OneCycle, Warmup, Then)
"""The schedules that a file may name."""

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)


def from_dict(data: dict[str, Any]) -> Schedule:
    """Return a schedule from its ``to_dict()``.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments; it may come from a file.

    Returns
    -------
    Schedule
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If it is no dictionary, or names an unknown class or an argument that is unknown, missing or
        invalid.

    Examples
    --------
    >>> from_dict({"class": "Cosine", "initial": 0.1, "final": 0.0, "warmup": 0.05})
    Cosine(0.1, warmup=0.05)
    """
    return spec.from_dict(data, SCHEDULES, inner=SCHEDULES)


def learning_rate(name: str, value: object) -> float:
    """Return `value` as a learning rate: a finite ``float`` of at least 0.

    Parameters
    ----------
    name : str
        The name of the argument, for the message.
    value : object
        What was passed for it.

    Returns
    -------
    float
        The rate.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.

    Examples
    --------
    >>> learning_rate("rate", -1)
    Traceback (most recent call last):
    ValueError: rate must be a finite number of at least 0, got -1.0
    """
    return number(name, value, "a finite number of at least 0", lambda rate: rate >= 0)


def fraction(name: str, value: object) -> float | Schedule:
    """Return `value` as a number of at least 0 and less than 1, or as the schedule that it is.

    What a schedule gives is known for a run alone, and checked by `fractions`.

    Parameters
    ----------
    name : str
        The name of the argument, for the message.
    value : object
        What was passed for it.

    Returns
    -------
    float or Schedule
        The number, or the schedule.

    Raises
    ------
    TypeError, ValueError
        If it is neither.

    Examples
    --------
    >>> fraction("rate", 0.5), fraction("rate", FlatCosine(0.5))
    (0.5, FlatCosine(0.5))
    """
    if isinstance(value, Schedule):
        return value
    wanted = "at least 0 and less than 1, or a Schedule such as FlatCosine(0.1)"
    return number(name, value, wanted, lambda part: 0 <= part < 1)


def fractions(
    name: str, value: float | Schedule, start: int, stop: int, total: int
) -> NDArray[np.float64]:
    """Return a number of at least 0 and less than 1 for each step of a part of a run.

    Parameters
    ----------
    name : str
        The name of the argument, for the message.
    value : float or Schedule
        What `fraction` gave.
    start, stop, total : int
        As for `Schedule.rates`.

    Returns
    -------
    ndarray of float64, shape (stop - start,)
        The numbers.

    Raises
    ------
    ValueError
        If a schedule gives another.

    Examples
    --------
    >>> fractions("rate", Cosine(1.0), 0, 2, total=2)
    Traceback (most recent call last):
    ValueError: rate must be at least 0 and less than 1 in every step, got 1.0 in step 0 of ...
    """
    if not isinstance(value, Schedule):
        return np.full(stop - start, value)
    numbers = value.rates(start, stop, total)
    if not (numbers < 1).all():
        worst = int(np.argmax(numbers >= 1))
        raise ValueError(
            f"{name} must be at least 0 and less than 1 in every step, got {float(numbers[worst])} "
            f"in step {start + worst} of {value!r}"
        )
    return numbers


def _checked_schedule(name: str, value: object) -> Schedule:
    if not isinstance(value, Schedule):
        raise TypeError(f"{name} must be a Schedule such as Constant(0.1), got {value!r}")
    return value


def _cosine(start: float, end: float, part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Go from one rate to another along half a cosine; `part` of the way, from 0 to 1."""
    rate: NDArray[np.float64] = end + (start - end) * (1 + np.cos(np.pi * part)) / 2
    return rate

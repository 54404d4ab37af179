"""Choosing a learning rate before a training."""

# Imports `model` and below; imported by `plots`.

import copy
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._specs.validation import integer, number, shown
from .callbacks import Callback, Logs
from .model import Model

__all__ = ["RangeTest", "find_learning_rate"]

DIVERGED = 4.0
"""Over so many times the smallest smoothed loss the test ends."""

FEWEST = 5
"""Of fewer steps with a finite loss nothing is suggested."""


class RangeTest(NamedTuple):
    """The losses of a test of learning rates.

    Parameters
    ----------
    rates : ndarray of float64, shape (n,)
        The learning rate of each step, ascending.
    losses : ndarray of float64, shape (n,)
        The loss of each step, smoothed.
    raw_losses : ndarray of float64, shape (n,)
        As they were.
    diverged : bool
        Whether the loss grew or stopped being finite before the last rate.

    See Also
    --------
    find_learning_rate : Run the test.
    cynn.plots.learning_rates : Plot it.

    Examples
    --------
    >>> rates = np.array([0.01, 0.1, 1.0, 2.0, 4.0])
    >>> losses = np.array([1.0, 0.8, 0.4, 0.5, 3.0])
    >>> RangeTest(rates, losses, losses, True).suggestion
    0.1
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    raw_losses: NDArray[np.float64]
    diverged: bool

    @property
    def suggestion(self) -> float:
        """A tenth of the rate with the smallest smoothed loss; NaN where the loss never fell.

        The rule is that of Howard and Gugger (fastai: a layered API for deep learning, Information
        11, 2020): at the smallest loss itself the rate is already so large that it soon diverges.
        """
        best = int(self.losses.argmin())
        return float(self.rates[best] / 10) if best else math.nan


class _Sweep(Callback):
    """Sets the rate of each step, and ends the fit where the loss diverges."""

    def __init__(self, rates: NDArray[np.float64], smoothing: float) -> None:
        self.rates, self.smoothing = rates, smoothing
        self.raw: list[float] = []
        self.smooth: list[float] = []
        self.diverged = False
        self._mean = 0.0

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Set the rate of the step; see `Callback.on_batch_begin`."""
        self.model.rate_factor = float(self.rates[len(self.raw)])

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Keep the loss of the step; see `Callback.on_batch_end`."""
        loss = (logs or {})["loss"]
        self.raw.append(loss)
        self._mean = self.smoothing * self._mean + (1 - self.smoothing) * loss
        self.smooth.append(self._mean / (1 - self.smoothing ** len(self.raw)))
        self.diverged = len(self.raw) > FEWEST and self._is_far()
        self.model.stop_training = self.diverged or len(self.raw) == len(self.rates)

    def _is_far(self) -> bool:
        """Return whether the loss is far above the smallest; one may be negative."""
        least = min(self.smooth)
        above = self.smooth[-1] - least
        return above > (DIVERGED - 1) * max(abs(least), abs(self.smooth[0]) / 100)


def find_learning_rate(
    model: Model,
    x: ArrayLike,
    y: ArrayLike,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    n_steps: int = 100,
    batch_size: int = 32,
    smoothing: float = 0.9,
    sample_weight: ArrayLike | None = None,
) -> RangeTest:
    """Train some steps with learning rates from small to large, and return the loss of each.

    The steps are those of ``model.fit``, in as many epochs as it takes, with the model's optimizer
    and layers. The model itself is not touched: a copy of it is trained. The test ends at the last
    rate, or where the smoothed loss is over four times its smallest, or no longer finite.

    Parameters
    ----------
    model : Model
        Compiled; with weights, or without any yet. The optimizer's own rate, or schedule, has no
        effect; its momentum and weight decay have.
    x : array_like or scipy.sparse, shape (n, ...)
        The rows, at least two, as `Model.fit` takes them.
    y : array_like
        The targets, as the loss takes them.
    low, high : float, default 1e-7 and 10.0
        The rates of the first and of the last step; between them they grow geometrically.
    n_steps : int, default 100
        How many there are, from 10 to 100,000.
    batch_size : int, default 32
        The rows of a step.
    smoothing : float, default 0.9
        What part of the mean of the losses before remains in it at each step, at least 0 and less
        than 1.
    sample_weight : array_like, shape (n,), optional
        What each row counts.

    Returns
    -------
    RangeTest
        Rates and losses, and the `suggestion`. The same bits for a model of the same seed.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    RuntimeError
        If the model is not compiled, or is being trained in another thread.
    FloatingPointError
        If the loss is not finite in one of the first five steps, at the smallest rates.

    See Also
    --------
    cynn.plots.learning_rates : Plot it.
    cynn.schedules : Rates that change in the course of a training.

    References
    ----------
    Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 4))
    >>> model = Model([Dense(8, "relu"), Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> test = find_learning_rate(model, x, x.sum(axis=1))
    >>> 0.001 < test.suggestion < 0.5
    True
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a cynn.Model, got {shown(model)}")
    wanted = "a finite number above 0"
    first, last = (
        number(name, value, wanted, lambda rate: rate > 0)
        for name, value in (("low", low), ("high", high))
    )
    if not first < last:
        raise ValueError(f"high must be above low, {first}, got {last}")
    steps = integer("n_steps", n_steps, 10)
    if steps > 100_000:
        raise ValueError(f"n_steps must be at most 100,000, got {steps}")
    part = "at least 0 and less than 1"
    memory = number("smoothing", smoothing, part, lambda share: 0 <= share < 1)
    if y is None:
        raise ValueError("y must be given for a test of learning rates, got None")
    n = _n_rows(x)
    if n < 2:
        raise ValueError(f"x must have at least two rows to train on, got {n}")
    model._expect_compiled()
    trial = copy.deepcopy(model)
    assert trial.optimizer is not None
    trial.optimizer = trial.optimizer.replace(learning_rate=1.0)  # times the factor of a step
    trial.metrics = []
    sweep = _Sweep(np.geomspace(first, last, steps), memory)
    try:
        trial.fit(
            x, y, batch_size=batch_size, epochs=steps, sample_weight=sample_weight,
            callbacks=[sweep], verbose=0,
        )  # fmt: skip
    except FloatingPointError:
        if len(sweep.raw) < FEWEST:  # no rate has done this
            raise
        sweep.diverged = True
    done = len(sweep.raw)
    return RangeTest(
        sweep.rates[:done], np.array(sweep.smooth), np.array(sweep.raw), sweep.diverged
    )


def _n_rows(x: Any) -> int:
    """Return how many rows there are; of what has none, and is refused by the fit, two."""
    if hasattr(x, "shape"):
        return int((np.shape(x) or (2,))[0])
    return len(x) if hasattr(x, "__len__") else 2

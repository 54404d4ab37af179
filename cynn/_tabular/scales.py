"""On what scale a quantity is learned: as it is, or by its logarithm."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import Model
from ..tables import Quantity, TableEncoder, Target
from ..tables._choosing import mean_and_std
from ..tables._targets import SCALES
from .members import Part

SKEWED = 1.0
"""Targets of at least this skewness are tried on a log scale."""

TRIAL = 8
"""A trial has an eighth of the epochs."""


def log_scale(y: NDArray[np.float64]) -> str:
    """Return the log scale that targets may have; "linear" if none.

    Examples
    --------
    >>> log_scale(np.array([1.0, 2.0])), log_scale(np.array([0.0, 2.0])), log_scale(-np.ones(2))
    ('log', 'log1p', 'linear')
    """
    low = float(y.min())
    return "log" if low > 0 else "log1p" if low == 0 else "linear"


def skewness(y: NDArray[np.float64]) -> float:
    """Return the third standardised moment; 0 of numbers that are all the same."""
    mean, std = mean_and_std("y", y)
    return float((((y - mean) / std) ** 3).mean())


def within(target: Quantity, y: NDArray[np.float64], scale: str) -> Quantity:
    """Return a quantity on a scale, whose predictions stay in the range of some targets.

    Parameters
    ----------
    target : Quantity
        Its name, its quantiles, and how texts write it.
    y : ndarray of float64, shape (n,)
        The targets to train on.
    scale : str
        One of `SCALES`.

    Returns
    -------
    Quantity
        Of their mean and standard deviation.
    """
    mean, std = mean_and_std(f"target {target.name!r}", SCALES[scale][0](y))
    low, high = float(y.min()), float(y.max())
    return target.replace(mean=mean, std=std, low=low, high=high, scale=scale)


def chosen(
    target: Quantity,
    y: NDArray[np.float64],
    part: Part,
    train: Callable[[Quantity], Model],
    of_squares: bool = True,
) -> Quantity:
    """Return a quantity on the scale that a short training says is better.

    Parameters
    ----------
    target : Quantity
        Its name, and how texts write it.
    y : ndarray of float64, shape (n,)
        All targets.
    part : Part
        Rows to train and to validate on, with targets as they are in the table.
    train : callable
        Trains a model for a quantity, a short time.
    of_squares : bool, default True
        Whether squared errors decide, and not absolute ones. Quantiles have their own loss.

    Returns
    -------
    Quantity
        On the linear scale where the targets are not skewed, or nothing is held out.
    """
    linear = within(target, y, "linear")
    if part.validation is None or skewness(y) < SKEWED:
        return linear
    scale = log_scale(np.append(y, part.validation.y))
    if scale == "linear":
        return linear
    candidates = [linear, within(target, y, scale)]
    errors = []
    for candidate in candidates:
        outputs = train(candidate).predict(part.validation.x)
        errors.append(_error(candidate, outputs, part.validation.y, of_squares))
    return candidates[int(np.argmin(errors))]


def retargeted(encoder: TableEncoder, target: Target) -> TableEncoder:
    """Return an encoder of the same columns, with another target."""
    return TableEncoder(encoder.columns, target, encoder.left_out, encoder.missing)


def _error(
    target: Quantity, outputs: NDArray[Any], y: NDArray[np.float64], of_squares: bool
) -> float:
    """Return the mean error in the units of the table."""
    said = target.decode(outputs).reshape(len(y), target.n_outputs)
    apart = y[:, np.newaxis] - said
    if target.quantiles is not None:
        q = np.array(target.quantiles)
        return float(np.maximum(q * apart, (q - 1) * apart).mean())
    return float((apart**2 if of_squares else np.abs(apart)).mean())

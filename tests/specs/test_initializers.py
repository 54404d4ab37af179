"""Initializers: the distributions, and that a seed decides."""

import math

import numpy as np
import pytest

from cynn import initializers

FAN_IN, FAN_OUT = 300, 700
VARIANCES = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "std": 1 / FAN_IN,
}


def test_all_are_tested():
    assert set(initializers.INITIALIZERS) == {"zeros", "he+5", *VARIANCES}


@pytest.mark.parametrize("name", VARIANCES)
def test_distribution(name):
    w = initializers.get(name)((FAN_IN, FAN_OUT), np.random.default_rng(1), "float64")
    spread = math.sqrt(VARIANCES[name])
    n = w.size
    assert abs(w.mean()) < 4 * spread / math.sqrt(n)
    fourth = 1.8 if "uniform" in name else 3.0  # of the distribution, over its variance squared
    assert abs(w.var() / spread**2 - 1) < 4 * math.sqrt((fourth - 1) / n)
    assert abs((w**4).mean() / spread**4 - fourth) < 0.1
    if "uniform" in name:
        assert 0.999 * math.sqrt(3) * spread < abs(w).max() <= math.sqrt(3) * spread


@pytest.mark.parametrize("name", VARIANCES)
def test_the_seed_decides_in_both_precisions(name):
    draw = initializers.get(name)
    double, again, other = (
        draw((5, 3), np.random.default_rng(seed), np.float64) for seed in (0, 0, 1)
    )
    single = draw((5, 3), np.random.default_rng(0), np.float32)
    assert single.dtype == np.float32 and single.flags.c_contiguous
    np.testing.assert_array_equal(double, again)
    np.testing.assert_array_equal(double.astype(np.float32), single)
    assert not np.array_equal(double, other)
    assert draw((4,), np.random.default_rng(0)).shape == (4,)


@pytest.mark.parametrize("name", ["zeros", "he+5"])
def test_zeros(name):
    w = initializers.get(name)((2, 3), np.random.default_rng(0), np.float64)
    assert w.shape == (2, 3) and w.dtype == np.float64 and not w.any()


def test_what_rows_finish():
    rng = np.random.default_rng(0)
    outputs = np.column_stack([[1.0, 3.0] * 8, [0.1] * 16, [np.inf, 1.0] * 8])
    with np.errstate(invalid="ignore"):
        divided = initializers.FROM_ROWS["std"](np.full((2, 3), 6.0), outputs, rng)
    assert divided.tolist() == [[6, 6, 6]] * 2
    outputs[:, 0] *= 3
    with np.errstate(invalid="ignore"):
        divided = initializers.FROM_ROWS["std"](np.full((2, 3), 6.0), outputs, rng)
    assert divided.tolist() == [[2, 6, 6]] * 2
    outputs = np.tile(np.arange(1000.0)[:, np.newaxis], 2000)
    mixed = -initializers.FROM_ROWS["he+5"](np.zeros(2000), outputs, rng)
    assert len(np.unique(mixed)) == 2000 and 0 < mixed.min() and mixed.max() < 999
    # Of 5 exponential shares the squares have the mean 2 / (5 * 6) each: the variance is a third.
    assert abs(mixed.mean() - 499.5) < 20 and abs(mixed.var() / outputs[:, 0].var() * 3 - 1) < 0.1


@pytest.mark.parametrize("name", VARIANCES)
def test_bad_arguments(name):
    draw, rng = initializers.get(name), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"shape\[0\] must be a positive integer, got 0"):
        draw((0, 3), rng)
    with pytest.raises(ValueError, match=r"shape must be \(fan_in, fan_out\) or \(n,\)"):
        draw((2, 3, 4), rng)
    with pytest.raises(ValueError, match=r"shape must be \(fan_in, fan_out\) or \(n,\)"):
        draw((), rng)
    with pytest.raises(ValueError, match="dtype must be float32 or float64, got float16"):
        draw((2, 3), rng, "float16")
    with pytest.raises(TypeError, match="rng must be a numpy.random.Generator, got int"):
        draw((2, 3), 0)


def test_unknown_names():
    with pytest.raises(ValueError, match="initializer must be one of 'zeros', .*, got 'he'"):
        initializers.get("he")
    with pytest.raises(TypeError, match="initializer must be one of"):
        initializers.get(None)

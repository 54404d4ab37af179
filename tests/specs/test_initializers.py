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
}


def test_all_are_tested():
    assert set(initializers.INITIALIZERS) == {"zeros", *VARIANCES}


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


def test_zeros():
    w = initializers.zeros((2, 3), np.random.default_rng(0), np.float64)
    assert w.shape == (2, 3) and w.dtype == np.float64 and not w.any()


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

"""Optimizers and their schedules."""

import math

import numpy as np
import pytest

from cynn.optimizers import SGD
from cynn.schedules import Constant, Cosine, Schedule


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learning_rate": -0.1}, "at least 0, or a Schedule such as .*, got -0.1"),
        ({"learning_rate": math.nan}, "learning_rate must be .*, got nan"),
        ({"learning_rate": np.float32(np.inf)}, "learning_rate must be .*, got inf"),
        ({"momentum": 1}, "momentum must be at least 0 and less than 1, got 1.0"),
        ({"momentum": -0.1}, "momentum must be .*, got -0.1"),
        ({"momentum": math.nan}, "momentum must be .*, got nan"),
        ({"weight_decay": -1}, "weight_decay must be a finite number of at least 0, .*, got -1.0"),
        ({"weight_decay": math.inf}, "weight_decay must be .*, got inf"),
        ({"nesterov": True}, "momentum must be above 0 for nesterov=True"),
    ],
)
def test_sgd_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        SGD(**arguments)


@pytest.mark.parametrize("name", ["learning_rate", "momentum", "weight_decay"])
@pytest.mark.parametrize("value", [True, "0.1", None, 1j, np.array([0.1]), Constant])
def test_sgd_types(name, value):
    with pytest.raises(TypeError, match=f"^{name} must be "):
        SGD(**{name: value})


def test_nesterov_is_a_flag():
    with pytest.raises(TypeError, match="nesterov must be True or False, got 1"):
        SGD(momentum=0.9, nesterov=1)


def test_sgd_takes_numpy_numbers_and_the_bounds():
    sgd = SGD(np.float64(0.5), np.float32(0.5), nesterov=np.True_, weight_decay=np.int8(0))
    assert repr(sgd) == "SGD(0.5, 0.5, nesterov=True)"
    assert SGD(0).rates(0, 2, 2).tolist() == [0, 0]


def test_sgd_gives_a_rate_and_a_momentum_for_each_step():
    cosine = Cosine(0.1, warmup=0.2)
    np.testing.assert_array_equal(SGD(cosine).rates(2, 7, 10), cosine.rates(2, 7, 10))
    assert SGD(0.25).rates(2, 5, 10).tolist() == [0.25] * 3
    assert SGD(0.25, 0.5).momenta(2, 5, 10).tolist() == [0.5] * 3
    assert SGD().rates(0, 0, 0).shape == (0,)
    assert SGD().rates(0, 1, 1).dtype == SGD().momenta(0, 1, 1).dtype == np.float64


@pytest.mark.parametrize("total", [1, 2, 10, 97])
@pytest.mark.parametrize("warmup", [0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize(("initial", "final"), [(0.1, 0.0), (0.1, 0.02), (0.0, 0.1)])
def test_cosine_by_hand(initial, final, warmup, total):
    cosine = Cosine(initial, final, warmup)
    warm = round(warmup * total)
    wanted = []
    for step in range(total):
        if step < warm:
            wanted.append(initial * (step + 1) / (warm + 1))
        else:
            part = (step - warm) / (total - warm)
            wanted.append(final + (initial - final) * (1 + math.cos(math.pi * part)) / 2)
    found = cosine.rates(0, total, total)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-17)
    assert found.dtype == np.float64
    assert [cosine(step, total) for step in range(total)] == found.tolist()
    middle = total // 2
    pieces = [cosine.rates(0, middle, total), cosine.rates(middle, total, total)]
    np.testing.assert_array_equal(np.concatenate(pieces), found)


@pytest.mark.parametrize("schedule", [Constant(0.1), Cosine(0.1)])
@pytest.mark.parametrize(("start", "stop", "total"), [(0, 11, 10), (3, 2, 10)])
def test_steps_outside_the_run(schedule, start, stop, total):
    with pytest.raises(
        ValueError, match=f"within the {total} steps of a run, got {start} and {stop}"
    ):
        schedule.rates(start, stop, total)


def test_steps_are_integers():
    with pytest.raises(ValueError, match="step must be a non-negative integer, got -1"):
        Cosine(0.1)(-1, 10)
    with pytest.raises(ValueError, match="within the 10 steps of a run, got 10 and 11"):
        Cosine(0.1)(10, 10)
    with pytest.raises(TypeError, match="stop must be a non-negative integer, got 1.0"):
        Cosine(0.1).rates(0, 1.0, 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1), "rate must be"),
        (lambda: Constant(math.nan), "rate must be"),
        (lambda: Cosine(-1), "initial must be"),
        (lambda: Cosine(1, math.inf), "final must be"),
        (lambda: Cosine(1, warmup=1), "warmup must be at least 0 and less than 1, got 1.0"),
        (lambda: Cosine(1, warmup=-0.1), "warmup must be"),
    ],
)
def test_schedule_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
def test_a_user_defined_schedule_is_checked(rate):
    class Own(Schedule):
        def at(self, steps, total_steps):
            return np.where(steps == 2, rate, 0.1)

    assert SGD(Own()).rates(0, 2, 5).tolist() == [0.1, 0.1]
    with pytest.raises(ValueError, match=r"Own\(\) must return finite rates"):
        SGD(Own()).rates(0, 5, 5)
    with pytest.raises(NotImplementedError, match="Schedule must define at"):
        Schedule().rates(0, 1, 1)

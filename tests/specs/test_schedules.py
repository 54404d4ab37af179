"""Schedules: each against its formula, step by step, alone and within one another."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cynn import schedules
from cynn.optimizers import SGD, from_dict
from cynn.schedules import Constant, Cosine, Exponential, OneCycle, Step, Then, Warmup

ALL = [
    Constant(0.1),
    Cosine(0.2, 0.01, warmup=0.1),
    Exponential(0.5, 0.001),
    Step(0.4, factor=0.5, parts=4),
    OneCycle(0.5),
    Warmup(Exponential(0.1, 0.01), part=0.2),
    Then(Warmup(Constant(0.3)), Then(Step(0.3), Cosine(0.03), part=0.25), part=0.4),
]


def anneal(start, end, part):
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def one_cycle(step, total, highest=0.5, warmup=0.3, start=25.0, end=1e4):
    """PyTorch's OneCycleLR: its two phases, by their last steps."""
    top, last = warmup * total - 1, total - 1
    if step <= top:
        return anneal(highest / start, highest, step / top)
    return anneal(highest, highest / start / end, (step - top) / (last - top))


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (Exponential(0.5, 0.001), lambda s, n: 0.5 * (0.001 / 0.5) ** (s / (n - 1))),
        (Exponential(0.001, 0.5), lambda s, n: 0.001 * 500 ** (s / (n - 1))),
        (Step(0.4, 0.5, 4), lambda s, n: 0.4 * 0.5 ** math.floor(4 * s / n)),
        (OneCycle(0.5), one_cycle),
        (Warmup(Constant(0.3), 0.25), lambda s, n: 0.3 * min(1, (s + 1) / (round(n / 4) + 1))),
    ],
)
@pytest.mark.parametrize("total", [37, 100, 1000])
def test_formulas(schedule, formula, total):
    wanted = [formula(step, total) for step in range(total)]
    np.testing.assert_allclose(schedule.rates(0, total, total), wanted, rtol=1e-9, atol=1e-15)


def test_each_part_of_then_is_a_run_of_its_own():
    first, second = Exponential(1, 0.1), Cosine(0.1, warmup=0.2)
    both = Then(first, second, part=0.25).rates(0, 80, 80)
    assert both.tolist() == [*first.rates(0, 20, 20), *second.rates(0, 60, 60)]


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@given(total=st.integers(1, 60), data=st.data())
def test_a_run_in_pieces_has_the_rates_of_the_whole(schedule, total, data):
    cut = data.draw(st.integers(0, total))
    whole = schedule.rates(0, total, total)
    pieces = [schedule.rates(0, cut, total), schedule.rates(cut, total, total)]
    assert np.concatenate(pieces).tolist() == whole.tolist()
    assert np.isfinite(whole).all() and (whole >= 0).all()


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_written_and_read(schedule):
    assert schedules.from_dict(schedule.to_dict()) == schedule
    assert from_dict(SGD(schedule).to_dict()) == SGD(schedule)
    assert eval(repr(schedule), vars(schedules)) == schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Exponential(0, 1), "initial must be a finite number above 0, got 0.0"),
        (lambda: Exponential(1, math.nan), "final must be .*, got nan"),
        (lambda: Step(-1), "initial must be a finite number of at least 0"),
        (lambda: Step(1, factor=-1), "factor must be a finite number of at least 0"),
        (lambda: Step(1, parts=0), "parts must be a positive integer, got 0"),
        (lambda: OneCycle(0.1, warmup=0), "warmup must be above 0 and less than 1, got 0.0"),
        (lambda: OneCycle(0.1, warmup=1), "warmup must be above 0 and less than 1, got 1.0"),
        (lambda: OneCycle(0.1, start=0.5), "start must be a finite number of at least 1"),
        (lambda: OneCycle(0.1, end=0), "end must be a finite number of at least 1"),
        (lambda: Warmup(Constant(1), part=1), "part must be at least 0 and less than 1, got 1.0"),
        (lambda: Then(Constant(1), Constant(1), part=0), "part must be above 0 and less than 1"),
    ],
)
def test_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "make", [Warmup, lambda s: Then(s, Constant(1)), lambda s: Then(Step(1), s)]
)
@pytest.mark.parametrize("value", [0.1, None, "Constant", Constant, {"class": "Constant"}])
def test_only_schedules_within_schedules(make, value):
    with pytest.raises(TypeError, match=r"must be a Schedule such as Constant\(0.1\), got "):
        make(value)


def test_a_file_cannot_nest_without_end():
    data = Constant(0.1).to_dict()
    for _ in range(5000):
        data = {"class": "Warmup", "schedule": data, "part": 0.1}
    with pytest.raises(ValueError, match="nested at most 32 deep"):
        schedules.from_dict(data)

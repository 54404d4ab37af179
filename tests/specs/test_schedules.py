"""Schedules: each against its formula, step by step, alone and within one another."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cynn import schedules
from cynn.optimizers import SGD, from_dict
from cynn.schedules import (
    Constant,
    Cosine,
    CosineLog,
    Exponential,
    FlatCosine,
    OneCycle,
    Step,
    Then,
    Warmup,
)

ALL = [
    Constant(0.1),
    Cosine(0.2, 0.01, warmup=0.1),
    Exponential(0.5, 0.001),
    Step(0.4, factor=0.5, parts=4),
    OneCycle(0.5),
    CosineLog(0.2),
    CosineLog(0.2, 1),
    FlatCosine(0.3),
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


def waves(step, total, cycles=4):
    """Wave i begins at (2**i - 1) / (2**cycles - 1) of the run, twice as long as the last."""
    turn = math.log2(1 + (2**cycles - 1) * step / total)
    return 0.2 * math.sin(math.pi * turn) ** 2


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (Exponential(0.5, 0.001), lambda s, n: 0.5 * (0.001 / 0.5) ** (s / (n - 1))),
        (Exponential(0.001, 0.5), lambda s, n: 0.001 * 500 ** (s / (n - 1))),
        (Step(0.4, 0.5, 4), lambda s, n: 0.4 * 0.5 ** math.floor(4 * s / n)),
        (OneCycle(0.5), one_cycle),
        (CosineLog(0.2), waves),
        (CosineLog(0.2, cycles=2), lambda s, n: waves(s, n, 2)),
        (FlatCosine(0.3), lambda s, n: 0.3 if 2 * s < n else anneal(0.3, 0.0, 2 * s / n - 1)),
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


def test_the_waves_of_cosine_log():
    """Four of them, over 1, 2, 4 and 8 fifteenths of the run: 0 where each begins."""
    rates = CosineLog(0.2).rates(0, 1500, 1500)
    assert [s for s in range(1500) if rates[s] < 1e-12] == [0, 100, 300, 700]
    tops = [round(100 * (2 ** (i + 0.5) - 1)) for i in range(4)]
    np.testing.assert_allclose(rates[tops], 0.2, rtol=5e-4)


@pytest.mark.parametrize("cycles", [0, 53, 10**400, 1.5, True])
def test_cycles_that_may_not_be(cycles):
    with pytest.raises((TypeError, ValueError), match="cycles must be"):
        CosineLog(0.1, cycles)
    assert CosineLog(0.1, 52).rates(0, 3, 3)[0] == 0

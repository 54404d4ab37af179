"""An average of the weights over the steps, which the parameters are then."""

import numpy as np
import pytest

from cynn import reference
from networks import Case
from rules import rule
from targets import Target, assert_close

STEPS = (
    ("scale",),
    ("dense", 5, "tanh"),
    ("layer_norm", 0.1),
    ("residual", (("dense", 5, "tanh", False),)),
    ("dense", 3, "softmax"),
)
CASE = Case("", STEPS, "softmax_cross_entropy")
SIZES = (4, 20, 5, 5, 5, 25, 15, 3)
FACTORS = [(6, 1), (0.3, 0.5), (0.1, 0.0), (1, 3), (0, 1), (0.5, 1.0), (0, 0), (2, 2)]
FROZEN = [False, False, False, False, True, False, True, False]
PENALTIES = [(0.01, 0.02), (0.0, 0.1), (0.02, 0.0)]
ENDLESS = (np.inf, np.inf)
KEPT = 0.7
RATES = np.array([0.05, 0.04, 0.03])
SETTINGS = {
    "plain": (ENDLESS, None, None),
    "penalties": (ENDLESS, PENALTIES, None),
    "clips": ((0.05, 0.1), PENALTIES, None),
    "factors": (ENDLESS, PENALTIES, FACTORS),
    "clips and factors": ((0.05, 0.1), None, FACTORS),
}


def values(network, dtype):
    """Return the parameters, and the slots."""
    found = np.empty((1 + len(network.slot_names), network.n_params), dtype)
    network.get_params(found[0])
    for slot, out in zip(network.slot_names, found[1:], strict=True):
        network.get_slot(slot, out)
    return found


def made(target, name, settings="plain", average=KEPT):
    network = CASE.make(target)
    clips, penalties, factors = SETTINGS[settings]
    network.compile(CASE.loss, rule(name), *clips, penalties, factors, average)
    return network


def train(network, target, first=0, past=3, momentum=0.9):
    """Take some of three steps."""
    x, labels, _, weight = CASE.data(3, target.dtype)
    rows = np.array([5, 0, 3, 1, 4, 2])[2 * first : 2 * past]
    schedule = RATES[first:past], np.full(past - first, momentum)
    network.train_epoch(x, labels, weight, rows, schedule, 2, 0, np.inf, None, 1)
    return values(network, target.dtype)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_it_agrees_with_the_reference(compiled, name, settings):
    plain = Target("reference", compiled.dtype)
    for momentum in (0.0, 0.9):
        wanted = train(made(plain, name, settings), plain, momentum=momentum)
        found = train(made(compiled, name, settings), compiled, momentum=momentum)
        used = [0, -1] if momentum == 0 else slice(None)
        bound = 4000 * compiled.u * max(1.0, np.abs(wanted).max())
        assert_close(found[used], wanted[used], bound)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_it_is_the_mean_by_age_of_what_the_steps_left(target, name, settings):
    """And these are the weights that would be there without it, to the bit."""
    network, alone = made(target, name, settings), made(target, name, settings, None)
    start = values(network, target.dtype)[0]
    mean = np.zeros_like(start, np.float64)
    for t in range(3):
        left = train(alone, target, t, t + 1)
        found = train(network, target, t, t + 1)
        assert found[-1].tobytes() == left[0].tobytes()
        assert found[1:-1].tobytes() == left[1:].tobytes()
        mean = KEPT * mean + (1 - KEPT) * left[0]
        wanted = (mean / (1 - KEPT ** (t + 1))).astype(target.dtype)
        assert_close(found[0], wanted, 20 * target.u * np.abs(wanted).max())
        if t == 0:
            assert found[0].tobytes() == left[0].tobytes()
    if SETTINGS[settings][2]:
        frozen = np.repeat(FROZEN, SIZES)
        assert found[0][frozen].tobytes() == start[frozen].tobytes()


@pytest.mark.parametrize("name", ["sgd", "nadam", "lion"])
def test_of_nothing_kept_it_is_the_last_weights(target, name):
    found = train(made(target, name, average=0.0), target)
    assert found[0].tobytes() == found[-1].tobytes()
    assert found[0].tobytes() == train(made(target, name, average=None), target)[0].tobytes()


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", ["sgd", "adamw", "rmsprop"])
def test_updates_by_gradients_equal_mini_batches(target, name, settings):
    """As ranks take them: the gradient is by the weights that the optimizer moves."""
    one, other = made(target, name, settings), made(target, name, settings)
    x, labels, _, weight = CASE.data(3, target.dtype)
    gradient = np.empty(one.n_params, target.dtype)
    for step in range(3):
        one.gradients(x, labels, weight, gradient, 1, (0, 0, step, 0))
        one.update((gradient / weight.sum()).astype(target.dtype), 0.05, 0.5)
        schedule = np.array([0.05]), np.array([0.5])
        other.train_epoch(x, labels, weight, np.arange(6), schedule, 6, 0, np.inf, None, 1)
    found, wanted = values(one, target.dtype), values(other, target.dtype)
    assert_close(found, wanted, 4000 * target.u * max(1.0, np.abs(wanted).max()))
    assert np.abs(wanted[0] - wanted[-1]).max() > 1e-4


def test_predictions_and_gradients_are_those_of_the_average(compiled):
    network, other = made(compiled, "sgd"), made(compiled, "sgd")
    other.set_params(train(network, compiled)[0])
    x, labels, _, weight = CASE.data(3, compiled.dtype)
    out = np.empty((2, 6, 3), compiled.dtype)
    gradient = np.empty((2, network.n_params), compiled.dtype)
    sums = []
    for i, each in enumerate((network, other)):
        each.predict(x, out[i], 1)
        sums += [each.evaluate(x, labels, weight, None, 1)]
        sums[-1] += each.gradients(x, labels, weight, gradient[i], 1)
    assert out[0].tobytes() == out[1].tobytes()
    assert gradient[0].tobytes() == gradient[1].tobytes()
    assert sums[0] == sums[1]


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_state_that_is_restored_goes_on_to_the_same_bits(compiled, name):
    network, other = made(compiled, name), made(compiled, name)
    half = train(network, compiled, 0, 2)
    for part in (False, True):
        other.set_params(half[0])
        for slot, numbers in zip(other.slot_names, half[1:], strict=True):
            if part:
                other.set_part(slot, 0, numbers[:10])
                other.set_part(slot, 10, numbers[10:])
            else:
                other.set_slot(slot, numbers)
        other.updates = 2
        assert values(other, compiled.dtype).tobytes() == half.tobytes()
        train(other, compiled, 2, 3)
    assert train(network, compiled, 2, 3).tobytes() == values(other, compiled.dtype).tobytes()


def test_parameters_that_are_set_are_where_both_go_on(target):
    network, alone = made(target, "sgd"), made(target, "sgd", average=None)
    before = train(network, target)
    start = before[0] * 2
    for each in (network, alone):
        each.set_params(start)
    assert not values(network, target.dtype)[-1].any()  # it takes no memory: the same as the other
    moved = train(alone, target, 2, 3, momentum=0.0)[0]
    found = train(network, target, 2, 3, momentum=0.0)
    assert_close(found[-1], moved, 100 * target.u)
    gain = (1 - KEPT) / (1 - KEPT**4)
    assert_close(found[0], start + gain * (moved - start), 100 * target.u)
    network.set_slot("unaveraged", np.zeros_like(start))  # as of a network that never took a step
    assert train(network, target, 2, 3, momentum=0.0)[-1].any()
    assert_close(values(network, target.dtype)[0], found[0], 1.0)
    network.compile(CASE.loss, rule("sgd"), average=0.5)
    assert not values(network, target.dtype)[1:].any()


WIDE = [
    ("dense", 130, "tanh"), ("scale",), ("batch_norm", 0.9, 0.1), ("dense", 33, "relu", False),
    ("dense", 10, "softmax"),
]  # fmt: skip


@pytest.mark.parametrize("seek", [False, True])
@pytest.mark.parametrize(
    ("name", "clips", "penalty"),
    [("sgd", ENDLESS, (0.0, 0.0)), ("adamw", ENDLESS, (0.0, 1e-3)),
     ("nadam", (0.5, 0.1), (1e-4, 1e-3))],
)  # fmt: skip
def test_same_bits_on_any_number_of_threads_and_in_slices(compiled, name, clips, penalty, seek):
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 256, (300, 200)) * (rng.random((300, 200)) < 0.3)).astype(np.uint8)
    y = rng.integers(0, 10, 300).astype(np.int32)
    results, unaveraged = set(), set()
    for threads, seconds, looks, average in (
        (1, np.inf, False, 0.9), (2, np.inf, False, 0.9), (3, 0.0, False, 0.9),
        (7, np.inf, False, 0.9), (1, np.inf, True, 0.9), (3, np.inf, True, 0.9),
        (1, np.inf, False, None),
    ):  # fmt: skip
        network = compiled.module.Network(200, WIDE, 1 / 255)
        start = np.random.default_rng(1).normal(size=network.n_params) * 0.1
        network.set_params(start.astype(compiled.dtype))
        network.compile("softmax_cross_entropy", rule(name), *clips, [penalty] * 3, None, average)
        network.seek_zeros = seek
        if looks:
            network.work_to_look = 0.0
        schedule = np.full(5, 0.01), np.full(5, 0.0 if name == "sgd" else 0.9)
        found = (0,)
        while found[0] < 5:
            found = network.train_epoch(
                x, y, None, np.arange(300), schedule, 64, found[0], seconds, None, threads
            )
        got = values(network, compiled.dtype)
        assert np.isfinite(got).all()
        unaveraged.add(got[0 if average is None else -1].tobytes())
        if average is not None:
            results.add((found, got.tobytes()))
    assert len(results) == len(unaveraged) == 1


@pytest.mark.parametrize("average", [-0.1, 1.0, np.nan, np.inf])
def test_a_network_refuses_it(target, average):
    network = made(target, "sgd")
    before = train(network, target)
    with pytest.raises(ValueError, match="average must be at least 0 and less than 1, got"):
        network.compile(CASE.loss, rule("sgd"), average=average)
    assert values(network, target.dtype).tobytes() == before.tobytes()


def test_a_step_that_fails_changes_neither(compiled):
    network = made(compiled, "sgd")
    before = train(network, compiled)
    x, labels, _, weight = CASE.data(3, compiled.dtype)
    schedule, rows = (np.array([0.1]), np.array([0.9])), np.arange(6)
    with pytest.raises(ValueError, match="draw_key must"):
        network.train_epoch(
            x, labels, weight, rows, schedule, 6, 0, np.inf, None, 1, (0, 0, -1, 0)
        )  # fmt: skip
    x = np.array(x, copy=True)
    x[0, 0] = np.nan
    network.train_epoch(x, labels, weight, rows, schedule, 6, 0, np.inf, None, 1)
    assert values(network, compiled.dtype).tobytes() == before.tobytes()

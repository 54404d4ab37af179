"""Factors of the learning rate and the weight decay, of each array of weights its own."""

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
SETTINGS = {
    "plain": (ENDLESS, None),
    "penalties": (ENDLESS, PENALTIES),
    "l2": (ENDLESS, [(0.0, l2) for _, l2 in PENALTIES]),
    "clips": ((0.05, 0.1), PENALTIES),
}


def made(target, name, settings="plain", factors=FACTORS):
    network = CASE.make(target)
    clips, penalties = SETTINGS[settings]
    network.compile(CASE.loss, rule(name), *clips, penalties, factors)
    return network


def values(network, dtype):
    """Return the parameters, and the slots."""
    found = np.empty((1 + len(network.slot_names), network.n_params), dtype)
    network.get_params(found[0])
    for slot, out in zip(network.slot_names, found[1:], strict=True):
        network.get_slot(slot, out)
    return found


def trained(target, *args, momentum=0.9, **more):
    network = made(target, *args, **more)
    x, labels, _, weight = CASE.data(3, target.dtype)
    schedule = np.array([0.05, 0.04]), np.full(2, momentum)
    sums = []
    for _ in range(2):
        sums += network.train_epoch(
            x, labels, weight, np.array([5, 0, 3, 1, 4, 2]), schedule, 4, 0, np.inf, None, 1
        )
    return np.array([*sums, *network.scalars.values()]), values(network, target.dtype)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_factors_agree_with_the_reference(compiled, name, settings):
    for momentum in (0.0, 0.9):
        wanted = trained(Target("reference", compiled.dtype), name, settings, momentum=momentum)
        found = trained(compiled, name, settings, momentum=momentum)
        used = slice(None if momentum else 1)  # a slot of the momentum has none to keep
        for got, want in zip((found[0], found[1][used]), (wanted[0], wanted[1][used]), strict=True):
            assert_close(got, want, 4000 * compiled.u * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_frozen_weights_keep_their_bits(target, name, settings):
    network = made(target, name, settings)
    start = CASE.params(network.n_params, target.dtype)
    frozen = np.repeat(FROZEN, SIZES)
    start[::7] = -0.0
    network.set_params(start)
    before = values(network, target.dtype)
    x, labels, _, weight = CASE.data(3, target.dtype)
    args = x, labels, weight, np.arange(6), (np.full(2, 0.1), np.full(2, 0.9)), 3, 0, np.inf
    network.train_epoch(*args, None, 1)
    after = values(network, target.dtype)
    assert after[:, frozen].tobytes() == before[:, frozen].tobytes()
    moved = np.array_split((after[0] != before[0]), np.cumsum(SIZES)[:-1])
    assert [part.any() for part in moved] == [not is_frozen for is_frozen in FROZEN]
    gradient = np.full(network.n_params, 0.5, target.dtype)
    network.update(gradient, 0.1, 0.9)
    assert values(network, target.dtype)[:, frozen].tobytes() == before[:, frozen].tobytes()


@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_the_same_factor_everywhere_is_another_setting(target, name):
    """Of the learning rate: it is linear in the step. Of the weight decay: another decay."""
    name, *numbers = rule(name)
    place = reference.OPTIMIZERS[name][0].index("weight_decay")
    halved, other = list(numbers), []
    halved[place] /= 2
    for chosen, factors, rate in (
        (numbers, [(0.5, 1.0)] * 8, 0.1), (numbers, None, 0.05),
        (numbers, [(1.0, 0.5)] * 8, 0.1), (halved, None, 0.1),
    ):  # fmt: skip
        network = CASE.make(target)
        network.compile(CASE.loss, (name, *chosen), *ENDLESS, None, factors)
        x, labels, _, _ = CASE.data(3, target.dtype)
        schedule = np.full(2, rate), np.zeros(2)
        network.train_epoch(x, labels, None, np.arange(6), schedule, 3, 0, np.inf, None, 1)
        other.append(values(network, target.dtype)[0])
    assert_close(other[0], other[1], 500 * target.u)
    assert_close(other[2], other[3], 500 * target.u)


def test_factors_of_one_change_no_bit(target):
    for settings in SETTINGS:
        plain = trained(target, "adamw", settings, factors=None)
        ones = trained(target, "adamw", settings, factors=[(1.0, 1.0)] * 8)
        for one, other in zip(plain, ones, strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_an_update_equals_a_mini_batch(target, name, settings):
    one, other = made(target, name, settings), made(target, name, settings)
    x, labels, _, weight = CASE.data(3, target.dtype)
    gradient = np.empty(one.n_params, target.dtype)
    for _ in range(2):
        one.gradients(x, labels, weight, gradient, 1)
        one.update((gradient / weight.sum()).astype(target.dtype), 0.05, 0.5)
        schedule = np.array([0.05]), np.array([0.5])
        other.train_epoch(x, labels, weight, np.arange(6), schedule, 6, 0, np.inf, None, 1)
    found, wanted = values(one, target.dtype), values(other, target.dtype)
    assert_close(found, wanted, 4000 * target.u * max(1.0, np.abs(wanted).max()))


WIDE = [
    ("dense", 130, "tanh"), ("scale",), ("batch_norm", 0.9, 0.1), ("dense", 33, "relu", False),
    ("dense", 10, "softmax"),
]  # fmt: skip
OF_WIDE = [(0.5, 2.0), (0.1, 0.0), (3, 1), (0, 1), (1.0, 0.5), (0, 0), (0.7, 1.0), (0, 1)]


@pytest.mark.parametrize("seek", [False, True])
@pytest.mark.parametrize(
    ("name", "clips", "penalty"),
    [
        ("sgd", ENDLESS, (0.0, 0.0)), ("adamw", ENDLESS, (0.0, 1e-3)),
        ("nadam", (0.5, 0.1), (1e-4, 1e-3)), ("lion", (0.5, np.inf), (1e-4, 0.0)),
    ],
)  # fmt: skip
def test_same_bits_on_any_number_of_threads_and_in_slices(compiled, name, clips, penalty, seek):
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 256, (300, 200)) * (rng.random((300, 200)) < 0.3)).astype(np.uint8)
    y = rng.integers(0, 10, 300).astype(np.int32)
    for first_frozen in (False, True):
        factors = [(0, 1)] * 2 + OF_WIDE[2:] if first_frozen else OF_WIDE
        results = set()
        for threads, seconds, looks in (
            (1, np.inf, False), (2, np.inf, False), (3, 0.0, False), (7, np.inf, False),
            (1, np.inf, True), (3, np.inf, True),
        ):  # fmt: skip
            network = compiled.module.Network(200, WIDE, 1 / 255)
            start = np.random.default_rng(1).normal(size=network.n_params) * 0.1
            network.set_params(start.astype(compiled.dtype))
            network.compile("softmax_cross_entropy", rule(name), *clips, [penalty] * 3, factors)
            network.seek_zeros = seek
            if looks:
                network.work_to_look = 0.0
            schedule = np.full(5, 0.01), np.full(5, 0.0 if name == "sgd" else 0.9)
            found = (0,)
            while found[0] < 5:
                found = network.train_epoch(
                    x, y, None, np.arange(300), schedule, 64, found[0], seconds, None, threads
                )
            results.add((found, values(network, compiled.dtype).tobytes()))
        assert len(results) == 1
        assert np.isfinite(values(network, compiled.dtype)).all()


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_blocks_of_a_mini_batch_have_the_same_factors(compiled, name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20)).astype(compiled.dtype)
    y = rng.integers(0, 3, 300).astype(np.int32)
    found = []
    for block, threads in ((1024, 1), (64, 1), (64, 3)):
        network = compiled.module.Network(20, [("dense", 9, "tanh"), ("dense", 3, "softmax")])
        start = np.random.default_rng(1).normal(size=network.n_params) * 0.3
        network.set_params(start.astype(compiled.dtype))
        factors = [(0.0, 1.0), (0.5, 0.0), (2.0, 3.0), (0.0, 0.0)]
        network.compile("softmax_cross_entropy", rule(name), *ENDLESS, None, factors)
        network.largest_block = block
        schedule = np.full(2, 0.1), np.zeros(2)
        network.train_epoch(x, y, None, np.arange(300), schedule, 150, 0, np.inf, None, threads)
        found.append(values(network, compiled.dtype)[0])
    assert_close(found[0], found[1], 500 * compiled.u)
    assert found[1].tobytes() == found[2].tobytes()
    frozen = np.repeat([True, False, False, True], [180, 9, 27, 3])
    assert (found[0][frozen] == start.astype(compiled.dtype)[frozen]).all()
    assert (found[0][~frozen] != start.astype(compiled.dtype)[~frozen]).all()


@pytest.mark.parametrize(
    "factors",
    [FACTORS[:-1], [*FACTORS, (1, 1)], [(-1.0, 1.0)] * 8, [(1.0, np.inf)] * 8, [(np.nan, 1.0)] * 8],
)
def test_a_network_refuses_factors(target, factors):
    network = made(target, "sgd")
    with pytest.raises(ValueError, match="factors must"):
        network.compile(CASE.loss, rule("sgd"), *ENDLESS, None, factors)
    with pytest.raises(ValueError, match="penalties must"):
        network.compile(CASE.loss, rule("sgd"), *ENDLESS, PENALTIES[:1], FACTORS)
    assert trained(target, "sgd")[1].shape == (2, sum(SIZES))  # it is as it was

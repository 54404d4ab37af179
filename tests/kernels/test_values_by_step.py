"""Weight decay, dropout and the loss's number, each of which may change from step to step."""

import numpy as np
import pytest

from cynn import reference
from networks import ROWS, TWO_LAYERS, Case
from rules import rule
from targets import Target, assert_close

RATES, MOMENTA = np.array([0.05, 0.04]), np.array([0.5, 0.9])
DECAYS = np.array([0.3, 0.05])
TWO_DROPOUTS = Case(
    "",
    (("dropout", 0.9), ("dense", 9, "tanh"), ("residual", (("dropout", 0.1),)),
     ("dense", 3, "softmax")),
    "softmax_cross_entropy", inputs=5,
)  # fmt: skip
LINES = np.array([[0.25, 0.0], [0.5, 0.75]])
KEY = (3, 1, 4, 0)


def trained(network, case, target, values, threads=1, batch=4):
    x, labels, _, weight = case.data(3, target.dtype)
    sums = network.train_epoch(
        x, labels, weight, np.array([5, 0, 3, 1, 4, 2]), values, batch, 0, np.inf, None, threads,
        KEY,
    )  # fmt: skip
    found = np.empty((1 + len(network.slot_names), network.n_params), target.dtype)
    network.get_params(found[0])
    for slot, out in zip(network.slot_names, found[1:], strict=True):
        network.get_slot(slot, out)
    return np.array(sums), found


def with_decay(name, decay):
    name, *numbers = rule(name)
    numbers[reference.OPTIMIZERS[name][0].index("weight_decay")] = decay
    return (name, *numbers)


def decayed(target, chosen, *decays, factors=None):
    network = TWO_LAYERS.make(target)
    network.compile(TWO_LAYERS.loss, chosen, np.inf, np.inf, None, factors)
    return trained(network, TWO_LAYERS, target, (RATES, MOMENTA, *decays))


@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_weight_decays_agree_with_the_reference(compiled, name):
    factors = [(0.5, 2.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    for given in (None, factors):
        wanted = decayed(Target("reference", compiled.dtype), rule(name), DECAYS, factors=given)
        found = decayed(compiled, rule(name), DECAYS, factors=given)
        for got, want in zip(found, wanted, strict=True):
            assert_close(got, want, 4000 * compiled.u * max(1.0, np.abs(want).max()))


@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_a_weight_decay_of_every_step_is_that_of_the_rule(target, name):
    by_step = decayed(target, with_decay(name, 0.5), np.full(2, 0.125))
    by_rule = decayed(target, with_decay(name, 0.125))
    none = decayed(target, with_decay(name, 0.125), None, None, None)
    for one, other, third in zip(by_step, by_rule, none, strict=True):
        assert one.tobytes() == other.tobytes() == third.tobytes()
    assert by_step[1].tobytes() != decayed(target, with_decay(name, 0.5))[1].tobytes()


@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_an_update_has_a_weight_decay_of_its_own(target, name):
    found = []
    for chosen, given in ((with_decay(name, 0.5), (0.125,)), (with_decay(name, 0.125), ())):
        network = TWO_LAYERS.make(target)
        network.compile(TWO_LAYERS.loss, chosen)
        gradient = np.linspace(-1, 1, network.n_params).astype(target.dtype)
        for _ in range(2):
            network.update(gradient, 0.1, 0.9, *given)
        network.get_params(gradient)
        found.append(gradient.tobytes())
    assert found[0] == found[1]


def dropped(target, values, case=TWO_DROPOUTS, **more):
    network = case.make(target)
    network.compile(case.loss, ("sgd", 0.0, 0.0))
    return trained(network, case, target, values, **more)


def test_rates_of_dropout_agree_with_the_reference(compiled):
    values = RATES, MOMENTA, None, LINES
    wanted = dropped(Target("reference", compiled.dtype), values)
    for got, want in zip(dropped(compiled, values), wanted, strict=True):
        assert_close(got, want, 4000 * compiled.u * max(1.0, np.abs(want).max()))


def test_rates_of_every_step_are_those_of_the_steps(target):
    by_step = dropped(target, (RATES, MOMENTA, None, np.array([[0.9, 0.1]] * 2)))
    assert by_step[1].tobytes() == dropped(target, (RATES, MOMENTA))[1].tobytes()
    assert by_step[1].tobytes() != dropped(target, (RATES, MOMENTA, None, LINES))[1].tobytes()


def test_a_rate_of_zero_drops_nothing(target):
    dense = ("dense", 9, "tanh"), ("dense", 3, "softmax")
    plain = Case("", dense, "softmax_cross_entropy", inputs=5)
    case = Case("", (("dropout", 0.9), *dense), plain.loss, inputs=5)
    values = RATES, MOMENTA, None, np.zeros((2, 1))
    found, wanted = dropped(target, values, case), dropped(target, (RATES, MOMENTA), plain)
    assert found[1].tobytes() == wanted[1].tobytes()


def test_each_dropout_has_the_rate_of_its_column(target):
    steps = [("dropout", 0.0), ("rescale", 2.0, 0.0), ("dropout", 0.5)]
    network = target.module.Network(400, steps)
    network.compile("mean_squared_error")
    x = np.ones((40, 400), target.dtype)
    for line, wanted in (([0.75, 0.0], 0.75), ([0.0, 0.25], 0.25), ([0.5, 0.5], 0.75)):
        out = np.empty_like(x)
        values = np.zeros(1), np.zeros(1), None, np.array([line])
        network.train_epoch(x, x, None, np.arange(40), values, 40, 0, np.inf, out, 1, KEY)
        assert abs((out == 0).mean() - wanted) < 0.02
        assert abs(out.mean() - 2) < 0.1  # what is left is scaled up


def test_gradients_have_the_values_of_their_step(target):
    """As on ranks: gradients, then an update, is a step."""
    one, other = TWO_DROPOUTS.make(target), TWO_DROPOUTS.make(target)
    x, labels, _, weight = TWO_DROPOUTS.data(3, target.dtype)
    gradient = np.empty(one.n_params, target.dtype)
    for network in (one, other):
        network.compile(TWO_DROPOUTS.loss, rule("adamw"))
    values = (
        np.array([0.05]), np.array([0.0]), np.array([0.5]), np.array([[0.25, 0.5]]),
        np.array([0.3]),
    )  # fmt: skip
    for step in range(3):
        key = (3, 1, step, 0)
        sums = one.gradients(x, labels, weight, gradient, 1, key, None, values)
        one.update((gradient / weight.sum()).astype(target.dtype), 0.05, 0.0, 0.5)
        wanted = other.train_epoch(
            x, labels, weight, np.arange(ROWS), values, ROWS, 0, np.inf, None, 1, key
        )
        assert_close(sums, wanted[1:], 500 * target.u)
    found = np.empty((2, one.n_params), target.dtype)
    one.get_params(found[0])
    other.get_params(found[1])
    assert_close(found[0], found[1], 4000 * target.u)


SMOOTHED = {
    "softmax_cross_entropy": 0.3, "cross_entropy": 0.3, "sigmoid_binary_cross_entropy": 0.3,
    "binary_cross_entropy": 0.3, "huber": 0.25, "quantile": 0.9,
}  # fmt: skip


def numbered(target, loss, own, *values):
    end = {"softmax": "softmax", "cross_e": "softmax"}.get(loss[:7], "sigmoid")
    case = Case("", (("dense", 5, "tanh"), ("dense", 3, end)), loss)
    network = case.make(target)
    network.compile((loss, own))
    x, _, dense, weight = case.data(3, target.dtype)
    sums = network.train_epoch(
        x, dense, weight, np.arange(ROWS), (RATES, MOMENTA, None, None, *values), 4, 0, np.inf,
        None, 1,
    )  # fmt: skip
    sums += network.evaluate(x, dense, weight, None, 1)
    found = np.empty(network.n_params, target.dtype)
    network.get_params(found)
    return np.array(sums), found


@pytest.mark.parametrize("loss", SMOOTHED)
def test_the_numbers_of_losses(target, loss):
    number = SMOOTHED[loss]
    by_step = numbered(target, loss, 0.5, np.full(2, number))
    by_loss = numbered(target, loss, number)
    assert by_step[1].tobytes() == by_loss[1].tobytes()
    assert by_step[0][:3].tobytes() == by_loss[0][:3].tobytes()
    assert by_step[0][3] != by_loss[0][3]  # which is measured with its own
    falling = np.array([number, number / 4])
    wanted = numbered(Target("reference", target.dtype), loss, 0.5, falling)
    for got, want in zip(numbered(target, loss, 0.5, falling), wanted, strict=True):
        assert_close(got, want, 4000 * target.u * max(1.0, np.abs(want).max()))
    assert numbered(target, loss, 0.5, falling)[1].tobytes() != by_step[1].tobytes()


@pytest.mark.parametrize("block", [1024, 64])
def test_same_bits_on_any_number_of_threads(compiled, block):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 60)).astype(compiled.dtype)
    y = rng.integers(0, 10, 300).astype(np.int32)
    steps = [("dropout", 0.0), ("dense", 130, "tanh"), ("dropout", 0.0), ("dense", 10, "softmax")]
    values = (
        np.full(3, 0.01), np.full(3, 0.9), np.array([0.1, 0.0, 0.3]),
        np.array([[0.5, 0.25], [0.0, 0.5], [0.1, 0.0]]), np.array([0.3, 0.1, 0.0]),
    )  # fmt: skip
    results = set()
    for threads, seconds in ((1, np.inf), (2, np.inf), (3, 0.0), (7, np.inf)):
        network = compiled.module.Network(60, steps)
        network.largest_block = block
        start = np.random.default_rng(1).normal(size=network.n_params) * 0.1
        network.set_params(start.astype(compiled.dtype))
        network.compile("softmax_cross_entropy", rule("adamw"))
        found = (0,)
        while found[0] < 3:
            found = network.train_epoch(
                x, y, None, np.arange(300), values, 128, found[0], seconds, None, threads, KEY
            )
        out = np.empty(network.n_params, compiled.dtype)
        network.get_params(out)
        results.add((found, out.tobytes()))
    assert len(results) == 1


def test_a_network_refuses_values_that_do_not_fit(target):
    lines = np.zeros((2, 2))
    for wrong in (
        (RATES[:1], MOMENTA),
        (RATES, MOMENTA[:1]),
        (RATES, MOMENTA, DECAYS[:1]),
        (RATES, MOMENTA, None, lines[:1]),
        (RATES, MOMENTA, None, lines[:, :1].copy()),
        (RATES, MOMENTA, None, lines + 1.0),
        (RATES, MOMENTA, None, lines - 0.1),
        (RATES, MOMENTA, None, lines * np.nan),
        (RATES, MOMENTA, None, None, DECAYS[:1]),
    ):
        with pytest.raises(ValueError, match=r"(rates|momenta|decays|dropouts|numbers) must"):
            dropped(target, wrong)
    with pytest.raises((TypeError, ValueError), match="rates must"):
        dropped(target, (None, MOMENTA))
    network = target.module.Network(4, [("dense", 3, "identity")])
    network.compile("mean_squared_error")
    with pytest.raises(ValueError, match="numbers must be None for a loss without one"):
        trained(network, TWO_LAYERS, target, (RATES, MOMENTA, None, None, DECAYS))

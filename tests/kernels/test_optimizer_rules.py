"""The kernels' optimizers, clipping and penalties, at any number of threads."""

import numpy as np
import pytest

from cynn import reference
from networks import ROWS, TWO_LAYERS
from rules import rule
from targets import Target, assert_close

PENALTIES = [(0.01, 0.02), (0.0, 0.1)]
SQUARES = [(0.0, 0.02), (0.0, 0.1)]


def test_the_targets_have_the_same_optimizers(target):
    assert target.module.OPTIMIZERS == reference.OPTIMIZERS


@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_steps_of_every_length(compiled, name):
    _, slot_names, scalars = reference.OPTIMIZERS[name]
    slots = len(slot_names)
    for n in (0, 1, 15, 16, 17, 70):
        rng = np.random.default_rng(n)
        w = rng.uniform(-2, 2, n).astype(compiled.dtype)
        held = rng.uniform(0, 1, (slots, 2 * n)).astype(compiled.dtype)[:, ::2]
        wanted, kept = w.tolist(), held.tolist()
        got_scalars, wanted_scalars = list(scalars.values()), list(scalars.values())
        for t in (1, 2, 3):
            g = rng.uniform(-2, 2, n).astype(compiled.dtype)
            given = rule(name), 0.1, 0.5, t
            compiled.module.optimizer_step(w, g, held, *given, got_scalars)
            reference.optimizer_step(wanted, g.tolist(), kept, *given, wanted_scalars)
        assert got_scalars == wanted_scalars
        largest = np.max(np.abs([*wanted, *np.ravel(kept)]), initial=1.0)
        assert_close(w, wanted, 500 * compiled.u * largest, n)
        assert_close(held, np.reshape(kept, held.shape), 500 * compiled.u * largest, n)


def test_a_step_refuses_what_does_not_fit(target):
    w, g, held = (
        np.ones(4, target.dtype),
        np.ones(4, target.dtype),
        np.zeros((2, 4), target.dtype),
    )
    step, adam = target.module.optimizer_step, rule("adam")
    for call in (
        lambda: step(w, g[:3], held, adam, 0.1, 0.0, 1),
        lambda: step(w, g, held[:1], adam, 0.1, 0.0, 1),
        lambda: step(w, g, held[:, :3], adam, 0.1, 0.0, 1),
        lambda: step(w, g, held, adam[:-1], 0.1, 0.0, 1),
        lambda: step(w, g, held, ("adamant",), 0.1, 0.0, 1),
        lambda: step(w, w, held, adam, 0.1, 0.0, 1),
        lambda: step(w, g, held, adam, 0.1, 0.0, 0),
        lambda: step(w, g, held, adam, 0.1, 0.0, 1, [1.0]),
    ):
        with pytest.raises(ValueError):
            call()
    assert (w == 1).all() and not held.any()


def trained(target, name, clips=(np.inf, np.inf), penalties=None, of_sum=False, threads=1):
    """Return the results of a few epochs: sums, parameters, slots, gradients and evaluation."""
    network = TWO_LAYERS.make(target)
    network.compile(TWO_LAYERS.loss, rule(name), *clips, penalties)
    network.penalty_of_sum = of_sum
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    order = np.array([5, 0, 3, 1, 4, 2])
    schedule = np.array([0.05, 0.04]), np.array([0.5, 0.9])
    sums = []
    for _ in range(2):
        sums += network.train_epoch(x, labels, weight, order, schedule, 4, 0, np.inf, None, threads)
    gradient = np.empty(network.n_params, target.dtype)
    sums += network.gradients(x, labels, weight, gradient, threads)
    sums += network.evaluate(x, labels, weight, None, threads)
    found = np.empty((1 + len(network.slot_names), network.n_params), target.dtype)
    network.get_params(found[0])
    for slot, out in zip(network.slot_names, found[1:], strict=True):
        network.get_slot(slot, out)
    assert network.updates == 4
    sums += network.scalars.values()
    return np.array(sums), found, gradient


CASES = {
    **{name: (name,) for name in reference.OPTIMIZERS},
    **{f"{name}, l2": (name, (np.inf, np.inf), SQUARES) for name in reference.OPTIMIZERS},
    "value": ("sgd", (0.05, np.inf)),
    "norm": ("adam", (np.inf, 0.1)),
    "a norm never reached": ("sgd", (np.inf, 1e9)),
    "both": ("sgd", (0.05, 0.1)),
    "penalties": ("sgd", (np.inf, np.inf), PENALTIES),
    "penalties, of the sum": ("sgd_sklearn", (np.inf, np.inf), PENALTIES, True),
    "all": ("adamw", (0.05, 0.1), PENALTIES),
}


@pytest.mark.parametrize("case", CASES)
def test_a_network_agrees_with_the_reference(compiled, case):
    wanted = trained(Target("reference", compiled.dtype), *CASES[case])
    for got, want in zip(trained(compiled, *CASES[case]), wanted, strict=True):
        assert_close(got, want, 2000 * compiled.u * max(1.0, np.abs(want).max()))


def test_clips_and_penalties_change_something(target):
    plain = trained(target, "sgd")[1][0]
    for case in ("value", "norm", "penalties", "all"):
        assert np.abs(trained(target, *CASES[case])[1][0] - plain).max() > 1e-3
    assert (trained(target, *CASES["a norm never reached"])[1][0] == plain).all()


@pytest.mark.parametrize(
    ("clips", "penalty"),
    [((0.5, np.inf), (1e-4, 1e-3)), ((0.5, 0.1), (1e-4, 1e-3)), ((np.inf, np.inf), (0.0, 1e-3))],
)
@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("seek", [False, True])
def test_same_bits_on_any_number_of_threads_and_in_slices(compiled, name, clips, penalty, seek):
    steps = [("dense", 130, "tanh"), ("dense", 33, "relu"), ("dense", 10, "softmax")]
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 256, (300, 200)) * (rng.random((300, 200)) < 0.3)).astype(np.uint8)
    y = rng.integers(0, 10, 300).astype(np.int32)
    results = []
    for threads, seconds in ((1, np.inf), (2, np.inf), (3, np.inf), (2, 0.0)):
        network = compiled.module.Network(200, steps, 1 / 255)
        start = np.random.default_rng(1).normal(size=network.n_params) * 0.1
        network.set_params(start.astype(compiled.dtype))
        network.compile("softmax_cross_entropy", rule(name), *clips, [penalty] * 3)
        network.seek_zeros = seek
        schedule = np.full(5, 0.01), np.full(5, 0.9)
        found = (0,)
        while found[0] < 5:
            found = network.train_epoch(
                x, y, None, np.arange(300), schedule, 64, found[0], seconds, None, threads
            )
        out = np.empty(network.n_params, compiled.dtype)
        network.get_params(out)
        assert np.isfinite(out).all() and np.abs(out - start).max() > 1e-3
        results.append((found, out.tobytes()))
    assert results[0] == results[1] == results[2] == results[3]


def test_an_update_equals_a_mini_batch(target):
    """From the gradient, with its penalties: clipped by value and by norm."""
    one, other = (TWO_LAYERS.make(target) for _ in range(2))
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    gradient, found = np.empty((2, one.n_params), target.dtype)
    for network in (one, other):
        network.compile(TWO_LAYERS.loss, rule("adam"), 0.05, 0.1, PENALTIES)
    for _ in range(3):
        one.gradients(x, labels, weight, gradient, 1)
        one.update((gradient / weight.sum()).astype(target.dtype), 0.1, 0.0)
        other.train_epoch(
            x, labels, weight, np.arange(ROWS), (np.array([0.1]), np.array([0.0])), ROWS, 0,
            np.inf, None, 1,
        )  # fmt: skip
    one.get_params(found)
    other.get_params(gradient)
    assert_close(gradient, found, 1000 * target.u)
    assert one.updates == other.updates == 3


def test_a_network_refuses_clips_and_penalties(target):
    network = TWO_LAYERS.make(target)
    for settings in (
        (rule("sgd"), 0.0, 1.0),
        (rule("sgd"), 1.0, -1.0),
        (rule("sgd"), np.nan, 1.0),
        (rule("sgd"), 1.0, 1.0, PENALTIES[:1]),
        (rule("sgd"), 1.0, 1.0, [(0.0, -1.0), (0.0, 0.0)]),
        (rule("sgd"), 1.0, 1.0, [(0.0, np.inf), (0.0, 0.0)]),
        (rule("sgd"), 1.0, 1.0, [*PENALTIES, (0.0, 0.0)]),
    ):
        with pytest.raises(ValueError):
            network.compile(TWO_LAYERS.loss, *settings)
    with pytest.raises(ValueError, match="slot must be one of"):
        network.get_slot("exp_avg", np.empty(network.n_params, target.dtype))

"""Steps that take long: an update that is done in two, and looks for signals, change no bit."""

import numpy as np
import pytest

from cynn import optimizers

STEPS = [("dense", 40, "tanh"), ("batch_norm", 0.9, 0.1), ("dense", 33, "tanh", False),
         ("dense", 5, "softmax")]  # fmt: skip
PENALTIES = {
    "none": {},
    "l2": {"penalties": [(0.0, 0.01), (0.0, 0.0), (0.0, 0.02)]},
    "l1 and l2": {"penalties": [(0.01, 0.01), (0.0, 0.0), (0.03, 0.0)]},
    "clip_value": {"clip_value": 0.003, "penalties": [(0.01, 0.01), (0.0, 0.0), (0.0, 0.01)]},
    "average": {"average": 0.9},
    "clip_norm": {"clip_norm": 0.1, "penalties": [(0.01, 0.01), (0.0, 0.0), (0.0, 0.01)]},
}


def all_of(network, dtype):
    """Return the bytes of all that is trained."""
    params, state = np.empty(network.n_params, dtype), np.empty(network.n_state, dtype)
    network.get_params(params)
    network.get_state(state)
    slots = []
    for name in network.slot_names:
        slots.append(np.empty(network.n_params, dtype))
        network.get_slot(name, slots[-1])
    parts = (params, state, *slots)
    return b"".join(part.tobytes() for part in parts), network.updates, network.scalars


def trained(target, rule, settings, looks, threads, momentum=0.9, sparse=False):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(130, 70)) * (rng.random((130, 70)) < 0.3)
    x = x.astype(target.dtype)
    network = target.module.Network(70, list(STEPS))
    network.set_params((0.1 * rng.standard_normal(network.n_params)).astype(target.dtype))
    network.compile("softmax_cross_entropy", rule, **settings)
    network.seek_zeros = sparse
    if looks:
        network.work_to_look = 0.0
    y = rng.integers(0, 5, 130).astype(np.int32)
    weight = rng.uniform(0, 2, 130).astype(target.dtype)
    order = rng.permutation(130).astype(np.int64)
    rates, momenta = np.full(3, 0.01), np.full(3, momentum)
    sums = [
        network.train_epoch(x, y, weight, order, (rates, momenta), 50, 0, np.inf, None, threads)
        for _ in range(2)
    ]
    return all_of(network, target.dtype), sums


@pytest.mark.parametrize("settings", PENALTIES)
@pytest.mark.parametrize("name", sorted(optimizers.OPTIMIZERS))
def test_an_update_in_two_has_the_same_bits(compiled, name, settings):
    rule = optimizers.get(name).kernel()
    for sparse in (False, True):
        wanted = trained(compiled, rule, PENALTIES[settings], False, 1, sparse=sparse)
        for threads in (1, 3):
            found = trained(compiled, rule, PENALTIES[settings], True, threads, sparse=sparse)
            assert found == wanted, (threads, sparse)


@pytest.mark.parametrize("settings", PENALTIES)
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_so_has_plain_descent(compiled, decay, settings):
    rule = ("sgd", 0.0, decay)
    wanted = trained(compiled, rule, PENALTIES[settings], False, 1, 0.0)
    for threads in (1, 2):
        assert trained(compiled, rule, PENALTIES[settings], True, threads, 0.0) == wanted


@pytest.mark.parametrize("many", [1, 40])
def test_predictions_that_are_looked_into(compiled, many):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(many, 70)).astype(compiled.dtype)
    network = compiled.module.Network(70, list(STEPS))
    network.set_params(rng.standard_normal(network.n_params).astype(compiled.dtype))
    out, looked = np.empty((2, many, 5), compiled.dtype)
    network.predict(x, out, 1)
    network.work_to_look = 0.0
    network.predict(x, looked, 2)
    assert looked.tobytes() == out.tobytes()

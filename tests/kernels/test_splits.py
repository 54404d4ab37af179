"""How the threads of a training share products: by rows, by columns, by both, to the same bits."""

import itertools
import time

import numpy as np
import pytest

THREADS = (2, 3, 7, 16)
FORCED = (0, 1, 2, 3, 7, 16)  # parts of columns; 0: by the count

# Every place that a product has: first, after a step, before a normalisation, narrower than a
# panel; and an activation that needs whole rows.
PLANS = {
    "plain": [("dense", 200, "relu"), ("dense", 70, "tanh"), ("dense", 10, "softmax")],
    "after a step": [("rescale", 0.5, 0.1), ("dense", 150, "gelu"), ("dense", 10, "softmax")],
    "softmax first": [("dense", 170, "softmax"), ("dense", 10, "softmax")],
    "every kind": [
        ("dense", 130, "identity"), ("batch_norm", 0.9, 1e-3), ("activation", "relu"),
        ("dropout", 0.3),
        ("residual", [("dense", 100, "relu"), ("dense", 130, "identity")]), ("layer_norm", 1e-3),
        ("scale",), ("dense", 10, "softmax"),
    ],
}  # fmt: skip
INPUTS, ROWS, BATCH = 150, 150, 64


pytestmark = pytest.mark.usefixtures("threads_at_hand")


def trained(target, steps, threads, forced, work_to_look=None, sparse=False, **compiled):
    """Return the bits of an epoch and of a gradient, in memory that holds NaN."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (ROWS, INPUTS)).astype(np.uint8)
    y, weight = rng.integers(0, 10, ROWS).astype(np.int32), rng.uniform(0.5, 2, ROWS)
    if sparse:
        x[rng.random(x.shape) < 0.8] = 0
    network = target.module.Network(INPUTS, steps, 1 / 255, 0.0 if sparse else -0.5)
    network.seek_zeros = sparse
    network.compile("softmax_cross_entropy", ("sgd", True, 0.01), **compiled)
    network.set_params((0.2 * rng.standard_normal(network.n_params)).astype(target.dtype))
    network.forced_columns, network.scratch_fill = forced, 0xFF
    if work_to_look is not None:
        network.work_to_look = work_to_look
    count = -(-ROWS // BATCH)
    order, rates, momenta = np.arange(ROWS)[::-1].copy(), np.full(count, 0.1), np.full(count, 0.9)
    found = []
    for epoch in range(2):
        outputs = np.empty((ROWS, 10), target.dtype)
        args = x, y, weight.astype(target.dtype), order, (rates, momenta), BATCH, 0, np.inf
        found.append(network.train_epoch(*args, outputs, threads, (1, epoch, 0, 0)))
        found.append(outputs.tobytes())
    flat, gradient = (np.empty(network.n_params, target.dtype) for _ in range(2))
    network.get_params(flat)
    assert np.isfinite(flat).all()
    found.append(network.gradients(x, y, None, gradient, threads, (1, 0, 0, 0)))
    return [*found, flat.tobytes(), gradient.tobytes()]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("threads", "forced", "wanted"), [(4, 1, 0), (4, 2, 2), (4, 4, 4), (1, 4, 0)]
)
def test_a_training_shares_its_products_as_it_is_told(compiled, threads, forced, wanted, sparse):
    x = np.zeros((BATCH, INPUTS), np.uint8)
    network = compiled.module.Network(INPUTS, PLANS["plain"], 1 / 255)
    network.seek_zeros = sparse
    network.compile("softmax_cross_entropy")
    network.forced_columns = forced
    order, values = np.zeros(BATCH * 40, np.int64), (np.zeros(40), np.zeros(40))
    y, seen, end = np.zeros(BATCH, np.int32), 0, time.monotonic() + 30
    for _ in range(3):
        network.train_epoch(x, y, None, order, values, BATCH, 0, np.inf, None, threads)
        assert network.blocks_trained == 40
        seen = max(seen, network.columns_shared)
    while seen < wanted and time.monotonic() < end:  # beside busy programs threads come late
        network.train_epoch(x, y, None, order, values, BATCH, 0, np.inf, None, threads)
        seen = max(seen, network.columns_shared)
    assert seen == wanted


@pytest.mark.parametrize("plan", PLANS)
def test_the_same_bits_in_any_split(compiled, plan):
    wanted = trained(compiled, PLANS[plan], 1, 0)
    for threads, forced in itertools.product(THREADS, FORCED):
        assert trained(compiled, PLANS[plan], threads, forced) == wanted, (threads, forced)


def test_the_same_bits_of_sparse_rows(compiled):
    dense = trained(compiled, PLANS["plain"], 1, 0, sparse=False)
    wanted = trained(compiled, PLANS["plain"], 1, 0, sparse=True)
    assert wanted != dense
    for threads, forced in itertools.product(THREADS, FORCED):
        assert trained(compiled, PLANS["plain"], threads, forced, sparse=True) == wanted


@pytest.mark.parametrize(
    "compiled_with",
    [
        {"average": 0.9}, {"clip_norm": 0.1}, {"clip_value": 0.01},
        {"penalties": [(1e-4, 1e-3)] * 3},
        {"work_to_look": 0.0},
    ],
    ids=str,
)  # fmt: skip
def test_the_same_bits_whatever_uses_the_gradients(compiled, compiled_with):
    wanted = trained(compiled, PLANS["plain"], 1, 0, **compiled_with)
    for threads, forced in ((2, 2), (7, 7), (16, 4)):
        assert trained(compiled, PLANS["plain"], threads, forced, **compiled_with) == wanted


def parts(target, inputs, outputs, rows, threads):
    """Return in how many parts of columns threads share a first and a second step."""
    network = target.module.Network(inputs, [("dense", outputs, "relu")] * 2)
    return network.splits(rows, threads)[0]


def test_the_count_keeps_weights_where_they_are_larger_than_rows(compiled):
    assert parts(compiled, 784, 512, 32, 2) == [(2, 0), (2, 2)]  # W does not travel
    assert parts(compiled, 16, 512, 9000, 2)[1] == (1, 1)  # rows are larger than W: they stay
    assert parts(compiled, 784, 1, 32, 16)[0] == (1, 0)  # one panel cannot be divided
    assert parts(compiled, 784, 16, 32, 16)[0][0] <= 2  # as many as panels: 2 of float64


def test_splits_count_what_one_thread_does(compiled):
    network = compiled.module.Network(784, PLANS["plain"])
    costs = [network.splits(128, threads)[1] for threads in (1, 2, 4)]
    assert costs[0] > costs[1] > costs[2] > costs[0] / 4  # shared, and something is lost
    network.forced_columns = 1
    by_rows = network.splits(128, 2)
    assert by_rows[0] == [(1, 0), (1, 1), (1, 1)]
    assert by_rows[1] >= costs[1]  # the count took the cheaper one
    for wrong in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="rows and threads must be at least 1"):
            network.splits(*wrong)

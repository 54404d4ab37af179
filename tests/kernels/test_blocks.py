"""Mini-batches of more rows than a workspace has: in blocks, to the same bits on any threads."""

import numpy as np
import pytest

from cynn import Model
from cynn.callbacks import Callback
from cynn.layers import BatchNorm, Dense, Dropout
from cynn.optimizers import SGD, Adam
from models import bits
from targets import Target

INPUTS, ROWS = 40, 300
STEPS = [("dense", 200, "relu"), ("dense", 70, "tanh"), ("dense", 10, "softmax")]
USES = [
    {}, {"average": 0.9}, {"clip_norm": 0.1}, {"clip_value": 0.01},
    {"penalties": [(1e-3, 1e-2)] * 3},
    {"penalties": [(1e-3, 1e-2)] * 3, "clip_norm": 0.2, "clip_value": 0.05},
]  # fmt: skip


def trained(
    target, batch_size, largest, threads, optimizer=("sgd", True, 0.01), sparse=False, **compiled
):
    """Return what is left of two epochs: parameters, the last predictions and the sums."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (ROWS, INPUTS)).astype(np.uint8)
    x[rng.random(x.shape) < 0.7] = 0
    y, weight = rng.integers(0, 10, ROWS).astype(np.int32), rng.uniform(0.5, 2, ROWS)
    network = target.module.Network(INPUTS, STEPS, 1 / 255)
    network.compile("softmax_cross_entropy", optimizer, **compiled)
    network.set_params((0.2 * rng.standard_normal(network.n_params)).astype(target.dtype))
    network.seek_zeros = sparse
    if largest is not None:
        network.largest_block, network.scratch_fill = largest, 0xFF
    steps = -(-ROWS // batch_size)
    outputs = np.empty((ROWS, 10), target.dtype)
    sums = []
    for epoch in range(2):
        sums += network.train_epoch(
            x, y, weight.astype(target.dtype), np.arange(ROWS)[::-1].copy(), (np.full(steps, 0.1),
            np.full(steps, 0.9)), batch_size, 0, np.inf, outputs, threads, (1, epoch, 0, 0),
        )  # fmt: skip
        last = (ROWS - 1) % batch_size + 1
        of_blocks = network.largest_block
        assert network.blocks_trained == (steps - 1) * -(-batch_size // of_blocks) + -(
            -last // of_blocks
        )
    flat = np.empty(network.n_params, target.dtype)
    network.get_params(flat)
    return flat, outputs, np.array(sums)


@pytest.mark.parametrize("uses", USES, ids=str)
def test_blocks_do_what_the_whole_does(compiled, uses):
    whole = trained(compiled, 250, 1000, 1, **uses)
    for largest in (249, 64, 7):
        for got, want in zip(trained(compiled, 250, largest, 1, **uses), whole, strict=True):
            bound = 300 * compiled.u * max(1.0, np.abs(want).max())
            np.testing.assert_allclose(got, want, rtol=0, atol=bound)


@pytest.mark.usefixtures("threads_at_hand")
@pytest.mark.parametrize("uses", USES, ids=str)
def test_blocks_give_the_same_bits_on_any_number_of_threads(compiled, uses):
    for sparse in (False, True):
        wanted = [a.tobytes() for a in trained(compiled, 250, 64, 1, sparse=sparse, **uses)]
        for threads in (2, 3, 16):
            found = trained(compiled, 250, 64, threads, sparse=sparse, **uses)
            assert [a.tobytes() for a in found] == wanted


def test_a_large_batch_agrees_with_the_reference(compiled):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2100, 3)), rng.integers(0, 3, 2100).astype(np.int32)
    made = []
    steps = [("dense", 4, "tanh"), ("dropout", 0.5), ("dense", 3, "softmax")]
    for target in (compiled, Target("reference", "float64")):
        network = target.module.Network(3, steps)
        network.compile("softmax_cross_entropy", ("sgd", False, 0.0))
        network.set_params(np.linspace(-1, 1, network.n_params).astype(target.dtype))
        loss = network.train_epoch(
            x.astype(target.dtype), y, None, np.arange(2100), (np.full(1, 0.5), np.zeros(1)), 2100,
            0, np.inf, None, 2, (3, 1, 0, 0),
        )  # fmt: skip
        flat = np.empty(network.n_params, target.dtype)
        network.get_params(flat)
        made.append((flat, loss))
    (got, loss), (want, wanted) = made
    np.testing.assert_allclose(got, want, rtol=0, atol=100 * compiled.u)
    assert loss == pytest.approx(wanted, rel=100 * compiled.u)


class SeesBatches(Callback):
    """Makes a training take one step at a time."""

    def on_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize("largest", [1024, 100])
def test_a_model_trains_on_all_rows_at_once(largest):
    """Step by step or in one call, to the same bits; of a BatchNorm the whole is one block."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3000, 6)).astype(np.float32), rng.integers(0, 3, 3000)
    for middle in ([Dropout(0.5)], [BatchNorm(), Dropout(0.2)]):
        made = []
        for by_step in (False, True):
            model = Model([Dense(8, "tanh"), *middle, Dense(3, "softmax")], seed=0)
            model.compile(Adam(0.01), metrics=["accuracy"])
            model.build(6)
            model._network.largest_block = largest
            callbacks = [SeesBatches()] if by_step else []
            model.fit(x, y, batch_size=3000, epochs=3, callbacks=callbacks, verbose=0)
            made.append(bits(model))
        assert made[0] == made[1]


def test_a_divergence_in_a_late_block_changes_no_weight():
    x = np.ones((3000, 2), np.float32)
    x[-1] = 1e30
    model = Model([Dense(3), Dense(1)], seed=0)
    model.compile(SGD(0.01), loss="mean_squared_error")
    model.build(2)
    before = bits(model)
    with pytest.raises(FloatingPointError):
        model.fit(x, x[:, :1], batch_size=3000, shuffle=False, verbose=0)
    assert bits(model) == before

"""Embeddings of quantities and of categories, and limits: what no other layer promises."""

import numpy as np
import pytest

from targets import assert_close

MOMENT = (7, 1, 2, 0)


def outputs(target, steps, params, x):
    x = np.asarray(x, target.dtype)
    network = target.module.Network(x.shape[1], steps)
    network.set_params(np.asarray(params, target.dtype))
    out = np.full((len(x), network.n_outputs), np.nan, target.dtype)
    network.predict(x, out, 1)
    return out


def gradient_of(target, steps, params, x, moment=None, threads=1):
    """Return the gradient of half the sum of all squared outputs: that of an output is itself."""
    x = np.asarray(x, target.dtype)
    network = target.module.Network(x.shape[1], steps)
    network.compile("half_squared_error")
    network.set_params(np.asarray(params, target.dtype))
    out = np.full(network.n_params, np.nan, target.dtype)
    y = np.zeros((len(x), network.n_outputs), target.dtype)
    network.gradients(x, y, None, out, threads, moment)
    return out


@pytest.mark.parametrize("largest", [0.5, 10.0, 1e4])
def test_cosine_and_sine(target, largest):
    """Of 2 pi x, relatively exact also where they are nearly 0."""
    x = np.random.default_rng(0).uniform(-largest, largest, 2000).astype(np.float32)
    x[:9] = np.arange(9) / 4 - 1
    # w is 1, the map the identity
    steps, params = [("periodic", None, 2, 2, "identity", False, False)], [1, 1, 0, 0, 1, 0, 0]
    found = outputs(target, steps, params, x[:, np.newaxis])
    part = x.astype(np.float64) - np.rint(x.astype(np.float64))
    cosine = np.sin(2 * np.pi * (0.25 - np.abs(part)))
    rest = np.where(np.abs(part) > 0.25, np.copysign(0.5, part) - part, part)
    wanted = np.column_stack([cosine, np.sin(2 * np.pi * rest)])
    allowed = 8 * target.u * np.abs(wanted)
    if target.is_reference:  # by the angle, which is rounded
        allowed = allowed + 4 * np.pi * largest * 2.0**-52
    assert_close(found, wanted, allowed)


def test_the_phase_counts_in_radians(target):
    steps = [("periodic", None, 1, 2, "identity", True, True)]
    x, phase = np.array([[0.3], [-2.0]]), 0.75
    found = outputs(target, steps, [0.5, phase, 2.0, 1.0], x)
    wanted = np.column_stack([x, 2 * np.cos(np.pi * x + phase) + 1])
    assert_close(found, wanted, 16 * target.u)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_waves_of_what_is_not_finite_are_nan_in_that_column_alone(target, bad):
    steps = [("periodic", None, 2, 2, "identity", True, False)]
    x = np.array([[0.5, bad, 0.25]])
    found = outputs(target, steps, np.full((2 + 2 + 4 + 2) * 3, 0.5), x)
    assert np.isnan(found).tolist() == [[False, False, True, True, False, False]]


UNKNOWN = [np.nan, np.inf, -np.inf, -1.0, -0.6, 4.0, 3.6, 1e30, -1e30, 2.0**63]


@pytest.mark.parametrize("number", UNKNOWN)
def test_an_unknown_number_gives_zeros_and_nothing_is_learned_of_it(target, number):
    steps, tables = [("embedding", (1,), (4,), 3)], np.arange(1, 13)
    x = [[7.0, number], [8.0, 3.0]]
    assert outputs(target, steps, tables, x).tolist() == [[7, 0, 0, 0], [8, 10, 11, 12]]
    assert gradient_of(target, steps, tables, x).tolist() == [0] * 9 + [10, 11, 12]


def test_a_number_counts_as_the_nearest_whole_one(target):
    x = np.array([[-0.5, 0.4, 0.5, 0.6, 1.5, 2.5, 3.4, 3.5, -0.0]]).T
    found = outputs(target, [("embedding", (0,), (4,), 1)], [1, 2, 3, 4], x)
    assert found.ravel().tolist() == [1, 1, 1, 2, 3, 3, 4, 0, 1]


def test_the_gradient_of_a_table_is_the_sum_over_the_rows(compiled, threads_at_hand):
    """Of tables that are longer and wider than what a thread takes at once."""
    rng, sizes, units, n = np.random.default_rng(0), (300, 5), 21, 1500
    x = np.column_stack([rng.integers(0, size, n) for size in sizes]).astype(np.float64)
    tables = rng.integers(-2, 3, (sum(sizes), units)).astype(np.float64)
    steps = [("embedding", (0, 1), sizes, units)]
    wanted = np.zeros_like(tables)
    for column, first in ((0, 0), (1, sizes[0])):
        rows = x[:, column].astype(int) + first
        np.add.at(wanted, rows, tables[rows])
    for threads in (1, 2, 3):
        found = gradient_of(compiled, steps, tables.ravel(), x, MOMENT, threads)
        np.testing.assert_array_equal(found.reshape(tables.shape), wanted)


def test_limits_are_there_in_use_and_not_in_training(target):
    steps = [("scale",), ("clip", (-1.0, -2.0), 2.0)]
    x = np.array([[-3.0, -1.5], [5.0, 1.0]])
    assert outputs(target, steps, [1, 1], x).tolist() == [[-1, -1.5], [2, 1]]
    found = gradient_of(target, steps, [1, 1], x)
    assert_close(found, [0, 1.5**2 + 1], 8 * target.u)
    found = gradient_of(target, steps, [1, 1], x, MOMENT)
    assert_close(found, [9 + 25, 1.5**2 + 1], 64 * target.u)
    assert np.isnan(outputs(target, steps, [1, 1], [[np.nan, 0]])[0, 0])


@pytest.mark.parametrize(
    "step",
    [
        ("embedding", (), (), 1), ("embedding", (0, 0), (1, 1), 1), ("embedding", (3,), (1,), 1),
        ("embedding", (-1,), (1,), 1), ("embedding", (0,), (1, 2), 1), ("embedding", (0,), (0,), 1),
        ("embedding", (0,), (1,), 0), ("embedding", (0,), (1 << 25,), 1), ("embedding", (0,), (1,)),
        ("periodic", (3,), 2, 2, "relu", True, True), ("periodic", None, 0, 2, "relu", True, True),
        ("periodic", None, 257, 2, "relu", True, True),
        ("periodic", None, 2, 1, "relu", True, True),
        ("periodic", None, 3, 2, "relu", False, True), ("periodic", None, 2, 2, "tanh", True, True),
        ("periodic", None, 2, 2, "relu", True),
        ("clip", 1.0, 0.0), ("clip", (0.0,), 1.0), ("clip", 0.0, (1.0, 1.0)), ("clip", 1.0),
        ("clip", float("nan"), 1.0), ("parametric",), ("parametric", "none"),
    ],
)  # fmt: skip
def test_steps_that_are_refused(target, step):
    with pytest.raises(ValueError, match=r"(steps: |activation).*"):
        target.module.Network(3, [step])


def test_more_weights_than_can_be_counted_are_refused(compiled):
    step = ("embedding", tuple(range(4096)), (1 << 24,) * 4096, 1 << 20)
    with pytest.raises(ValueError, match=r"at most 2\^40 weights"):
        compiled.module.Network(4096, [step])


def test_sparse_rows_are_refused(compiled):
    network = compiled.module.Network(2, [("embedding", (0,), (2,), 1), ("dense", 2, "softmax")])
    network.compile("softmax_cross_entropy")
    rows = compiled.module.SparseRows(
        np.ones(1, compiled.dtype), np.zeros(1, np.int32), np.array([0, 1]), 2
    )
    with pytest.raises(ValueError, match="does not begin with a dense step"):
        network.predict(rows, np.empty((1, 2), compiled.dtype), 1)

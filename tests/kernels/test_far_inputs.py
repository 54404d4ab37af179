"""What is taken off the input in float64, before it becomes one of the network's numbers."""

import numpy as np
import pytest

from targets import Target, assert_close

STEPS = [("dense", 7, "tanh"), ("dense", 5, "identity")]
SHIFT = tuple(1.7e9 * (-1) ** c + c / 8 for c in range(37))


def network_of(target: Target, shift, n_inputs=37, steps=STEPS, scale=0.5, offset=-0.25):
    network = target.module.Network(n_inputs, list(steps), scale, offset, shift)
    network.compile("mean_squared_error")
    rng = np.random.default_rng(1)
    network.set_params(rng.normal(size=network.n_params).astype(np.float32).astype(target.dtype))
    return network


def all_of(network, x, dtype, threads=1):
    """Return predictions, gradients and what is trained."""
    y = np.zeros((len(x), network.n_outputs), dtype)
    out = np.empty_like(y)
    gradient, by_input = np.empty(network.n_params, dtype), np.empty(x.shape, dtype)
    params = np.empty(network.n_params, dtype)
    network.predict(x, out, threads)
    network.gradients(x, y, None, gradient, threads)
    network.input_gradient(x, y, None, by_input, threads)
    order, steps = np.arange(len(x))[::-1].copy(), -(-len(x) // 10)
    network.train_epoch(
        x, y, None, order, (np.full(steps, 0.01), np.zeros(steps)), 10, 0, np.inf, None, threads
    )
    network.get_params(params)
    return out, gradient, by_input, params


@pytest.mark.parametrize("n", [1, 3, 20])
def test_large_numbers_keep_what_tells_them_apart(target, n):
    small = np.random.default_rng(0).integers(-4, 5, (n, 37)) / 8
    wanted = all_of(network_of(target, None), small.astype(target.dtype), target.dtype)
    x = small + SHIFT
    for lie in (x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2]):
        found = all_of(network_of(target, SHIFT), lie, target.dtype, threads=2)
        for got, want in zip(found, wanted, strict=True):
            assert got.tobytes() == want.tobytes()


def test_one_number_for_all_columns_and_every_dtype(target):
    small = np.random.default_rng(0).integers(0, 9, (20, 37))
    wanted = all_of(network_of(target, None), (small - 4).astype(target.dtype), target.dtype)
    for dtype in (np.uint8, np.float32, np.float64):
        found = all_of(network_of(target, (4.0,)), small.astype(dtype), target.dtype)
        for got, want in zip(found, wanted, strict=True):
            assert_close(got, want, 0)


def test_images_are_augmented_as_they_are(target):
    shift = tuple(float(c % 4) for c in range(35))
    x = np.random.default_rng(0).integers(0, 256, (12, 35)).astype(target.dtype)
    seen = []
    for given in (None, shift):
        network = network_of(target, given, 35, [("activation", "identity")], 0.5, 3.0)
        network.augmentation = (5, 7, 1, 0.3, 0.0)
        out = np.empty_like(x)
        network.train_epoch(
            x,
            x,
            None,
            np.arange(12),
            (np.ones(1), np.zeros(1)),
            12,
            0,
            np.inf,
            out,
            1,
            (7, 1, 2, 0),
        )
        seen.append(out)
    assert_close(seen[1], seen[0] - 0.5 * np.array(shift), 1000 * target.u)


def test_a_shift_of_another_length(target):
    with pytest.raises(ValueError, match="shift must be 1 or 37 numbers, got 2"):
        network_of(target, (1.0, 2.0))


def test_sparse_rows_have_none(compiled):
    rows = compiled.module.SparseRows(
        np.ones(1, compiled.dtype), np.zeros(1, np.int32), np.array([0, 1], np.int64), 37
    )
    with pytest.raises(ValueError, match="shift must be None for sparse rows"):
        network_of(compiled, SHIFT, offset=0.0).predict(rows, np.empty((1, 5), compiled.dtype), 1)

"""A sparse first layer matches the dense one, with the same bits on any number of threads."""

import numpy as np
import pytest

STEPS = [("dense", 37, "relu"), ("dense", 5, "softmax")]


def sparse_matrix(n, columns, density, seed, dtype):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns)) * (rng.random((n, columns)) < density)
    x[n // 2] = 0  # an empty row
    x[:, columns // 3] = 0  # an empty column
    return x.astype(dtype)


def compressed(module, x, dtype):
    rows, columns = np.nonzero(x)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(x)))])
    return module.SparseRows(
        x[rows, columns].astype(dtype),
        columns.astype(np.int32),
        starts.astype(np.int64),
        x.shape[1],
    )


def network(target, columns, scale=1.0, momentum=False, steps=STEPS):
    found = target.module.Network(columns, steps, scale, 0.0)
    rng = np.random.default_rng(3)
    found.set_params((rng.normal(size=found.n_params) * 0.3).astype(target.dtype))
    found.compile("softmax_cross_entropy", ("sgd", momentum, 0.01 if momentum else 0.0))
    return found


def trained(
    target, x, y, momentum=0.0, threads=1, seek=False, scale=1.0, columns=None, steps=STEPS
):
    net = network(target, columns or x.shape[1], scale, momentum > 0, steps)
    net.seek_zeros = seek
    n = len(y)
    batches = -(-n // 16)
    order = np.random.default_rng(5).permutation(n)
    rates, momenta = np.full(batches, 0.1), np.full(batches, momentum)
    _, loss, weight = net.train_epoch(
        x, y, None, order, (rates, momenta), 16, 0, np.inf, None, threads
    )
    found = np.empty(net.n_params, target.dtype)
    net.get_params(found)
    out = np.empty((n, 5), target.dtype)
    net.predict(x, out, threads)
    return found, out, loss / weight


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("columns", "density"), [(1, 0.5), (17, 0.2), (100, 0.05), (333, 0.3)])
def test_sparse_equals_dense(compiled, columns, density, momentum):
    x = sparse_matrix(50, columns, density, columns, compiled.dtype)
    y = np.random.default_rng(1).integers(0, 5, 50).astype(np.int32)
    dense = trained(compiled, x, y, momentum)
    sparse = compressed(compiled.module, x, compiled.dtype)
    for given, seek in ((sparse, False), (x, True)):
        found = trained(compiled, given, y, momentum, seek=seek, columns=columns)
        for got, want in zip(found, dense, strict=True):
            np.testing.assert_array_equal(got, want)  # the sums run in the same order


@pytest.mark.parametrize("panels", range(1, 17))
def test_every_width_of_the_first_layer(compiled, panels):
    """More columns than a block of W has rows, and than there are lists at once."""
    x = sparse_matrix(40, 801, 0.2, panels, compiled.dtype)
    y = np.random.default_rng(1).integers(0, 5, 40).astype(np.int32)
    steps = [("dense", panels * 64 // compiled.real.itemsize - 1, "tanh"), ("dense", 5, "softmax")]
    dense = trained(compiled, x, y, 0.9, steps=steps)
    sparse = compressed(compiled.module, x, compiled.dtype)
    for given, seek, threads in ((sparse, False, 1), (x, True, 3)):
        found = trained(
            compiled, given, y, 0.9, seek=seek, threads=threads, columns=801, steps=steps
        )
        for got, want in zip(found, dense, strict=True):
            np.testing.assert_array_equal(got, want)


def test_zeros_of_uint8_rows_are_skipped(compiled):
    x = (sparse_matrix(50, 29, 0.3, 0, "float64") * 40 + 0).clip(0, 255).astype(np.uint8)
    y = np.random.default_rng(1).integers(0, 5, 50).astype(np.int32)
    dense = trained(compiled, x, y, scale=1 / 255)
    for given in (x, np.asfortranarray(x)):
        found = trained(compiled, given, y, seek=True, scale=1 / 255)
        np.testing.assert_array_equal(found[0], dense[0])


def test_same_bits_on_any_number_of_threads(compiled):
    x = sparse_matrix(400, 300, 0.1, 0, compiled.dtype)
    y = np.random.default_rng(1).integers(0, 5, 400).astype(np.int32)
    sparse = compressed(compiled.module, x, compiled.dtype)
    one = trained(compiled, sparse, y, 0.9, threads=1, columns=300)
    for threads in (2, 3, 7):
        other = trained(compiled, sparse, y, 0.9, threads=threads, columns=300)
        assert one[0].tobytes() == other[0].tobytes()
        assert one[1].tobytes() == other[1].tobytes()


def test_gradients_and_evaluation(target):
    x = sparse_matrix(20, 23, 0.2, 0, target.dtype)
    y = np.random.default_rng(1).integers(0, 5, 20).astype(np.int32)
    sparse = compressed(target.module, x, target.dtype)
    results = []
    for given in (x, sparse):
        net = network(target, 23)
        gradient = np.empty(net.n_params, target.dtype)
        sums = net.gradients(given, y, None, gradient, 1)
        results.append((gradient, *sums, *net.evaluate(given, y, None, None, 1)))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=2000 * target.u, atol=2000 * target.u)


def test_a_zero_is_not_multiplied(compiled):
    net = network(compiled, 3)
    params = np.zeros(net.n_params, compiled.dtype)
    params[: 37 * 3] = np.inf
    net.set_params(params)
    out = np.empty((1, 5), compiled.dtype)
    net.predict(compressed(compiled.module, np.zeros((1, 3)), compiled.dtype), out, 1)
    np.testing.assert_allclose(out, 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("columns", "starts", "n_columns"),
    [
        ([0, 3], [0, 2], 3),
        ([0, -1], [0, 2], 3),
        ([0, 1], [0, 3], 3),
        ([0, 1], [1, 2], 3),
        ([0, 1], [0, 2, 1], 3),
        ([0, 1], [], 3),
        ([0], [0, 2], 3),
        ([1, 0], [0, 2], 3),
        ([1, 1], [0, 2], 3),
    ],
)
def test_indices_out_of_range_or_order_are_refused(target, columns, starts, n_columns):
    with pytest.raises(ValueError, match="SparseRows"):
        target.module.SparseRows(
            np.ones(2, target.dtype),
            np.array(columns, np.int32),
            np.array(starts, np.int64),
            n_columns,
        )


def test_operations_that_refuse_sparse_input(compiled):
    rows = compressed(compiled.module, np.eye(4), compiled.dtype)
    out = np.empty((4, 4), compiled.dtype)
    shifted = compiled.module.Network(4, [("dense", 4, "relu")], 1.0, 0.5)
    with pytest.raises(ValueError, match="offset must be 0"):
        shifted.predict(rows, out, 1)
    without_dense = compiled.module.Network(4, [("activation", "relu")])
    with pytest.raises(ValueError, match="dense step"):
        without_dense.predict(rows, out, 1)
    with pytest.raises(ValueError, match="columns"):
        network(compiled, 5).predict(rows, np.empty((4, 5), compiled.dtype), 1)

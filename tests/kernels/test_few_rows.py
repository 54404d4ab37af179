"""Predictions of few rows skip zeros: their bits are those of the same rows among many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets import TARGETS

MANY = 16


def make(target, sizes, seed=0, activation="relu"):
    """Return a network with weights of both signs and some biases that are +0 or -0."""
    steps = [("dense", n, activation) for n in sizes[1:-1]] + [("dense", sizes[-1], "identity")]
    network = target.module.Network(sizes[0], steps)
    rng = np.random.default_rng(seed)
    flat = rng.standard_normal(network.n_params).astype(target.dtype)
    flat[rng.random(len(flat)) < 0.1] = 0.0
    flat[rng.random(len(flat)) < 0.1] = -0.0
    network.set_params(flat)
    return network, flat


def predict(network, x) -> np.ndarray:
    out = np.empty((len(x), network.n_outputs), x.dtype)
    network.predict(x, out, 1)
    return out


def rows_with_zeros(target, n, width, part, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, width)).astype(target.dtype)
    x[rng.random(x.shape) < part] = 0.0
    x[rng.random(x.shape) < part / 10] = -0.0
    return x


def same_bits(a, b) -> bool:
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    "sizes", [(784, 128, 10), (5, 3), (1023, 40, 17), (2050, 200, 1), (3, 1)], ids=str
)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.8, 0.99, 1.0])
def test_few_rows_have_the_bits_of_many(compiled, sizes, part):
    network, _ = make(compiled, sizes)
    x = rows_with_zeros(compiled, MANY, sizes[0], part)
    among_many = predict(network, x)
    for few in (1, 2, 3, 4):
        for start in range(0, MANY - few, 5):
            assert same_bits(
                predict(network, x[start : start + few]), among_many[start : start + few]
            )


@given(
    st.sampled_from([t for t in TARGETS if not t.is_reference]),
    st.integers(1, 1100), st.integers(1, 70), st.integers(1, 40),
    st.floats(0, 1), st.integers(0, 99),
)  # fmt: skip
def test_few_rows_of_any_shape(compiled, inputs, hidden, outputs, part, seed):
    network, _ = make(compiled, (inputs, hidden, outputs), seed, "tanh")
    x = rows_with_zeros(compiled, MANY, inputs, part, seed)
    assert same_bits(predict(network, x[3:4]), predict(network, x)[3:4])


def test_a_row_that_begins_full_and_one_that_ends_full(compiled):
    """Whether to skip is decided by a row's beginning; the result is right in either case."""
    network, _ = make(compiled, (3000, 20))
    x = rows_with_zeros(compiled, MANY, 3000, 0.0)
    x[0, 500:] = 0.0
    x[1, :1000] = 0.0
    x[2, :2999] = 0.0
    among_many = predict(network, x)
    for r in range(3):
        assert same_bits(predict(network, x[r : r + 1]), among_many[r : r + 1])


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_zeros_meet_weights_that_are_not_finite(compiled, bad):
    """Zero times infinity is NaN for one row as for many, until the weights are finite again."""
    network, good = make(compiled, (200, 20, 3))
    x = rows_with_zeros(compiled, MANY, 200, 0.8)
    assert np.isfinite(predict(network, x[:1])).all()
    flat = good.copy()
    flat[np.flatnonzero(x[0] == 0)[0] * 20] = bad  # a weight that row 0 meets with a zero
    network.set_params(flat)
    assert np.isnan(predict(network, x[:1])).any()
    assert np.array_equal(predict(network, x[:1]), predict(network, x)[:1], equal_nan=True)
    network.set_params(good)
    assert same_bits(predict(network, x[:1]), predict(network, x)[:1])


def test_training_to_infinity_is_noticed(compiled):
    """What is cached about the weights is dropped when they change."""
    network, good = make(compiled, (50, 4))
    network.compile("mean_squared_error")
    x = rows_with_zeros(compiled, MANY, 50, 0.8)
    assert np.isfinite(predict(network, x[:1])).all()
    huge = np.full(len(good), np.inf, compiled.dtype)
    network.update(huge, 1.0, 0.0)
    assert np.isnan(predict(network, x[:1])).any()
    network.set_params(good)
    assert np.isfinite(predict(network, x[:1])).all()
    order, one = np.arange(MANY), np.ones(1)
    largest = float(np.finfo(compiled.dtype).max)  # of its root the loss is finite, the step is not
    y = np.full((MANY, 4), 1e-3 * largest**0.5, compiled.dtype)
    network.train_epoch(x, y, None, order, (one * largest, one * 0), MANY, 0, 1.0, None, 1)
    assert not np.isfinite(predict(network, x[:1])).all()
    assert np.array_equal(predict(network, x[:1]), predict(network, x)[:1], equal_nan=True)


def test_non_finite_inputs(compiled):
    network, _ = make(compiled, (100, 7))
    x = rows_with_zeros(compiled, MANY, 100, 0.9)
    x[0, 3], x[1, 50], x[2, 99] = np.nan, np.inf, np.finfo(compiled.dtype).tiny / 8
    among_many = predict(network, x)
    for r in range(3):
        assert np.array_equal(predict(network, x[r : r + 1]), among_many[r : r + 1], equal_nan=True)
    assert np.isnan(among_many[0]).all()
    assert not np.isnan(among_many[2]).any()


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_rows_of_every_kind(compiled, kind):
    steps = [("dense", 30, "relu"), ("dense", 4, "softmax")]
    network = compiled.module.Network(784, steps, 1 / 255, 0.0)
    rng = np.random.default_rng(1)
    network.set_params(rng.standard_normal(network.n_params).astype(compiled.dtype))
    x = np.where(rng.random((MANY, 784)) < 0.2, rng.integers(0, 256, (MANY, 784)), 0).astype(kind)
    many, one = np.empty((MANY, 4), compiled.dtype), np.empty((1, 4), compiled.dtype)
    network.predict(x, many, 1)
    network.predict(x[5:6, ::1], one, 1)
    assert same_bits(one, many[5:6])


def test_output_buffers(compiled):
    network, _ = make(compiled, (6, 2))
    x = np.ones((3, 6), compiled.dtype)
    other = "float64" if compiled.dtype == "float32" else "float32"
    for room in (
        np.empty((3, 3), compiled.dtype), np.empty((2, 2), compiled.dtype),
        np.empty(6, compiled.dtype), np.empty((3, 2), other), np.empty((3, 2), np.int32),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"out must have shape \(3, 2\)"):
            network.predict(x, room, 1)
    read_only = np.empty((3, 2), compiled.dtype)
    read_only.flags.writeable = False
    for room in (
        read_only,
        np.empty((3, 4), compiled.dtype)[:, ::2],
        np.empty((2, 3), compiled.dtype).T,
    ):
        with pytest.raises((ValueError, BufferError)):
            network.predict(x, room, 1)

"""Normalisation of numbers that are large and almost equal, or too large: means are rounded."""

import numpy as np
import pytest

from targets import Target, assert_close

LAYER, BATCH = ("layer_norm", 1e-3), ("batch_norm", 0.9, 1e-3)
VALUES = [0.1, 202411.0, -1e6, 9.97e36, 1e-30]


def outputs(target: Target, step, x: np.ndarray, threads: int = 1) -> np.ndarray:
    """Return what a network of one step makes of rows, as in training."""
    network = target.module.Network(x.shape[1], [step])
    network.compile("mean_squared_error")
    n = network.n_params // 2
    network.set_params(np.repeat([1.0, 0.0], n).astype(target.dtype))
    out = np.empty_like(x)
    order = np.arange(len(x))
    network.train_epoch(x, x, None, order, np.zeros((2, 1)), len(x), 0, np.inf, out, threads)
    return out


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 100, 257])
def test_equal_numbers_give_zero(target, n):
    for value in VALUES:
        row = np.full((3, n), value, target.dtype)
        row[1:] *= np.array([[2], [0.5]], target.dtype)  # rows and columns of their own
        assert not outputs(target, LAYER, row).any(), value
        if value < 1e36:  # there a variance may overflow, which is an error
            assert not outputs(target, BATCH, np.ascontiguousarray(row.T)).any(), value


@pytest.mark.parametrize("step", [LAYER, BATCH], ids=["layer_norm", "batch_norm"])
@pytest.mark.parametrize("far", [0, 2000, 202411, 1e7])
def test_numbers_far_from_zero(target, step, far):
    rng = np.random.default_rng(0)
    for shape in ((5, 37), (48, 3), (64, 40)):
        x = (far + rng.integers(-8, 9, shape)).astype(target.dtype)
        axis = 1 if step is LAYER else 0
        exact = x.astype(np.longdouble)
        exact = exact - exact.mean(axis=axis, keepdims=True)
        wanted = exact / np.sqrt((exact**2).mean(axis=axis, keepdims=True) + step[-1])
        found = outputs(target, step, x)
        # a mean is looked at again where it is off by a thousandth of the deviation
        assert_close(found, np.asarray(wanted, np.float64), 100 * target.u + 1e-3 * (far > 0))
        if not target.is_reference:
            assert found.tobytes() == outputs(target, step, x, threads=3).tobytes()


def overflowing(target: Target, threads: int):
    """Return a network of two normalisations, and its numbers before a batch that overflows."""
    network = target.module.Network(40, [BATCH, ("dense", 40, "tanh"), BATCH])
    network.compile("mean_squared_error", ("sgd", 0.0, 0.0))
    rng = np.random.default_rng(0)
    network.set_params(rng.normal(size=network.n_params).astype(target.dtype))
    x = rng.normal(size=(48, 40)).astype(target.dtype)
    args = np.arange(48), (np.full(3, 0.1), np.full(3, 0.9)), 16, 0, np.inf, None, threads
    network.train_epoch(x, x, None, *args)
    return network, x, args


def numbers_of(network, dtype):
    params, state = np.empty(network.n_params, dtype), np.empty(network.n_state, dtype)
    network.get_params(params)
    network.get_state(state)
    return params.tobytes(), state.tobytes(), network.updates


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("bad", [1.0, np.inf, np.nan], ids=["overflow", "inf", "nan"])
def test_statistics_never_become_infinite(target, threads, bad):
    value = np.sqrt(np.finfo(target.dtype).max) * 10 if bad == 1 else bad
    if target.is_reference:
        value = 1e200 if bad == 1 else bad
        if target.dtype == "float32" and bad == 1:
            pytest.skip("the reference computes in float64")
    network, x, args = overflowing(target, threads)
    before = numbers_of(network, target.dtype)
    x = x.copy()
    x[5, 33] = value
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="batch_norm must have"):
        network.train_epoch(x, x, None, *args)
    assert numbers_of(network, target.dtype) == before  # the first step was the bad one
    gradient = np.empty(network.n_params, target.dtype)
    with pytest.raises(FloatingPointError, match="batch_norm must have"):
        network.gradients(x, x, None, gradient, threads, (0, 0, 0, 0))
    assert numbers_of(network, target.dtype) == before
    none = np.zeros(len(x), target.dtype)
    network.train_epoch(x, x, none, *args)  # rows that count nothing change nothing
    assert numbers_of(network, target.dtype)[1] == before[1]
    x[5, 33] = 1
    network.train_epoch(x, x, None, *args)
    assert np.isfinite(np.frombuffer(numbers_of(network, target.dtype)[1], target.dtype)).all()

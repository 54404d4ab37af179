"""The step that ends a training: the first whose loss is not finite."""

import numpy as np
import pytest


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_a_loss_that_is_not_finite_is_the_last(target, threads, l2):
    """It changes no parameter, in any target as in the reference; the steps before it do."""
    network = target.module.Network(2, [("dense", 3, "tanh"), ("dense", 1, "identity")])
    network.compile("half_squared_error", ("sgd", 0.0, 0.0), np.inf, np.inf, [(0.0, l2)] * 2)
    dtype = target.dtype
    start = np.linspace(-1, 1, network.n_params).astype(dtype)
    x = np.linspace(-1, 1, 64).reshape(32, 2).astype(dtype)
    y = x[:, :1].copy()
    y[20] = np.inf  # in the third mini-batch of eight rows
    rates, order = np.full(4, 0.1), np.arange(32)
    network.set_params(start)
    step, loss, weight = network.train_epoch(
        x, y, None, order, (rates, 0 * rates), 8, 0, np.inf, None, threads
    )
    assert (step, weight) == (3, 24) and not np.isfinite(loss) and network.updates == 2
    found, wanted = np.empty_like(start), np.empty_like(start)
    network.get_params(found)
    assert network.is_finite()
    network.set_params(start)
    network.train_epoch(
        x, y, None, order[:16], (rates[:2], 0 * rates[:2]), 8, 0, np.inf, None, threads
    )
    network.get_params(wanted)
    assert np.array_equal(found, wanted)
    network.set_params(np.where(np.arange(len(start)) == 4, np.nan, start))
    assert not network.is_finite()

"""A network large enough for many threads, and its rows."""

import numpy as np

INPUTS = 300


def data(n):
    rng = np.random.default_rng(n)
    x = rng.integers(0, 256, (n, INPUTS)).astype(np.uint8)
    return x, rng.integers(0, 10, n).astype(np.int32), rng.uniform(0.5, 2, n)


def network(target, steps=(("dense", 130, "tanh"), ("dense", 10, "softmax"))):
    net = target.module.Network(INPUTS, list(steps), 1 / 255, -0.5)
    net.compile("softmax_cross_entropy", ("sgd", True, 0.01))
    rng = np.random.default_rng(0)
    net.set_params((0.1 * rng.standard_normal(net.n_params)).astype(target.dtype))
    return net

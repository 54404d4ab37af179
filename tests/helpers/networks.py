"""Small networks for tests: their steps, loss, parameters and data."""

from dataclasses import dataclass, replace

import numpy as np

from targets import Target

ROWS, INPUTS = 6, 4

BENDS = {"relu": 0.0, "leaky_relu": 0.0, "selu": 0.0, "hard_sigmoid": 3.0}
"""Where slopes jump: there and at its negative."""


@dataclass(frozen=True)
class Case:
    """A network, a loss, and data and parameters for them."""

    name: str
    steps: tuple
    loss: str
    seed: int = 0
    inputs: int = INPUTS

    def make(self, target: Target, steps: tuple | None = None):
        network = target.module.Network(self.inputs, list(steps or self.steps), 0.5, -0.25)
        if steps is None:
            network.compile(self.loss)
        network.set_params(self.params(network.n_params, target.dtype))
        return network

    def params(self, n: int, dtype: str) -> np.ndarray:
        rng = np.random.default_rng(100 + self.seed)
        return rng.uniform(-1.0, 1.0, n).astype(np.float32).astype(dtype)

    def data(self, n_outputs: int, dtype: str, n: int = ROWS):
        """Return inputs, labels, dense targets and sample weights."""
        rng = np.random.default_rng([200, self.seed])
        x = rng.uniform(-2.0, 2.0, (n, self.inputs))
        labels = rng.integers(n_outputs, size=n).astype(np.int32)
        dense = rng.uniform(0.0, 1.0, (n, n_outputs))
        weight = rng.uniform(0.5, 2.0, n)
        x, dense, weight = (v.astype(np.float32).astype(dtype) for v in (x, dense, weight))
        return x, labels, dense, weight

    def keeps_away_from_bends(self) -> bool:
        """Return whether no input of an activation is near a jump of its derivative."""
        target = Target("reference", "float64")
        for i, step in enumerate(self.steps):
            if step[-1] in BENDS:
                before = (*self.steps[:i], (*step[:-1], "identity"))
                network = self.make(target, before)
                n = network.n_outputs
                z = np.empty((ROWS, n))
                network.predict(self.data(n, "float64")[0], z, 1)
                if np.abs(np.abs(z) - BENDS[step[-1]]).min() < 0.01:
                    return False
        return True

    def away_from_bends(self) -> "Case":
        return next(
            case
            for case in (replace(self, seed=seed) for seed in range(100))
            if case.keeps_away_from_bends()
        )

    def __str__(self) -> str:
        return self.name


TWO_LAYERS = Case("", (("dense", 5, "tanh"), ("dense", 3, "softmax")), "softmax_cross_entropy")

"""Optimizers follow PyTorch, from the same start, to 1e-5 over 200 steps, through whole networks.

scripts/trajectories.py made the trajectories, in float64. The network is one neuron without an
activation; PyTorch's loss is the mean over rows, as ours.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from cynn import Model, losses, optimizers
from cynn.layers import Dense

STORED = json.loads(Path(__file__).with_name("trajectories.json").read_text(encoding="utf-8"))
X, Y, START = (np.array(STORED[name]) for name in ("x", "y", "start"))
STEPS, EVERY = 200, 20


def optimizer(label: str) -> optimizers.Optimizer:
    settings = dict(STORED["cases"][label]["settings"])
    if "lr" in settings:
        settings["learning_rate"] = settings.pop("lr")
    return getattr(optimizers, STORED["cases"][label]["class"])(**settings)


@pytest.mark.parametrize("label", STORED["cases"])
def test_agrees_with_pytorch(target, label, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", target.name)
    model = Model([Dense(1, use_bias=False)], dtype=target.dtype, seed=0)
    model.compile(optimizer(label), losses.MeanSquaredError())
    model.build(12)
    model.set_weights([START[:, np.newaxis]])
    # Rows in PyTorch's order: batch t takes rows 8 (t mod 5) and on, t from 1.
    blocks = np.arange(40).reshape(5, 8)[[1, 2, 3, 4, 0]].ravel()
    x, y = X[blocks], Y[blocks, np.newaxis]
    for wanted in STORED["cases"][label]["weights"]:
        model.fit(x, y, batch_size=8, epochs=EVERY // 5, shuffle=False, verbose=0)
        np.testing.assert_allclose(model.get_weights()[0][:, 0], wanted, rtol=0, atol=1e-5)
    assert model._network.updates == STEPS


def test_lion_by_its_paper(target):
    """Algorithm 2 of Chen et al. 2023, in NumPy."""
    rng = np.random.default_rng(0)
    w, m = rng.normal(size=12), np.zeros(12)
    got, slots = w.astype(target.dtype), np.zeros((1, 12), target.dtype)
    for t in range(1, 201):
        g = rng.normal(size=12)
        c = 0.9 * m + (1 - 0.9) * g
        w = w - 0.01 * (np.sign(c) + 0.1 * w)
        m = 0.99 * m + (1 - 0.99) * g
        spec = optimizers.Lion(0.01, weight_decay=0.1)
        target.module.optimizer_step(
            got, g.astype(target.dtype), slots, spec.kernel(), 0.01, 0.0, t
        )
    np.testing.assert_allclose(got, w, rtol=0, atol=1e-5)

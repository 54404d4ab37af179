"""Models that a page can hold, for the tests of the page and of the server."""

import json
import re

import numpy as np

from cynn import Model
from cynn.layers import Activation, Dense, Dropout, Flatten, Rescale


def holding(text):
    """Return what a page was told of its network."""
    return json.loads(re.search(r'<script id="network"[^>]*>(.*?)</script>', text, re.S)[1])


def built(layers, shape=(28, 28), dtype="float32"):
    """Return a model with weights, biases among them, that are not small."""
    model = Model(layers, dtype=dtype, seed=3)
    model.build(shape)
    rng = np.random.default_rng(3)
    model.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


MODELS = {
    "relu": lambda: built(
        [Flatten(), Rescale(1 / 255, -0.1), Dense(32, "relu"), Dropout(0.2), Dense(10, "softmax")]
    ),
    "tanh": lambda: built(
        [Rescale(1 / 255), Dense(20, "tanh"), Dense(12, "sigmoid", use_bias=False),
         Dense(10, "softmax")],
        784,
        "float64",
    ),
    "sigmoid": lambda: built(
        [Flatten(), Rescale(1 / 255), Dense(16), Activation("tanh"), Dense(10),
         Activation("sigmoid")]
    ),
}  # fmt: skip


def drawings(n=12):
    """Return drawings, uint8 of shape (n, 784): few pixels are inked; the last is blank."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 784)) * (rng.random((n, 784)) < 0.2)
    pixels[-1] = 0
    return pixels.astype(np.uint8)

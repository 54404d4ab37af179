"""Small models for tests, their data, and a way to run programs in a process of their own."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD
from places import HELPERS, ROOT

MNIST = ROOT.parent / "shared" / "mnist"
needs_mnist = pytest.mark.skipif(
    not MNIST.is_dir(), reason="MNIST is not at ../shared/mnist, beside the checkout"
)


def blobs(n=90, n_inputs=4, n_classes=3, seed=0):
    """Return float rows around a centre for each class, and their labels."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    x = rng.normal(size=(n, n_inputs)) + 3 * rng.normal(size=(n_classes, n_inputs))[y]
    return x.astype(np.float32), y


def images(n=40, seed=0):
    """Return images of 8 x 8 bytes in four classes: which quarter is bright."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 80, (n, 8, 8)).astype(np.uint8)
    y = np.arange(n) % 4
    for picture, label in zip(x, y, strict=True):
        picture[label // 2 * 4 :, label % 2 * 4 :][:4, :4] += 120
    return x, y


def classifier(n_classes=3, *, hidden=8, dtype="float32", seed=0, metrics=("accuracy",)):
    model = Model([Dense(hidden, "relu"), Dense(n_classes, "softmax")], dtype=dtype, seed=seed)
    model.compile(SGD(0.1, 0.9), metrics=metrics)
    return model


def trained(epochs=3, **named):
    """Return a trained classifier of `blobs`, with a velocity."""
    model = classifier(**named)
    model.fit(*blobs(), epochs=epochs, verbose=0)
    return model


def image_model(dtype="float32"):
    model = Model([Flatten(), Rescale(1 / 255), Dense(4, "softmax")], dtype=dtype, seed=0)
    model.compile(SGD(0.5, 0.9), metrics=["accuracy"])
    return model


def bits(model) -> bytes:
    """Return the bytes of all that a model has learned."""
    return b"".join(a.tobytes() for a in model.get_weights() + model.get_optimizer_state())


def python(program: str, *arguments: str, timeout: float = 300, **environment: str) -> str:
    """Run a program in a new Python process and return its output; fail where the program does."""
    paths = filter(None, (str(HELPERS), os.environ.get("PYTHONPATH")))  # where cynn may be
    process = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
        | environment,
    )
    assert process.returncode == 0, f"{process.returncode}: {process.stdout}{process.stderr}"
    return process.stdout

"""The cost of the toolkit: 784-128-10 at B = 128 with one addition, against plain SGD.

All on one thread, in turn, by the processor time of the thread, so that other load on the machine
matters little.
"""

import sys
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import cynn
from cynn import _backend, activations, layers, optimizers

from . import report

ROUNDS = 15
ROWS, BATCH = 12_800, 128


class Addition(NamedTuple):
    """One addition to the plain network, and its allowed cost."""

    name: str
    most: float | None  # times the plain network's epoch; None: no floor
    optimizer: tuple[str, dict[str, Any]] = ("SGD", {"learning_rate": 0.1})
    before: tuple[layers.Layer, ...] = ()  # the first dense layer
    between: tuple[layers.Layer, ...] = ()  # the dense layers
    activation: Any = "relu"
    loss: Any = "cross_entropy"


def relu(x: NDArray[Any]) -> NDArray[Any]:
    """Return relu as a Python function."""
    positive: NDArray[Any] = np.maximum(x, 0)
    return positive


def cross_entropy(y_true: NDArray[Any], y_pred: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return cross-entropy of labels as a Python function."""
    at = np.arange(len(y_true)), y_true[:, 0]
    p = np.maximum(y_pred[at], 1e-30)
    gradient = np.zeros_like(y_pred)
    gradient[at] = -1 / p
    return -np.log(p), gradient


ADDITIONS = (
    Addition("Dropout", 1.15, between=(layers.Dropout(0.2),)),
    Addition("BatchNorm", 1.15, between=(layers.BatchNorm(),)),
    Addition("LayerNorm", 1.15, between=(layers.LayerNorm(),)),
    Addition("Normalize", 1.15, before=(layers.Normalize([0.5] * 784, [0.3] * 784),)),
    Addition("Adam", 1.30, ("Adam", {})),
    Addition("momentum", None, ("SGD", {"learning_rate": 0.1, "momentum": 0.9})),
    *(
        Addition(kind.__name__, None, (kind.__name__, {}))
        for kind in optimizers.OPTIMIZERS.values()
        if kind not in (optimizers.SGD, optimizers.Adam)  # which are above
    ),
    Addition(
        "a function as activation",
        None,
        activation=activations.Custom(relu, lambda x: np.greater(x, 0)),
    ),
    Addition("a function as loss", None, loss=cross_entropy),
)


def model(addition: Addition | None) -> cynn.Model:
    """Make the network, with the addition."""
    added = addition or Addition("nothing", None)
    name, settings = added.optimizer
    made = cynn.Model(
        [
            layers.Rescale(1 / 255),
            *added.before,
            layers.Dense(128, added.activation),
            *added.between,
            layers.Dense(10, "softmax"),
        ],
        seed=0,
    )
    made.compile(getattr(optimizers, name)(**settings), loss=added.loss)
    made.build(784)
    return made


def measure(rounds: int = ROUNDS, rows: int = ROWS) -> dict[str, tuple[float, float | None]]:
    """Return for each addition the best ratio of its epoch to the plain one's, and the limit."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (rows, 784), np.uint8)
    y = np.arange(rows) % 10
    threads = cynn.get_num_threads()
    cynn.set_num_threads(1)
    try:
        models = {"plain": model(None)} | {a.name: model(a) for a in ADDITIONS}
        best = dict.fromkeys(models, float("inf"))
        for _ in range(rounds):
            for name, each in models.items():
                start = time.thread_time()
                each.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
                best[name] = min(best[name], time.thread_time() - start)
    finally:
        cynn.set_num_threads(threads)
    return {a.name: (best[a.name] / best["plain"], a.most) for a in ADDITIONS}


def main() -> int:
    """Measure, and print a table; return 1 where an addition exceeds its limit."""
    ratios = measure()
    lines = [
        (
            name,
            f"{ratio:.2f} x",
            "" if most is None else f"at most {most:.2f} x",
            "MISSED" if most is not None and ratio > most else "",
        )
        for name, (ratio, most) in ratios.items()
    ]
    print(f"{report.processor()}, target {_backend.target()}, one thread, 784-128-10, B={BATCH}")
    print(report.table(("plain SGD and", "its epoch", "floor", ""), lines))
    missed = [name for name, (ratio, most) in ratios.items() if most is not None and ratio > most]
    if missed:
        print(f"costs more than it may: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0

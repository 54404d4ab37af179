"""NumPy by hand: arrays are allocated once, operations write in place where possible."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cases import LEARNING_RATE, Case, Sizes
from .base import Peer

Weights = list[tuple[NDArray[Any], NDArray[Any]]]


def initial_weights(sizes: Sizes, dtype: str) -> Weights:
    """Draw weights by He's rule, Glorot's for the last layer; biases are zeros."""
    rng = np.random.default_rng(0)
    weights = []
    for i, (n, m) in enumerate(zip(sizes, sizes[1:], strict=False)):
        limit = (6 / n) ** 0.5 if i < len(sizes) - 2 else (6 / (n + m)) ** 0.5
        weights.append((rng.uniform(-limit, limit, (n, m)).astype(dtype), np.zeros(m, dtype)))
    return weights


def softmax(z: NDArray[Any]) -> NDArray[Any]:
    """Turn logits into probabilities, in place."""
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


class NumPy(Peer):
    """Training and prediction in careful NumPy."""

    def version(self) -> str:
        return np.__version__

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        self.x, self.y, self.batch = x, y, case.batch
        self.weights = initial_weights(case.sizes, case.dtype)
        self.gradients = [np.empty_like(w) for w, _ in self.weights]
        self.values = [np.empty((case.batch, n), case.dtype) for n in case.sizes]
        self.deltas = [np.empty((case.batch, n), case.dtype) for n in case.sizes]
        self.rng = np.random.default_rng(0)

    def train(self, epochs: int) -> float:
        loss = 0.0
        for _ in range(epochs):
            order = self.rng.permutation(len(self.x))
            loss = 0.0
            for start in range(0, len(order), self.batch):
                loss += self._step(order[start : start + self.batch])
        return loss / len(self.x)

    def _step(self, rows: NDArray[np.int64]) -> float:
        count, last = len(rows), len(self.weights)
        values = [v[:count] for v in self.values]
        deltas = [d[:count] for d in self.deltas]
        np.take(self.x, rows, axis=0, out=values[0], mode="clip")  # other modes buffer `out`
        labels = self.y[rows]
        for i, (w, b) in enumerate(self.weights):
            z = np.matmul(values[i], w, out=values[i + 1])
            z += b
            if i + 1 < last:
                np.maximum(z, 0, out=z)
        p = softmax(values[last])
        mine = np.arange(count)
        loss = -float(np.log(np.maximum(p[mine, labels], 1e-30)).sum())
        p[mine, labels] -= 1
        np.multiply(p, LEARNING_RATE / count, out=deltas[last])
        for i in range(last - 1, -1, -1):
            w, b = self.weights[i]
            delta = deltas[i + 1]
            gradient = np.matmul(values[i].T, delta, out=self.gradients[i])
            if i:
                np.matmul(delta, w.T, out=deltas[i])
                deltas[i] *= values[i] > 0
            w -= gradient
            b -= delta.sum(axis=0)
        return loss

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        weights = initial_weights(case.sizes, case.dtype)

        def run() -> NDArray[Any]:
            value = x
            for i, (w, b) in enumerate(weights):
                value = value @ w
                value += b
                if i + 1 < len(weights):
                    np.maximum(value, 0, out=value)
            return softmax(value)

        return run

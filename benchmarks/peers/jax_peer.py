"""JAX: an epoch is one compiled call, a scan over its batches."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax, nn
from jax import numpy as jnp
from numpy.typing import NDArray

from ..cases import LEARNING_RATE, Case
from .base import Peer
from .numpy_peer import initial_weights

jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32


def logits(weights: Any, x: Any) -> Any:
    """Run the network."""
    for w, b in weights[:-1]:
        x = nn.relu(x @ w + b)
    w, b = weights[-1]
    return x @ w + b


def mean_loss(weights: Any, x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of some rows."""
    rows = nn.log_softmax(logits(weights, x))
    return -jnp.take_along_axis(rows, y[:, None], axis=1).mean()


def step(x: Any, y: Any, weights: Any, rows: Any) -> Any:
    """Train on a batch."""
    loss, gradient = jax.value_and_grad(mean_loss)(weights, x[rows], y[rows])
    weights = jax.tree.map(lambda w, g: w - LEARNING_RATE * g, weights, gradient)
    return weights, loss * rows.shape[0]


@partial(jax.jit, static_argnames="batch", donate_argnames="weights")
def epoch(weights: Any, x: Any, y: Any, order: Any, batch: int) -> Any:
    """Train on all rows once; return the new weights and the summed loss."""
    whole = len(order) // batch * batch
    weights, losses = lax.scan(partial(step, x, y), weights, order[:whole].reshape(-1, batch))
    total = losses.sum()
    if whole < len(order):
        weights, loss = step(x, y, weights, order[whole:])
        total += loss
    return weights, total


class Jax(Peer):
    """JAX on the CPU, with a thread for each core that the process may use."""

    pinned = True

    def version(self) -> str:
        return jax.__version__

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        self.x, self.y, self.batch = jnp.asarray(x), jnp.asarray(y.astype(np.int32)), case.batch
        self.weights = jax.tree.map(jnp.asarray, initial_weights(case.sizes, case.dtype))
        self.rng = np.random.default_rng(0)

    def train(self, epochs: int) -> float:
        total = jnp.zeros(())
        for _ in range(epochs):
            order = self.rng.permutation(len(self.x)).astype(np.int32)
            self.weights, total = epoch(self.weights, self.x, self.y, order, self.batch)
        jax.block_until_ready(self.weights)
        return float(total) / len(self.x)

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        weights = jax.tree.map(jnp.asarray, initial_weights(case.sizes, case.dtype))
        rows, run = jnp.asarray(x), jax.jit(lambda weights, x: nn.softmax(logits(weights, x)))
        return lambda: run(weights, rows).block_until_ready()

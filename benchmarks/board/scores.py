"""The scores of predictions, the same arithmetic for every peer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-7
"""The least probability that counts in the log-loss: some peers give 0, in float32 or float64."""


def classification(
    y: NDArray[np.int64], predicted: NDArray[np.int64], probabilities: NDArray[Any]
) -> dict[str, float]:
    """Return accuracy, balanced accuracy and log-loss."""
    hits = predicted == y
    clipped = np.clip(np.asarray(probabilities, np.float64), LEAST, 1.0)
    clipped /= clipped.sum(axis=1, keepdims=True)
    return {
        "accuracy": float(hits.mean()),
        "balanced_accuracy": float(np.mean([hits[y == label].mean() for label in np.unique(y)])),
        "log_loss": float(-np.log(clipped[np.arange(len(y)), y]).mean()),
    }


def regression(y: NDArray[np.float64], predicted: NDArray[Any]) -> dict[str, float]:
    """Return R2 and the root of the mean squared error."""
    error = float(np.mean((y - predicted) ** 2))
    return {"r2": 1.0 - error / float(np.var(y)), "rmse": error**0.5}

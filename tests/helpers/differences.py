"""Finite differences, which gradients are compared with.

A central difference ``(f(x + h) - f(x - h)) / 2h`` in float64 is wrong by some ``h**2`` from the
curvature and some ``u / h`` from rounding: with h = 1e-5 both are near 1e-10, and 1e-7 is allowed.
"""

import numpy as np

H = 1e-5
ALLOWED = 1e-7


def differences(f, x: np.ndarray) -> np.ndarray:
    """Return the gradient of f, by central differences in each number of x, in place."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + H
        forward = f()
        x[index] = value - H
        gradient[index] = (forward - f()) / (2 * H)
        x[index] = value
    return gradient

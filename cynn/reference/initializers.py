"""Weights to begin with: random, and of a size that neither fades nor explodes.

If all weights began equal, all neurons of a layer would stay equal: they would see the same inputs
and get the same corrections. If they began too large or too small, the numbers would grow or
shrink from layer to layer, and the corrections on their way back with them.
"""

import math
import random

from .by_name import ACTIVATIONS
from .smooth import KIN_OF_RELU


def initial_weights(
    n_in: int, n_out: int, seed: int, activation: str = "relu"
) -> list[list[float]]:
    """Draw the weights of a layer, uniformly from ``[-limit, limit]``.

    For `KIN_OF_RELU` ``limit = sqrt(6 / n_in)``: half of what they see is cut off, the
    other half must make up for it (He et al., *Delving deep into rectifiers*, 2015). For `selu`
    ``limit = sqrt(3 / n_in)``, which its constants are made for (Klambauer et al.,
    *Self-normalizing neural networks*, 2017). For the others
    ``limit = sqrt(6 / (n_in + n_out))`` (Glorot & Bengio, *Understanding the difficulty of training
    deep feedforward neural networks*, 2010). Biases may begin at zero.

    Parameters
    ----------
    n_in, n_out : int
        Inputs and neurons of the layer.
    seed : int
        The same seed gives the same weights.
    activation : str
        The layer's activation, one of `ACTIVATIONS`.

    Returns
    -------
    list of list of float
        The matrix of weights, (n_in, n_out).

    Raises
    ------
    ValueError
        If a size is not positive or the activation is not known.

    Examples
    --------
    >>> w = initial_weights(6, 4, seed=0)
    >>> len(w), len(w[0]), max(abs(value) for row in w for value in row) <= 1.0
    (6, 4, True)
    """
    if n_in < 1 or n_out < 1:
        raise ValueError(f"n_in and n_out must be at least 1, got {n_in} and {n_out}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {ACTIVATIONS}, got {activation!r}")
    fan = n_in + n_out
    if activation == "selu":
        fan = 2 * n_in
    elif activation in KIN_OF_RELU:
        fan = n_in
    limit = math.sqrt(6.0 / fan)
    draw = random.Random(seed).uniform
    return [[draw(-limit, limit) for _ in range(n_out)] for _ in range(n_in)]

"""All the arithmetic of cynn a second time, in plain Python, to be read.

It uses the standard library only, and works on lists of lists or on anything indexed as
``x[i][j]``. Every name and signature of a compiled target (`cynn.kernels`) stands here too, and
the tests hold the compiled code to what this code gives. ``CYNN_TARGET=reference`` trains with it,
slowly.

Read in this order: `neuron` (one neuron, a layer, forward propagation), `matmul` (many neurons at
once), `activations`, `softmax` and `smooth`, `losses` (with `regression` and `hinge`), `backprop`,
`initializers`, `sgd`, `optimizers`, `random`, `step` and `steps` (with `dropout` and
`normalization`), `augment`, `plan`, `network`. What is left (`arrays`,
`checks`, `elementwise`, `rowwise`, `batches`, `by_name`) reads and checks arguments.
"""

from .activations import LEAKY_SLOPE
from .backprop import dense_backward, dense_forward
from .by_name import ACTIVATIONS, BACKWARD, FORWARD, FROM_INPUT
from .canonical import binary_log_loss, half_poisson_deviance, half_squared_error, log_loss
from .hinge import categorical_hinge, hinge
from .initializers import initial_weights
from .losses import (
    LOSSES,
    TINY,
    binary_cross_entropy,
    cross_entropy,
    log_poisson,
    poisson,
    sigmoid_binary_cross_entropy,
    softmax_cross_entropy,
)
from .matmul import matmul, matmul_nt, matmul_tn
from .network import LARGEST_BATCH, Network
from .neuron import Layer, Neuron, forward_propagation
from .optimizers import OPTIMIZERS, optimizer_step
from .random import permutation
from .regression import huber, mean_absolute_error, mean_squared_error, quantile
from .sgd import sgd
from .sparse import SparseRows

# The activations and the ways back through them are functions here too, each under its name.
globals().update(FORWARD | {f"{name}_backward": f for name, f in BACKWARD.items()})

__all__ = [
    "ACTIVATIONS",
    "FROM_INPUT",
    "LARGEST_BATCH",
    "LEAKY_SLOPE",
    "LOSSES",
    "OPTIMIZERS",
    "TINY",
    "Layer",
    "Network",
    "Neuron",
    "SparseRows",
    "binary_cross_entropy",
    "binary_log_loss",
    "categorical_hinge",
    "cross_entropy",
    "dense_backward",
    "dense_forward",
    "forward_propagation",
    "half_poisson_deviance",
    "half_squared_error",
    "hinge",
    "huber",
    "initial_weights",
    "log_loss",
    "log_poisson",
    "matmul",
    "matmul_nt",
    "matmul_tn",
    "mean_absolute_error",
    "mean_squared_error",
    "optimizer_step",
    "permutation",
    "poisson",
    "quantile",
    "sgd",
    "sigmoid_binary_cross_entropy",
    "softmax_cross_entropy",
]
__all__ += [*FORWARD, *(f"{name}_backward" for name in BACKWARD)]

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

from .activations import (
    ACTIVATIONS,
    FROM_INPUT,
    LEAKY_SLOPE,
    identity,
    identity_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    tanh,
    tanh_backward,
)
from .backprop import dense_backward, dense_forward
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
from .smooth import (
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    gelu_tanh,
    gelu_tanh_backward,
    hard_sigmoid,
    hard_sigmoid_backward,
    selu,
    selu_backward,
    silu,
    silu_backward,
    softplus,
    softplus_backward,
)
from .softmax import softmax, softmax_backward
from .sparse import SparseRows

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
    "elu",
    "elu_backward",
    "forward_propagation",
    "gelu",
    "gelu_backward",
    "gelu_tanh",
    "gelu_tanh_backward",
    "half_poisson_deviance",
    "half_squared_error",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hinge",
    "huber",
    "identity",
    "identity_backward",
    "initial_weights",
    "leaky_relu",
    "leaky_relu_backward",
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
    "relu",
    "relu_backward",
    "selu",
    "selu_backward",
    "sgd",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_binary_cross_entropy",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softplus",
    "softplus_backward",
    "tanh",
    "tanh_backward",
]

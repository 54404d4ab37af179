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

from . import losses
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
from .initializers import initial_weights
from .losses import *
from .matmul import matmul, matmul_nt, matmul_tn
from .network import LARGEST_BATCH, Network
from .neuron import Layer, Neuron, forward_propagation
from .optimizers import OPTIMIZERS, optimizer_step
from .random import permutation
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
    "OPTIMIZERS",
    "Layer",
    "Network",
    "Neuron",
    "SparseRows",
    "dense_backward",
    "dense_forward",
    "elu",
    "elu_backward",
    "forward_propagation",
    "gelu",
    "gelu_backward",
    "gelu_tanh",
    "gelu_tanh_backward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "identity",
    "identity_backward",
    "initial_weights",
    "leaky_relu",
    "leaky_relu_backward",
    "matmul",
    "matmul_nt",
    "matmul_tn",
    "optimizer_step",
    "permutation",
    "relu",
    "relu_backward",
    "selu",
    "selu_backward",
    "sgd",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "tanh",
    "tanh_backward",
    *losses.__all__,
]

"""All the arithmetic of cynn a second time, in plain Python, to be read.

It uses the standard library only, and works on lists of lists or on anything indexed as
``x[i][j]``. Every name and signature of a compiled target (`cynn.kernels`) stands here too, and
the tests hold the compiled code to what this code gives. ``CYNN_TARGET=reference`` trains with it,
slowly. It imports nothing else of cynn, and `cynn._backend` alone imports it.

Read in this order: `neuron` (one neuron, a layer, forward propagation), `matmul` (many neurons at
once), `activations`, `softmax` and `smooth`, `losses` (with `regression` and `hinge`), `backprop`,
`initializers`, `sgd`, `optimizers`, `random`, `step` and `steps` (with `dropout`, `normalization`,
`parametric`, `clip` and `embeddings`), `augment`, `plan`, `network`. What is left (`arrays`,
`checks`, `elementwise`, `rowwise`, `batches`, `by_step`, `by_name`) reads and checks arguments.
"""

from . import losses
from .activations import LEAKY_SLOPE
from .backprop import dense_backward, dense_forward
from .by_name import ACTIVATIONS, BACKWARD, FORWARD, FROM_INPUT
from .initializers import initial_weights
from .losses import *
from .matmul import matmul, matmul_nt, matmul_tn
from .network import Network
from .neuron import Layer, Neuron, forward_propagation
from .optimizers import OPTIMIZERS, optimizer_step
from .random import permutation
from .sgd import sgd
from .sparse import SparseRows

# The activations and the ways back through them are functions here too, each under its name.
globals().update(FORWARD | {f"{name}_backward": f for name, f in BACKWARD.items()})

__all__ = [
    "ACTIVATIONS",
    "FROM_INPUT",
    "LEAKY_SLOPE",
    "OPTIMIZERS",
    "Layer",
    "Network",
    "Neuron",
    "SparseRows",
    "dense_backward",
    "dense_forward",
    "forward_propagation",
    "initial_weights",
    "matmul",
    "matmul_nt",
    "matmul_tn",
    "optimizer_step",
    "permutation",
    "sgd",
    *losses.__all__,
]
__all__ += [*FORWARD, *(f"{name}_backward" for name in BACKWARD)]

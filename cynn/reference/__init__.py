"""All the arithmetic of cynn a second time, in plain Python, to be read.

It uses the standard library only, and works on lists of lists or on anything indexed as
``x[i][j]``. Every name and signature of a compiled target (`cynn.kernels`) stands here too, and
the tests hold the compiled code to what this code gives. ``CYNN_TARGET=reference`` trains with it,
slowly. It imports nothing else of cynn, and `cynn._backend` alone imports it.

Read in this order, a line for each page of the course in ``docs/course`` that is about it:

- `neuron`: one neuron, a layer, forward propagation
- `activations`, `smooth`: why a neuron bends its sum
- `matmul`: many neurons, and many rows of inputs, at once
- `by_hand`: a pass forward or backward in one line
- `softmax`, `losses`, `regression`, `hinge`: how wrong a prediction is
- `backprop`: which weight is to blame
- `initializers`: weights to begin with
- `sgd`: a step against the gradient
- `arrays`: rows of numbers, such as images are
- `random`, `step`, `steps`, `plan`, `network`: a network that is trained
- `optimizers`, `dropout`, `normalization`, `clip`, `augment`: better steps, and more to learn from

Beyond the course lie `parametric`, `embeddings`, `members`, `canonical`, `sparse` and
`user_functions`. What is left (`call`, `checks`, `elementwise`, `rowwise`, `batches`, `by_step`,
`by_name`) reads and checks arguments.
"""

from . import losses
from .activations import LEAKY_SLOPE
from .backprop import dense_backward, dense_forward
from .by_hand import activated, backward, error, forward, product, transposed, updated
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
    "activated",
    "backward",
    "dense_backward",
    "dense_forward",
    "error",
    "forward",
    "forward_propagation",
    "initial_weights",
    "matmul",
    "matmul_nt",
    "matmul_tn",
    "optimizer_step",
    "permutation",
    "product",
    "sgd",
    "transposed",
    "updated",
    *losses.__all__,
]
__all__ += [*FORWARD, *(f"{name}_backward" for name in BACKWARD)]

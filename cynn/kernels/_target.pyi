# What every compiled target gives, written once: the stubs of the targets take it from here. There
# is no such module when the program runs.

from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

from numpy.typing import NDArray
from typing_extensions import Buffer, disjoint_base

ACTIVATIONS: tuple[str, ...]
FROM_INPUT: tuple[str, ...]
LEAKY_SLOPE: float
LOSSES: tuple[str, ...]
OPTIMIZERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[str, float]]]

# Anything with the buffer interface and the target's element type: 2-D, and 1-D for b, grad_b,
# weight and the arguments of sgd. Shapes are checked when a function is called.
_Array: TypeAlias = Buffer | NDArray[Any]

def matmul(a: _Array, b: _Array, out: _Array) -> None: ...
def matmul_nt(a: _Array, b: _Array, out: _Array) -> None: ...
def matmul_tn(a: _Array, b: _Array, out: _Array) -> None: ...
def permutation(out: _Array, seed: int, epoch: int) -> None: ...
def keep_threads(kept: bool) -> None: ...

# Activations, the ways back through them and losses are functions under their names:
#
#   relu(x, out), relu_backward(y, grad_y, out); silu_backward(x, grad_y, out), if in FROM_INPUT
#   hinge(prediction, target, weight, out, delta) -> float; huber(..., threshold), as its parameter;
#   quantile(..., q), one or a tuple with that of each column
def __getattr__(name: str) -> Callable[..., Any]: ...
def dense_forward(x: _Array, w: _Array, b: _Array, activation: str, out: _Array) -> None: ...
def dense_backward(
    x: _Array, w: _Array, delta: _Array, grad_x: _Array, grad_w: _Array, grad_b: _Array
) -> None: ...
def sgd(
    w: _Array,
    grad: _Array,
    velocity: _Array,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None: ...
def optimizer_step(
    w: _Array,
    grad: _Array,
    slots: _Array,
    optimizer: tuple[str | float, ...],
    learning_rate: float,
    momentum: float,
    t: int,
    scalars: list[float] | None = None,
) -> None: ...

@disjoint_base
class SparseRows:
    def __init__(self, values: _Array, columns: _Array, starts: _Array, n_columns: int) -> None: ...
    def __len__(self) -> int: ...
    @property
    def n_columns(self) -> int: ...

@disjoint_base
class Parameters:
    penalty_of_sum: bool
    updates: int
    scalars: dict[str, float]

    @property
    def n_params(self) -> int: ...
    @property
    def slot_names(self) -> tuple[str, ...]: ...
    @property
    def n_state(self) -> int: ...
    def get_state(self, out: _Array) -> None: ...
    def set_state(self, flat: _Array) -> None: ...
    def get_params(self, out: _Array) -> None: ...
    def set_params(self, flat: _Array) -> None: ...
    def set_part(self, slot: str | None, start: int, flat: _Array) -> None: ...
    def get_slot(self, name: str, out: _Array) -> None: ...
    def set_slot(self, name: str, flat: _Array) -> None: ...
    def update(
        self,
        gradient: _Array,
        learning_rate: float,
        momentum: float,
        weight_decay: float | None = None,
    ) -> None: ...

@disjoint_base
class Plan(Parameters):
    augmentation: tuple[int, int, int, float, float] | None
    forced_columns: int

    def __new__(
        cls,
        n_inputs: int,
        steps: list[tuple[str | float, ...]],
        scale: float = 1.0,
        offset: float = 0.0,
        shift: tuple[float, ...] | None = None,
    ) -> Self: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
    def compile(
        self,
        loss: str | tuple[str | float | tuple[float, ...], ...],
        optimizer: tuple[str | float, ...] = ("sgd", 0.0, 0.0),
        clip_value: float = ...,
        clip_norm: float = ...,
        penalties: list[tuple[float, float]] | None = None,
        factors: list[tuple[float, float]] | None = None,
        average: float | None = None,
    ) -> None: ...
    def splits(self, rows: int, threads: int) -> tuple[list[tuple[int, int]], float]: ...

@disjoint_base
class Network(Plan):
    scratch_fill: int
    work_to_look: float
    largest_block: int
    @property
    def blocks_trained(self) -> int: ...
    @property
    def columns_shared(self) -> int: ...
    seek_zeros: bool
    keeps_threads: bool

    def train_epoch(
        self,
        x: _Array | SparseRows,
        y: _Array,
        weight: _Array | None,
        order: _Array,
        values: Sequence[_Array | None],
        batch_size: int,
        start: int,
        seconds: float,
        outputs: _Array | None,
        threads: int,
        draw_key: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> tuple[int, float, float]: ...
    def evaluate(
        self,
        x: _Array | SparseRows,
        y: _Array,
        weight: _Array | None,
        outputs: _Array | None,
        threads: int,
    ) -> tuple[float, float]: ...
    def predict(self, x: _Array | SparseRows, out: _Array, threads: int) -> None: ...
    def is_finite(self) -> bool: ...
    def gradients(
        self,
        x: _Array | SparseRows,
        y: _Array,
        weight: _Array | None,
        out: _Array,
        threads: int,
        draw_key: tuple[int, int, int, int] | None = None,
        outputs: _Array | None = None,
        values: Sequence[_Array | None] | None = None,
    ) -> tuple[float, float]: ...
    def input_gradient(
        self,
        x: _Array | SparseRows,
        y: _Array | None,
        along: _Array | None,
        out: _Array,
        threads: int,
    ) -> None: ...

# Of use inside a target only.
@disjoint_base
class Scratch: ...

@disjoint_base
class Source: ...

@disjoint_base
class Functions: ...

# For C: cynn.capi hands out the functions, and a network as they take it.
__pyx_capi__: dict[str, object]

@disjoint_base
class Predictor:
    def __new__(cls, network: Network) -> Predictor: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...

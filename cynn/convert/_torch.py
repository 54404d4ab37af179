"""Models from PyTorch's modules, by the names of their classes: torch is not imported."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import layers
from .._specs.validation import shown
from ..model import Model
from ._weights import array_of


class Part(NamedTuple):
    """What a module is here.

    Attributes
    ----------
    layer : Layer or None
        None for a module that changes nothing.
    weights, state : list of ndarray
        The layer's weights and its running statistics.
    n_inputs : int or None
        How many numbers of a row it takes, where it says so.
    """

    layer: layers.Layer | None
    weights: list[NDArray[Any]] = []  # noqa: RUF012 (never changed)
    state: list[NDArray[Any]] = []  # noqa: RUF012
    n_inputs: int | None = None


def from_torch(module: Any) -> Model:
    """Return a model of the layers of a PyTorch module, with its weights.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of `Linear`, activations, `BatchNorm1d`, `LayerNorm`, `Dropout`, `Flatten`, `Hardtanh`,
        `ReLU6`, `Identity`, and further `Sequential` of these; or one of them. On any device.

    Returns
    -------
    Model
        It predicts what the module does after ``module.eval()``, in float64 where its weights are
        of float64, else in float32. It is not compiled.

    Raises
    ------
    TypeError, ValueError
        If the module is none of these, or has a setting that no layer here has.

    See Also
    --------
    set_state_dict : Copy the weights alone, into a model that is there.
    cynn.onnx.load : Read a module that was exported as ONNX.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> class Linear(SimpleNamespace):  # as torch.nn.Linear(3, 2, bias=False)
    ...     pass
    >>> class ReLU(SimpleNamespace):
    ...     pass
    >>> class Sequential(list):
    ...     pass
    >>> module = Sequential([Linear(weight=np.ones((2, 3)), bias=None), ReLU()])
    >>> model = from_torch(module)
    >>> model.layers, model.predict([[1.0, 2.0, -1.0]]).tolist()
    ((Dense(2, 'relu', use_bias=False),), [[2.0, 2.0]])
    """
    parts = [part for part in _parts("module", module) if part.layer is not None]
    if not parts:
        raise ValueError(f"module must have a layer that computes something, got {shown(module)}")
    joined: list[Part] = []
    for part in parts:
        last = joined[-1].layer if joined else None
        if isinstance(part.layer, layers.Activation) and _is_linear(last):
            assert isinstance(last, layers.Dense)
            layer = layers.Dense(last.units, part.layer.activation, use_bias=last.use_bias)
            joined[-1] = joined[-1]._replace(layer=layer)
        else:
            joined.append(part)
    arrays = [array for part in joined for array in (*part.weights, *part.state)]
    is_double = any(array.dtype == np.float64 for array in arrays)
    model = Model(
        [part.layer for part in joined if part.layer is not None],
        dtype=np.float64 if is_double else np.float32,
    )
    sizes = [part.n_inputs for part in joined if part.n_inputs is not None]
    if sizes:
        model.build(sizes[0])
        model.set_weights([array for part in joined for array in part.weights])
        model.set_state([array for part in joined for array in part.state])
    return model


def _is_linear(layer: layers.Layer | None) -> bool:
    return isinstance(layer, layers.Dense) and layer.activation == "identity"


def _parts(name: str, module: Any) -> Iterable[Part]:
    """Yield what a module is made of, in order."""
    kind = type(module).__name__
    if kind == "Sequential":
        for i, inner in enumerate(module):
            yield from _parts(f"{name}[{i}]", inner)
        return
    if kind not in MODULES:
        known = ", ".join(sorted(MODULES))
        raise TypeError(f"{name} must be a Sequential of {known}, got {kind}")
    try:
        yield MODULES[kind](name, module)
    except AttributeError as error:
        raise TypeError(f"{name} must be a module of PyTorch, got a {kind} where {error}") from None


def _expect(name: str, module: Any, **wanted: Any) -> None:
    """Refuse a module with other settings than those."""
    for setting, values in wanted.items():
        values = values if isinstance(values, tuple) else (values,)
        got = getattr(module, setting)
        if got not in values:
            said = " or ".join(map(repr, values))
            raise ValueError(f"{name}.{setting} must be {said}, got {got!r}")


def _array(name: str, module: Any, part: str) -> NDArray[Any]:
    return array_of(f"{name}.{part}", getattr(module, part))


def linear(name: str, module: Any) -> Part:
    """``x W + b``; PyTorch has W transposed."""
    w = _array(name, module, "weight")
    if w.ndim != 2 or not w.size:
        raise ValueError(f"{name}.weight must have two axes, got shape {w.shape}")
    has_bias = module.bias is not None
    own = [w.T, *([_array(name, module, "bias")] if has_bias else [])]
    return Part(layers.Dense(len(w), use_bias=has_bias), own, n_inputs=w.shape[1])


def batch_norm(name: str, module: Any) -> Part:
    """By the running statistics; the momentum is how much is kept, there how much is taken."""
    _expect(name, module, track_running_stats=True)
    state = [_array(name, module, part) for part in ("running_mean", "running_var")]
    n = len(state[0])
    own = [np.ones(n, state[0].dtype), np.zeros(n, state[0].dtype)]
    if module.weight is not None:
        own = [_array(name, module, part) for part in ("weight", "bias")]
    momentum = 0.9 if module.momentum is None else 1 - module.momentum
    return Part(layers.BatchNorm(momentum, module.eps), own, state, n)


def layer_norm(name: str, module: Any) -> Part:
    """Of rows of one axis."""
    shape = tuple(module.normalized_shape)
    if len(shape) != 1:
        raise ValueError(f"{name}.normalized_shape must have one axis, got {shape}")
    own = [np.ones(shape, np.float32), np.zeros(shape, np.float32)]
    for i, part in enumerate(("weight", "bias")):
        if getattr(module, part) is not None:
            own[i] = _array(name, module, part)
    return Part(layers.LayerNorm(module.eps), own, n_inputs=shape[0])


def flatten(name: str, module: Any) -> Part:
    """Rows of numbers."""
    _expect(name, module, start_dim=1, end_dim=-1)
    return Part(layers.Flatten())


def softmax(name: str, module: Any) -> Part:
    """Over the numbers of a row."""
    _expect(name, module, dim=(1, -1))
    return Part(layers.Activation("softmax"))


def gelu(name: str, module: Any) -> Part:
    """By the error function, or approximately by tanh."""
    _expect(name, module, approximate=("none", "tanh"))
    return Part(layers.Activation("gelu" if module.approximate == "none" else "gelu_tanh"))


def activation(ours: str, **wanted: Any) -> Callable[[str, Any], Part]:
    """Return what reads an activation, which must have those settings."""

    def read(name: str, module: Any) -> Part:
        _expect(name, module, **wanted)
        return Part(layers.Activation(ours))

    return read


MODULES: dict[str, Callable[[str, Any], Part]] = {
    "BatchNorm1d": batch_norm,
    "Dropout": lambda name, module: Part(layers.Dropout(module.p)),
    "ELU": activation("elu", alpha=1.0),
    "Flatten": flatten,
    "GELU": gelu,
    "Hardsigmoid": activation("hard_sigmoid"),
    "Hardtanh": lambda name, module: Part(layers.Clip(module.min_val, module.max_val)),
    "Identity": lambda name, module: Part(None),
    "LayerNorm": layer_norm,
    "LeakyReLU": activation("leaky_relu", negative_slope=0.01),
    "Linear": linear,
    "Mish": activation("mish"),
    "ReLU": activation("relu"),
    "ReLU6": lambda name, module: Part(layers.Clip(0.0, 6.0)),
    "SELU": activation("selu"),
    "SiLU": activation("silu"),
    "Sigmoid": activation("sigmoid"),
    "Softmax": softmax,
    "Softplus": activation("softplus", beta=1, threshold=20),
    "Tanh": activation("tanh"),
}
"""By the name of the class in ``torch.nn``."""

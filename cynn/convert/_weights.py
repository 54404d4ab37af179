"""Weights of PyTorch's ``state_dict``, and how a model is given those of another library."""

import math
import re
import reprlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from .._specs.validation import array
from ..model import Model


def set_state_dict(
    model: Model, state_dict: Mapping[str, Any], *, order: Sequence[str] | None = None
) -> None:
    """Copy into a model the weights of a PyTorch module of the same dense layers.

    Parameters
    ----------
    model : Model
        Its dense layers take the module's linear ones in order. Where it has no weights yet, it is
        built for rows of as many numbers as the first one takes.
    state_dict : mapping of str to tensor or array
        ``module.state_dict()``: for each linear layer ``NAME.weight`` of shape (out, in), and
        ``NAME.bias`` of shape (out,) or none, which is a bias of 0. Tensors may be on any device.
    order : sequence of str, optional
        The names of the linear layers, without ``.weight``, from the first to the last. By default
        names that differ in a number first are in the order of these numbers, and others in the one
        that their shapes allow. The order of the mapping says nothing: files keep another.

    Raises
    ------
    TypeError, ValueError
        If it holds anything else, or other shapes, or its layers fit in more than one order; the
        model keeps its weights then.

    See Also
    --------
    set_coefs : Copy the weights of a scikit-learn MLP.

    Examples
    --------
    >>> model = Model([layers.Dense(2, "relu"), layers.Dense(1)])
    >>> state = {"0.weight": np.ones((2, 3)), "0.bias": np.zeros(2), "2.weight": np.ones((1, 2))}
    >>> set_state_dict(model, state)
    >>> model.predict([[1.0, 2.0, 3.0]]).tolist()
    [[12.0]]

    >>> square = {f"{name}.weight": np.eye(2) for name in ("decoder", "encoder")}
    >>> set_state_dict(Model([layers.Dense(2), layers.Dense(2)]), square)
    Traceback (most recent call last):
    ValueError: state_dict must have names or shapes that give one order, got ['decoder', 'enco...
    """
    modules = _linear(state_dict)
    if order is None:
        names = _in_order(model, modules)
    else:
        if not isinstance(order, tuple | list) or not all(isinstance(name, str) for name in order):
            raise TypeError(f"order must be a list of names, got {reprlib.repr(order)}")
        names = list(order)
        if sorted(names) != sorted(modules):
            raise ValueError(
                f"order must name each of {reprlib.repr(list(modules))} once, got "
                f"{reprlib.repr(names)}"
            )
    set_weights(model, "state_dict", [modules[name] for name in names])


Pair = tuple[str, NDArray[Any], str, NDArray[Any] | None]


def _linear(state_dict: Any) -> dict[str, Pair]:
    """Return the linear layers of a state dict by name: W as (in, out), and b, after their keys."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}")
    modules: dict[str, Pair] = {}
    used = set()
    for key in state_dict:
        if not isinstance(key, str):
            raise TypeError(f"state_dict must have strings as keys, got {key!r}")
        module, _, part = key.rpartition(".")
        if part == "weight":
            bias = f"{module}.bias" if module else "bias"
            b = array_of(bias, state_dict[bias]) if bias in state_dict else None
            modules[module] = key, array_of(key, state_dict[key]).T, bias, b
            used |= {key, bias}
    unused = [key for key in state_dict if key not in used]
    if unused:
        raise ValueError(
            f"state_dict must hold weights and biases of linear layers, got {unused[0]!r}"
        )
    return modules


MOST_TRIES = 10_000
"""How often a layer is tried at a place before a user must say the order."""


def _in_order(model: Any, modules: Mapping[str, Pair]) -> list[str]:
    """Return the names of linear layers in the order in which a model's dense layers take them.

    Raises
    ------
    ValueError
        If neither names nor shapes say which.
    """
    parts = {name: _parts(name) for name in modules}
    names = sorted(modules, key=lambda name: parts[name])
    if all(_comes_before(parts[a], parts[b]) for a, b in pairwise(names)):
        return names
    dense = [model.layers[i] for i in _dense(model)]
    if len(dense) != len(names):
        return names  # which is refused
    earlier = {b: {a for a in names if _comes_before(parts[a], parts[b])} for b in names}
    fan_in = [_row_size(model), *(layer.units for layer in dense[:-1])]

    def candidates(chosen: list[str]) -> list[str]:
        layer, n_inputs = dense[len(chosen)], fan_in[len(chosen)]
        return [
            name
            for name in names
            if name not in chosen
            and earlier[name] <= set(chosen)
            and _fits(modules[name], n_inputs, layer)
        ]

    orders: list[list[str]] = []
    chosen: list[str] = []
    waiting = [candidates(chosen)]
    tries = 0
    while waiting and len(orders) < 2 and tries < MOST_TRIES:
        tries += 1
        if not waiting[-1]:
            waiting.pop()
            del chosen[-1:]
            continue
        chosen.append(waiting[-1].pop(0))
        if len(chosen) == len(dense):
            orders.append(chosen.copy())
            chosen.pop()
        else:
            waiting.append(candidates(chosen))
    if not waiting and len(orders) < 2:
        return orders[0] if orders else names  # if none fits, the shapes will say why
    raise ValueError(
        f"state_dict must have names or shapes that give one order, got {reprlib.repr(names)}: "
        "pass them in order=[...], from the first layer to the last"
    )


def _parts(name: str) -> list[Any]:
    """Return what stands between the numbers of a name, and the numbers, in turn.

    A number is its length and its digits, which compare as numbers do, of any length.
    """
    parts: list[Any] = re.split("([0-9]+)", name)
    for i, digits in enumerate(parts[1::2]):
        plain = digits.lstrip("0")
        parts[2 * i + 1] = len(plain), plain
    return parts


def _comes_before(a: list[Any], b: list[Any]) -> bool:
    """Return whether the first difference of two names is a number, and the first has the less."""
    for i, (one, other) in enumerate(zip(a, b, strict=False)):
        if one != other:
            return i % 2 == 1 and one < other
    return False


def _fits(pair: Pair, n_inputs: int | None, layer: layers.Dense) -> bool:
    """Return whether a linear layer's arrays are those of a dense one."""
    _, w, _, b = pair
    return (
        w.ndim == 2
        and w.shape[0] == (n_inputs or w.shape[0])
        and w.shape[1] == layer.units
        and (b is None or layer.use_bias and b.shape == (layer.units,))
    )


def _row_size(model: Model) -> int | None:
    """Return how many numbers a row of a model has, None where it is not built."""
    return None if model.input_shape is None else math.prod(model.input_shape)


def array_of(key: str, value: Any) -> NDArray[Any]:
    """Return a tensor as an array; PyTorch's may want gradients, lie elsewhere or be bfloat16."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has none
            value = value.float()
        value = value.numpy()
    return array(f"state_dict[{key!r}]", value)


def _dense(model: Any) -> list[int]:
    """Return the places of a model's dense layers, which alone may have weights."""
    if not isinstance(model, Model):
        raise TypeError(f"model must be a cynn Model, got {type(model).__name__}")
    dense = [i for i, layer in enumerate(model.layers) if layer.weight_names()]
    for i in dense:
        if not isinstance(model.layers[i], layers.Dense):
            raise ValueError(
                f"model must have weights in Dense layers only, got {model.layers[i]!r} as "
                f"layers[{i}]"
            )
    return dense


def set_weights(model: Any, name: str, pairs: Sequence[Pair]) -> None:
    """Give a model's dense layers their weights, all or none."""
    dense = _dense(model)
    if len(pairs) != len(dense):
        raise ValueError(
            f"{name} must hold weights of {len(dense)} layers, as the model does, got {len(pairs)}"
        )
    if not pairs:
        return
    first = pairs[0][1]
    if first.ndim != 2 or not first.size:
        shape = first.shape[::-1] if name == "state_dict" else first.shape  # as it came
        raise ValueError(f"{pairs[0][0]} must have two axes, got shape {shape}")
    row = model.input_shape or (first.shape[0],)
    sizes = layers.input_sizes(model.layers, row)
    weights: list[NDArray[Any]] = []
    for i, (w_name, w, b_name, b) in zip(dense, pairs, strict=True):
        layer = model.layers[i]
        shapes = layer.weight_shapes(sizes[i])
        if b is None:
            b = np.zeros(shapes[1] if len(shapes) > 1 else (0,), w.dtype)
        elif len(shapes) < 2:
            raise ValueError(f"layers[{i}] must have a bias for {b_name}, got {layer!r}")
        for part_name, part, shape in zip((w_name, b_name), (w, b), shapes, strict=False):
            if part.shape != shape:
                # a state dict stores W the other way: shapes are told as they came
                transposed = name == "state_dict" and len(shape) == 2
                actual, shape = (
                    (part.shape[::-1], shape[::-1]) if transposed else (part.shape, shape)
                )
                raise ValueError(
                    f"{part_name} must have shape {shape} for layers[{i}], {layer!r}, got {actual}"
                )
            weights.append(part)
    model.build(row)
    model.set_weights(weights)

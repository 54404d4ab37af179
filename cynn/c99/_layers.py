"""What each layer is in C: one entry a layer, given its name there and its weights by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import layers
from ._source import Source

Weights = Mapping[str, NDArray[Any]]


def write_nothing(c: Source, layer: layers.Layer, name: str, weights: Weights) -> None:
    """Write nothing: it acts in training alone, or on shapes."""


def write_dense(c: Source, layer: layers.Dense, name: str, weights: Weights) -> None:
    """``activation(x W + b)``."""
    n = c.width
    own = [c.array(f"{name}_{part}", value) for part, value in weights.items()]
    x, y = c.next(layer.units)
    c.call("dense", x, c.members, n, own[0], own[1] if len(own) > 1 else 0, y, layer.units)
    c.activation(str(layer.activation))


def write_activation(c: Source, layer: layers.Activation, name: str, weights: Weights) -> None:
    """Apply an activation on its own."""
    c.activation(str(layer.activation))


def write_rescale(c: Source, layer: layers.Rescale, name: str, weights: Weights) -> None:
    """Multiply by a number and add a number."""
    c.call("rescale", c.writable(), c.size, c.number(layer.scale), c.number(layer.offset))


def write_normalize(c: Source, layer: layers.Normalize, name: str, weights: Weights) -> None:
    """Subtract the means and divide by the standard deviations."""
    mean = c.array(f"{name}_mean", layer.mean)
    scale = c.array(f"{name}_scale", 1 / np.array(layer.std))
    _columns(c, mean, scale, "0")


def write_scale(c: Source, layer: layers.Scale, name: str, weights: Weights) -> None:
    """Multiply by a factor for each column."""
    _columns(c, "0", c.array(f"{name}_weight", weights["weight"]), "0")


def write_batch_norm(c: Source, layer: layers.BatchNorm, name: str, weights: Weights) -> None:
    """Normalise each column by the running statistics, then scale and shift it."""
    gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in weights.values())
    scale = c.array(f"{name}_scale", gamma / np.sqrt(variance + layer.epsilon))
    _columns(c, c.array(f"{name}_mean", mean), scale, c.array(f"{name}_shift", beta))


def _columns(c: Source, mean: str, scale: str, shift: str) -> None:
    c.call("columns", c.writable(), c.members, c.width, mean, scale, shift)


def write_layer_norm(c: Source, layer: layers.LayerNorm, name: str, weights: Weights) -> None:
    """Normalise each row, then scale and shift it."""
    own = [c.array(f"{name}_{part}", value) for part, value in weights.items()]
    c.call("layer_norm", c.writable(), c.members, c.width, *own, c.number(layer.epsilon))


def write_clip(c: Source, layer: layers.Clip, name: str, weights: Weights) -> None:
    """Keep numbers within limits; what lies beyond the largest number is none."""
    own = []
    for part, value in (("low", layer.low), ("high", layer.high)):
        limits = np.broadcast_to(value, c.width)
        with np.errstate(over="ignore"):
            limits = np.clip(limits, np.finfo(c.real).min, np.finfo(c.real).max)
        own.append(c.array(f"{name}_{part}", limits))
    c.call("clip", c.writable(), c.members, c.width, *own)


def write_parametric(
    c: Source, layer: layers.ParametricActivation, name: str, weights: Weights
) -> None:
    """``x + a (f(x) - x)``."""
    before = c.keep()
    c.activation(str(layer.activation))
    a = c.array(f"{name}_weight", weights["weight"])
    c.call("parametric", before, c.writable(), c.members, c.width, a)


def write_residual(c: Source, layer: layers.Residual, name: str, weights: Weights) -> None:
    """Add what the layers inside give."""
    before = c.keep()
    inner = {f"{name}.{key}": value for key, value in weights.items()}
    write_layers(c, layer.layers, f"{name}.", inner)
    c.call("add", before, c.writable(), c.size)


def write_embedding(c: Source, layer: layers.Embedding, name: str, weights: Weights) -> None:
    """Take a row of a table for each number."""
    x, n, y, m, first = _staying(c, layer, name)
    for column, table in zip(_embedded(layer, n), weights.values(), strict=True):
        size, units = table.shape
        of_column = c.array(f"{name}_table{column}", table)
        c.call(
            "embedding", x, c.members, n, column, of_column, size, units, f"{y} + {first}", m
        )  # fmt: skip
        first += units


def write_periodic(c: Source, layer: layers.PeriodicEmbedding, name: str, weights: Weights) -> None:
    """Waves of each number, and a map of them."""
    x, n, y, m, first = _staying(c, layer, name)
    begin = first
    w, phase = weights["frequency"], weights.get("phase")
    units = weights["bias"].shape[0]
    for j, column in enumerate(_embedded(layer, n)):
        own = [c.array(f"{name}_frequency{column}", w[..., j])]
        own.append("0" if phase is None else c.array(f"{name}_phase{column}", phase[..., j]))
        maps = [
            c.array(f"{name}_{part}{column}", weights[part][..., j]) for part in ("weight", "bias")
        ]
        c.call(
            "periodic", x, c.members, n, column, *own, len(w), *maps, units, f"{y} + {first}", m
        )  # fmt: skip
        first += units
    if layer.activation != "identity":
        c.call("cut", y, c.members, m, begin)


def write_piecewise(
    c: Source, layer: layers.PiecewiseLinearEmbedding, name: str, weights: Weights
) -> None:
    """Bins of each number, and a map of them."""
    x, n, y, m, first = _staying(c, layer, name)
    begin, at, units = first, 0, layer.units
    is_cut = layer.activation != "identity"
    ends = []
    for j, (column, edges) in enumerate(zip(_embedded(layer, n), layer.bins, strict=True)):
        bins = len(edges) - 1
        of_bins = c.array(f"{name}_weight{column}", weights["weight"][at : at + bins])
        bias = c.array(f"{name}_bias{column}", weights["bias"][j])
        own = [c.array(f"{name}_edges{column}", edges), bins, of_bins]
        has_linear = layer.version == "B"
        target = f"{y} + {first}"
        c.call(
            "piecewise", x, c.members, n, column, *own, 0 if has_linear else bias, units, target, m
        )  # fmt: skip
        if has_linear:
            linear = c.array(f"{name}_linear{column}", weights["linear"][j])
            ends.append((x, c.members, n, column, linear, bias, units, target, m))
        at, first = at + bins, first + units
    if is_cut:
        c.call("cut", y, c.members, m, begin)
    for arguments in ends:
        c.call("linear", *arguments)


def _embedded(layer: Any, n: int) -> Sequence[int]:
    return range(n) if layer.columns is None else layer.columns


def _staying(c: Source, layer: Any, name: str) -> tuple[str, int, str, int, int]:
    """Write the columns that stay, in front; return both arrays with their widths, and how many."""
    n = c.width
    (m,) = layer.output_shape((n,))
    embedded = () if getattr(layer, "with_input", False) else _embedded(layer, n)
    staying = [column for column in range(n) if column not in set(embedded)]
    x, y = c.next(m)
    if staying:
        columns = c.integers(f"{name}_staying", staying)
        c.call("take", x, c.members, n, columns, y, m, len(staying))
    return x, n, y, m, len(staying)


def write_members(c: Source, layer: layers.Members, name: str, weights: Weights) -> None:
    """``y[m] = r[m] * x``."""
    scale = c.array(f"{name}_scale", weights["scale"])
    x, y = c.next(c.width, layer.k)
    c.call("members", x, c.width, scale, y, layer.k)


def write_member_affine(c: Source, layer: layers.MemberAffine, name: str, weights: Weights) -> None:
    """``y[m] = f(s[m] * x[m] + b[m])``."""
    own = weights["weight"]
    scale = c.array(f"{name}_scale", own[0]) if layer.use_scale else "0"
    shift = c.array(f"{name}_bias", own[-1]) if layer.use_bias else "0"
    c.call("affine", c.writable(), c.size, scale, shift)
    c.activation(str(layer.activation))


def write_member_dense(c: Source, layer: layers.MemberDense, name: str, weights: Weights) -> None:
    """``y[m] = W[m] @ x[m]``."""
    n, w = c.width, c.array(f"{name}_weight", weights["weight"])
    x, y = c.next(layer.units)
    c.call("heads", x, c.members, n, w, y, layer.units)


LAYERS: dict[type[layers.Layer], Callable[[Source, Any, str, Weights], None]] = {
    layers.Activation: write_activation,
    layers.BatchNorm: write_batch_norm,
    layers.Clip: write_clip,
    layers.Dense: write_dense,
    layers.Dropout: write_nothing,
    layers.Embedding: write_embedding,
    layers.Flatten: write_nothing,
    layers.LayerNorm: write_layer_norm,
    layers.MemberAffine: write_member_affine,
    layers.MemberDense: write_member_dense,
    layers.Members: write_members,
    layers.Normalize: write_normalize,
    layers.ParametricActivation: write_parametric,
    layers.PeriodicEmbedding: write_periodic,
    layers.PiecewiseLinearEmbedding: write_piecewise,
    layers.Residual: write_residual,
    layers.Rescale: write_rescale,
    layers.Scale: write_scale,
}
"""By class: a layer of a user's own is none of them."""


def write_layers(
    c: Source, parts: Sequence[layers.Layer], prefix: str, weights: Weights, first: int = 0
) -> None:
    """Write layers in a row, each by its entry and below a comment that shows it."""
    for i, layer in enumerate(parts, first):
        name = f"{prefix}{i}"
        own = {
            key.removeprefix(f"{name}."): value
            for key, value in weights.items()
            if key.startswith(f"{name}.")
        }
        c.statements.append(f"/* {comment(layer)} */")
        LAYERS[type(layer)](c, layer, name.replace(".", "_"), own)


def comment(value: object) -> str:
    """Return what a comment of C may hold of a value: one line of ASCII that does not end it."""
    text = ascii(value)
    text = text if len(text) <= 90 else f"{text[:87]}..."
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\\n", "")

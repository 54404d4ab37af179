"""The tuned defaults of RealMLP, and the network that they say for a table.

Better by default: strong pre-tuned MLPs and boosted trees on tabular data, NeurIPS 2024. A layer
of the paper (NTK), ``x @ W / sqrt(n) + b``, is under Adam a plain one whose rate is divided by
``sqrt(n)``: Adam's steps do not depend on the size of a gradient. The weight decay of a parameter
is multiplied by its rate's factor twice, as in the authors' pytabkit 1.7.3: these are its figures.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import losses
from ..layers import (
    Dense,
    Dropout,
    Embedding,
    Layer,
    Normalize,
    ParametricActivation,
    PeriodicEmbedding,
    Scale,
)
from ..losses import CrossEntropy, Loss
from ..model import Model
from ..optimizers import AdamW
from ..preprocessing import RobustScale
from ..schedules import CosineLog, FlatCosine
from ..tables import TableEncoder, Target

FRONT_RATE = 6.0
"""The factor of the learning rate of the learned factors of the inputs."""


class Preset(NamedTuple):
    """What a preset says of one task.

    Attributes
    ----------
    learning_rate : float
        The highest of the run.
    activation : str
        That of the hidden layers.
    full : bool
        Whether there are embeddings, parametric activations, dropout, weight decay and first
        weights by the training rows: "td"; else all is as simple as it can be: "td-s".
    dropout, weight_decay, label_smoothing : float
        The first two fall to 0 in the second half of the run.
    recipe : str
        How the columns become numbers; see `cynn.tables.TableEncoder.fit`.
    """

    learning_rate: float
    activation: str
    full: bool
    dropout: float
    weight_decay: float
    label_smoothing: float
    recipe: str


PRESETS = {
    ("td", "classification"): Preset(0.04, "selu", True, 0.15, 0.02, 0.1, "robust"),
    ("td", "regression"): Preset(0.2, "mish", True, 0.15, 0.02, 0.0, "robust"),
    ("td-s", "classification"): Preset(0.04, "selu", False, 0.0, 0.0, 0.1, "robust one-hot"),
    ("td-s", "regression"): Preset(0.07, "mish", False, 0.0, 0.0, 0.0, "robust one-hot"),
}
"""By name and task."""


def layers_of(
    preset: Preset,
    encoder: TableEncoder,
    x: NDArray[Any],
    hidden: tuple[int, ...],
    n_outputs: int,
    activation: str,
) -> list[Layer]:
    """Return the layers for rows of a table.

    Parameters
    ----------
    preset : Preset
        Of which kind they are.
    encoder : TableEncoder
        What made the rows.
    x : ndarray, shape (n, width)
        The rows to train on, encoded.
    hidden : tuple of int
        The units of each hidden layer.
    n_outputs : int
        Those of the last.
    activation : str
        That of the last.

    Returns
    -------
    list of Layer
        From the encoded rows to the outputs.
    """
    numbers, codes = list(encoder.number_columns), encoder.codes
    layers: list[Layer] = list(_scaled(encoder, x))
    width = encoder.width
    if preset.full and codes:
        layers.append(Embedding(list(codes), list(codes.values()), 8))
        kept = [column for column in range(width) if column not in codes]
        numbers = [kept.index(column) for column in numbers]
        width += 7 * len(codes)
    if preset.full and numbers:
        layers.append(PeriodicEmbedding(numbers, learning_rate_factor=0.1, weight_decay_factor=0.1))
        width += 3 * len(numbers)
    layers.append(Scale(learning_rate_factor=FRONT_RATE, weight_decay_factor=FRONT_RATE))
    for units in hidden:
        layers += _block(preset, width, units)
        width = units
    layers.append(_dense(preset, width, n_outputs, activation))
    return layers


def _scaled(encoder: TableEncoder, x: NDArray[Any]) -> list[Layer]:
    """Return the layer that scales what is 0 or 1, such as one-hot columns, as numbers are."""
    others = {*encoder.number_columns, *encoder.codes}
    flags = [column for column in range(encoder.width) if column not in others]
    if not flags:
        return []
    off, on = RobustScale.adapt(x[:, flags]).transform(np.outer([0.0, 1.0], np.ones(len(flags))))
    span = np.where(on > off, on - off, 1.0)  # else it is the same in all rows
    means, stds = np.zeros(encoder.width), np.ones(encoder.width)
    means[flags], stds[flags] = -off / span, 1 / span
    return [Normalize(means.tolist(), stds.tolist())]


def _block(preset: Preset, width: int, units: int) -> list[Layer]:
    if not preset.full:
        return [_dense(preset, width, units, preset.activation)]
    layers = [
        _dense(preset, width, units, "identity"),
        ParametricActivation(preset.activation, learning_rate_factor=0.1, weight_decay_factor=0.1),
    ]
    if preset.dropout:
        layers.append(Dropout(FlatCosine(preset.dropout)))
    return layers


def _dense(preset: Preset, width: int, units: int, activation: str) -> Dense:
    return Dense(
        units,
        activation,
        kernel_initializer="std" if preset.full else "lecun_normal",
        bias_initializer="he+5" if preset.full else "zeros",
        learning_rate_factor={"weight": 1 / math.sqrt(width), "bias": 0.1},
        weight_decay_factor={"weight": math.sqrt(width), "bias": 0.0},
    )


def first_weights(
    preset: Preset, weights: list[NDArray[Any]], names: list[str], seed: int
) -> list[NDArray[Any]]:
    """Return the first weights of "td-s": dense ones normal, biases too, the last layer's zeros.

    Parameters
    ----------
    preset : Preset
        One that is not full.
    weights : list of ndarray
        Those of a model that was built.
    names : list of str
        Their names, such as "layer2.weight".
    seed : int
        What they are drawn by.

    Returns
    -------
    list of ndarray
        Of the same shapes and type.
    """
    rng = np.random.default_rng(seed)
    drawn: list[NDArray[Any]] = []
    last = max(i for i, each in enumerate(weights) if each.ndim == 2)
    for i, (name, each) in enumerate(zip(names, weights, strict=True)):
        if i >= last:
            drawn.append(np.zeros_like(each))
        elif each.ndim == 2:
            scaled = rng.normal(size=each.shape) / math.sqrt(each.shape[0])
            drawn.append(scaled.astype(each.dtype))
        elif name.endswith("bias"):
            drawn.append(rng.normal(size=each.shape).astype(each.dtype))
        else:
            drawn.append(each)
    return drawn


def optimizer_of(preset: Preset) -> AdamW:
    """Return the optimizer of a run.

    Parameters
    ----------
    preset : Preset
        Its rates.

    Returns
    -------
    AdamW
        Its rate goes through four cosines, each twice as long as the one before.
    """
    decay = FlatCosine(preset.weight_decay) if preset.weight_decay else 0.0
    return AdamW(CosineLog(preset.learning_rate), betas=(0.9, 0.95), weight_decay=decay)


def loss_of(preset: Preset, target: Target) -> Loss:
    """Return the loss of a target.

    Parameters
    ----------
    preset : Preset
        Its label smoothing.
    target : Target
        What is learned.

    Returns
    -------
    Loss
        The cross-entropy, or the loss of the standardised target: squared, or of its quantiles.
    """
    if target.task == "classification":
        return CrossEntropy(label_smoothing=preset.label_smoothing)
    return losses.get(target.loss)


def maker(
    preset: Preset,
    encoder: TableEncoder,
    x: NDArray[Any],
    hidden: tuple[int, ...],
    metrics: Sequence[str],
    dtype: DTypeLike = "float32",
) -> Callable[[int], Model]:
    """Return what makes a network for a table.

    Parameters
    ----------
    preset, encoder, x, hidden
        See `layers_of`.
    metrics : sequence of str
        What is measured beside the loss.
    dtype : dtype, default "float32"
        What it computes in.

    Returns
    -------
    callable
        ``make(seed)`` returns a compiled Model that has the table.
    """
    target = encoder.target
    layers = layers_of(preset, encoder, x, hidden, target.n_outputs, target.activation)

    def make(seed: int) -> Model:
        model = Model(layers, dtype=dtype, seed=seed)
        model.compile(optimizer_of(preset), loss_of(preset, target), metrics)
        model.table = encoder
        if not preset.full:
            model.build(encoder.width)
            names = list(model._weight_names())
            model.set_weights(first_weights(preset, model.get_weights(), names, seed))
        return model

    return make

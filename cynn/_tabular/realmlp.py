"""RealMLP: the tuned defaults of a network for tables.

Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on
tabular data, NeurIPS 2024. A layer of the paper (NTK), ``x @ W / sqrt(n) + b``, is under Adam a
plain one whose rate is divided by ``sqrt(n)``: Adam's steps do not depend on the size of a
gradient. The weight decay of a parameter is multiplied by its rate's factor twice, as in the
authors' pytabkit 1.7.3: these are its figures.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from ..model import Model
from ..optimizers import AdamW
from ..preprocessing import RobustScale
from ..schedules import CosineLog, FlatCosine
from ..tables import TableEncoder
from .preset import Preset

FRONT_RATE = 6.0
"""The factor of the learning rate of the learned factors of the inputs."""


@dataclass(frozen=True, kw_only=True)
class RealMLP(Preset):
    """What RealMLP is told of one task: dropout and weight decay fall to 0 in the second half.

    Attributes
    ----------
    activation : str
        That of the hidden layers.
    full : bool
        Whether there are embeddings, parametric activations, dropout, weight decay and first
        weights by the training rows: "td"; else all is as simple as it can be: "td-s".
    """

    activation: str
    full: bool
    hidden: tuple[int, ...] = (256, 256, 256)

    def layers(
        self, encoder: TableEncoder, x: NDArray[Any], n_outputs: int, activation: str
    ) -> list[Layer]:
        """Return the layers for rows of a table; see `Preset.layers`."""
        numbers, codes = list(encoder.number_columns), encoder.codes
        layers: list[Layer] = list(_scaled(encoder, x))
        width = encoder.width
        if self.full and codes:
            layers.append(Embedding(list(codes), list(codes.values()), 8))
            kept = [column for column in range(width) if column not in codes]
            numbers = [kept.index(column) for column in numbers]
            width += 7 * len(codes)
        if self.full and numbers:
            waves = PeriodicEmbedding(numbers, learning_rate_factor=0.1, weight_decay_factor=0.1)
            layers.append(waves)
            width += 3 * len(numbers)
        layers.append(Scale(learning_rate_factor=FRONT_RATE, weight_decay_factor=FRONT_RATE))
        for units in self.hidden:
            layers += self._block(width, units)
            width = units
        layers.append(self._dense(width, n_outputs, activation))
        return layers

    def _block(self, width: int, units: int) -> list[Layer]:
        if not self.full:
            return [self._dense(width, units, self.activation)]
        layers = [
            self._dense(width, units, "identity"),
            ParametricActivation(
                self.activation, learning_rate_factor=0.1, weight_decay_factor=0.1
            ),
        ]
        if self.dropout:
            layers.append(Dropout(FlatCosine(self.dropout)))
        return layers

    def _dense(self, width: int, units: int, activation: str) -> Dense:
        return Dense(
            units,
            activation,
            kernel_initializer="std" if self.full else "lecun_normal",
            bias_initializer="he+5" if self.full else "zeros",
            learning_rate_factor={"weight": 1 / math.sqrt(width), "bias": 0.1},
            weight_decay_factor={"weight": math.sqrt(width), "bias": 0.0},
        )

    def optimizer(self) -> AdamW:
        """Return AdamW, whose rate goes through four cosines, each twice as long as the last."""
        decay = FlatCosine(self.weight_decay) if self.weight_decay else 0.0
        return AdamW(CosineLog(self.learning_rate), betas=(0.9, 0.95), weight_decay=decay)

    def begin(self, model: Model, seed: int) -> None:
        """Give a model of "td-s" its first weights; see `Preset.begin`."""
        if not self.full:
            assert model.table is not None
            model.build(model.table.width)
            names = list(model._weight_names())
            model.set_weights(_simple_weights(model.get_weights(), names, seed))


PRESETS: dict[tuple[str, str], Preset] = {
    (name, task): RealMLP(
        recipe="robust" if full else "robust one-hot",
        activation="mish" if task == "regression" else "selu",
        full=full,
        learning_rate=learning_rate,
        dropout=0.15 if full else 0.0,
        weight_decay=0.02 if full else 0.0,
        label_smoothing=0.0 if task == "regression" else 0.1,
    )
    for name, full, task, learning_rate in (
        ("td", True, "classification", 0.04),
        ("td", True, "regression", 0.2),
        ("td-s", False, "classification", 0.04),
        ("td-s", False, "regression", 0.07),
    )
}
"""By name and task."""


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


def _simple_weights(weights: list[NDArray[Any]], names: list[str], seed: int) -> list[NDArray[Any]]:
    """Return the first weights of "td-s": dense ones normal, biases too, the last layer's zeros."""
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

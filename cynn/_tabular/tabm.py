"""TabM: many networks in one, which share their matrices, for tables.

Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning with parameter-efficient
ensembling, ICLR 2025; the figures are those of the authors' packages tabm 0.0.3 and
rtdl_num_embeddings 0.0.12.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..layers import (
    Dense,
    Dropout,
    Layer,
    MemberAffine,
    MemberDense,
    Members,
    PiecewiseLinearEmbedding,
)
from ..model import Model
from ..optimizers import AdamW
from ..tables import TableEncoder
from .preset import Preset

PIECEWISE = "piecewise"

UNITS = 16
"""Numbers that are learned for a column, of 48 bins."""

AUTO = "auto"

BATCHES = ((2_800, 32), (4_500, 64), (6_400, 128), (32_000, 256), (108_000, 512), (math.inf, 1_024))
"""Below how many rows a mini-batch has how many.

It is Gorishniy's rule in pytabkit 1.7, after the sizes that the paper has for its data sets. Of few
rows, large mini-batches are few steps: a training ends before it has learned.
"""


@dataclass(frozen=True, kw_only=True)
class TabM(Preset):
    """What TabM is told of one task; learning rate, dropout and weight decay stay as they are.

    Attributes
    ----------
    mini : bool
        Whether what is each member's own is the factors of its inputs and its head alone:
        "tabm-mini"; else the factors around each matrix and the biases too.
    k : int
        How many members there are.
    num_embeddings : "piecewise" or None
        Whether quantities are embedded.
    """

    mini: bool
    k: int = 32
    num_embeddings: str | None = PIECEWISE
    recipe: str = "quantile"
    hidden: tuple[int, ...] = (512, 512)
    learning_rate: float = 0.002
    dropout: float = 0.1
    weight_decay: float = 0.0003
    patience: int | None = 16
    batch_size: int | str = AUTO

    def batch_of(self, n: int) -> int:
        """Return the rows of a mini-batch where there are n to train on; see `BATCHES`."""
        if self.batch_size != AUTO:
            return super().batch_of(n)
        return next(size for below, size in BATCHES if n < below)

    def without_embeddings(self) -> "TabM":
        """Return the same for a network that takes numbers as they are, a block deeper."""
        return replace(self, num_embeddings=None, hidden=(512, 512, 512))

    def layers(
        self, encoder: TableEncoder, x: NDArray[Any], n_outputs: int, activation: str
    ) -> list[Layer]:
        """Return the layers for rows of a table; see `Preset.layers`."""
        embedded: list[int] = []
        if self.num_embeddings is not None:
            low, high = x.min(axis=0), x.max(axis=0)
            embedded = [column for column in encoder.number_columns if low[column] < high[column]]
        layers: list[Layer] = []
        if embedded:
            layers.append(PiecewiseLinearEmbedding.adapt(x, embedded, UNITS))
        groups = _groups(encoder, embedded)
        layers.append(Members(self.k, "normal" if embedded else "signs", groups=groups))
        width = sum(groups)
        for i, units in enumerate(self.hidden):
            layers += self._block(width, units, is_first=i == 0)
            width = units
        layers.append(MemberDense(n_outputs, self.k))
        limit = 1 / math.sqrt(width)
        layers.append(MemberAffine(self.k, activation, use_scale=False, limit=limit))
        return layers

    def _block(self, width: int, units: int, is_first: bool) -> list[Layer]:
        layers: list[Layer]
        if self.mini:
            layers = [Dense(units, "relu", kernel_initializer="lecun_uniform")]
        else:
            layers = [] if is_first else [MemberAffine(self.k, use_bias=False)]
            layers += [
                Dense(units, use_bias=False, kernel_initializer="lecun_uniform"),
                MemberAffine(self.k, "relu", limit=1 / math.sqrt(width)),
            ]
        return [*layers, Dropout(self.dropout)] if self.dropout else layers

    def optimizer(self) -> AdamW:
        """Return AdamW, of a constant rate, with limited gradients."""
        return AdamW(self.learning_rate, weight_decay=self.weight_decay, clip_norm=1.0)

    def begin(self, model: Model, seed: int) -> None:
        """Draw the dense layers' weights and biases from ±1 / sqrt(n); see `Preset.begin`."""
        assert model.table is not None
        model.build(model.table.width)
        rng = np.random.default_rng(seed)
        weights = model.get_weights()
        limit = 0.0
        for i, name in enumerate(model._weight_names()):
            layer, _, which = name.partition(".")
            if not isinstance(model.layers[int(layer.removeprefix("layer"))], Dense):
                continue
            if which == "weight":
                limit = 1 / math.sqrt(len(weights[i]))
                weights[i] /= math.sqrt(3)  # "lecun_uniform" has ±sqrt(3 / n)
            else:
                weights[i][:] = rng.uniform(-limit, limit, weights[i].shape)
        model.set_weights(weights)


def _groups(encoder: TableEncoder, embedded: list[int]) -> list[int]:
    """Return how many inputs of the members belong to each column, embedded ones behind others."""
    groups, start = [], 0
    for size in encoder.groups:
        if start not in embedded:
            groups.append(size)
        start += size
    return groups + [UNITS] * len(embedded)


PRESETS: dict[tuple[str, str], Preset] = {
    (name, task): TabM(mini=name == "tabm-mini")
    for name in ("tabm", "tabm-mini")
    for task in ("classification", "regression")
}
"""By name and task."""

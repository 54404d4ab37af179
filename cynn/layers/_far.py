"""Which layers bring an input to size that lies far from 0."""

from collections.abc import Sequence

import numpy as np

from .._specs.digits import FAR, middle_of_rescaling
from ._dropout import Dropout
from ._flatten import Flatten
from ._layer import Layer
from ._scaling import Normalize, Rescale

SCALING = (Flatten, Dropout, Rescale, Normalize)
"""The layers that bring an input to size, and those that leave its numbers as they are."""


def far_layers(parts: Sequence[Layer]) -> int:
    """Return how many layers at the start bring to size what float32 loses the digits of.

    0 where the input is not far from 0: see `cynn._specs.digits`.
    """
    scale, offset, count = 1.0, 0.0, 0
    for layer in parts:
        if not isinstance(layer, SCALING):
            break
        count += 1
        if isinstance(layer, Rescale):
            scale, offset = scale * layer.scale, offset * layer.scale + layer.offset
        if isinstance(layer, Normalize):
            mean, std = np.array(layer.mean), np.array(layer.std)
            far = np.maximum(abs(mean), abs(mean - offset)) > FAR * std
            return count if far.any() else 0
    return count if middle_of_rescaling(scale, offset) else 0

"""Make data ready: flatten, rescale, one-hot rows, columns scaled, a part set aside to validate on.

Plain NumPy. A model can flatten and rescale by itself, with the layers of those names.
"""

# What is done to rows, and what is learned of columns. Imports `_specs`; imported from `_model`
# upwards.

from typing import TYPE_CHECKING

from .._specs.names import missing_from
from ._columns import QuantileNormal, RobustScale
from ._rows import MAX_INFERRED, flatten, one_hot, rescale, train_validation_split

__all__ = [
    "MAX_INFERRED",
    "QuantileNormal",
    "RobustScale",
    "flatten",
    "one_hot",
    "rescale",
    "train_validation_split",
]

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)

"""Tables: files with named columns, read and turned into the numbers that a network takes."""

# Reading, columns, targets, the encoder. Imports `_specs` and `metrics`; imported by `model`,
# `storage` and `cli`.

from ._columns import MAX_CATEGORIES, Categorical, Column, LeftOut, Numeric
from ._encoder import TableEncoder, from_dict
from ._reading import read
from ._targets import Classes, Quantity, Target, target_of

__all__ = [
    "MAX_CATEGORIES",
    "Categorical",
    "Classes",
    "Column",
    "LeftOut",
    "Numeric",
    "Quantity",
    "TableEncoder",
    "Target",
    "from_dict",
    "read",
    "target_of",
]

"""Tables: files with named columns, read and turned into the numbers that a network takes."""

from .columns import MAX_CATEGORIES, Categorical, Column, LeftOut, Numeric
from .encoder import TableEncoder, from_dict
from .reading import read
from .targets import Classes, Quantity, Target, target_of

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

"""Tables: files with named columns, read and turned into the numbers that a network takes."""

# Reading, columns, targets, the encoder. Imports `_specs`, `_runtime`, `_data` and `metrics`;
# imported by `model`, `storage` and `cli`.

from typing import TYPE_CHECKING

from .._specs.names import missing_from
from ._coded import Coded
from ._columns import MAX_CATEGORIES, Categorical, Column, LeftOut, Numeric
from ._dates import Dates
from ._encoder import TableEncoder, from_dict
from ._frames import mark_missing
from ._quantiles import QuantileNumeric
from ._reading import read
from ._rows import rows_with
from ._table import Table
from ._targets import Classes, Quantity, Target, target_of

__all__ = [
    "MAX_CATEGORIES",
    "Categorical",
    "Classes",
    "Coded",
    "Column",
    "Dates",
    "LeftOut",
    "Numeric",
    "QuantileNumeric",
    "Quantity",
    "Table",
    "TableEncoder",
    "Target",
    "from_dict",
    "mark_missing",
    "read",
    "rows_with",
    "target_of",
]

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)

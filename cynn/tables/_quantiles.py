"""A column of numbers whose order alone counts."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import choice, flag
from ..preprocessing import QuantileNormal
from ._columns import Number, text


class QuantileNumeric(Number):
    """A column of numbers, made normally distributed by the quantiles of those that were seen.

    Parameters
    ----------
    name : str
        The column's name.
    quantiles : sequence of float
        Its quantiles in even steps, from the least number to the largest: finite, ascending; see
        `cynn.preprocessing.QuantileNormal`. A missing number counts as their middle.
    missing : bool, default False
        Whether a second number says, by 1, that the first was missing.
    decimal, unit : str, default ""
        How texts write the numbers; see `Numeric`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Numeric : A column of numbers whose distances count.

    Examples
    --------
    >>> out = np.zeros((4, 2))
    >>> column = QuantileNumeric("income", [0, 10, 1000], missing=True)
    >>> column.encode(np.array([10, 505, 1e9, np.nan]), out)
    >>> out.round(3)
    array([[0.   , 0.   ],
           [0.674, 0.   ],
           [5.199, 0.   ],
           [0.   , 1.   ]])
    """

    def __init__(
        self,
        name: str,
        quantiles: Any,
        missing: bool = False,
        decimal: str = "",
        unit: str = "",
    ) -> None:
        self.name = text("name", name)
        self.quantiles = QuantileNormal([quantiles]).quantiles[0]
        self.missing = flag("missing", missing)
        self.decimal = choice("decimal", decimal, ("", ".", ","))
        self.unit = text("unit", unit, "")

    @cached_property
    def _to_normal(self) -> QuantileNormal:
        return QuantileNormal([self.quantiles])

    def _scaled(self, floats: NDArray[np.float64]) -> NDArray[np.float64]:
        infinite = np.isinf(floats)
        known = np.where(infinite, 0.0, floats)[:, np.newaxis]
        return np.where(infinite, floats, self._to_normal.transform(known)[:, 0])

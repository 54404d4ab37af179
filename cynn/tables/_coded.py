"""Categories as numbers for an embedding: the place of each among those that are known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._columns import Categorical


class Coded(Categorical):
    """A column of texts as one number: 1 for the first category, 2 for the second, and so on.

    A `cynn.layers.Embedding` makes of it numbers that are learned. Zero stands for any other text,
    and for a missing one: of a column of very many categories those that are rare may be left out,
    which are then learned together.

    Parameters
    ----------
    name : str
        The column's name.
    categories : sequence of str
        The texts it knows; see `Categorical`.
    decimal, unit : str, default ""
        How texts write numbers, those of `categories` too; see `Numeric`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Categorical : A number for each category.

    Examples
    --------
    >>> out = np.zeros((3, 1))
    >>> Coded("colour", ["green", "red"]).encode(np.array(["red", "blue", "green"]), out)
    >>> out.ravel()
    array([2., 0., 1.])
    """

    @property
    def width(self) -> int:
        """One number."""
        return 1

    @property
    def input_names(self) -> tuple[str, ...]:
        """The column."""
        return (self.name,)

    @property
    def n_codes(self) -> int:
        """How many numbers it may be: that of a text that it does not know is among them."""
        return len(self.categories) + 1

    def encode(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the numbers of a column's values; see `Column.encode`."""
        words = self._texts(values)
        places = {word: self._places.of(word) for word in set(words)}
        out[:, 0] = np.array([places[word] + 1 for word in words], np.float64)

    def encode_value(self, value: Any, out: NDArray[Any], start: int) -> None:
        """Write the number of one value; see `Column.encode_value`."""
        place = self._place(value)
        if place is None:
            return super(Categorical, self).encode_value(value, out, start)  # an error
        out[start] = place + 1
        return None

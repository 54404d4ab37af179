"""The encoder of a table: its columns, its target, and the way from rows to numbers."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs import spec
from .._specs.spec import Spec
from .._specs.validation import real_dtype
from ._columns import Categorical, Column, LeftOut, Numeric, column_of
from ._targets import Classes, Quantity, Target, column, target_of


class TableEncoder(Spec):
    """What a network needs to know of a table: which columns it takes, and how, and its target.

    Parameters
    ----------
    columns : sequence of Numeric and Categorical
        What the network gets, in order.
    target : Classes or Quantity
        What it says.
    left_out : sequence of LeftOut, optional
        What else the table had.

    Attributes
    ----------
    width : int
        The numbers that a row becomes: the inputs of the network.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, there is no column, or two columns have the same name.

    See Also
    --------
    TableEncoder.fit : Make the encoder from a table.

    Examples
    --------
    >>> table = {"size": np.array([1.0, 3.0, 5.0, 3.0]), "kind": np.array(["a", "b", "b", "a"])}
    >>> encoder = TableEncoder.fit(table, "kind")
    >>> encoder
    TableEncoder((Numeric('size', 3.0, 1.4142135623730951),), Classes('kind', ('a', 'b')))
    >>> encoder.encode(table)[:2]
    array([[-1.4142135],
           [ 0.       ]], dtype=float32)
    """

    def __init__(self, columns: Any, target: Target, left_out: Any = ()) -> None:
        self.columns: tuple[Column, ...] = _all("columns", columns, Column)
        if not isinstance(target, Target):
            raise TypeError(f"target must be Classes or Quantity, got {target!r:.100}")
        self.target = target
        self.left_out: tuple[LeftOut, ...] = _all("left_out", left_out, LeftOut)
        if not self.columns:
            why = "".join(f"; {each.name!r}: {each.why}" for each in self.left_out[:5])
            raise ValueError(
                f"columns must be one at least beside the target {target.name!r}, got none{why}"
            )
        names = [each.name for each in self.columns]
        if len({target.name, *names}) <= len(names):
            raise ValueError(
                f"columns must have different names, other than the target's, got {names}"
            )

    @classmethod
    def fit(
        cls,
        table: Mapping[str, NDArray[Any]],
        target: str | Target,
        *,
        rows: NDArray[Any] | None = None,
        categorical: Iterable[str] = (),
        ignore: Iterable[str] = (),
    ) -> "TableEncoder":
        """Build the encoder of a table.

        Parameters
        ----------
        table : mapping of str to ndarray, shape (n,)
            The columns by name, as `read` gives them.
        target : str or Target
            The target's name, or what `target_of` gave.
        rows : ndarray of int, optional
            The rows that means, deviations and categories are taken from; by default all.
        categorical : iterable of str, optional
            Columns whose numbers are names of categories.
        ignore : iterable of str, optional
            Columns to leave out.

        Returns
        -------
        TableEncoder
            Its `left_out` names the columns that the network does not get, and why.

        Raises
        ------
        ValueError
            If a column that was named is not there, or none is left to learn from.
        """
        chosen = target_of(table, target) if isinstance(target, str) else target
        n = len(column(table, chosen.name))
        if rows is None:
            rows = np.arange(n)
        names, ignored = set(categorical), set(ignore)
        for name in sorted(names | ignored):
            column(table, name)
        columns = [
            LeftOut(name, "as requested")
            if name in ignored
            else column_of(name, _of_length(name, column(table, name), n), rows, name in names)
            for name in table
            if name != chosen.name
        ]
        kept = [part for part in columns if isinstance(part, Column)]
        return cls(kept, chosen, [part for part in columns if isinstance(part, LeftOut)])

    @property
    def width(self) -> int:
        """How many numbers a row gives: the inputs of the network."""
        return sum(each.width for each in self.columns)

    def encode(
        self, table: Mapping[str, NDArray[Any]], dtype: DTypeLike = "float32"
    ) -> NDArray[Any]:
        """Return the rows of a table as a network takes them.

        Parameters
        ----------
        table : mapping of str to ndarray, shape (n,)
            The columns by name; those that the encoder does not know are ignored.
        dtype : dtype, default "float32"
            Or float64.

        Returns
        -------
        ndarray of dtype, shape (n, width)
            Finite numbers.

        Raises
        ------
        ValueError
            If a column is missing, or holds what it cannot.
        """
        arrays = [column(table, each.name) for each in self.columns]
        n = len(arrays[0])
        for each, values in zip(self.columns, arrays, strict=True):
            _of_length(each.name, values, n)
        x = np.zeros((n, self.width), real_dtype(dtype))
        start = 0
        for each, values in zip(self.columns, arrays, strict=True):
            each.encode(values, x[:, start : start + each.width])
            start += each.width
        return x


def from_dict(data: Any) -> TableEncoder:
    """Return an encoder from its ``to_dict()``.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments; it may come from a file.

    Returns
    -------
    TableEncoder
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If it is no dictionary, or names an unknown class or an argument that is unknown, missing or
        invalid.

    Examples
    --------
    >>> encoder = TableEncoder([Numeric("size", 0.0, 1.0)], Classes("kind", ["a", "b"]))
    >>> from_dict(encoder.to_dict()) == encoder
    True
    """
    classes = [TableEncoder, Numeric, Categorical, LeftOut]
    encoder: Spec = spec.from_dict(data, classes, [Classes, Quantity])
    if not isinstance(encoder, TableEncoder):
        raise ValueError(f"a table must be a TableEncoder, got {type(encoder).__name__}")
    return encoder


def _of_length(name: str, values: NDArray[Any], n: int) -> NDArray[Any]:
    if values.shape != (n,):
        raise ValueError(f"column {name!r:.100} must have shape ({n},), got shape {values.shape}")
    return values


def _all(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, tuple | list) or not all(isinstance(each, kind) for each in value):
        raise TypeError(f"{name} must be a sequence of {kind.__name__}, got {value!r:.100}")
    return tuple(value)

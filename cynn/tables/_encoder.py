"""The encoder of a table: its columns, its target, and the way from rows to numbers."""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs import spec
from .._specs.spec import Spec
from .._specs.validation import choice, real_dtype
from ._choosing import RECIPES, column_of
from ._coded import Coded
from ._columns import Categorical, Column, LeftOut, Number, Numeric
from ._dates import Dates
from ._frames import columns_of, is_scalar, mark_missing
from ._numbers import decimal_of
from ._quantiles import QuantileNumeric
from ._table import Table, renumbered
from ._targets import Classes, Quantity, Target, column, target_beside
from ._values import is_called_missing, missing_names, missing_texts, without


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
    missing : sequence of str, optional
        What else stands for a missing value, in any column; see `mark_missing`.

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
    >>> encoder.encode({"size": 4.0})
    array([[0.70710677]], dtype=float32)
    """

    def __init__(self, columns: Any, target: Target, left_out: Any = (), missing: Any = ()) -> None:
        self.columns: tuple[Column, ...] = _all("columns", columns, Column)
        if not isinstance(target, Target):
            raise TypeError(f"target must be Classes or Quantity, got {target!r:.100}")
        self.target = target
        self.left_out: tuple[LeftOut, ...] = _all("left_out", left_out, LeftOut)
        self.missing = missing_texts(missing)
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
        table: Any,
        target: str | Target,
        *,
        rows: NDArray[Any] | None = None,
        categorical: Iterable[str] = (),
        ignore: Iterable[str] = (),
        missing: Iterable[str] = (),
        decimal: str | None = None,
        recipe: str = "standard",
    ) -> "TableEncoder":
        """Build the encoder of a table.

        Parameters
        ----------
        table : mapping of str to array_like, shape (n,), or a data frame
            The columns by name, as `read` gives them; or a frame of pandas or polars, a table of
            pyarrow, or a list of rows, each a mapping of names to values.
        target : str or Target
            The target's name, or what `target_of` gave.
        rows : ndarray of int, optional
            The rows that means, deviations and categories are taken from, and the target where it
            is named; by default all. Others may lack the target.
        categorical : iterable of str, optional
            Columns whose numbers are names of categories.
        ignore : iterable of str, optional
            Columns to leave out.
        missing : iterable of str, optional
            What else stands for a missing value, beside an empty text, "NA", "#N/A" and the like;
            in any case. The encoder keeps it.
        decimal : "." or ",", optional
            What stands before the decimals of texts, where the columns do not tell it.
        recipe : {"standard", "robust", "robust one-hot", "quantile"}, default "standard"
            How columns become numbers. "standard": by mean and standard deviation, and a number
            for each category. "robust", for RealMLP: by median and quartiles, with a `clip` of 3;
            a number for each of up to 8 categories, and of more a code, for an
            `cynn.layers.Embedding`, that those share which stand there once; and dates. "robust
            one-hot" has dates too, but no codes. "quantile", for TabM: as that, but numbers by
            `QuantileNumeric`.

        Returns
        -------
        TableEncoder
            Its `left_out` names the columns that the network does not get, and why.

        Raises
        ------
        ValueError
            If a column that was named is not there, none is left to learn from, or a column holds
            numbers and, in few rows, something else: it names the first.
        """
        missing = missing_texts(missing)
        chosen_recipe = RECIPES[choice("recipe", recipe, RECIPES)]
        named = columns_of(table)
        arrays = mark_missing({name: column(named, name) for name in named}, missing)
        elsewhere = cache(lambda: decimal_of(arrays.values()))
        if not isinstance(target, str | Target):
            raise TypeError(f"target must be the name of a column or a Target, got {target!r:.100}")
        known = column(arrays, target if isinstance(target, str) else target.name)
        n = len(known)
        rows = np.arange(n) if rows is None else np.asarray(rows)
        if isinstance(target, Target):
            chosen = target
        else:
            with renumbered(np.arange(1, n + 1)[rows]):
                chosen = target_beside(known[rows], target, None, decimal, elsewhere)
        names, ignored = set(categorical), set(ignore)
        for name in sorted(names | ignored):
            column(arrays, name)
            if name == chosen.name:
                option = "ignore" if name in ignored else "categorical"
                raise ValueError(
                    f"{option} must name other columns than the target, got {name!r:.100}: leave "
                    "it out; task='classification' (--task classification) makes classes of numbers"
                )
        index = table.index - names if isinstance(table, Table) else frozenset()
        columns = [
            LeftOut(name, "as requested")
            if name in ignored
            else LeftOut(name, "it is the index of a data frame")
            if name in index
            else column_of(
                name,
                _of_length(name, values, n),
                rows,
                name in names,
                decimal,
                elsewhere,
                chosen_recipe,
            )
            for name, values in arrays.items()
            if name != chosen.name
        ]
        kept = [part for part in columns if isinstance(part, Column)]
        left_out = [part for part in columns if isinstance(part, LeftOut)]
        return cls(kept, chosen, left_out, missing)

    @cached_property
    def width(self) -> int:
        """How many numbers a row gives: the inputs of the network."""
        return sum(each.width for each in self.columns)

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """What each number of a row is called: by its column, and its category."""
        return tuple(name for each in self.columns for name in each.input_names)

    @cached_property
    def number_columns(self) -> tuple[int, ...]:
        """Which numbers of a row are quantities: those of numeric columns, and parts of dates."""
        places: list[int] = []
        for each, start in self._starts:
            if isinstance(each, Dates):
                places += range(start, start + len(each.parts))
            elif isinstance(each, Number):
                places.append(start)
        return tuple(places)

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """How many numbers in a row say one thing together: those of a category do."""
        return tuple(size for each in self.columns for size in each.groups)

    @cached_property
    def codes(self) -> dict[int, int]:
        """Which numbers of a row are codes, each with how many of these there are."""
        return {start: each.n_codes for each, start in self._starts if isinstance(each, Coded)}

    def encode(self, table: Any, dtype: DTypeLike = "float32") -> NDArray[Any]:
        """Return the rows of a table as a network takes them.

        Parameters
        ----------
        table : mapping of str to array_like, shape (n,), or to a scalar, or a data frame
            The columns by name; those that the encoder does not know are ignored. Also a row, of
            scalars by name, a list of such rows, a frame of pandas or polars, a table of pyarrow.
        dtype : dtype, default "float32"
            Or float64.

        Returns
        -------
        ndarray of dtype, shape (n, width)
            Finite numbers.

        Raises
        ------
        TypeError
            If it is no table.
        ValueError
            If a column is missing, or holds what it cannot.

        See Also
        --------
        TableEncoder.unseen : What stands for nothing, as it was not in the training set.
        """
        dtype = real_dtype(dtype)
        try:
            rows = self._rows(table)
            if rows is not None:
                return self._encode_rows(rows, dtype)
        except (KeyError, IndexError, ValueError):
            pass  # said below, with the row
        arrays = self._arrays(table)
        n = len(arrays[0])
        x = np.zeros((n, self.width), dtype)
        for (each, start), values in zip(self._starts, arrays, strict=True):
            each.encode(_of_length(each.name, values, n), x[:, start : start + each.width])
        return x

    def unseen(self, table: Any) -> dict[str, dict[str, int]]:
        """Return the values of categorical columns that were not in the training set.

        `encode` gives zeros for them, as for a missing value.

        Parameters
        ----------
        table : mapping of str to array_like, shape (n,), or a data frame
            As for `encode`.

        Returns
        -------
        dict of str to dict of str to int
            By the name of the column, where there are any, the values with how often each stands
            there, the most frequent first.

        Raises
        ------
        TypeError, ValueError
            As `encode` does.

        Examples
        --------
        >>> table = {"zip": ["10115", "10117", "10115"], "rent": [10.5, 12.5, 11.5]}
        >>> encoder = TableEncoder.fit(table, "rent", categorical=["zip"])
        >>> encoder.unseen({"zip": np.array([10115.0, 80331.0])})
        {'zip': {'80331': 1}}
        """
        unseen = {
            each.name: each.unseen(values)
            for each, values in zip(self.columns, self._arrays(table), strict=True)
            if isinstance(each, Categorical)
        }
        return {name: counts for name, counts in unseen.items() if counts}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.columns)

    @cached_property
    def _starts(self) -> tuple[tuple[Column, int], ...]:
        """The columns, each with the place of its first number."""
        starts = np.cumsum([0, *(each.width for each in self.columns)]).tolist()
        return tuple(zip(self.columns, starts, strict=False))

    @cached_property
    def _missing_names(self) -> frozenset[str]:
        return missing_names(self.missing)

    def _arrays(self, table: Any) -> list[NDArray[Any]]:
        """Return the values of each column, without those that are called missing."""
        names = self._names
        named = columns_of(table, names)
        if is_scalar(named.get(names[0], ())):
            named = columns_of([named], names)
        return [without(column(named, name), self.missing) for name in names]

    def _rows(self, table: Any) -> Any:
        """Return rows, if there are such or the table has one only, and None otherwise."""
        if isinstance(table, Mapping):
            first = table.get(self.columns[0].name, ())
            if is_scalar(first):
                return [table]
            return [_first_row(table, self._names)] if len(first) == 1 else None
        if isinstance(table, list | tuple) and all(isinstance(row, Mapping) for row in table):
            return table
        return None

    def _encode_rows(self, rows: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return rows one by one: the short way, in microseconds."""
        x = np.zeros((len(rows), self.width), dtype)
        names = self._missing_names
        for row, out in zip(rows, x, strict=True):
            for each, start in self._starts:
                value = row[each.name]
                if names and is_called_missing(value, names):
                    value = None
                each.encode_value(value, out, start)
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
    classes = [TableEncoder, Numeric, QuantileNumeric, Categorical, Coded, Dates, LeftOut]
    encoder: Spec = spec.from_dict(data, classes, [Classes, Quantity])
    if not isinstance(encoder, TableEncoder):
        raise ValueError(f"a table must be a TableEncoder, got {type(encoder).__name__}")
    return encoder


def _first_row(table: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the one row of columns of NumPy's, or raise IndexError."""
    row = {}
    for name in names:
        values = table[name]
        if type(values) is not np.ndarray or values.shape != (1,):
            raise IndexError
        value = values.item()
        narrow = type(value) is float and values.itemsize < 8  # its text is not that of a float
        row[name] = values[0] if narrow else value
    return row


def _of_length(name: str, values: NDArray[Any], n: int) -> NDArray[Any]:
    if values.shape != (n,):
        raise ValueError(f"column {name!r:.100} must have shape ({n},), got shape {values.shape}")
    return values


def _all(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, tuple | list) or not all(isinstance(each, kind) for each in value):
        raise TypeError(f"{name} must be a sequence of {kind.__name__}, got {value!r:.100}")
    return tuple(value)

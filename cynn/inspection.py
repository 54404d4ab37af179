"""What a network has learned of a table: which columns it needs, and how it uses each.

Numbers, for those who want them as such; `cynn.plots.importance` and `cynn.plots.dependence` draw
them. A model of a table needs nothing else for it; an estimator is asked as scikit-learn's are.
"""

# Imports `ensemble` and below; imported by `plots`.

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._specs.validation import array, choice, integer, shown
from .ensemble import Ensemble
from .model import Model
from .tables import Categorical, Classes, Dates, Quantity, TableEncoder
from .tables._columns import Number
from .tables._dates import dates
from .tables._frames import array_of, columns_of
from .tables._targets import column
from .tables._values import numbers

__all__ = ["Dependence", "Importance", "partial_dependence", "permutation_importance"]

MOST_ROWS = 1_000
"""Over so many rows, evenly out of all, a dependence is averaged."""


class Importance(NamedTuple):
    """How much each column of a table matters to a model.

    Parameters
    ----------
    names : tuple of str
        The columns.
    drops : ndarray of float64, shape (n_columns, n_repeats)
        By how much the score fell each time that the column was shuffled.
    score : float
        That of the table as it is.
    measure : str
        What the score is: "accuracy", "R2", or an estimator's "score".

    See Also
    --------
    permutation_importance : Compute it.

    Examples
    --------
    >>> Importance(("size",), np.array([[0.2, 0.4]]), 0.9, "accuracy").means.round(2)
    array([0.3])
    """

    names: tuple[str, ...]
    drops: NDArray[np.float64]
    score: float
    measure: str

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean of the drops of each column."""
        means: NDArray[np.float64] = self.drops.mean(axis=1)
        return means


class Dependence(NamedTuple):
    """What a model says on average where all rows have the same value in one column.

    Parameters
    ----------
    name : str
        The column.
    values : ndarray, shape (n_points,)
        Numbers or dates, ascending, or categories.
    means : ndarray of float64, shape (n_points, n_outputs)
        The mean probability of each class, or the mean prediction.
    outputs : tuple of str
        The classes, or what is predicted.

    See Also
    --------
    partial_dependence : Compute it.

    Examples
    --------
    >>> Dependence("size", np.array([1.0, 2.0]), np.array([[3.0], [5.0]]), ("price",)).outputs
    ('price',)
    """

    name: str
    values: NDArray[Any]
    means: NDArray[np.float64]
    outputs: tuple[str, ...]


def permutation_importance(
    model: Any, table: Any, y: Any = None, *, n_repeats: int = 5, seed: int = 0
) -> Importance:
    """Measure by how much the score falls where the values of one column are shuffled.

    Take rows that were not trained on. Where two columns say the same, either may look as if it did
    not matter.

    Parameters
    ----------
    model : Model, Ensemble or estimator
        With a `table`; or fitted, with scikit-learn's ``score``.
    table : mapping of str to array_like, data frame, or array_like, shape (n, n_columns)
        At least two rows. Of a model of a table as `TableEncoder.encode` takes them, of an
        estimator as its ``score``.
    y : array_like, shape (n,), optional
        The targets, as the table writes them; of a model of a table by default the target's column.
    n_repeats : int, default 5
        How often each column is shuffled.
    seed : int, default 0
        Fixes the orders.

    Returns
    -------
    Importance
        The drops of the score: of a model of a table of the accuracy, or of R2.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    RuntimeError
        If the model has no table, or no weights yet.

    See Also
    --------
    cynn.plots.importance : Plot it.

    References
    ----------
    Breiman, Random forests, Machine Learning 45, 2001.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> rng = np.random.default_rng(0)
    >>> size, noise = rng.normal(size=(2, 200))
    >>> table = {"size": size, "noise": noise, "price": 3 * size}
    >>> model = Model([Dense(1)], seed=0)
    >>> model.compile("adam", "mse")
    >>> model.table = TableEncoder.fit(table, "price")
    >>> y = model.table.target.encode(table["price"])
    >>> history = model.fit(model.table.encode(table), y, epochs=100, verbose=0)
    >>> found = permutation_importance(model, table)
    >>> found.names, bool(found.means[0] > 1 > found.means[1] + 0.9)
    (('size', 'noise'), True)
    """
    repeats, rng = integer("n_repeats", n_repeats), np.random.default_rng(integer("seed", seed, 0))
    names, n, score, measure = _scored(model, table, y)
    if n < 2:
        raise ValueError(f"table must have at least two rows to shuffle, got {n}")
    base = score(None, None)
    drops = [
        [base - score(place, rng.permutation(n)) for _ in range(repeats)]
        for place in range(len(names))
    ]
    return Importance(names, np.array(drops, np.float64).reshape(len(names), -1), base, measure)


def partial_dependence(model: Any, table: Any, name: str, *, n_points: int = 30) -> Dependence:
    """Compute what a model says on average where all rows have the same value in one column.

    Of a table of more than 1,000 rows that many are averaged over, evenly out of all. Values that
    no row could have, as other columns go with this one, count like any other.

    Parameters
    ----------
    model : Model, Ensemble or estimator
        With a `table`; or fitted, with scikit-learn's ``predict_proba`` or ``predict``.
    table : mapping of str to array_like, data frame, or array_like, shape (n, n_columns)
        The other columns, of one row at least; see `permutation_importance`.
    name : str
        The column; of an array "x0", "x1" and so on.
    n_points : int, default 30
        At most how many values are tried: those that there are, or, of more numbers, evenly from
        the 5th percentile to the 95th; of more categories the most frequent.

    Returns
    -------
    Dependence
        The values, and the mean prediction for each.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    RuntimeError
        If the model has no table, or no weights yet.

    See Also
    --------
    cynn.plots.dependence : Plot it.

    References
    ----------
    Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29,
    2001.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> table = {"size": [1.0, 2.0, 3.0], "price": [10.0, 20.0, 30.0]}
    >>> model = Model([Dense(1)], seed=0)
    >>> model.build(1)
    >>> model.set_weights([[[1.0]], [0.0]])
    >>> model.table = TableEncoder.fit(table, "price")
    >>> partial_dependence(model, table, "size").means.round(1).ravel()
    array([10., 20., 30.])
    """
    most = integer("n_points", n_points, 2)
    if isinstance(model, Model | Ensemble):
        return _dependence_of_table(model, table, name, most)
    return _dependence_of_estimator(model, table, name, most)


# -- models of a table


def _encoder_of(model: Model | Ensemble) -> TableEncoder:
    if model.table is None:
        raise RuntimeError(
            "model must be of a table here, got one without: set its table to a TableEncoder"
        )
    return model.table


def _blocks(encoder: TableEncoder) -> dict[str, slice]:
    """Return which numbers of a row come of which column."""
    ends = np.cumsum([each.width for each in encoder.columns]).tolist()
    pairs = zip(encoder.columns, ends, strict=True)
    return {each.name: slice(end - each.width, end) for each, end in pairs}


Score = Callable[[int | None, NDArray[np.intp] | None], float]
"""The score with the column of that place in another order."""


def _scored(model: Any, table: Any, y: Any) -> tuple[tuple[str, ...], int, Score, str]:
    """Return the columns of a table, its rows, how it is scored, and what the score is called."""
    if not isinstance(model, Model | Ensemble):
        return _scored_by_estimator(model, table, y)
    encoder = _encoder_of(model)
    target, blocks = encoder.target, list(_blocks(encoder).values())
    x = encoder.encode(table, model.dtype)
    true = target.encode(column(columns_of(table), target.name) if y is None else array_of(y))
    if len(true) != len(x):
        raise ValueError(f"y must have the {len(x)} rows of the table, got {len(true)}")
    measure = "accuracy" if isinstance(target, Classes) else "R2"

    def score(place: int | None, order: NDArray[np.intp] | None) -> float:
        rows = x
        if place is not None:
            rows = x.copy()
            rows[:, blocks[place]] = x[order, blocks[place]]
        return target.measure(true, model.predict(rows))[measure]

    return tuple(each.name for each in encoder.columns), len(x), score, measure


def _dependence_of_table(model: Model | Ensemble, table: Any, name: str, most: int) -> Dependence:
    encoder = _encoder_of(model)
    name = choice("name", name, [each.name for each in encoder.columns])
    each = next(each for each in encoder.columns if each.name == name)
    x = _some(encoder.encode(table, model.dtype))
    grid = _grid_of(each, column(columns_of(table), name), most)
    points = np.zeros((len(grid), each.width), model.dtype)
    each.encode(grid, points)
    target, block = encoder.target, _blocks(encoder)[name]

    def predicted(point: NDArray[Any]) -> NDArray[np.float64]:
        rows = x.copy()
        rows[:, block] = point
        outputs = model.predict(rows)
        if isinstance(target, Quantity):
            outputs = target.middle(outputs)[:, np.newaxis]
        mean: NDArray[np.float64] = outputs.mean(axis=0, dtype=np.float64)
        return mean

    outputs = target.labels if isinstance(target, Classes) else (target.name,)
    return Dependence(name, grid, np.stack([predicted(point) for point in points]), outputs)


def _some(rows: NDArray[Any]) -> NDArray[Any]:
    """Return as many rows as an average is taken over."""
    if not len(rows):
        raise ValueError("table must have at least one row, got none")
    some: NDArray[Any] = rows[_spread(len(rows), MOST_ROWS)]
    return some


def _spread(n: int, most: int) -> NDArray[np.intp]:
    """Return the places of at most `most` of `n` things, evenly out of all."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.intp))


def _grid_of(each: Any, given: Any, most: int) -> NDArray[Any]:
    """Return the values of a column that are tried."""
    values = array_of(given)
    if isinstance(each, Number):
        floats = numbers(values, each.notation)
        if floats is not None:
            return _grid_of_numbers(each.name, floats, most)
    instants = dates(values) if isinstance(each, Dates) else None
    if instants is not None:
        known = np.unique(instants[~np.isnat(instants)])
        return known[_spread(len(known), most)] if len(known) else instants[:1]
    words = [word for word in values.tolist() if word is not None and word == word]
    if isinstance(each, Categorical):
        places = [place for place in map(each._place, words) if place is not None and place >= 0]
        words = [each.categories[place] for place in places] or list(each.categories)
    return _most_frequent(words, most)


def _grid_of_numbers(name: str, floats: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    known = floats[np.isfinite(floats)]
    if not len(known):
        raise ValueError(f"table must have a number in column {name!r:.100}, got none")
    different = np.unique(known)
    if len(different) <= most:
        return different
    low, high = np.percentile(known, [5, 95])
    return np.linspace(low, high, most) if high > low else different[_spread(len(different), most)]


def _most_frequent(words: Iterable[Any], most: int) -> NDArray[Any]:
    """Return different values, the most frequent first, as texts are: objects."""
    counts: dict[Any, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts, key=lambda word: -counts[word])[:most]
    grid = np.empty(len(ordered), object)
    grid[:] = ordered
    return grid


# -- estimators


def _columns(table: Any) -> tuple[tuple[str, ...], list[Any], int]:
    """Return the names of the columns that an estimator is given, their values, the rows."""
    if isinstance(table, np.ndarray) and table.dtype.names is None or _is_list(table):
        rows = np.asarray(table)
        if rows.ndim != 2:
            raise ValueError(f"table must have shape (n, n_columns), got shape {rows.shape}")
        return tuple(f"x{i}" for i in range(rows.shape[1])), list(rows.T), len(rows)
    named = {str(name): array_of(values) for name, values in columns_of(table).items()}
    lengths = {values.shape for values in named.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1:
        raise ValueError(f"table must have columns of one length, got shapes {sorted(lengths)}")
    return tuple(named), list(named.values()), next(iter(lengths))[0]


def _is_list(table: Any) -> bool:
    """Return whether it is rows of values, not rows by name."""
    return isinstance(table, list | tuple) and bool(table) and isinstance(table[0], list | tuple)


def _with_column(table: Any, columns: list[Any], place: int, values: NDArray[Any]) -> Any:
    """Return the table with other values in one column, of the kind that it is."""
    if isinstance(table, np.ndarray) and table.dtype.names is None or _is_list(table):
        rows = np.array(table)
        rows[:, place] = values
        return rows
    if hasattr(table, "assign"):  # pandas
        return table.assign(**{table.columns[place]: values})
    names = list(columns_of(table))
    return dict(zip(names, columns, strict=True)) | {names[place]: values}


def _scored_by_estimator(model: Any, table: Any, y: Any) -> tuple[Any, int, Score, str]:
    if isinstance(model, type) or not callable(getattr(model, "score", None)):
        raise TypeError(f"model must be a Model, an Ensemble or an estimator, got {shown(model)}")
    if y is None:
        raise ValueError("y must be given for an estimator, got None")
    names, columns, n = _columns(table)

    def score(place: int | None, order: NDArray[np.intp] | None) -> float:
        if place is None:
            return float(model.score(table, y))
        return float(model.score(_with_column(table, columns, place, columns[place][order]), y))

    return names, n, score, "score"


def _dependence_of_estimator(model: Any, table: Any, name: str, most: int) -> Dependence:
    predict = getattr(model, "predict_proba", getattr(model, "predict", None))
    if isinstance(model, type) or not callable(predict):
        raise TypeError(f"model must be a Model, an Ensemble or an estimator, got {shown(model)}")
    names, columns, n = _columns(table)
    if not n:
        raise ValueError("table must have at least one row, got none")
    place = names.index(choice("name", name, names))
    values = columns[place]
    if values.dtype.kind in "iuf":
        grid = _grid_of_numbers(name, values.astype(np.float64), most).astype(values.dtype)
        grid = np.unique(grid)
    else:
        grid = _most_frequent([each for each in values.tolist() if each == each], most)
    means = []
    for value in grid:
        same = np.full(n, value, values.dtype if values.dtype.kind != "U" else object)
        outputs = array("predictions", predict(_with_column(table, columns, place, same)))
        means.append(outputs.reshape(n, -1).mean(axis=0, dtype=np.float64))
    n_outputs = len(means[0])
    classes = getattr(model, "classes_", None)
    outputs_named = (
        tuple(map(str, classes))
        if classes is not None and len(classes) == n_outputs
        else ("prediction",)
        if n_outputs == 1
        else tuple(f"output {i}" for i in range(n_outputs))
    )
    return Dependence(name, grid, np.stack(means), outputs_named)

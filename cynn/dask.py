"""Dask arrays and data frames, block after block, for what learns from one part at a time.

Dask comes with the extra ``cynn-learn[dask]``; docs/dask.md shows its use.
"""

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._specs.names import explained
from ._specs.validation import integer, shown


class Blocks:
    """The blocks of Dask collections that lie side by side, computed when they are asked for.

    Dask computes a block, with whichever scheduler is in use, while the one before it is learned
    from: two are in this process's memory at a time. Each pass begins anew.

    Parameters
    ----------
    *collections : dask.array.Array, dask.dataframe.DataFrame or dask.dataframe.Series
        With the same rows: inputs, targets, and perhaps weights.
    batch_size : int, optional
        Cuts the rows of each block into batches of so many, the last of a block with what is left,
        for ``Model.fit``. By default a block comes whole, for ``partial_fit``.
    seed : int, optional
        At least 0. The order of the blocks is drawn from it, another one in each pass, and where
        there are batches that of the rows within a block too. By default they come as they lie.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the collections do not have the same rows. What Dask
        knows only when it has computed a block is an error there.
    ImportError
        If Dask is not installed.

    Notes
    -----
    Columns that an array has in several blocks are brought together, and an array whose blocks have
    other lengths than the first collection's is cut anew. Blocks without rows, as a filter may
    leave them, are passed over.

    Examples
    --------
    >>> import dask.array as da  # doctest: +SKIP
    >>> x, y = da.zeros((10, 3), chunks=(4, 3)), da.zeros(10, chunks=4)  # doctest: +SKIP
    >>> [(x.shape, y.shape) for x, y in Blocks(x, y)]  # doctest: +SKIP
    [((4, 3), (4,)), ((4, 3), (4,)), ((2, 3), (2,))]
    """

    @explained
    def __init__(
        self, *collections: Any, batch_size: int | None = None, seed: int | None = None
    ) -> None:
        self._compute = _dask().compute
        self._batch_size = None if batch_size is None else integer("batch_size", batch_size)
        self._seed = None if seed is None else integer("seed", seed, 0)
        self._passes = 0
        if not collections:
            raise TypeError("collections must be one at least, got none")
        self._collections = _aligned(collections)
        self._n_blocks = len(_lengths(self._collections[0]))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Return what all collections have in each block, or batch, as `zip` would."""
        numbers = np.arange(self._n_blocks)
        rng = None
        if self._seed is not None:
            rng = np.random.default_rng([self._seed, self._passes])
            rng.shuffle(numbers)
        self._passes += 1
        return self._iterate(numbers, rng)

    def _iterate(self, numbers: Any, rng: np.random.Generator | None) -> Iterator[tuple[Any, ...]]:
        context = contextvars.copy_context()  # a scheduler may be chosen in it
        with ThreadPoolExecutor(1, "cynn-blocks") as executor:
            pending = [executor.submit(context.run, self._block, number) for number in numbers[:1]]
            for next_number in [*numbers[1:], None]:
                block = pending.pop().result()
                if next_number is not None:
                    pending.append(executor.submit(context.run, self._block, next_number))
                yield from self._batches(block, rng)

    def _block(self, number: int) -> tuple[Any, ...]:
        """Compute a block of each collection, what arrays or frames have in common once."""
        parts: list[Any] = [None] * len(self._collections)
        for kind in (True, False):  # apart: together Dask would warn, and optimize neither
            places = [i for i, c in enumerate(self._collections) if _is_array(c) == kind]
            pieces = [_partition(self._collections[i], number) for i in places]
            for i, part in zip(places, self._compute(*pieces), strict=True):
                parts[i] = part
        lengths = [part.shape[0] for part in parts]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"collections must have the same rows, got {_joined(lengths)} in block {number}"
            )
        return tuple(parts)

    def _batches(
        self, block: tuple[Any, ...], rng: np.random.Generator | None
    ) -> Iterator[tuple[Any, ...]]:
        n = block[0].shape[0]
        if n == 0:
            return
        if self._batch_size is None:
            yield block
            return
        rows = np.arange(n)
        if rng is not None:
            rng.shuffle(rows)
        for first in range(0, n, self._batch_size):
            batch = rows[first : first + self._batch_size]
            yield tuple(
                array.iloc[batch] if hasattr(array, "iloc") else array[batch] for array in block
            )


def predict_blocks(predict: Callable[[Any], Any], collection: Any) -> Any:
    """Return the predictions for a Dask collection, each block computed where its rows are.

    Blocks without rows, as a filter may leave them, give none: scikit-learn's estimators refuse
    them.

    Parameters
    ----------
    predict : callable
        Gives an array of predictions, a row for each, for a block of rows: ``model.predict`` of a
        `cynn.Model` or an estimator, or ``predict_proba``. It is asked once, here, for two rows of
        no meaning, to learn the shape and the type of what it gives.
    collection : dask.array.Array or dask.dataframe.DataFrame
        The rows.

    Returns
    -------
    dask.array.Array
        Not computed yet, with a block for each of the collection's.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described. What `predict` raises for a block comes when that is
        computed.
    ImportError
        If Dask is not installed.

    See Also
    --------
    Blocks : Train on a collection.

    Examples
    --------
    >>> import dask.array as da  # doctest: +SKIP
    >>> x = da.ones((10, 3), chunks=(4, 3))  # doctest: +SKIP
    >>> predict_blocks(model.predict, x[x[:, 0] > 1]).compute().shape  # doctest: +SKIP
    (0, 2)
    """
    if not callable(predict):
        raise TypeError(f"predict must be a function such as model.predict, got {shown(predict)}")
    dask = _dask()
    import dask.array as arrays

    rows = _whole_rows(collection, 0)
    if not _is_array(rows) and getattr(rows, "ndim", 2) != 2:
        raise TypeError(
            f"collection must be a Dask array or data frame, got a {type(collection).__name__}"
        )
    trial = np.asarray(predict(_sample(rows)))
    if trial.ndim == 0 or len(trial) != 2:
        raise ValueError(f"predict must return a row for each of 2, got shape {trial.shape}")
    empty = trial[:0]
    held = dask.delayed(predict, pure=False)  # once in the graph, not with each block
    part = dask.delayed(_predict_block, pure=False)
    blocks = rows.to_delayed()
    predictions = [
        arrays.from_delayed(part(held, block, empty), (n, *empty.shape[1:]), empty.dtype)
        for block, n in zip(
            blocks.ravel() if _is_array(rows) else blocks, _lengths(rows), strict=True
        )
    ]
    return arrays.concatenate(predictions, allow_unknown_chunksizes=True)


def _sample(rows: Any) -> Any:
    """Return two rows of the collection's form, without a look at its own."""
    if _is_array(rows):
        return np.ones((2, *rows.shape[1:]), rows.dtype)
    frame = rows._meta_nonempty
    return frame.iloc[[0, 0]]


def _predict_block(predict: Callable[[Any], Any], block: Any, empty: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(predict(block)) if block.shape[0] else empty


def _dask() -> Any:
    """Return the module, or say how to install it."""
    try:
        import dask
    except ImportError as error:
        wanted = "pip install 'cynn-learn[dask]'"
        raise ImportError(f"blocks of Dask collections need Dask: {wanted}") from error
    return dask


def _aligned(collections: tuple[Any, ...]) -> list[Any]:
    """Return the collections with the same rows in each block, as far as that is known."""
    aligned = [_whole_rows(collection, i) for i, collection in enumerate(collections)]
    lengths = [_lengths(collection) for collection in aligned]
    totals = [sum(each) for each in lengths]
    if len({total for total in totals if total == total}) > 1:
        raise ValueError(f"collections must have the same rows, got {_joined(totals)}")
    for i, each in enumerate(lengths):
        if each == lengths[0]:
            continue
        if totals[0] == totals[i]:
            aligned[i] = aligned[i].rechunk({0: lengths[0]})
        elif len(each) != len(lengths[0]):
            counts = _joined([len(each) for each in lengths])
            raise ValueError(
                f"collections must have the same number of blocks, got {counts}: where lengths are "
                "not known, x.to_dask_array(lengths=True) and x.compute_chunk_sizes() find them"
            )
    return aligned


def _whole_rows(collection: Any, place: int) -> Any:
    """Return a collection of which each block has all columns."""
    from dask.utils import is_dataframe_like, is_series_like

    if _is_array(collection):
        if collection.ndim == 0:
            raise ValueError(f"collection {place} must have rows, got a single number")
        split = [axis for axis in range(1, collection.ndim) if collection.numblocks[axis] > 1]
        return collection.rechunk(dict.fromkeys(split, -1)) if split else collection
    if hasattr(type(collection), "partitions"):
        if is_dataframe_like(collection) or is_series_like(collection):
            return collection
    raise TypeError(
        "collections must be Dask arrays, data frames or series, got "
        f"{type(collection).__name__} as collection {place}"
    )


def _lengths(collection: Any) -> tuple[float, ...]:
    """Return the number of rows of each block, NaN where it is unknown."""
    if _is_array(collection):
        return tuple(collection.chunks[0])
    n_blocks: int = collection.npartitions
    return (np.nan,) * n_blocks


def _is_array(collection: Any) -> bool:
    return hasattr(type(collection), "chunks")  # an object of dask.delayed has any attribute


def _partition(collection: Any, number: int) -> Any:
    pieces = collection.blocks if _is_array(collection) else collection.partitions
    return pieces[int(number)]


def _joined(numbers: list[Any]) -> str:
    return ", ".join("unknown" if n != n else str(int(n)) for n in numbers)

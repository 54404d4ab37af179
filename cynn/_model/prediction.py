"""A model in use: what it gives for rows, and how good that is."""

from __future__ import annotations  # as in `cynn.model`

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._data.inputs import parts
from .._runtime.access import shared
from .._runtime.progress import Verbose, checked_verbose, measured_line
from .._runtime.threads import get_num_threads
from ..metrics import Metric
from ..tables import TableEncoder
from . import loops
from .inspection import Inspected


class Predicting(Inspected):
    """The part of `Model` that predicts, and measures its predictions."""

    metrics: list[Metric]
    table: TableEncoder | None

    @shared
    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        verbose: Verbose = 0,
    ) -> dict[str, float]:
        """Measure the model.

        Parameters
        ----------
        x : array_like or scipy.sparse, shape (n, ...)
            The rows.
        y : array_like, shape (n, ...)
            The targets, as the loss takes them.
        sample_weight : array_like, shape (n,), optional
            The weight of each row; finite, not negative.
        verbose : "auto", 0, 1 or 2, default 0
            Whether to print the result as well: unless it is 0.

        Returns
        -------
        dict of str to float
            ``loss`` and each metric; the weighted means over the rows. NaN where there are none.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        RuntimeError
            If the model is not compiled, has no weights yet, or is being trained in another thread.
        """
        self._expect_compiled()
        data = loops.batches_of(self, x, y, sample_weight, self._built_shape())
        measures = loops.Measures(self.metrics)
        loops.evaluate(self._network, data, measures, get_num_threads(), self.dtype)
        result = measures.result()
        if checked_verbose(verbose) != 0:
            print(measured_line(result))
        return result

    @shared
    def predict(
        self, x: ArrayLike, batch_size: int | None = None, *, verbose: Verbose = 0
    ) -> NDArray[Any]:
        """Return the model's outputs.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            The rows. A row's outputs do not depend on the other rows, to the bit; NaN in a row
            gives NaN.
        batch_size : int, optional
            How many rows to work on at a time, where not all that is made of them on the way, such
            as a conversion of their type, fits into memory. It changes no bit of the result.
        verbose : "auto", 0, 1 or 2, default 0
            Taken as Keras's is; a prediction shows nothing.

        Returns
        -------
        ndarray, shape (n, n_outputs)
            Of the model's dtype.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold rows of the model's shape.
        RuntimeError
            If the model has no weights yet, or is being trained in another thread.
        """
        if not isinstance(verbose, int) or verbose != 0:
            checked_verbose(verbose)
        if batch_size is not None:
            return np.concatenate([self.predict(part) for part in parts("x", x, batch_size)])
        rows = loops.rows_of(self._plan, "x", x, self.dtype, self._built_shape())
        return loops.predict(self._network, rows, get_num_threads, self.dtype)

    def predict_rows(self, rows: Any) -> NDArray[Any]:
        """Return what the model says of rows of a table, in the words and units of the table.

        Parameters
        ----------
        rows : sequence of mapping of str to scalar, mapping, or data frame
            Rows, each with a value for every column that the model takes; or whatever else
            `TableEncoder.encode` takes: one row, columns by name, a frame of pandas or polars. The
            target may be left out.

        Returns
        -------
        ndarray, shape (n,)
            The labels of classes, as the table writes them, or quantities, float64.

        Raises
        ------
        RuntimeError
            If the model's `table` is not set, or it has no weights yet.
        TypeError, ValueError
            If `rows` is no table, a column is missing or holds what it cannot; or an output is NaN.

        See Also
        --------
        cynn.tables.TableEncoder : What the model's `table` is. Probabilities of all classes, in the
            order of ``model.table.target.labels``, are
            ``model.predict(model.table.encode(rows, model.dtype))``.

        Examples
        --------
        >>> from cynn import Model, optimizers
        >>> from cynn.layers import Dense
        >>> from cynn.tables import TableEncoder
        >>> table = {"weight": [150, 120] * 30, "fruit": ["apple", "banana"] * 30}
        >>> model = Model([Dense(2, "softmax")], seed=0)
        >>> model.compile(optimizers.SGD(0.5), "cross_entropy")
        >>> model.table = TableEncoder.fit(table, "fruit")
        >>> y = model.table.target.encode(table["fruit"])
        >>> history = model.fit(model.table.encode(table), y, epochs=10, verbose=0)
        >>> model.predict_rows([{"weight": 155}, {"weight": 118.5}]).tolist()
        ['apple', 'banana']
        """
        if self.table is None:
            raise RuntimeError(
                "model must be of a table for predict_rows, got one without: set its table to a "
                "TableEncoder, or call predict"
            )
        return self.table.target.decode(self.predict(self.table.encode(rows, self.dtype)))

    def predict_batches(self, batches: Iterable[ArrayLike]) -> Iterator[NDArray[Any]]:
        """Return the outputs of each batch as it comes, for more rows than fit into memory.

        Parameters
        ----------
        batches : iterable of array_like
            Each as for `predict`; the next is asked for when its outputs are.

        Returns
        -------
        iterator of ndarray
            What `predict` gives for each.

        Raises
        ------
        TypeError
            If `batches` is no iterable. What `predict` raises comes with the batch.

        Examples
        --------
        >>> from cynn import Model
        >>> from cynn.layers import Dense
        >>> model = Model([Dense(2)], seed=0)
        >>> model.build(3)
        >>> [y.shape for y in model.predict_batches(np.ones((n, 3)) for n in (4, 1))]
        [(4, 2), (1, 2)]
        """
        if not isinstance(batches, Iterable):
            raise TypeError(f"batches must be an iterable of arrays, got {type(batches).__name__}")
        return map(self.predict, batches)

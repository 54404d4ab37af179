"""Looking into a model: what its layers give, and what its input would have to become."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import layers
from .._data.sparse import is_sparse
from .._runtime.access import shared
from .._runtime.threads import get_num_threads
from .._specs.names import explained
from .._specs.validation import integer
from . import loops, summary
from .arrays import Learned
from .layerwise import LayerByLayer
from .plan import Plan
from .weights import flat


class Inspected(Learned):
    """The part of `Model` that shows what is inside."""

    loss: Any
    optimizer: Any
    _kernels: Any
    _plan: Plan
    _input_shape: tuple[int, ...] | None

    def _expect_compiled(self) -> None:
        raise NotImplementedError

    @shared
    def layer_outputs(self, x: ArrayLike) -> list[NDArray[Any]]:
        """Return what each layer makes of the rows; the last is what `predict` gives.

        Behind `cynn.layers.Members` it is what they make of each member's, and `predict` gives the
        mean.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            As for `predict`, but not sparse.

        Returns
        -------
        list of ndarray
            An array for each layer, of shape (n, ...) and of the model's dtype; behind k members of
            shape (n, k, ...).

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold rows of the model's shape.
        RuntimeError
            If the model has no weights yet, or is being trained in another thread.

        Examples
        --------
        >>> from cynn import Model
        >>> from cynn.layers import Activation, Dense
        >>> model = Model([Dense(2), Activation("relu")], seed=0)
        >>> model.build(2)
        >>> model.set_weights([np.eye(2), [0, 0]])
        >>> [y.tolist() for y in model.layer_outputs([[-1, 1]])]
        [[[-1.0, 1.0]], [[0.0, 1.0]]]
        """
        rows = self._dense_rows(x)
        numbers = flat(self.get_weights(), self.dtype)
        state = flat(self.get_state(), self.dtype)
        return outputs_by_layer(
            self._kernels, self.layers, numbers, state, rows, self._built_shape()
        )

    @shared
    def input_gradient(
        self, x: ArrayLike, y: ArrayLike | None = None, *, output: int | None = None
    ) -> NDArray[Any]:
        """Return how the loss of each row, or one of its outputs, changes with the row's numbers.

        Its magnitude is called saliency: where it is large, the model looks.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            As for `predict`, but not sparse.
        y : array_like, optional
            The targets, as the loss takes them: the gradient is that of the row's loss.
        output : int, optional
            Or the number of an output, from 0: the gradient is that of this number of `predict`.

        Returns
        -------
        ndarray, of the shape of `x`
            Of the model's dtype.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or both of `y` and `output` are given, or neither.
        RuntimeError
            If the model has no weights yet, no loss where `y` is given, or is being trained in
            another thread.

        References
        ----------
        Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks: visualising image
        classification models and saliency maps, ICLR workshop 2014.

        Examples
        --------
        >>> from cynn import Model
        >>> from cynn.layers import Dense
        >>> model = Model([Dense(2)], dtype="float64", seed=0)
        >>> model.build(3)
        >>> model.set_weights([[[1, 2], [3, 4], [5, 6]], [0, 0]])
        >>> model.input_gradient([[1, 1, 1]], output=1)
        array([[2., 4., 6.]])
        """
        if (y is None) == (output is None):
            got = "neither" if y is None else "both"
            raise ValueError(f"exactly one of y and output must be given, got {got}")
        rows = self._dense_rows(x)
        targets = None
        if y is not None:
            self._expect_compiled()
            targets = loops.batches_of(self, rows, y, None, rows.shape[1:]).y
        gradient = gradient_by_row(self._network, rows, targets, output, self.dtype)
        return gradient.reshape(np.shape(x))

    def _dense_rows(self, x: Any) -> NDArray[Any]:
        if is_sparse(x):
            raise TypeError("x must be an array here, got a sparse matrix: pass x.toarray()")
        rows: Any = loops.rows_of(self._plan, "x", x, self.dtype, self._built_shape())
        dense: NDArray[Any] = rows
        return dense

    @explained
    def summary(self) -> None:
        """Print a table of the layers: what each gives and how many parameters it has."""
        print(summary.table(self.layers, self._input_shape))

    def _repr_html_(self) -> str:
        """Return the table of `summary` for a notebook."""
        shape = self._input_shape
        rows = "" if shape is None else f", rows of shape {shape}"
        how = f", {self.optimizer!r:.60}, {self.loss!r:.40}" if self.loss is not None else ""
        caption = f"{type(self).__name__} of {self.dtype.name}{rows}{how}"
        return summary.page(caption, self.layers, shape)


def outputs_by_layer(
    kernels: Any,
    parts: Sequence[layers.Layer],
    numbers: NDArray[Any],
    state: NDArray[Any],
    rows: Any,
    input_shape: tuple[int, ...],
) -> list[NDArray[Any]]:
    """Return what each layer makes of rows.

    Parameters
    ----------
    kernels : module
        A target.
    parts : sequence of Layer
        The layers.
    numbers : ndarray
        Their weights, one after the other.
    state : ndarray
        Their running statistics, in the same way.
    rows : ndarray
        What goes in, as the kernels read it.
    input_shape : tuple of int
        The shape of one row of the input.

    Returns
    -------
    list of ndarray
        For each layer an array (rows, ...) of its output's shape, of k members (rows, k, ...).
    """
    way = LayerByLayer(kernels, numbers, state, rows)
    shapes, outputs = layers.output_shapes(parts, input_shape), []
    for layer, shape in zip(parts, shapes, strict=True):
        made = way.through(layer)
        members = (way.members,) if way.members > 1 else ()
        outputs.append(made.reshape(len(rows), *members, *shape))
    return outputs


def gradient_by_row(
    network: Any, rows: Any, targets: Any, output: int | None, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return how each row's loss, or without targets its output of that number, changes with it."""
    direction = None
    if targets is None:
        index = integer("output", output, 0)
        if index >= network.n_outputs:
            raise ValueError(f"output must be less than {network.n_outputs}, got {index}")
        direction = np.zeros((len(rows), network.n_outputs), dtype)
        direction[:, index] = 1
    gradient = np.empty((len(rows), network.n_inputs), dtype)
    for part in loops.slices(network, len(rows)):
        x = loops.read(rows[part], network)
        y = None if targets is None else targets[part]
        network.input_gradient(
            x, y, None if direction is None else direction[part], gradient[part], get_num_threads()
        )
    return gradient

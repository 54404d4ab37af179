"""What the user hands to a model, as the kernels read it: rows, weights, validation data."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, choice, integer, rows
from .sparse import SparseInput, is_sparse

DIRECT = frozenset((np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64)))
"""What the kernels gather as it is; anything else is converted first."""

FINITE_BLOCK = 1 << 20  # numbers looked at together: a block's copy and mask stay small


class Converted:
    """Rows of a file that the kernels cannot read as they lie: converted when they are taken.

    Parameters
    ----------
    rows : ndarray, shape (n, ...)
        Numbers of any real type.
    dtype : dtype
        What to convert to.
    """

    def __init__(self, rows: NDArray[Any], dtype: np.dtype[Any]) -> None:
        self._rows, self.dtype = rows, dtype
        self.shape = (len(rows), math.prod(rows.shape[1:]))

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Take some rows, by a slice or by their numbers."""
        with np.errstate(over="ignore"):  # `expect_trainable` finds it
            converted: NDArray[Any] = self._rows[rows].astype(self.dtype)
        return converted.reshape(len(converted), self.shape[1])


def row_array(
    name: str, x: Any, dtype: np.dtype[Any], input_shape: tuple[int, ...], flattens: bool
) -> NDArray[Any] | SparseInput | Converted:
    """Return rows of numbers as a matrix, without a copy where the kernels can read it as it is.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    x : array_like or scipy.sparse, shape (n, ...)
        What came.
    dtype : dtype
        What to convert to where the type is none of `DIRECT`.
    input_shape : tuple of int
        The shape that a row must have.
    flattens : bool
        Whether the model takes a row of any shape with as many numbers.

    Returns
    -------
    ndarray, shape (n, numbers in a row), SparseInput or Converted
        Of a type in `DIRECT`, native byte order, aligned, any strides.

    Raises
    ------
    TypeError, ValueError
        If `x` does not hold numbers, or its rows have another shape.
    """
    if (  # what needs nothing done to it goes the short way: a prediction takes microseconds
        type(x) is np.ndarray
        and x.dtype in DIRECT
        and len(shape := x.shape) == 2
        and shape[1:] == input_shape
        and x.flags.aligned
    ):
        return x
    if type(x) is not np.ndarray and is_sparse(x):
        sparse = SparseInput(name, x, dtype)
        columns = math.prod(input_shape)
        if sparse.shape[1] != columns or not (flattens or len(input_shape) == 1):
            raise ValueError(f"{name} must have shape (n, {columns}), got {x.shape}")
        return sparse
    values = array(name, x)
    shape = values.shape[1:]
    size = math.prod(shape)
    fits = shape == input_shape or flattens and size == math.prod(input_shape)
    if values.ndim < 2 or not fits:
        wanted = ", ".join(["n", *map(str, input_shape or ("...",))])
        hint = ""
        if values.ndim > 0 and values.shape in (input_shape, (values.size,)):
            hint = f": give {name}[np.newaxis] for one row"
        if values.ndim == 1:
            hint += f", {name}[:, np.newaxis] for rows of one number"
        raise ValueError(f"{name} must have shape ({wanted}), got {values.shape}{hint}")
    if size == 0:
        raise ValueError(f"{name} must have at least one number in a row, got shape {values.shape}")
    direct = values.dtype in DIRECT and values.dtype.isnative and values.flags.aligned
    as_it_lies = direct and (values.ndim == 2 or values.flags.c_contiguous)
    if not as_it_lies and _in_a_file(values):
        return Converted(values, dtype)  # a file may be larger than memory
    if not direct:
        with np.errstate(over="ignore"):  # `expect_trainable` finds it
            values = values.astype(dtype)
    return values if values.ndim == 2 else values.reshape(len(values), size)


def parts(name: str, x: Any, batch_size: Any) -> list[Any]:
    """Cut rows into parts of so many, at least one part; sparse rows, which are small, into one.

    Raises
    ------
    TypeError, ValueError
        If `batch_size` is no positive integer, or `x` does not hold numbers.
    """
    size = integer("batch_size", batch_size)
    if is_sparse(x):
        return [x]
    values = array(name, x)
    if values.ndim < 2:  # `row_array` refuses it
        return [values]
    return [values[start : start + size] for start in range(0, len(values) or 1, size)]


def _in_a_file(x: Any) -> bool:
    """Return whether an array is one of ``np.memmap``, or a view of one."""
    while isinstance(x, np.ndarray) and not isinstance(x, np.memmap):
        x = x.base
    return isinstance(x, np.memmap)


def expect_trainable(
    name: str, x: NDArray[Any] | SparseInput | Converted, dtype: np.dtype[Any]
) -> None:
    """Refuse no rows at all, and what is no finite number in `dtype`: it would spoil the weights.

    Raises
    ------
    ValueError
        If it is so; the message names the first bad row.
    """
    if len(x) == 0:
        raise ValueError(f"{name} must have at least one row, got shape {x.shape}")
    if isinstance(x, SparseInput):
        if not np.isfinite(x.values).all():
            raise ValueError(
                f"{name} must hold numbers that are finite in {dtype}, got NaN or infinity"
            )
        return
    if x.dtype.kind != "f":
        return
    block = max(1, FINITE_BLOCK // x.shape[1])
    for start in range(0, len(x), block):
        with np.errstate(over="ignore"):
            part = x[start : start + block]
            finite = np.isfinite(part.astype(dtype, copy=False))
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            raise ValueError(
                f"{name} must hold numbers that are finite in {dtype}, got "
                f"{part[row, column].item()} in row {start + row}, column {column}"
            )


def weight_array(name: str, weight: Any, n: int, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Return the rows' weights, finite and not negative, or None where all are one.

    Raises
    ------
    TypeError, ValueError
        If there is not one for each of `n` rows, one is negative or not finite, or all are 0.
    """
    if weight is None:
        return None
    wanted = "finite numbers that are not negative"
    weights = rows(name, weight, 1, dtype, 0.0, math.inf, wanted)[:, 0]
    if len(weights) != n:
        raise ValueError(
            f"{name} must have shape ({n},), a weight for each row, got {weights.shape}"
        )
    if n and not weights.any():
        raise ValueError(f"{name} must hold a weight above 0, got zeros only")
    _expect_divisor(name, weights)
    return np.ascontiguousarray(weights)


def _expect_divisor(name: str, weight: NDArray[Any]) -> None:
    """Refuse weights so small that a batch has none to divide by, or whose sum overflows."""
    least = np.finfo(weight.dtype).tiny
    small = (weight > 0) & (weight < least)
    if small.any():
        row = int(small.argmax())
        raise ValueError(
            f"{name} must hold zeros and numbers of at least {least:.3g}, got {weight[row]:.3g} in "
            f"row {row}"
        )
    with np.errstate(over="ignore"):
        total = weight.sum(dtype=np.float64)
    if not math.isfinite(total):
        raise ValueError(f"{name} must have a finite sum, got weights up to {weight.max():.3g}")


def class_weight_array(
    class_weight: Any,
    classes: NDArray[Any],
    n_classes: int,
    weight: NDArray[Any] | None,
    dtype: Any,
) -> NDArray[Any]:
    """Return what each row counts: its class's weight times its own.

    Parameters
    ----------
    class_weight : mapping of int to float, sequence of float, or "balanced"
        The weight of each class; classes that a mapping leaves out count 1. "balanced": ``n / (k *
        rows of the class)`` with k the classes that there are, as in scikit-learn.
    classes : ndarray of int, shape (n,)
        Each row's class.
    n_classes : int
        Classes are below it.
    weight : ndarray, shape (n,), or None
        The rows' own weights.
    dtype : dtype
        Of the result.

    Raises
    ------
    TypeError, ValueError
        If `class_weight` is something else, or leaves only weights of 0.
    """
    wanted = "finite numbers that are not negative"
    if len(classes) and classes.max() >= n_classes:  # of labels that no loss has checked
        raise ValueError(
            f"class_weight must have a weight for each class, got {n_classes} and the label "
            f"{classes.max()}"
        )
    if isinstance(class_weight, str):
        choice("class_weight", class_weight, ("balanced",))
        per_class = balanced(np.bincount(classes, minlength=n_classes))
    else:
        if isinstance(class_weight, Mapping):
            table: list[Any] = [1.0] * n_classes
            for label, value in class_weight.items():
                index = integer("a label in class_weight", label, 0)
                if index >= n_classes:
                    raise ValueError(
                        f"class_weight must have labels from 0 to {n_classes - 1} as keys, "
                        f"got {index}"
                    )
                table[index] = value
            class_weight = table
        per_class = rows("class_weight", class_weight, 1, np.float64, 0.0, math.inf, wanted)[:, 0]
        if len(per_class) != n_classes:
            raise ValueError(f"class_weight must have {n_classes} numbers, got {len(per_class)}")
    with np.errstate(over="ignore"):  # what is not finite is refused below
        row_weights = per_class[classes] if weight is None else per_class[classes] * weight
    if not row_weights.any():
        raise ValueError(
            "class_weight must leave a row with a weight above 0, got weights of 0 only"
        )
    weights: NDArray[Any] = rows("class_weight", row_weights, 1, dtype, 0.0, math.inf, wanted)[:, 0]
    _expect_divisor("class_weight", weights)
    return weights


def balanced(counts: NDArray[Any]) -> NDArray[Any]:
    """Return weights by which classes of so many rows count the same."""
    weights: NDArray[Any] = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights


def validation_rows(
    validation_data: Any, validation_split: float
) -> tuple[Any, Any, Any] | float | None:
    """Check how a fit is to be validated.

    Returns
    -------
    tuple, float or None
        ``(x, y, sample_weight or None)``, the part of the rows to set aside, or None.

    Raises
    ------
    TypeError, ValueError
        If `validation_data` is no pair or triple, or both are given.
    """
    if validation_data is None:
        return validation_split or None
    if validation_split:
        raise ValueError(
            f"validation_split must be 0 where validation_data is given, got {validation_split}"
        )
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        raise TypeError(
            "validation_data must be (x, y) or (x, y, sample_weight), got "
            f"{type(validation_data).__name__}"
        )
    x, y, *weight = validation_data
    return x, y, weight[0] if weight else None

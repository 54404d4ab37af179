"""Rows made ready: flattened, rescaled, one-hot, and a part of them set aside for validation."""

from __future__ import annotations  # naming numpy.random would load it

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._specs.digits import middle_of_rescaling
from .._specs.validation import array, integer, labels, number

__all__ = ["MAX_INFERRED", "flatten", "one_hot", "rescale", "train_validation_split"]

MAX_INFERRED = 10_000
"""The most classes that `one_hot` takes from the labels alone."""


def flatten(x: ArrayLike) -> NDArray[Any]:
    """Reshape each row to a row of numbers, in C order.

    Parameters
    ----------
    x : array_like, shape (n, ...)
        Numbers.

    Returns
    -------
    ndarray, shape (n, m)
        Of the same dtype; a view where that is possible.

    Raises
    ------
    ValueError
        If `x` is a single number.

    See Also
    --------
    cynn.layers.Flatten : The same as a layer.

    Examples
    --------
    >>> flatten(np.zeros((3, 28, 28))).shape
    (3, 784)
    """
    values = array("x", x)
    if values.ndim == 0:
        raise ValueError("x must have a row for each sample, got a single number")
    return values.reshape(len(values), math.prod(values.shape[1:]))  # -1 would fail for no rows


def rescale(x: ArrayLike, scale: float = 1 / 255, offset: float = 0.0) -> NDArray[Any]:
    """Return ``x * scale + offset``; by default, pixels from 0 to 255 come to [0, 1].

    Parameters
    ----------
    x : array_like
        Numbers, any shape.
    scale, offset : float
        Finite.

    Returns
    -------
    ndarray of float64 if `x` is that or wider, else of float32
        A new array of the shape of `x`. Where an offset brings numbers far from 0 near it, that is
        done in float64, before their digits are lost in float32.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    cynn.layers.Rescale : The same as a layer, which a model file keeps.

    Examples
    --------
    >>> rescale(np.array([0, 255], dtype=np.uint8))
    array([0., 1.], dtype=float32)
    """
    values = array("x", x)
    wide = values.dtype.kind == "f" and values.dtype.itemsize >= 8
    real = np.float64 if wide else np.float32
    factor, summand = number("scale", scale), number("offset", offset)
    middle = 0.0 if wide else middle_of_rescaling(factor, summand)
    scaled: NDArray[Any]
    if middle:
        scaled = (values.astype(np.float64) - middle).astype(real)
        summand += factor * middle
    else:
        scaled = values.astype(real)
    scaled *= real(factor)
    scaled += real(summand)
    return scaled


def one_hot(
    y: ArrayLike, n_classes: int | None = None, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Encode each label as a row with a 1 at the label and 0 elsewhere.

    Parameters
    ----------
    y : array_like, shape (n,) or (n, 1)
        Labels: whole numbers from 0.
    n_classes : int, optional
        The length of a row; by default the largest label and one, at most 10,000.
    dtype : dtype, default float32
        Of the result.

    Returns
    -------
    ndarray of dtype, shape (n, n_classes)
        The rows.

    Raises
    ------
    TypeError, ValueError
        If something in `y` is not a label below `n_classes`.

    See Also
    --------
    cynn.losses.CrossEntropy : Takes labels as they are.

    Examples
    --------
    >>> one_hot([2, 0])
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if n_classes is None:
        classes = labels("y", y)
        n_classes = int(classes.max(initial=-1)) + 1
        if n_classes > MAX_INFERRED:  # one wild label would otherwise ask for gigabytes
            raise ValueError(
                f"y must hold labels below {MAX_INFERRED} unless n_classes is given, got "
                f"{n_classes - 1}"
            )
    else:
        n_classes = integer("n_classes", n_classes)
        classes = labels("y", y, n_classes)
    hot: NDArray[Any] = np.zeros((len(classes), n_classes), dtype)
    hot[np.arange(len(classes)), classes] = 1
    return hot


def train_validation_split(
    *arrays: ArrayLike,
    fraction: float = 0.2,
    seed: int | np.random.Generator | None = None,
    stratify: ArrayLike | None = None,
) -> tuple[NDArray[Any], ...]:
    """Split the rows at random into a training set and a validation set.

    Parameters
    ----------
    *arrays : array_like, shape (n, ...)
        One or more, of one length.
    fraction : float, default 0.2
        The part for validation, more than 0 and less than 1; the number of rows is rounded.
    seed : int or numpy.random.Generator, optional
        The same seed and n give the same rows.
    stratify : array_like, shape (n,), optional
        Labels of any kind that sort; each class then gives its share, to within one row.

    Returns
    -------
    tuple of ndarray
        ``(a_train, a_validation, b_train, b_validation, ...)``, copies in random order.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, or one of the parts would have no rows.

    See Also
    --------
    cynn.Model.fit : Splits by itself, with `validation_split`.

    Examples
    --------
    >>> x, y = np.arange(20).reshape(10, 2), np.arange(10)
    >>> x_train, x_validation, y_train, y_validation = train_validation_split(x, y, seed=0)
    >>> x_train.shape, x_validation.shape
    ((8, 2), (2, 2))
    """
    wanted = "more than 0 and less than 1"
    fraction = number("fraction", fraction, wanted, lambda part: 0 < part < 1)
    if not arrays:
        raise TypeError("arrays must be one at least, got none")
    named = [(f"array {i}", np.asarray(a)) for i, a in enumerate(arrays)]
    if stratify is not None:
        named.append(("stratify", np.asarray(stratify)))
    for name, values in named:
        if values.ndim == 0:
            raise TypeError(f"{name} must have a row for each sample, got {values.item()!r}")
        if len(values) != len(named[0][1]):
            raise ValueError(
                f"{name} must have {len(named[0][1])} rows, as array 0, got {len(values)}"
            )
    n = len(named[0][1])
    n_validation = round(fraction * n)
    if not 0 < n_validation < n:
        raise ValueError(
            f"fraction must leave a row for training and one for validation, got {fraction} of "
            f"{n} rows: {n - n_validation} and {n_validation}"
        )
    order = _generator(seed).permutation(n)
    # Every (n / n_validation)-th row of those in line; sorted by class, each class gives its share.
    line = np.arange(n)
    if stratify is not None:
        by_class = named.pop()[1]
        if by_class.ndim != 1:
            raise ValueError(f"stratify must have shape ({n},), got {by_class.shape}")
        line = np.argsort(by_class[order], kind="stable")
    due = np.arange(n + 1) * n_validation // n
    chosen = np.zeros(n, dtype=bool)
    chosen[line[due[1:] > due[:-1]]] = True
    parts = (order[~chosen], order[chosen])
    return tuple(values[rows] for _, values in named for rows in parts)


def _generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    return np.random.default_rng(integer("seed", seed, 0))

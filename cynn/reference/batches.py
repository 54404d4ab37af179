"""What a network is given to learn from: targets, weights and the order of the rows."""

from typing import Any

from .arrays import Flat, Rows, numbers, rows
from .checks import require_shape, shape


def targets(function: str, y: Any, n_rows: int, n_outputs: int) -> Rows:
    """Return the outputs that are wanted, one row for each row of x.

    Parameters
    ----------
    function : str
        Who asks, for the message.
    y : vector (n_rows,) of int or matrix (n_rows, n_outputs)
        Labels, or the outputs themselves.
    n_rows, n_outputs : int
        Rows of x, and numbers in a row of predictions.

    Returns
    -------
    list of list of float
        For a label 1 in its place and 0 elsewhere.

    Raises
    ------
    ValueError
        If the shape does not fit, or a label is not a whole number from 0 to ``n_outputs - 1``.

    Examples
    --------
    >>> targets("evaluate", [2, 0], 2, 3)
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    n_dims = len(y.shape) if hasattr(y, "shape") else 1 + (len(y) > 0 and hasattr(y[0], "__len__"))
    if n_dims == 2:
        require_shape(function, "y", y, (n_rows, n_outputs))
        return rows(y)
    require_shape(function, "y", y, (n_rows,))
    labels = whole_numbers(function, "y", y, n_outputs)
    return [[1.0 if j == label else 0.0 for j in range(n_outputs)] for label in labels]


def weights(function: str, weight: Any, n_rows: int) -> Flat:
    """Return the weight of each row: 1 if `weight` is None.

    Raises
    ------
    ValueError
        If there are more or fewer weights than rows.

    Examples
    --------
    >>> weights("evaluate", None, 2)
    [1.0, 1.0]
    """
    if weight is None:
        return [1.0] * n_rows
    require_shape(function, "weight", weight, (n_rows,))
    return numbers(weight)


def whole_numbers(function: str, name: str, values: Any, end: int) -> list[int]:
    """Return `values` as a list of int, or refuse one that is not a whole number below `end`.

    Raises
    ------
    ValueError
        If one is not.

    Examples
    --------
    >>> whole_numbers("train_epoch", "order", [0, 3], 3)
    Traceback (most recent call last):
        ...
    ValueError: train_epoch: order must hold whole numbers from 0 to 2, got 3
    """
    shape(function, name, values, 1)
    integers = values.tolist() if hasattr(values, "tolist") else list(values)
    for value in integers:
        if not isinstance(value, int) or not 0 <= value < end:
            raise ValueError(
                f"{function}: {name} must hold whole numbers from 0 to {end - 1}, got {value!r}"
            )
    return integers

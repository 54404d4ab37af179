"""What the reference asks of its arguments: shapes that agree, outputs that stand apart.

Nothing here is about learning. Skip it until you wonder which errors a function can raise.
"""

from typing import Any


def shape(function: str, name: str, x: Any, n_dims: int) -> tuple[int | None, ...]:
    """Return the lengths of a matrix (`n_dims` 2) or a vector (`n_dims` 1), or refuse it.

    A list without rows does not say how many columns it has: that length is None, which agrees
    with every other.

    Parameters
    ----------
    function, name : str
        The function and its argument, for the message.
    x : matrix or vector
        What to measure.
    n_dims : {1, 2}
        How many dimensions it should have.

    Returns
    -------
    tuple of int or None
        ``(rows, columns)``, or ``(length,)``.

    Raises
    ------
    TypeError
        If `x` is not indexed by rows at all.
    ValueError
        If it has another number of dimensions, or rows of unequal lengths.

    Examples
    --------
    >>> shape("matmul", "a", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 2)
    (2, 3)
    >>> shape("matmul", "a", [], 2)
    (0, None)
    >>> shape("matmul", "a", [1.0, 2.0], 2)
    Traceback (most recent call last):
        ...
    ValueError: matmul: a must have 2 dimensions, got 1
    """
    if hasattr(x, "shape"):
        lengths: tuple[int | None, ...] = tuple(x.shape)
    elif not hasattr(x, "__len__") or isinstance(x, str):
        raise TypeError(f"{function}: {name} must be a list or an array, got {type(x).__name__}")
    elif len(x) == 0:
        lengths = (0, None)[:n_dims]
    elif hasattr(x[0], "__len__"):
        lengths = (len(x), len(x[0]))
        if any(len(row) != lengths[1] for row in x):
            raise ValueError(
                f"{function}: {name} must have rows of one length, got unequal lengths"
            )
    else:
        lengths = (len(x),)
    if len(lengths) != n_dims:
        raise ValueError(f"{function}: {name} must have {n_dims} dimensions, got {len(lengths)}")
    return lengths


def require_shape(function: str, name: str, x: Any, wanted: tuple[int | None, ...]) -> None:
    """Refuse `x` unless its shape is `wanted`.

    Raises
    ------
    ValueError
        If a length differs; the message names the argument, what came and what is wanted.

    Examples
    --------
    >>> require_shape("matmul", "b", [[1.0], [2.0]], (3, 1))
    Traceback (most recent call last):
        ...
    ValueError: matmul: b must have shape (3, 1), got (2, 1)
    """
    lengths = shape(function, name, x, len(wanted))
    if any(n != w for n, w in zip(lengths, wanted, strict=True) if n is not None and w is not None):
        raise ValueError(f"{function}: {name} must have shape {wanted}, got {lengths}")


def require_apart(function: str, outputs: dict[str, Any], **inputs: Any) -> None:
    """Refuse an output that shares memory with an input or with another output.

    The first number written would change numbers that are still to be read.

    Raises
    ------
    ValueError
        If two of the arguments share memory. For arrays the ranges of bytes are compared, so two
        views that interleave within one array are refused as well.

    Examples
    --------
    >>> a = [[1.0, 2.0]]
    >>> require_apart("relu", {"out": a}, x=a)
    Traceback (most recent call last):
        ...
    ValueError: relu: out must not share memory with x
    """
    others = dict(inputs)
    for name, out in outputs.items():
        for other_name, other in others.items():
            if _share_memory(out, other):
                raise ValueError(f"{function}: {name} must not share memory with {other_name}")
        others[name] = out


def _share_memory(a: Any, b: Any) -> bool:
    range_a, range_b = _byte_range(a), _byte_range(b)
    if range_a and range_b:
        return range_a[0] < range_b[1] and range_b[0] < range_a[1]
    return bool(_lists_in(a) & _lists_in(b))


def _byte_range(x: Any) -> tuple[int, int] | None:
    """First and last-but-one address of an array (a stride may be negative), None for a list."""
    if not hasattr(x, "__array_interface__") or 0 in x.shape:
        return None
    first = x.__array_interface__["data"][0]
    reach = [(n - 1) * stride for n, stride in zip(x.shape, x.strides, strict=True)]
    return first + sum(min(r, 0) for r in reach), first + sum(max(r, 0) for r in reach) + x.itemsize


def _lists_in(x: Any) -> set[int]:
    """Identities of a list and of the lists that are its rows."""
    if not isinstance(x, list):
        return set() if hasattr(x, "__array_interface__") else {id(x)}
    return {id(x)} | {id(row) for row in x if isinstance(row, list)}

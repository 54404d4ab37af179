"""Activation functions and their derivatives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import reference
from .._backend import kernels
from .._specs.validation import flag, number, shown
from ..activations import Custom, checked
from ._style import COLORS, axes, color_of, frame, plain

POINTS = 801
"""Odd, so that 0, where many functions bend, is one of them."""


def activations(
    names: Any = ("sigmoid", "tanh", "relu"),
    *,
    derivatives: bool = True,
    limit: float = 4.0,
    ax: Any = None,
) -> Any:
    """Plot activation functions, and dashed in the same colour their derivatives.

    Parameters
    ----------
    names : str, cynn.activations.Custom, or list of these, at most 6
        The functions; not those, as "softmax", whose outputs depend on several inputs.
    derivatives : bool, default True
        Whether the derivatives are drawn too.
    limit : float, default 4.0
        How far they are drawn to both sides of 0.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
        That was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    cynn.layers.Activation : The layer.

    Examples
    --------
    >>> ax = activations("relu")  # doctest: +SKIP
    """
    given = list(names) if isinstance(names, list | tuple) else [names]
    if not 1 <= len(given) <= len(COLORS):
        raise ValueError(f"names must be 1 to {len(COLORS)} activations, got {len(given)}")
    functions = [checked("names", each) for each in given]
    for function in functions:
        if function == "softmax" or isinstance(function, Custom) and function.derivative is None:
            raise ValueError(
                f"names must be functions of one number each, got {shown(function)}: a row of it "
                "depends on several"
            )
    wanted = "a finite number above 0, at most 100"
    end = number("limit", limit, wanted, lambda x: 0 < x <= 100)
    with_slopes = flag("derivatives", derivatives)
    x = np.linspace(-end, end, POINTS)[np.newaxis]
    ax = axes(ax)
    for i, function in enumerate(functions):
        color = color_of(ax, i)
        name = function if isinstance(function, str) else plain(repr(function))
        y, slope = _value_and_slope(function, x)
        ax.plot(x[0], y[0], color=color, lw=1.8, label=name)
        if with_slopes:
            ax.plot(x[0], slope[0], color=color, lw=1.3, ls="--", label=f"{name}, derivative")
    ax.set_xlabel("input")
    ax.set_ylabel("output")
    frame(ax)
    ax.legend(frameon=False)
    return ax


def _value_and_slope(
    function: str | Custom, x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an activation of each number, and its derivative there."""
    ones = np.ones_like(x)
    if isinstance(function, Custom):
        return function.value(x), function.gradient(x, ones)
    library = kernels("float64")
    y, slope = np.empty_like(x), np.empty_like(x)
    getattr(library, function)(x, y)
    kept = x if function in reference.FROM_INPUT else y
    getattr(library, f"{function}_backward")(kept, ones, slope)
    return y, slope

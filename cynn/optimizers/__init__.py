"""Optimizers: how the weights follow the gradient.

A spec here names the rule and its settings; the rule itself runs in the kernels, and
``cynn.reference`` has it in plain Python.
"""

# One family of rules a file. Imports `_specs` and `schedules`; imported from `_model` upwards.

from typing import TYPE_CHECKING, Any

from .._specs import spec
from .._specs.names import missing_from
from ..schedules import SCHEDULES
from . import _adam, _adaptive, _lion, _sgd
from ._adam import *  # noqa: F403
from ._adaptive import *  # noqa: F403
from ._lion import *  # noqa: F403
from ._optimizer import Optimizer
from ._sgd import *  # noqa: F403

__all__ = ["OPTIMIZERS", "Optimizer", "from_dict", "get"]
__all__ += _sgd.__all__  # each file lists its own
__all__ += _adam.__all__
__all__ += _adaptive.__all__
__all__ += _lion.__all__

OPTIMIZERS: dict[str, type[Optimizer]] = {
    name.lower(): getattr(file, name)
    for file in (_sgd, _adam, _adaptive, _lion)
    for name in file.__all__
}
"""The optimizers by name."""

if not TYPE_CHECKING:
    __getattr__ = missing_from(
        __name__, "optimizer", lambda name: OPTIMIZERS[name].__name__, OPTIMIZERS
    )


def get(optimizer: str | Optimizer) -> Optimizer:
    """Return the optimizer of that name, with its defaults, or the optimizer itself.

    Parameters
    ----------
    optimizer : str or Optimizer
        A key of `OPTIMIZERS`, or an object.

    Returns
    -------
    Optimizer
        The object.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no optimizer has that name.

    Examples
    --------
    >>> get("sgd")
    SGD()
    """
    return spec.get("optimizer", optimizer, Optimizer, OPTIMIZERS)


def from_dict(data: dict[str, Any]) -> Optimizer:
    """Return an optimizer from its ``to_dict()``.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments; it may come from a file.

    Returns
    -------
    Optimizer
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If it is no dictionary, or names an unknown class or an argument that is unknown, missing or
        invalid.

    Examples
    --------
    >>> from_dict(SGD(0.1, momentum=0.9).to_dict())
    SGD(0.1, 0.9)
    """
    return spec.from_dict(data, OPTIMIZERS.values(), inner=SCHEDULES)

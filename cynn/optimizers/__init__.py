"""Optimizers: how the weights follow the gradient.

A spec here names the rule and its settings; the rule itself runs in the kernels, and
``cynn.reference`` has it in plain Python.
"""

from typing import Any

from .._specs import spec
from ..schedules import SCHEDULES
from ._adam import Adam, AdamW
from ._adaptive import Adadelta, Adagrad, RMSprop
from ._lion import Lion
from ._optimizer import Optimizer
from ._sgd import SGD

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Optimizer",
    "RMSprop",
    "from_dict",
    "get",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "lion": Lion,
}
"""The optimizers by name."""


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

"""Losses: how wrong a prediction is, the number that training makes small.

Each loss is a number for a row. Over a batch it is the weighted mean, ``sum(w * loss) / sum(w)``,
with a weight w of 1 for each row unless `sample_weight` says otherwise. A spec here holds the
meaning and reads the targets; the arithmetic runs in the kernels, and ``cynn.reference`` has it in
plain Python.

A loss takes what the last layer gives. Softmax with cross-entropy and sigmoid with binary
cross-entropy run fused, on the numbers before the activation, where logarithm and exponential
cancel and nothing overflows; other pairs work unfused. A function over arrays is a loss too
(`Custom`), slower.
"""

# Losses by kind of target. Imports `_specs`; imported from `_model` upwards.

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._specs import spec
from .._specs.names import missing_from
from ..schedules import SCHEDULES
from . import _classification, _custom, _loss, _regression
from ._classification import *
from ._custom import *
from ._loss import *
from ._regression import *

# A loss is named once, in the `__all__` of its file.
__all__ = [
    "LOSSES",
    "from_dict",
    "get",
    *_classification.__all__,
    *_custom.__all__,
    *_loss.__all__,
    *_regression.__all__,
]

LOSSES: dict[str, type[_loss.Loss]] = {
    name: kind for kind in spec.subclasses_in(globals(), _loss.Loss) for name in kind.names
}
"""The losses by name."""

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__, "loss", lambda name: LOSSES[name].__name__, LOSSES)


def get(loss: str | _loss.Loss | Callable[..., Any]) -> _loss.Loss:
    """Return the loss of that name, with its defaults, that of a function, or the loss itself.

    Parameters
    ----------
    loss : str, Loss or callable
        A key of `LOSSES`, an object, or a function as `Custom` takes it.

    Returns
    -------
    Loss
        The object.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or no loss has that name.

    Examples
    --------
    >>> get("mse")
    MeanSquaredError()
    """
    if callable(loss) and not isinstance(loss, _loss.Loss | type):
        return _custom.Custom(loss)
    return spec.get("loss", loss, _loss.Loss, LOSSES)


def from_dict(data: dict[str, Any]) -> _loss.Loss:
    """Return a loss from its ``to_dict()``.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments; it may come from a file.

    Returns
    -------
    Loss
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If it is no dictionary, or names an unknown class or an argument that is unknown, missing or
        invalid.

    Examples
    --------
    >>> from_dict({"class": "CrossEntropy", "from_logits": True})
    CrossEntropy(True)
    """
    return spec.from_dict(data, LOSSES.values(), inner=SCHEDULES)

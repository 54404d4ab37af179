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

from collections.abc import Callable
from typing import Any

from .._specs import spec
from ._classification import BinaryCrossEntropy, CategoricalHinge, CrossEntropy, Hinge
from ._custom import Custom
from ._loss import Kernel, Loss
from ._regression import Huber, MeanAbsoluteError, MeanSquaredError, Poisson, Quantile

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CategoricalHinge",
    "CrossEntropy",
    "Custom",
    "Hinge",
    "Huber",
    "Kernel",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "Quantile",
    "from_dict",
    "get",
]

LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "hinge": Hinge,
    "categorical_hinge": CategoricalHinge,
}
"""The losses by name."""


def get(loss: str | Loss | Callable[..., Any]) -> Loss:
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
    if callable(loss) and not isinstance(loss, Loss | type):
        return Custom(loss)
    return spec.get("loss", loss, Loss, LOSSES)


def from_dict(data: dict[str, Any]) -> Loss:
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
    return spec.from_dict(data, LOSSES.values())

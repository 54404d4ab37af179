"""How a network ends, and the loss that goes with it: scikit-learn's, or one of `cynn.losses`."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import losses
from .._specs.aliases import SYNONYMS
from ._coefficients import LAST, LOSSES

HINGES = (losses.Hinge, losses.CategoricalHinge)
"""Losses of numbers that are no probabilities."""

OF_CLASSES = (losses.CrossEntropy, losses.BinaryCrossEntropy, *HINGES)
OF_NUMBERS = (
    losses.MeanSquaredError,
    losses.MeanAbsoluteError,
    losses.Huber,
    losses.Quantile,
)


def names(kinds: tuple[type, ...]) -> set[str]:
    """Return the names by which `cynn.losses` takes them."""
    words = {name: name for name in losses.LOSSES} | SYNONYMS["loss"]
    return {word for word, name in words.items() if losses.LOSSES[name] in kinds}


class Head(NamedTuple):
    """The end of a network.

    Attributes
    ----------
    output : str
        The last activation, by scikit-learn's name.
    kernel : str or tuple
        The kernels' loss.
    spec : Loss or None
        Where it is one of `cynn.losses`.
    """

    output: str
    kernel: losses.Kernel
    spec: losses.Loss | None = None

    def targets(self, y: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return targets as the kernels read them; y as booleans or numbers, a column an output."""
        n_outputs = y.shape[1]
        if self.output == "softmax" or isinstance(self.spec, losses.CategoricalHinge):
            y = y.argmax(axis=1).astype(np.int32)
        if self.spec is not None:
            return self.spec.targets(y, n_outputs, dtype)
        return y if self.output == "softmax" else np.ascontiguousarray(y, dtype)


def head_of(output: str, loss: str | losses.Loss) -> Head:
    """Return the end of a network with that last activation.

    Parameters
    ----------
    output : str
        By scikit-learn's name.
    loss : str or Loss
        scikit-learn's name or what `cynn.losses.get` takes.

    Raises
    ------
    ValueError
        If the loss does not take what that activation gives.
    """
    if is_sklearn_loss(loss):
        return Head(output, LOSSES[output])
    spec = losses.get(loss)
    required_output = {losses.CrossEntropy: "softmax", losses.BinaryCrossEntropy: "logistic"}
    if required_output.get(type(spec), output) != output or (
        isinstance(spec, losses.CrossEntropy | losses.BinaryCrossEntropy) and spec.from_logits
    ):
        raise ValueError(
            "loss must be CrossEntropy for more than two classes, BinaryCrossEntropy for two or "
            f"for multi-label targets, both without from_logits, got {spec!r}"
        )
    return Head(output, spec.kernel(LAST[output]), spec)


def is_sklearn_loss(loss: Any) -> bool:
    """Return whether a loss is one of scikit-learn's."""
    return isinstance(loss, str) and loss in ("log_loss", "squared_error", "poisson")

"""Losses: how wrong a prediction is, the number that training makes small.

Each loss is a number for a row. Over a batch it is the weighted mean, ``sum(w * loss) / sum(w)``,
with a weight w of 1 for each row unless `sample_weight` says otherwise. A spec here holds the
meaning and reads the targets; the arithmetic runs in the kernels, and ``cynn.reference`` has it in
plain Python.

A loss takes what the last layer gives. Softmax with cross-entropy and sigmoid with binary
cross-entropy run fused, on the numbers before the activation, where logarithm and exponential
cancel and nothing overflows; other pairs work unfused.
"""

import math
from typing import Any

from numpy.typing import DTypeLike, NDArray

from . import specs
from .checks import array, choice, flag, integer, labels, rows
from .specs import ACTIVATIONS


class Loss(specs.Spec):
    """Base of the losses."""

    def kernel(self, last_activation: str) -> str:
        """Give the name of the kernel for a network that ends in that activation.

        Parameters
        ----------
        last_activation : str
            One of ``cynn.layers.ACTIVATIONS``.

        Returns
        -------
        str
            The kernel's name.

        Raises
        ------
        ValueError
            If the loss cannot take what that activation gives.
        """
        raise NotImplementedError(f"{type(self).__name__} must define kernel(last_activation)")

    def caution(self, last_activation: str) -> str:
        """Say what is doubtful about a network that ends in that activation; empty: nothing."""
        return ""

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Check the targets and give them as the kernels read them.

        Parameters
        ----------
        y : array_like
            What a person gave; the loss says which shapes and values it takes.
        n_outputs : int
            The numbers in one row of the prediction.
        dtype : dtype
            float32 or float64: the network's type.

        Returns
        -------
        ndarray
            Labels, int32 of shape (n,), or rows, of shape (n, n_outputs) and type `dtype`; both
            contiguous, and the caller's own array where that is so already.

        Raises
        ------
        TypeError, ValueError
            If `y` is something else; the message names the first bad row.
        """
        raise NotImplementedError(f"{type(self).__name__} must define targets(...)")

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Give the class of each row, for the weights of classes.

        Parameters
        ----------
        targets : ndarray
            As `targets` gives them.

        Returns
        -------
        ndarray of int, shape (n,)
            Counted from 0.

        Raises
        ------
        ValueError
            If this loss, or these targets, know no classes.
        """
        raise ValueError(f"class_weight needs targets that are classes, which {self!r} has not")


class CrossEntropy(Loss):
    """Cross-entropy, for one class of several.

    For a row with predicted probabilities p and targets t::

        loss = -sum(t * log(p))

    With a label c, t is 1 at c and 0 elsewhere, and the loss is ``-log(p[c])``.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is linear, and p is the softmax of what it gives.

    Notes
    -----
    Targets are labels of shape (n,) or (n, 1), whole numbers from 0, or rows of shape
    (n, n_outputs), finite and not negative: one-hot, or soft, and their sum need not be 1.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.2.3. Bishop,
    Pattern Recognition and Machine Learning, Springer 2006, equation 4.108.

    Examples
    --------
    >>> CrossEntropy().kernel("softmax")
    'softmax_cross_entropy'
    >>> CrossEntropy().targets([3.0, 1.0], 10, "float32")
    array([3, 1], dtype=int32)
    >>> CrossEntropy().targets([3, 10], 10, "float32")
    Traceback (most recent call last):
    ValueError: y must hold whole numbers from 0 to 9, got 10 in row 1
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = flag("from_logits", from_logits)

    def kernel(self, last_activation: str) -> str:
        """Give ``softmax_cross_entropy`` or ``cross_entropy``; see `Loss.kernel`."""
        fused = _fused(self, last_activation, "softmax", self.from_logits)
        return "softmax_cross_entropy" if fused else "cross_entropy"

    def caution(self, last_activation: str) -> str:
        """Say where probabilities may not come; see `Loss.caution`."""
        return _caution(self, last_activation, "softmax", self.from_logits)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Give labels or rows, as `y` has them; see `Loss.targets`."""
        n_outputs = integer("n_outputs", n_outputs)
        if n_outputs == 1:
            raise ValueError(
                f"{self!r} needs an output for each class, got 1 output: give the last layer one "
                "unit a class, or take binary_cross_entropy"
            )
        found = array("y", y)
        if found.ndim == 1 or found.ndim == 2 and found.shape[1] == 1:
            return labels("y", found, n_outputs)
        if found.ndim == 2 and found.shape[1] == n_outputs:
            wanted = "finite numbers that are not negative"
            return rows("y", found, n_outputs, dtype, 0.0, math.inf, wanted)
        raise ValueError(
            f"y must be labels of shape (n,) or (n, 1), or rows of shape (n, {n_outputs}), "
            f"got shape {found.shape}"
        )

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Give the labels; of rows the place of the largest, see `Loss.classes`."""
        return targets if targets.ndim == 1 else targets.argmax(axis=1)


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy, for yes or no: once, or for each of several outputs.

    For a row with k predicted probabilities p and targets t::

        loss = mean(-(t * log(p) + (1 - t) * log(1 - p)))

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is linear, and p is the sigmoid of what it gives.

    Notes
    -----
    Targets are from 0 to 1, of shape (n,) or (n, 1) for one output and (n, k) for k of them.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.2.2. Bishop,
    Pattern Recognition and Machine Learning, Springer 2006, equation 4.90.

    Examples
    --------
    >>> BinaryCrossEntropy().kernel("sigmoid")
    'sigmoid_binary_cross_entropy'
    >>> BinaryCrossEntropy().targets([True, False], 1, "float32")
    array([[1.],
           [0.]], dtype=float32)
    """

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = flag("from_logits", from_logits)

    def kernel(self, last_activation: str) -> str:
        """Give ``[sigmoid_]binary_cross_entropy``; see `Loss.kernel`."""
        fused = _fused(self, last_activation, "sigmoid", self.from_logits)
        return "sigmoid_binary_cross_entropy" if fused else "binary_cross_entropy"

    def caution(self, last_activation: str) -> str:
        """Say where probabilities may not come; see `Loss.caution`."""
        return _caution(self, last_activation, "sigmoid", self.from_logits)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Give rows of numbers from 0 to 1; see `Loss.targets`."""
        n_outputs = integer("n_outputs", n_outputs)
        return rows("y", y, n_outputs, dtype, 0.0, 1.0, "numbers from 0 to 1")

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Give 1 where the one output is to be above 0.5; see `Loss.classes`."""
        if targets.shape[1] != 1:
            raise ValueError(
                f"class_weight needs one output, got {targets.shape[1]}: "
                "several answers a row are no class"
            )
        found: NDArray[Any] = (targets[:, 0] > 0.5).astype(int)
        return found


class MeanSquaredError(Loss):
    """Mean squared error, for real numbers.

    For a row with n predictions p and targets t::

        loss = mean((p - t)**2)

    Notes
    -----
    Targets are finite, of shape (n,) or (n, 1) for one output and (n, k) for k of them.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 5.1.4. Bishop, Pattern
    Recognition and Machine Learning, Springer 2006, equation 1.2 (there half the sum).

    Examples
    --------
    >>> MeanSquaredError().targets([0.5, -2], 1, "float64")
    array([[ 0.5],
           [-2. ]])
    """

    def kernel(self, last_activation: str) -> str:
        """Give ``mean_squared_error``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return "mean_squared_error"

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Give rows of finite numbers; see `Loss.targets`."""
        n_outputs = integer("n_outputs", n_outputs)
        return rows("y", y, n_outputs, dtype, -math.inf, math.inf, "finite numbers")


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}
"""The losses by name."""


def get(loss: str | Loss) -> Loss:
    """Give the loss of that name, with its defaults, or the loss itself.

    Parameters
    ----------
    loss : str or Loss
        A key of `LOSSES`, or an object.

    Returns
    -------
    Loss
        The object.

    Examples
    --------
    >>> get("mse")
    MeanSquaredError()
    """
    return specs.get("loss", loss, Loss, LOSSES)


def from_dict(data: dict[str, Any]) -> Loss:
    """Make a loss again from its ``to_dict()``.

    Examples
    --------
    >>> from_dict({"class": "CrossEntropy", "from_logits": True})
    CrossEntropy(True)
    """
    return specs.from_dict(data, LOSSES.values())


def _fused(loss: Loss, last_activation: str, partner: str, from_logits: bool) -> bool:
    """Say whether the loss runs on the numbers before the activation `partner`."""
    choice("last_activation", last_activation, ACTIVATIONS)
    if from_logits:
        if last_activation != "identity":
            raise ValueError(
                f"from_logits=True needs a last layer that is linear ('identity'), got "
                f"{last_activation!r}: make it linear, or leave out from_logits"
            )
        return True
    return last_activation == partner


def _caution(loss: Loss, last_activation: str, partner: str, from_logits: bool) -> str:
    if from_logits or last_activation in ("softmax", "sigmoid", "hard_sigmoid"):
        return ""
    return (
        f"{loss!r} takes probabilities, and {last_activation!r} of the last layer gives other "
        f"numbers too: end in {partner!r}, or say from_logits=True after a linear layer"
    )

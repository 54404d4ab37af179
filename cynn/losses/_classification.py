"""Losses of classifiers: cross-entropies of probabilities, hinges of margins."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs.activation_table import ACTIVATIONS
from .._specs.validation import array, choice, flag, integer, labels, rows
from ..schedules import Schedule, fraction
from ._loss import Kernel, Loss

__all__ = ["CrossEntropy", "BinaryCrossEntropy", "Hinge", "CategoricalHinge"]


class CrossEntropy(Loss):
    """Cross-entropy, for one class of several.

    For a row with predicted probabilities p and targets t::

        loss = -sum(t * log(p))

    With a label c, t is 1 at c and 0 elsewhere, and the loss is ``-log(p[c])``.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is linear, and p is the softmax of what it gives.
    label_smoothing : float or Schedule, default 0.0
        The part s of each target, from 0 to below 1, that is spread over the k classes evenly:
        ``(1 - s) * t + s / k`` takes the place of t, in evaluation too. A schedule of
        `cynn.schedules` gives that of each step of a training; s is then 0 in evaluation.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    BinaryCrossEntropy : For two classes, and for multi-label targets.

    Notes
    -----
    Targets are labels of shape (n,) or (n, 1), whole numbers from 0, or rows of shape
    (n, n_outputs), finite and not negative: one-hot, or soft, and their sum need not be 1.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.2.3. Bishop,
    Pattern Recognition and Machine Learning, Springer 2006, equation 4.108. Label smoothing:
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, Rethinking the Inception architecture for computer
    vision, CVPR 2016, section 7.

    Examples
    --------
    >>> CrossEntropy().kernel("softmax")
    'softmax_cross_entropy'
    >>> CrossEntropy(label_smoothing=0.1).kernel("softmax")
    ('softmax_cross_entropy', 0.1)
    >>> CrossEntropy().targets([3.0, 1.0], 10, "float32")
    array([3, 1], dtype=int32)
    >>> CrossEntropy().targets([3, 10], 10, "float32")
    Traceback (most recent call last):
    ValueError: y must hold whole numbers from 0 to 9, got 10 in row 1
    """

    names = ("cross_entropy",)

    def __init__(self, from_logits: bool = False, label_smoothing: float | Schedule = 0.0) -> None:
        self.from_logits = flag("from_logits", from_logits)
        self.label_smoothing = fraction("label_smoothing", label_smoothing)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``softmax_cross_entropy`` or ``cross_entropy``; see `Loss.kernel`."""
        fused = _fused(self, last_activation, "softmax", self.from_logits)
        name = "softmax_cross_entropy" if fused else "cross_entropy"
        return _smoothed(name, self.label_smoothing)

    def caution(self, last_activation: str) -> str:
        """Return where the outputs may not be probabilities; see `Loss.caution`."""
        return _caution(self, last_activation, "softmax", self.from_logits)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return labels or rows, as `y` has them; see `Loss.targets`."""
        wanted = "finite numbers that are not negative"
        return _labels_or_rows(self, y, n_outputs, dtype, math.inf, wanted)

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return the labels; of rows the place of the largest, see `Loss.classes`."""
        return targets if targets.ndim == 1 else targets.argmax(axis=1)


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy, for yes or no: once, or for each of several outputs.

    For a row with k predicted probabilities p and targets t::

        loss = mean(-(t * log(p) + (1 - t) * log(1 - p)))

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is linear, and p is the sigmoid of what it gives.
    label_smoothing : float or Schedule, default 0.0
        The part s of each target, from 0 to below 1, that goes to one half: ``(1 - s) * t + s / 2``
        takes the place of t, in evaluation too. A schedule of `cynn.schedules` gives that of each
        step of a training; s is then 0 in evaluation.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    CrossEntropy : For one class of several.

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

    names = ("binary_cross_entropy",)

    def __init__(self, from_logits: bool = False, label_smoothing: float | Schedule = 0.0) -> None:
        self.from_logits = flag("from_logits", from_logits)
        self.label_smoothing = fraction("label_smoothing", label_smoothing)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``[sigmoid_]binary_cross_entropy``; see `Loss.kernel`."""
        fused = _fused(self, last_activation, "sigmoid", self.from_logits)
        name = "sigmoid_binary_cross_entropy" if fused else "binary_cross_entropy"
        return _smoothed(name, self.label_smoothing)

    def caution(self, last_activation: str) -> str:
        """Return where the outputs may not be probabilities; see `Loss.caution`."""
        return _caution(self, last_activation, "sigmoid", self.from_logits)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of numbers from 0 to 1; see `Loss.targets`."""
        n_outputs = integer("n_outputs", n_outputs)
        return rows("y", y, n_outputs, dtype, 0.0, 1.0, "numbers from 0 to 1")

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return 1 where the one output is to be above 0.5; see `Loss.classes`."""
        if targets.shape[1] != 1:
            raise ValueError(
                f"class_weight must be None for multi-label targets, got {targets.shape[1]} "
                "outputs: use sample_weight"
            )
        positive: NDArray[Any] = (targets[:, 0] > 0.5).astype(int)
        return positive


class Hinge(Loss):
    """Hinge loss, for yes or no: once, or for each of several outputs.

    For a row with k predicted numbers p and answers s, 1 for yes and -1 for no::

        loss = mean(max(0, 1 - s * p))

    A prediction above 0 says yes, and costs nothing from 1 on. The last layer is linear.

    See Also
    --------
    CategoricalHinge : For one class of several.
    BinaryCrossEntropy : Where probabilities are wanted.

    Notes
    -----
    Targets are 0 and 1, or -1 and 1, of shape (n,) or (n, 1) for one output and (n, k) for k of
    them; the network and the metrics see 0 and 1. Metrics that compare a prediction with 0.5 do so
    with this one too.

    References
    ----------
    Cortes and Vapnik, Support-vector networks, Machine Learning 20, 1995. Bishop, Pattern
    Recognition and Machine Learning, Springer 2006, section 7.1.2.

    Examples
    --------
    >>> Hinge().targets([-1, 1], 1, "float32")
    array([[0.],
           [1.]], dtype=float32)
    """

    names = ("hinge",)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``hinge``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return "hinge"

    def caution(self, last_activation: str) -> str:
        """Return where a margin of 1 is out of reach; see `Loss.caution`."""
        return _unbounded(self, last_activation)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return rows of 0 and 1; see `Loss.targets`."""
        n_outputs = integer("n_outputs", n_outputs)
        wanted = "0 and 1, or -1 and 1"
        values = rows("y", y, n_outputs, dtype, -1.0, 1.0, wanted)
        negative = -1 if values.size and values.min() < 0 else 0
        _expect_each(((values == negative) | (values == 1)).all(axis=1), wanted)
        zeros_and_ones: NDArray[Any] = (values + 1) / 2 if negative else values
        return zeros_and_ones


class CategoricalHinge(Loss):
    """Hinge loss, for one class of several.

    For a row with predicted numbers p and the class c::

        loss = max(0, 1 + max(p[j] for j != c) - p[c])

    The largest prediction is the answer, and costs nothing from a lead of 1 on. The last layer is
    linear.

    See Also
    --------
    Hinge : For two classes, and for multi-label targets.
    CrossEntropy : Where probabilities are wanted.

    Notes
    -----
    Targets are labels of shape (n,) or (n, 1), whole numbers from 0, or one-hot rows of shape
    (n, n_outputs).

    References
    ----------
    Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector
    machines, Journal of Machine Learning Research 2, 2001.

    Examples
    --------
    >>> CategoricalHinge().targets([[0, 1, 0], [1, 0, 0]], 3, "float32")
    array([1, 0], dtype=int32)
    """

    names = ("categorical_hinge",)

    def kernel(self, last_activation: str) -> Kernel:
        """Return ``categorical_hinge``; see `Loss.kernel`."""
        choice("last_activation", last_activation, ACTIVATIONS)
        return "categorical_hinge"

    def caution(self, last_activation: str) -> str:
        """Return where a margin of 1 is out of reach; see `Loss.caution`."""
        return _unbounded(self, last_activation)

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return labels; see `Loss.targets`."""
        wanted = "one-hot rows, a 1 among zeros"
        targets = _labels_or_rows(self, y, n_outputs, dtype, 1.0, wanted)
        if targets.ndim == 1:
            return targets
        _expect_each(((targets == 1).sum(axis=1) == 1) & ((targets != 0).sum(axis=1) == 1), wanted)
        places: NDArray[Any] = targets.argmax(axis=1).astype(np.int32)
        return places

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return the labels; see `Loss.classes`."""
        return targets


def _labels_or_rows(
    loss: Loss, y: Any, n_outputs: int, dtype: DTypeLike, high: float, wanted: str
) -> NDArray[Any]:
    """Return the labels of one class of several, or a row for each."""
    n_outputs = integer("n_outputs", n_outputs)
    if n_outputs == 1:
        alternative = "hinge" if isinstance(loss, CategoricalHinge) else "binary_cross_entropy"
        raise ValueError(
            f"the last layer must have an output for each class for {loss!r}, got 1 output: "
            f"give it one unit a class, or use {alternative}"
        )
    targets = array("y", y)
    if targets.ndim == 1 or targets.ndim == 2 and targets.shape[1] == 1:
        return labels("y", targets, n_outputs)
    if targets.ndim == 2 and targets.shape[1] == n_outputs:
        return rows("y", targets, n_outputs, dtype, 0.0, high, wanted)
    raise ValueError(
        f"y must be labels of shape (n,) or (n, 1), or rows of shape (n, {n_outputs}), "
        f"got shape {targets.shape}"
    )


def _expect_each(valid: NDArray[Any], wanted: str) -> None:
    """Refuse the targets at the first row of which something is not so."""
    if not valid.all():
        raise ValueError(f"y must hold {wanted}, got other numbers in row {int(np.argmin(valid))}")


def _smoothed(name: str, label_smoothing: float | Schedule) -> Kernel:
    """Return a kernel with its smoothing; a schedule gives that of a step."""
    if isinstance(label_smoothing, Schedule) or label_smoothing == 0:
        return name
    return (name, label_smoothing)


def _fused(loss: Loss, last_activation: str, partner: str, from_logits: bool) -> bool:
    """Return whether the loss runs on the numbers before the activation `partner`."""
    choice("last_activation", last_activation, ACTIVATIONS)
    if from_logits:
        if last_activation != "identity":
            raise ValueError(
                f"the last activation must be 'identity' for from_logits=True, got "
                f"{last_activation!r}: remove it, or pass from_logits=False"
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


def _unbounded(loss: Loss, last_activation: str) -> str:
    if last_activation not in ("softmax", "sigmoid", "hard_sigmoid", "tanh", "relu"):
        return ""
    return (
        f"{loss!r} wants numbers of any size and sign, and {last_activation!r} of the last layer "
        "bounds them: make it linear"
    )

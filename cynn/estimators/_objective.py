"""What a fit makes small: the mean loss of rows, and the penalty of the coefficients."""

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._data.sparse import mostly_zeros
from .._model.loops import Batches, Measures
from .._model.plan import CompileSettings, Penalty
from ._coefficients import readable
from ._heads import Head


class Objective:
    """The loss of some rows and its gradient, in scikit-learn's way.

    With losses l, weights w (1 each where there are none) and coefficients c::

        (sum(w * l) + alpha / 2 * sum(c**2)) / sum(w)

    Parameters
    ----------
    network : Network
        It is compiled anew.
    shapes : list of tuple
        The shapes of W and b of each layer in turn.
    alpha : float
        The factor of the penalty.
    head : Head
        The last activation and the loss.
    rule : tuple
        The kernels' optimizer, where steps are to be taken.
    clips : (float, float)
        The limits of a gradient's numbers and of its norm.
    average : float, optional
        How much a step keeps of an average of the weights.
    """

    def __init__(
        self,
        network: Any,
        shapes: list[tuple[int, ...]],
        alpha: float,
        head: Head,
        rule: tuple[str | float, ...] = ("sgd", 0.0, 0.0),
        clips: tuple[float, float] = (math.inf, math.inf),
        average: float | None = None,
    ) -> None:
        self.network, self.head, self.alpha = network, head, float(alpha)
        penalties: list[tuple[float, float]] = [Penalty(l2=0.5 * self.alpha)]
        penalties *= len(shapes) // 2
        network.compile(*CompileSettings(head.kernel, rule, *clips, penalties, [], average))
        network.penalty_of_sum = True
        self.dtype: np.dtype[Any] = np.dtype(np.float64)  # the network's, once it has rows
        self.is_undefined = False  # the loss of the rows
        # scikit-learn's squared error is the mean over the outputs, but its gradient is not.
        self.divisor = network.n_outputs if head.kernel == "half_squared_error" else 1
        bounds = np.cumsum([0, *(math.prod(size) for size in shapes)])
        self._coefs = [slice(*bounds[i : i + 2]) for i in range(0, len(shapes), 2)]

    def rows(self, X: Any, y: NDArray[Any], weight: Any, dtype: np.dtype[Any]) -> Batches:
        """Return rows as the network reads them; y as booleans or numbers, a column an output."""
        self.dtype = dtype
        rows = self.batches(X, y, weight)
        self.network.seek_zeros = isinstance(rows.x, np.ndarray) and mostly_zeros(rows.x)
        # Counts below zero have no deviance, though it has a gradient.
        counts = self.head.kernel == "half_poisson_deviance"
        self.is_undefined = counts and bool((rows.y < 0).any())
        return rows

    def end(self) -> None:
        """Leave the network as predictions want it."""
        self.network.seek_zeros = self.network.keeps_threads = False

    def batches(self, X: Any, y: NDArray[Any], weight: Any) -> Batches:
        """Return rows that are not those of the training."""
        weight = None if weight is None else np.ascontiguousarray(weight, self.dtype)
        return Batches(readable(X, self.dtype), self.head.targets(y, self.dtype), weight)

    def loss(self, rows: Batches, threads: int) -> float:
        """Return the mean loss of rows, without the penalty."""
        loss, total = self.network.evaluate(*rows.read_by(self.network), None, threads)
        return float((loss - self.penalty(True)) / self.divisor / (total or math.nan))

    def gradient(self, rows: Batches, gradient: NDArray[Any], threads: int) -> float:
        """Write the gradient at the network's weights; return the loss."""
        penalty = self.penalty()
        loss, total = self.network.gradients(*rows.read_by(self.network), gradient, threads)
        with np.errstate(all="ignore"):  # what is not finite is told of at the end
            gradient /= total
        return math.nan if self.is_undefined else self.mean(loss, total, penalty)

    def penalty(self, always: bool = False) -> float:
        """Return the penalty where it has to be told from the loss; else 0."""
        if self.divisor == 1 and not always:
            return 0.0
        flat = np.empty(self.network.n_params, self.dtype)
        self.network.get_params(flat)
        return 0.5 * self.alpha * sum(float(flat[part] @ flat[part]) for part in self._coefs)

    def mean(self, loss: float, total: float, penalty: float) -> float:
        """Return the loss of a batch from its sum, which has the penalty in it."""
        return float(((loss - penalty) / self.divisor + penalty) / total)


class EpochLoss(Measures):
    """The loss of an epoch as scikit-learn counts it: a batch's mean by its rows.

    Parameters
    ----------
    objective : Objective
        What the batches' losses are of.
    by_step : bool
        Whether the mean of each batch has to be seen: not where its rows count one each, the sum
        of whose losses the kernels keep.
    """

    def __init__(self, objective: Objective, by_step: bool) -> None:
        super().__init__(())
        self._objective, self.by_step = objective, by_step
        self._uncounted = 0  # rows of batches of no weight, which change nothing

    @property
    def n_rows(self) -> int:
        """The rows seen."""
        return int(self._weight) + self._uncounted

    def slice_rows(self, width: int) -> int:
        """Return how many rows are taken at a time: no predictions are kept."""
        return sys.maxsize

    def before_step(self) -> None:
        """Note the penalty, which the kernels' loss has in it."""
        self._penalty = self._objective.penalty()

    def of_step(self, n: int, loss_sum: float, weight_sum: float) -> tuple[float, float]:
        """Return rows times mean loss, and the rows."""
        if not self.by_step:
            return loss_sum, weight_sum
        if weight_sum == 0:
            self._uncounted += n
            return 0.0, 0.0
        return n * self._objective.mean(loss_sum, weight_sum, self._penalty), n

    def result(self) -> dict[str, float]:
        """Return ``loss``, the mean over the rows."""
        return {"loss": math.nan} if self._objective.is_undefined else super().result()


def loss_type(*arrays: Any) -> type[np.floating[Any]]:
    """Return the type of a loss, scikit-learn's: float32 where all that it is made of is."""
    is_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.float32 if is_single else np.float64


def expect_mean(
    weight: NDArray[Any] | None, which: str = "", dtype: DTypeLike = np.float64
) -> None:
    """Refuse weights that have no mean: their sum is 0 or overflows.

    Raises
    ------
    ValueError
        If it is so, or if one of them is beyond the numbers of `dtype`, the network's; `which` says
        of which rows, for the message.
    """
    if weight is None:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.sum(weight, dtype=np.float64))
    wrong = "overflow" if not math.isfinite(total) else "sum to 0"
    if wrong == "overflow" or abs(total) < np.finfo(weight.dtype).tiny:
        raise ValueError(
            f"sample_weight, times class_weight, must not {wrong}{which}, got {len(weight):,} "
            f"weights that sum to {total:g}"
        )
    floats, size = np.finfo(np.dtype(dtype)), np.abs(weight)
    odd = (size > floats.max) | ((size > 0) & (size < floats.tiny))
    if odd.any():
        row = int(odd.argmax())
        raise ValueError(
            f"sample_weight, times class_weight, must be 0 or of a size from {floats.tiny:.3g} to "
            f"{floats.max:.3g}, as numbers of {floats.dtype} are, got {weight[row]:.3g} in row "
            f"{row}: multiply all by one number"
        )

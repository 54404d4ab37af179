"""Who hears of the epochs of a fit: callbacks, and a bar."""

from typing import Any

from numpy.typing import NDArray

from .._model.weights import flat
from .._runtime.progress import Progress
from ..callbacks import Callback, Logs, get_all


class Trainee:
    """What the callbacks of a fit know as their model: the estimator, and what `Model` has beside.

    Parameters
    ----------
    training : Training
        The fit.

    Attributes
    ----------
    stop_training : bool
        Whether this epoch is to be the last.
    rate_factor : float
        Every learning rate is multiplied by it.
    learning_rate : float
        That of the last step.
    callback_state, callback_weights : dict
        What callbacks remember.
    """

    def __init__(self, training: Any) -> None:
        self._training = training
        self.stop_training = False
        self.rate_factor = self.learning_rate = 1.0
        self.callback_state: dict[str, Any] = {}
        self.callback_weights: dict[str, NDArray[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """Be the estimator in all else."""
        return getattr(self._training.estimator, name)

    def get_weights(self) -> list[Any]:
        """Copy the weights, W and b of each layer in turn."""
        estimator = self._training.estimator
        pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
        return [w.copy() for pair in pairs for w in pair]

    def set_weights(self, weights: list[Any]) -> None:
        """Go on from these weights."""
        self.set_learned(flat(weights, self._training.dtype))

    def get_learned(self) -> NDArray[Any]:
        """Copy all that is learned: no layer keeps anything beside its weights."""
        found: NDArray[Any] = self._training.flat()
        return found

    def set_learned(self, numbers: NDArray[Any]) -> None:
        """Go on from what `get_learned` gave."""
        self._training.network.set_params(numbers)
        self._training.hand_over()

    def save(self, path: Any) -> None:
        """Refuse: a checkpoint is a model file, and an estimator has none."""
        raise TypeError("an estimator has no model file: keep it with joblib.dump")


class Bar(Callback):
    """A bar an epoch on standard error."""

    def __init__(self, epochs: int, rows: int) -> None:
        self._progress, self._rows = Progress(1), rows
        self._progress.begin(epochs, rows)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin a bar."""
        self._progress.begin_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Fill the bar, and write beside it what was measured."""
        self._progress.advance(self._rows)
        self._progress.end_epoch(logs or {})


def listeners(estimator: Any, rows: int, incremental: bool) -> list[Callback]:
    """Return who listens to a fit; a `partial_fit`, a part of a training, nobody hears of.

    Raises
    ------
    TypeError
        If `callbacks` holds something else.
    """
    if incremental:
        return []
    found = get_all(estimator.callbacks)
    if is_bar(estimator.verbose):
        found.append(Bar(estimator.max_iter, rows))
    return found


def is_bar(verbose: Any) -> bool:
    """Return whether a bar is wanted, in place of lines."""
    return isinstance(verbose, str)

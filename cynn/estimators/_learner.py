"""What learns in a fit of an estimator: its network, and what the callbacks know as their model."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .. import _backend
from .._comm.shards import SingleProcess
from .._model.arrays import Learned
from .._runtime.access import Guard
from ..layers import Layer
from ._coefficients import Form
from ._n_jobs import threads_of


class Learner(Learned):
    """An estimator's network in training, with the attributes of `Model` that callbacks use.

    In all else it is the estimator.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Whose weights it has.
    form : Form
        The network's.
    dropout : tuple of float
        For each hidden layer the part of its outputs that is dropped.

    Attributes
    ----------
    stop_training : bool
        Whether this epoch, or this batch, is to be the last.
    rate_factor : float
        Every learning rate is multiplied by it.
    learning_rate : float
        That of the last step.
    callback_state, callback_weights : dict
        What callbacks remember.
    """

    layers: tuple[Layer, ...] = ()  # none that a model file would have
    _dropouts: tuple[float, ...] = ()  # none that a schedule gives

    def __init__(self, estimator: Any, form: Form, dropout: tuple[float, ...]) -> None:
        self._estimator, self._form, self.optimizer = estimator, form, estimator._optimizer
        self._weights = weights = estimator._weights
        self.dtype = weights.dtype
        self._shapes = weights.shapes
        self._network = weights.network_to_train(form, self.dtype, dropout)
        self._kernels = _backend.kernels(self.dtype.name)
        self._guard = Guard()
        self._seed = int(estimator._random_state.randint(1 << 31)) if any(dropout) else 0
        self.stop_training = False
        self.rate_factor = self.learning_rate = 1.0
        self.callback_state: dict[str, Any] = {}
        self.callback_weights: dict[str, NDArray[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """Be the estimator, with the weights as they are."""
        if name.startswith("__"):
            raise AttributeError(name)
        self.hand_over()
        return getattr(self._estimator, name)

    def _built_shape(self) -> tuple[int, ...]:
        return (self._network.n_inputs,)

    def _weight_names(self) -> dict[str, tuple[int, ...]]:
        return {
            f"{('coefs_', 'intercepts_')[i % 2]}[{i // 2}]": shape
            for i, shape in enumerate(self._shapes)
        }

    def _draw_seed(self) -> tuple[int, int]:
        """Return the seed and the epoch of what is drawn by chance: steps alone count."""
        return self._seed, 0

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Go on from these weights; see `Learned.set_weights`."""
        super().set_weights(weights)
        self.hand_over()

    def hand_over(self) -> None:
        """Make the network's weights those of the estimator."""
        self._weights.trained(self._form, self.dtype, self._network)

    def save(self, path: Any) -> None:
        """Refuse: a checkpoint is a model file, and an estimator has none."""
        raise TypeError("an estimator cannot be saved as a model file: save it with joblib.dump")


class Jobs(SingleProcess):
    """One process whose calls use as many threads as an estimator's `n_jobs` says."""

    def __init__(self, n_jobs: int | None) -> None:
        self.threads = partial(threads_of, n_jobs)

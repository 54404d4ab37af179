"""What a network for tables is told: its settings, and the models that they make of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import DTypeLike, NDArray

from .. import losses
from ..layers import Layer
from ..losses import CrossEntropy, Loss
from ..model import Model
from ..optimizers import Optimizer
from ..tables import TableEncoder, Target


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Base of the presets: what each says of one task.

    Attributes
    ----------
    recipe : str
        How the columns become numbers; see `cynn.tables.TableEncoder.fit`.
    hidden : tuple of int
        The units of each hidden layer.
    learning_rate : float
        The highest of the run.
    dropout, weight_decay, label_smoothing : float
        The highest of the run.
    n_epochs : int
        How long it learns at most.
    batch_size : int or "auto"
        From how many rows at a time, where the preset does not choose by their number; see
        `batch_of`.
    patience : int or None
        How many epochs in a row may be no better before a training ends; None: it never does.
    """

    recipe: str
    hidden: tuple[int, ...]
    learning_rate: float
    dropout: float
    weight_decay: float
    label_smoothing: float = 0.0
    n_epochs: int = 256
    batch_size: int | str = 256
    patience: int | None = None

    def layers(
        self, encoder: TableEncoder, x: NDArray[Any], n_outputs: int, activation: str
    ) -> list[Layer]:
        """Return the layers for rows of a table.

        Parameters
        ----------
        encoder : TableEncoder
            What made the rows.
        x : ndarray, shape (n, width)
            The rows to train on, encoded.
        n_outputs : int
            The units of the last layer.
        activation : str
            That of the last layer.

        Returns
        -------
        list of Layer
            From the encoded rows to the outputs.
        """
        raise NotImplementedError

    def batch_of(self, n: int) -> int:
        """Return the rows of a mini-batch where there are n to train on."""
        return int(self.batch_size)

    def optimizer(self) -> Optimizer:
        """Return the optimizer of a run."""
        raise NotImplementedError

    def begin(self, model: Model, seed: int) -> None:
        """Give a model first weights, where its layers do not draw them by themselves.

        Parameters
        ----------
        model : Model
            One of the layers of this preset, compiled, that has its table.
        seed : int
            What they are drawn by.
        """

    def loss(self, target: Target) -> Loss:
        """Return the loss of a target.

        Parameters
        ----------
        target : Target
            What is learned.

        Returns
        -------
        Loss
            The cross-entropy, or the loss of the standardised target: squared, or of its quantiles.
        """
        if target.task == "classification":
            return CrossEntropy(label_smoothing=self.label_smoothing)
        return losses.get(target.loss)

    def maker(
        self,
        encoder: TableEncoder,
        x: NDArray[Any],
        metrics: Sequence[str],
        dtype: DTypeLike = "float32",
    ) -> Callable[[int], Model]:
        """Return what makes a network for a table.

        Parameters
        ----------
        encoder, x
            See `layers`.
        metrics : sequence of str
            What is measured beside the loss.
        dtype : dtype, default "float32"
            What it computes in.

        Returns
        -------
        callable
            ``make(seed)`` returns a compiled Model that has the table.
        """
        target = encoder.target
        layers = self.layers(encoder, x, target.n_outputs, target.activation)

        def make(seed: int) -> Model:
            model = Model(layers, dtype=dtype, seed=seed)
            model.compile(self.optimizer(), self.loss(target), metrics)
            model.table = encoder
            self.begin(model, seed)
            return model

        return make

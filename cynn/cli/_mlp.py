"""``cynn train TABLE --model mlp``: the network that the options say."""

import argparse
from typing import Any

from ..callbacks import EarlyStopping
from ..layers import Dense
from ..model import Model
from ..optimizers import Optimizer
from . import _train_model
from ._models import Data

LEARNING_RATE = 0.01


class MLP:
    """Dense layers and dropout, by any optimizer.

    Parameters
    ----------
    options : Namespace
        What the command was told.
    """

    title, recipe = "MLP", "standard"

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        if "optimizer" in options:  # what cannot be is said before the table is read
            _train_model.optimizer(options, LEARNING_RATE)

    def expect(self, data: Data) -> None:
        """Raise an error where such data cannot be learned with the options."""
        self._optimizer(data)

    def _optimizer(self, data: Data) -> Optimizer:
        default = "adam" if data.encoder.target.task == "regression" else "sgd"
        return _train_model.optimizer(self.options, LEARNING_RATE, default)

    def with_target(self, data: Data) -> Data:
        """Return the data with the target as the network learns it: as it is."""
        return data

    def model(self, data: Data) -> Model:
        """Return a model that is compiled, of the options' layers."""
        options, target = self.options, data.encoder.target
        last = Dense(target.n_outputs, target.activation)
        layers = [*_train_model.hidden_layers(options), last]
        model = Model(layers, dtype=options.dtype, seed=options.seed)
        model.compile(self._optimizer(data), target.loss, [target.metric])
        model.table = data.encoder
        return model

    def fit_settings(self, data: Data) -> dict[str, Any]:
        """Return what a fit is told beside the rows: the best epoch is kept if one is known."""
        if "validation" not in data.parts:
            return {}
        options = self.options  # without --patience no number of epochs is too many
        patience = options.epochs if options.patience is None else options.patience
        return {"callbacks": [EarlyStopping("val_loss", patience)]}

"""This library."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cynn
from cynn.layers import Dense, Rescale
from cynn.optimizers import SGD

from ..cases import LEARNING_RATE, Case
from .base import Peer


class Cynn(Peer):
    """Pixels as stored, scaled by a layer."""

    takes_bytes = True
    options: dict[str, Any] = {}

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        cynn.set_num_threads(threads)

    def version(self) -> str:
        return cynn.__version__

    def _model(self, case: Case) -> cynn.Model:
        head = [Rescale(1 / 255)] if self.takes_bytes and case.kind == "train" else []
        hidden = [Dense(n, "relu") for n in case.sizes[1:-1]]
        last = Dense(case.sizes[-1], "softmax")
        model = cynn.Model([*head, *hidden, last], dtype=case.dtype, seed=0)
        model.compile(SGD(LEARNING_RATE), loss="cross_entropy")
        model.build(case.sizes[0])
        return model

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        self.model, self.x, self.y, self.batch = self._model(case), x, y, case.batch

    def train(self, epochs: int) -> float:
        fit = self.model.fit(
            self.x, self.y, batch_size=self.batch, epochs=epochs, verbose=0, **self.options
        )
        return fit.history["loss"][-1]

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        model = self._model(case)
        return lambda: model.predict(x)


class CynnReal(Cynn):
    """The same from pixels that are already reals."""

    takes_bytes = False


class CynnKept(Cynn):
    """Predictions with threads that stay between calls, as the peers' do."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.kept = cynn.keep_threads()
        self.kept.__enter__()


class CynnSparse(Cynn):
    """The same, but the first layer skips pixels that are zero: reported apart."""

    options = {"sparse": "auto"}

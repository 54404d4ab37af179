"""Dense neural networks trained and served at hardware speed, from NumPy.

>>> import numpy as np
>>> from cynn import Model
>>> from cynn.layers import Dense
>>> model = Model([Dense(8, "relu"), Dense(2, "softmax")], seed=0)
>>> model.compile("sgd", loss="cross_entropy", metrics=["accuracy"])
>>> x = np.random.default_rng(0).normal(size=(64, 4))
>>> history = model.fit(x, (x.sum(axis=1) > 0).astype(int), epochs=5, verbose=0)
>>> model.predict(x[:3]).shape
(3, 2)
"""

# isort: off
from ._runtime import interrupts as _interrupts  # noqa: F401 (first: it sees to Ctrl-C)

# isort: on
from typing import TYPE_CHECKING

from ._runtime.threads import get_num_threads, keep_threads, set_num_threads
from ._specs.names import missing_from
from ._version import VERSION as __version__
from .model import Model

__all__ = ["Model", "__version__", "get_num_threads", "keep_threads", "set_num_threads"]

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)

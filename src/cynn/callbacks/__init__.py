"""Callbacks: code of your own between the epochs of a fit.

The hooks have Keras's names and arguments. There are none by batch: an epoch runs in compiled code
from end to end.
"""

from collections.abc import Iterable
from typing import Any

from .base import Callback, Logs
from .checkpoint import ModelCheckpoint
from .history import CSVLogger, History
from .plateau import ReduceOnPlateau
from .stopping import EarlyStopping
from .watch import MORE_IS_BETTER, Watch

__all__ = [
    "MORE_IS_BETTER",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "Logs",
    "ModelCheckpoint",
    "ReduceOnPlateau",
    "Watch",
    "get_all",
]


def get_all(given: Any) -> list[Callback]:
    """Give the callbacks of a list, or of None.

    Raises
    ------
    TypeError
        If it is no such list.
    """
    if isinstance(given, Callback) or not (given is None or isinstance(given, Iterable)):
        raise TypeError(f"callbacks must be a list of Callback objects, got {given!r}")
    found = list(given or ())
    for callback in found:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks must hold Callback objects, got {callback!r}")
    return found

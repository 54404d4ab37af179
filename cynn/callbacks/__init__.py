"""Callbacks: code of your own between the epochs and the batches of a fit.

The hooks have Keras's names and arguments. Without a hook of batches an epoch runs in compiled code
from end to end; with one Python is entered twice a batch, to the same bits.
"""

# One callback a file. Imports `_specs` and `_runtime`; knows no Model; imported from `_training`
# upwards.

from collections.abc import Iterable
from typing import Any

from ._callback import Callback, Logs
from ._checkpoint import ModelCheckpoint
from ._history import CSVLogger, History
from ._monitor import MORE_IS_BETTER, Monitor
from ._plateau import ReduceLROnPlateau
from ._stopping import EarlyStopping

__all__ = [
    "MORE_IS_BETTER",
    "NEVER_CALLED",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "Logs",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "Monitor",
    "get_all",
]


NEVER_CALLED = tuple(
    f"on_{of}{when}"
    for of in ("train_batch_", "test_batch_", "predict_batch_", "test_", "predict_")
    for when in ("begin", "end")
)
"""Keras's hooks that there are none of: who writes one would wait for it in vain."""


def get_all(callbacks: Any) -> list[Callback]:
    """Return the callbacks of a list, or of None.

    Parameters
    ----------
    callbacks : iterable of Callback, or None
        What ``Model.fit`` got as ``callbacks``; None is none of them.

    Returns
    -------
    list of Callback
        In the same order.

    Raises
    ------
    TypeError
        If it is no such list, or one has a hook that is never called.

    Examples
    --------
    >>> get_all(None)
    []
    >>> get_all([History()])
    [<History of 0 epochs: nothing yet>]
    >>> get_all("early")
    Traceback (most recent call last):
    TypeError: callbacks must hold Callback objects, got 'e'
    """
    if isinstance(callbacks, Callback) or not (
        callbacks is None or isinstance(callbacks, Iterable)
    ):
        raise TypeError(f"callbacks must be a list of Callback objects, got {callbacks!r}")
    checked = list(callbacks or ())
    for callback in checked:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks must hold Callback objects, got {callback!r}")
        for name in NEVER_CALLED:
            if hasattr(type(callback), name):  # of an object that answers to all, nothing is known
                raise TypeError(
                    "callbacks must only have hooks of the training, its epochs and its batches "
                    f"(on_batch_begin, on_batch_end), got {type(callback).__name__} with {name}, "
                    "which is never called"
                )
    return checked

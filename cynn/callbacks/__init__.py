"""Callbacks: code of your own between the epochs and the batches of a fit.

The hooks have Keras's names and arguments. Without a hook of batches an epoch runs in compiled code
from end to end; with one Python is entered twice a batch, to the same bits.
"""

# One callback a file. Imports `_specs` and `_runtime`; knows no Model; imported from `_training`
# upwards.

import os
from typing import TYPE_CHECKING, Any

from .._specs.names import missing_from
from .._specs.user_functions import expect_takes
from .._specs.validation import shown
from ._best import BestEpoch
from ._callback import Callback, Logs
from ._checkpoint import ModelCheckpoint, checkpoints_after
from ._history import CSVLogger, History
from ._live import LivePlot
from ._monitor import Monitor
from ._plateau import ReduceLROnPlateau
from ._stopping import EarlyStopping

__all__ = [
    "HOOKS",
    "BestEpoch",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LivePlot",
    "Logs",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "Monitor",
    "checkpoints_after",
    "get_all",
]

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)

HOOKS = {
    "on_train_begin": (),
    "on_train_end": ("logs",),
    "on_epoch_begin": ("epoch",),
    "on_epoch_end": ("epoch", "logs"),
    "on_batch_begin": ("batch",),
    "on_batch_end": ("batch", "logs"),
}
"""What a callback is called by, and with what."""

_WRITERS = CSVLogger, ModelCheckpoint

_IN_HOOKS = ("train", "epoch", "batch", "step", "fit", "test", "valid", "predict")


def _never_called(kind: type) -> list[str]:
    """Return the names of a class that are a hook's elsewhere, or a misspelt one of these."""
    return [
        name
        for name in dir(kind)  # of an object that answers to all names nothing is known
        if name.startswith("on_") and name not in HOOKS and any(map(name.__contains__, _IN_HOOKS))
    ]


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
        If it is no such list, or one has a hook that is never called, or cannot be called with
        what a fit gives it.
    ValueError
        If one is in it twice: it would count all twice; or two write the same file.

    Examples
    --------
    >>> get_all(None)
    []
    >>> get_all([History()])
    [<History of 0 epochs: nothing yet>]
    >>> get_all("early")
    Traceback (most recent call last):
    TypeError: callbacks must be a list of Callback objects, got 'early': write ...
    """
    if isinstance(callbacks, str):
        raise TypeError(
            f"callbacks must be a list of Callback objects, got {shown(callbacks)}: write their "
            "calls in a list"
        )
    try:
        checked = [] if callbacks is None else list(callbacks)
    except TypeError:
        raise TypeError(
            f"callbacks must be a list of Callback objects, got {shown(callbacks)}"
        ) from None
    for callback in checked:
        if not isinstance(callback, Callback):
            call = ": write its call" if isinstance(callback, type) else ""
            raise TypeError(f"callbacks must hold Callback objects, got {shown(callback)}{call}")
        for name in _never_called(type(callback)):
            raise TypeError(
                f"callbacks must only have the hooks {', '.join(HOOKS)}, got "
                f"{type(callback).__name__} with {name}, which is never called"
            )
        for hook, arguments in HOOKS.items():
            name = f"{type(callback).__name__}.{hook}"
            expect_takes(name, getattr(callback, hook), arguments)
    if len(set(map(id, checked))) < len(checked):
        twice = next(each for each in checked if sum(other is each for other in checked) > 1)
        raise ValueError(f"callbacks must hold each object once, got {twice!r} twice")
    paths = [os.path.abspath(each.path) for each in checked if isinstance(each, _WRITERS)]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(f"callbacks must write a file of its own each, got {twice!r} twice")
    return checked

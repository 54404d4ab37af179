"""The choice of the compiled target: which build of the kernels this process uses.

The best that this processor runs is taken, ``reference`` (plain Python) where none was compiled.
The environment variable ``CYNN_TARGET`` names another. The processor is asked first: importing a
target that it cannot run ends the process with an illegal instruction, which nothing catches.
"""

import functools
import importlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from .kernels import targets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .kernels._target import Network

TARGETS = (*targets.TARGETS, "reference")
"""All targets, the fastest first."""

REALS = tuple(targets.REALS)


class Kernels(Protocol):
    """What a model uses of a target; kernels/_target.pyi has the rest."""

    OPTIMIZERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], dict[str, float]]]
    Network: "type[Network]"

    def permutation(self, out: "NDArray[np.int64]", seed: int, epoch: int) -> None:
        """Fill `out` with its rows' numbers in a random order."""

    def keep_threads(self, kept: bool) -> None:
        """Set whether the threads of a call stay for the next; the reference has none."""


def available_targets() -> list[str]:
    """Return the targets that were compiled and that this machine can run.

    Returns
    -------
    list of str
        Names from `TARGETS`, the fastest first, ``"reference"`` always the last.

    Examples
    --------
    >>> available_targets()[-1]
    'reference'
    """
    return [name for name in TARGETS if name == "reference" or _compiled(name) and _runs(name)]


def target() -> str:
    """Return the name of the target in use: ``CYNN_TARGET``, or the fastest available.

    Returns
    -------
    str
        A name from `TARGETS`.

    Raises
    ------
    ValueError
        If ``CYNN_TARGET`` names no target, or one that this machine cannot run.
    """
    wanted = os.environ.get("CYNN_TARGET", "")
    available = available_targets()
    if not wanted:
        return available[0]
    if wanted in available:
        return wanted
    if wanted in TARGETS:
        reason = "this processor cannot run" if _compiled(wanted) else "this build does not have"
        raise ValueError(
            f"CYNN_TARGET must be one of {', '.join(available)}, got {wanted!r}, which {reason}"
        )
    raise ValueError(f"CYNN_TARGET must be one of {', '.join(available)}, got {wanted!r}")


def load(name: str, dtype: str) -> Kernels:
    """Import a target's kernels.

    Parameters
    ----------
    name : str
        One of `available_targets`.
    dtype : str
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    module
        ``cynn.reference`` or a module of ``cynn.kernels``; all have the same functions.

    Raises
    ------
    ValueError
        If there is no such target here, or no such precision.
    """
    if dtype not in REALS:
        raise ValueError(f"dtype must be one of {', '.join(REALS)}, got {dtype!r}")
    if name not in available_targets():
        raise ValueError(f"target must be one of {', '.join(available_targets())}, got {name!r}")
    module = "cynn.reference" if name == "reference" else f"cynn.kernels.{name}_{dtype}"
    return cast(Kernels, importlib.import_module(module))


def kernels(dtype: str) -> Kernels:
    """Return the kernels in use for a precision, ``"float32"`` or ``"float64"``."""
    return load(target(), dtype)


@functools.cache  # what a process has and can run does not change
def _compiled(name: str) -> bool:
    return all(find_spec(f"cynn.kernels.{name}_{real}") is not None for real in REALS)


@functools.cache
def _runs(name: str) -> bool:
    try:
        processor = importlib.import_module("cynn.kernels.processor")
    except ImportError:
        return False
    return _has(processor.words(), targets.TARGETS[name].needs)


def _has(words: dict[str, int], needs: tuple[str, ...]) -> bool:
    """Return whether a processor that says so in its words has all the features."""
    features = (targets.FEATURES[name] for name in needs)
    return all(words[word] & bits == bits for word, bits in features)

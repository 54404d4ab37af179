"""Which network learns: its defaults, and the options that one of a table's two has alone."""

import argparse
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._realmlp.members import Rows
from ..tables import TableEncoder
from ._options import IMAGES

REALMLP, MLP = MODELS = ("realmlp", "mlp")
"""The networks for a table, the default one first."""

ALONE = {
    REALMLP: {"members": "--members", "time_limit": "--time-limit"},
    MLP: {
        "optimizer": "--optimizer",
        "momentum": "--momentum",
        "activation": "--activation",
        "patience": "--patience",
    },
}
"""The options that the other network for a table has not."""

DEFAULTS: dict[str, dict[str, Any]] = {
    IMAGES: {"hidden": [256], "epochs": 8, "batch_size": 64},
    MLP: {"hidden": [256], "epochs": 100, "batch_size": 64},
    REALMLP: {"hidden": [256, 256, 256], "epochs": 256, "batch_size": 256},
}
"""Of the options that all networks have, by what is learned."""


class Data(NamedTuple):
    """A table as a network takes it.

    Attributes
    ----------
    encoder : TableEncoder
        Its columns and its target.
    x : ndarray, shape (n, width)
        Its rows.
    y : ndarray, shape (n,)
        Their targets: the places of classes, or numbers as they are in the table.
    parts : dict of str to ndarray of int
        The rows for "training" and, where some are held out, for "validation".
    """

    encoder: TableEncoder
    x: NDArray[Any]
    y: NDArray[Any]
    parts: dict[str, NDArray[np.intp]]

    @property
    def encoded(self) -> NDArray[Any]:
        """The targets as the loss takes them."""
        is_class = self.encoder.target.task == "classification"
        return self.y if is_class else self.encoder.target.encode(self.y)

    def rows(self, part: str) -> Rows | None:
        """Return the rows of a part, targets as the loss takes them; None if there is no such."""
        if part not in self.parts:
            return None
        return Rows(self.x, self.encoded).take(self.parts[part])


def choose(options: argparse.Namespace) -> None:
    """Note which network learns a table, and give the options of all networks their defaults.

    Raises
    ------
    ValueError
        If an option was given that this network has not.
    """
    given = {
        model: [flag for name, flag in flags.items() if name in options]
        for model, flags in ALONE.items()
    }
    if "model" not in options:
        if given[MLP] and given[REALMLP]:
            raise ValueError(
                f"{given[REALMLP][0]} must go without {given[MLP][0]}, which --model mlp alone "
                "has, got both: leave one of them out"
            )
        options.model = MLP if given[MLP] else REALMLP
    for model, flags in given.items():
        if flags and model != options.model:
            raise ValueError(
                f"--model must be {model} for {flags[0]}, got {options.model}: leave one of them "
                "out"
            )
    give_defaults(options, options.model)


def give_defaults(options: argparse.Namespace, kind: str) -> None:
    """Give the options of all networks the defaults of one."""
    for name, value in DEFAULTS[kind].items():
        if name not in options:
            setattr(options, name, value)

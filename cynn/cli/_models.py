"""Which network learns: its defaults, and the options that some of a table's have alone."""

import argparse
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._tabular.members import Rows
from .._tabular.networks import NETWORKS, Network
from ..tables import TableEncoder
from ._options import IMAGES

MLP = "mlp"

_DEFAULT, *_OTHERS = NETWORKS

MODELS = (_DEFAULT, MLP, *_OTHERS)
"""The networks for a table: the first that has all options that were given is taken."""

_STOPPING = [
    name for name, network in NETWORKS.items() if network.default("regression").patience is not None
]

SOME = {
    "members": ("--members", tuple(NETWORKS)),
    "time_limit": ("--time-limit", tuple(NETWORKS)),
    "optimizer": ("--optimizer", (MLP,)),
    "momentum": ("--momentum", (MLP,)),
    "activation": ("--activation", (MLP,)),
    "patience": ("--patience", (MLP, *_STOPPING)),
}
"""The options that some networks for a table have, each with its flag and these."""


def _of(network: Network) -> dict[str, Any]:
    preset = network.default("regression")
    return {
        "hidden": list(preset.hidden),
        "epochs": preset.n_epochs,
        "batch_size": preset.batch_size,
    }


DEFAULTS: dict[str, dict[str, Any]] = {
    IMAGES: {"hidden": [256], "epochs": 8, "batch_size": 64},
    MLP: {"hidden": [256], "epochs": 100, "batch_size": 64},
    **{name: _of(network) for name, network in NETWORKS.items()},
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
    given = [SOME[name] for name in SOME if name in options]
    if "model" not in options:
        for (flag, models), (other, others) in combinations(given, 2):
            if not set(models) & set(others):
                raise ValueError(
                    f"{flag} must go without {other}, which --model {' or '.join(others)} alone "
                    "has, got both: leave one of them out"
                )
        options.model = next(
            model for model in MODELS if all(model in models for _, models in given)
        )
    for flag, models in given:
        if options.model not in models:
            raise ValueError(
                f"--model must be {' or '.join(models)} for {flag}, got {options.model}: leave one "
                "of them out"
            )
    give_defaults(options, options.model)


def give_defaults(options: argparse.Namespace, kind: str) -> None:
    """Give the options of all networks the defaults of one."""
    for name, value in DEFAULTS[kind].items():
        if name not in options:
            setattr(options, name, value)

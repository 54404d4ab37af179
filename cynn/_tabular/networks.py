"""The networks for tables, by name: what the estimators and the command choose from."""

from collections.abc import Mapping
from typing import NamedTuple

from . import realmlp, tabm
from .preset import Preset


class Network(NamedTuple):
    """A network for tables.

    Attributes
    ----------
    title : str
        What people call it; the names of its estimators begin so.
    presets : mapping of (str, str) to Preset
        By name, the default one first, and task.
    """

    title: str
    presets: Mapping[tuple[str, str], Preset]

    def default(self, task: str) -> Preset:
        """Return the preset of a task that is taken where none is named."""
        return next(preset for (_, its_task), preset in self.presets.items() if its_task == task)

    @property
    def estimators(self) -> tuple[str, str]:
        """The names of its estimators, for classes and for numbers."""
        return f"{self.title}Classifier", f"{self.title}Regressor"


NETWORKS: dict[str, Network] = {
    "realmlp": Network("RealMLP", realmlp.PRESETS),
    "tabm": Network("TabM", tabm.PRESETS),
}
"""By what ``cynn train --model`` calls them, the default first."""

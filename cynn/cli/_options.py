"""Which options apply: to images alone, to a table alone, or beside another option."""

import argparse
from typing import Any

IMAGES, TABLE = "images", "a table"

COMPANIONS = (
    ("patience", "validation", "--validation must be above 0 for --patience, got 0"),
    ("resume", "checkpoint", "--checkpoint FILE must be given for --resume, got none"),
    ("dropout", "hidden", "--hidden must name a layer for --dropout, got none"),
    ("activation", "hidden", "--hidden must name a layer for --activation, got none"),
)
"""An option, another without which it does nothing, and the error."""


class OptionsFor:
    """A group of a command's options that go with one kind of data alone.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The command.
    kind : str
        `IMAGES` or `TABLE`.
    """

    def __init__(self, command: argparse.ArgumentParser, kind: str) -> None:
        self.kind = kind
        self.declared: dict[str, tuple[str, Any]] = {}  # by the attribute: its flag, its default
        self._group = command.add_argument_group(f"for {kind}")
        command.set_defaults(limited=[*(command.get_default("limited") or []), self])

    def add_argument(self, flag: str, *, default: Any = None, help: str, **settings: Any) -> None:
        """Declare an option, as argparse does; what it was not told stays unsaid until `settle`."""
        if default not in (None, "", (), False):
            help += f" (default: {default})"
        action = self._group.add_argument(flag, default=argparse.SUPPRESS, help=help, **settings)
        if isinstance(default, str) and callable(action.type):
            default = action.type(default)
        self.declared[action.dest] = flag, default


def settle(options: argparse.Namespace, kind: str, remedy: str = "leave it out") -> None:
    """Refuse options that go with other data than these, and give the others their defaults.

    Those that do not go with the data are None.

    Parameters
    ----------
    options : Namespace
        What the command was told.
    kind : str
        The data that there are: `IMAGES` or `TABLE`.
    remedy : str
        What to do about an option that does not go with them.

    Raises
    ------
    ValueError
        If an option was given that goes with other data, or lacks its companion.
    """
    for group in options.limited:
        for name, (flag, default) in group.declared.items():
            if name not in options:
                setattr(options, name, default if group.kind == kind else None)
            elif group.kind != kind:
                raise ValueError(f"{flag} must go with {group.kind}, got {kind}: {remedy}")
    for option, companion, message in COMPANIONS:
        value = getattr(options, option, None)
        if value is not None and value is not False and not getattr(options, companion):
            raise ValueError(message)

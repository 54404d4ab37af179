"""The parser of the command line, which says what was meant by what is misspelt."""

import argparse
from collections.abc import Callable, Collection
from typing import Any

from .._specs.names import hint, nearest, synonym

WORDS = {
    "lr": "learning-rate",
    "output": "save",
    "out": "save",
    "o": "save",
    "save": "output",
    "verbose": "quiet",
    "silent": "quiet",
    "early-stopping": "patience",
    "balanced": "class-weight",
    "test-size": "validation",
    "layers": "hidden",
    "units": "hidden",
}
"""Other words for options, which are spelt unlike them."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors end with what was meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options; refuse unknown ones here, where the command's own are known."""
        options, extras = super().parse_known_args(args, namespace)
        if extras:
            first = str(extras[0])
            meant = self._meant(first.partition("=")[0]) if first.startswith("-") else ""
            self.error(f"unrecognized arguments: {' '.join(extras)}{meant}")
        return options, extras

    def _meant(self, option: str) -> str:
        """Return which option is meant, as the end of a message.

        The dashes, which all have, do not make one alike to another.
        """
        word = option.lstrip("-").replace("_", "-")
        own = [name.lstrip("-") for name in self._option_string_actions]
        words = {name: name for name in own} | {w: n for w, n in WORDS.items() if n in own}
        close = nearest(word, [name for name in words if name not in ("h", "help")])
        return "" if close is None else f": did you mean '--{words[close]}'?"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += hint(action.dest, value, action.choices or ())
            raise


def named(kind: str, choices: Collection[str]) -> Callable[[str], str]:
    """Return what takes another library's word for one of the choices: ``linear``, ``Adam``."""
    return lambda word: synonym(kind, word, choices)

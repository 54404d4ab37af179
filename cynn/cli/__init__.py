"""The command ``cynn``: train, evaluate and use a network from a terminal.

Each command is a file with `add`, which declares its arguments and what runs. Networks learn images
of digits, or a table.
"""

# The roof: one command a file; may import everything; imported by `__main__`.

import argparse
import io
import os
import shlex
import sys
from collections.abc import Sequence

from .._runtime import interrupts
from .._runtime.interrupts import INTERRUPTED
from .._runtime.threads import set_num_threads
from .._version import VERSION
from . import _draw, _evaluate, _export, _info, _predict, _train
from ._parser import Parser

__all__ = ["INTERRUPTED", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit status: 0, 1 after an error, 2 after wrong arguments, 130 after Ctrl-C.

    Examples
    --------
    >>> main(["predict", "no-such-file", "image.png"])  # doctest: +SKIP
    1
    """
    try:
        interrupts.working, interrupts.pressed = True, False
        status = _run(arguments)
        interrupts.working = False
    except KeyboardInterrupt:
        interrupts.working = False
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    finally:
        interrupts.working = False
        interrupts.leave()
    return status


def _run(arguments: Sequence[str] | None) -> int:
    """Run the command and say what went wrong; return the exit status."""
    options = _parser().parse_args(arguments)
    options.command = shlex.join(["cynn", *(sys.argv[1:] if arguments is None else arguments)])
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a path may hold any character; a line is seen when it is printed, also through a pipe
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    try:
        if getattr(options, "threads", None) is not None:
            set_num_threads(options.threads)
        status: int = options.run(options) or 0
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader that is gone is no surprise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to write to
        return 1
    except Exception as error:
        if interrupts.pressed:  # libraries make other errors of it
            raise KeyboardInterrupt from error
        expected = (
            OSError, ValueError, TypeError, ImportError, RuntimeError, MemoryError,
            FloatingPointError,
        )  # fmt: skip
        if not isinstance(error, expected):
            raise
        print(f"cynn: error: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="cynn", description="Dense neural networks at hardware speed.")
    parser.add_argument("--version", action="version", version=f"cynn {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (_train, _evaluate, _predict, _draw, _export, _info):
        command.add(commands)
    return parser

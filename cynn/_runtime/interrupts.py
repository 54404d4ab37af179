"""Ctrl-C in the command ``cynn``: one line and status 130, from the first import to the very end.

Python turns Ctrl-C into a KeyboardInterrupt wherever the program is. In the midst of an import, or
when the program is over, nobody catches it: it is shown as a traceback, or a library's C code makes
something else of it. So the process of the command has a handler of its own. In a process that only
imports cynn nothing is changed.
"""

# Few imports, and light ones: until they are done Ctrl-C is still a traceback.
import os
import signal
import sys

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the signal's number."""

working = False
"""Whether a KeyboardInterrupt is caught. A plain variable: setting it calls no function, so that no
signal is handled in between."""

pressed = False
"""Whether Ctrl-C was pressed while the command worked, also where its exception was lost."""


def is_command() -> bool:
    """Return whether this process is the command, by what it was started with."""
    name = sys.argv[0] if getattr(sys, "argv", None) else ""
    if name == "-m":  # Python looks for the package that it is to run
        return "cynn" in sys.orig_argv or "-mcynn" in sys.orig_argv
    return os.path.basename(name) in ("cynn", "cynn.exe")


def watch() -> None:
    """Handle Ctrl-C in this process, unless someone else does, or it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)
        sys.unraisablehook = _handle_unraisable


def leave() -> None:
    """Ignore Ctrl-C from here on, if this process is the command: all is done, and said.

    Python gives signals back to the system before it is gone, which would end it without a word.
    """
    if signal.getsignal(signal.SIGINT) is _handle:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _handle(number: int, frame: object) -> None:
    global pressed
    if not working:
        _end()
    pressed = True
    raise KeyboardInterrupt


def _handle_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """End at an interrupt that Python would drop, and show the rest as Python does."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _end()
    sys.__unraisablehook__(unraisable)


def _end() -> None:
    """End the process now: no code that may be half imported runs any more."""
    try:
        os.write(2, b"interrupted\n")
    except OSError:
        pass  # nobody reads
    os._exit(INTERRUPTED)


if is_command():  # when this is imported, which the package does before all else
    watch()

"""The grammar of the package's errors, as far as a program can check it.

scripts/list-errors lists them. A message about an argument says ``batch_size must be a positive
integer, got 0``, then, after a colon, what to do. What must be given or None has no "got".
"""

import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
from types import ModuleType

import pytest

from places import ROOT

SCRIPT = ROOT / "scripts" / "list-errors"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the scripts are not here")

# Messages about an argument.
OF_ARGUMENTS = {"ValueError", "TypeError", "IDXError", "argparse.ArgumentTypeError"}

# Without "must" or "got": a part of the message, or of its place, and why.
EXCEPTIONS = {
    "cynn/estimators/": "scikit-learn's messages, as it writes them",
    "{error}": "the message of another error, behind the name of a file or a node",
    "{str(error)": "the same",
    "{message}": "made before",
    "{wanted}, got": "made before: 'name must be WHAT'",
    ": cut short": "a file that ends too soon, with its sizes",
    ": {problem}": "the same, or one that goes on",
    ": too long": "a file that goes on, with its sizes",
    "{path}: {description}": "a file that is larger than the caller allows",
    "must not share": "what came is the name before",
    "must be compiled": "there is nothing that came",
    "must not be sparse": "a sparse matrix came",
    "its fork": "the steps, which are the caller's own",
    "its join": "the same",
    "user-defined activations": "the network's own",
    "must ascend within": "the place comes before",
    "starts must begin with 0": "the arrays are many numbers",
    "must not share constants": "there is no one number that came",
    "its operator must be": "the node's operator is named before",
    "and be contiguous": "shape or strides may be meant",
    "times are no numbers": "caught by its caller",
}


def listed() -> ModuleType:
    """Return scripts/list-errors as a module."""
    loader = importlib.machinery.SourceFileLoader("list_errors", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


LISTED = listed() if SCRIPT.is_file() else None
MESSAGES = [] if LISTED is None else list(LISTED.lines([ROOT / "cynn"]))


def faults(kind: str, message: str, place: str) -> list[str]:
    """Return what breaks the grammar in a message."""
    found = []
    if re.search(r"\bwanted\b(?!\})", re.sub(r"\{[^}]*\}", "", message)):
        found.append("'wanted' in place of 'must'")
    if re.match(r"(give|say|take|wanted|a step alone)\b", message):
        found.append("begins with what to do, not with the name")
    if message != message.strip() or "  " in message:
        found.append("spaces")
    if message.endswith("."):
        found.append("ends with a full stop")
    excepted = any(part in message or place.startswith(part) for part in EXCEPTIONS)
    if (
        kind in OF_ARGUMENTS
        and not excepted
        and not re.search(r"\bmust\b.*\bgot\b|must be (given|None)", message)
    ):
        found.append("no 'must ..., got ...'")
    return found


def test_messages_follow_the_grammar():
    broken = [
        f"{place}: {message}: {', '.join(found)}"
        for place, kind, message in MESSAGES
        if not place.startswith("cynn/estimators/") and (found := faults(kind, message, place))
    ]
    assert not broken, "\n".join(broken)
    assert len(MESSAGES) > 400


def test_each_exception_is_needed():
    unused = [
        part
        for part in EXCEPTIONS
        if not any(part in message or place.startswith(part) for place, _, message in MESSAGES)
    ]
    assert not unused


@pytest.mark.parametrize(
    "message",
    [
        "batch_size is 0, wanted at least 1",
        "give either y or output",
        "batch_size must be a positive integer, got 0.",
        "batch_size must be a positive integer",
        "batch_size: 0",
    ],
)
def test_a_message_that_breaks_the_grammar_is_seen(message):
    assert faults("ValueError", message, "cynn/x.py:1")
    assert not faults("ValueError", "batch_size must be at least 1, got 0", "cynn/x.py:1")


def test_the_script_reads_each_way_to_raise(tmp_path):
    (tmp_path / "a.py").write_text(
        'raise ValueError(f"a must be {b!r}, got " + c)\n'
        'warnings.warn("w", RuntimeWarning, stacklevel=2)\n'
        'file.refuse("r")\n'
        "raise\n"
    )
    (tmp_path / "k.pxi").write_text(
        'if a:\n    raise ValueError(\n        f"k {b} "\n        "l"\n    )\n'
    )
    ran = subprocess.run(
        [sys.executable, SCRIPT, tmp_path],
        env=os.environ | {"PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition(f"{tmp_path}/")[2] for line in ran.stdout.splitlines()] == [
        "a.py:1: ValueError: a must be {b}, got {c}",
        "a.py:2: RuntimeWarning: w",
        "a.py:3: refuse: r",
        "k.pxi:2: ValueError: k {b} l",
    ]

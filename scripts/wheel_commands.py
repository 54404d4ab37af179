"""The commands that build and test wheels: silent, and without the settings of the caller."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]

# Variables of the caller's shell that would change a build or a test.
FOREIGN = re.compile(r"PYTHON|CYNN_(?!DATA$)|GIT_|PIP_(PREFIX|ROOT|TARGET|USER)$|[A-Z]+FLAGS$")


class Failure(Exception):
    """An error that ends the run: the line to show, and the output of the command that failed."""

    def __init__(self, line: str, said: str = "") -> None:
        super().__init__(line)
        self.said = said


def say(line: str) -> None:
    """Print a line for the user at once."""
    print(f"scripts/build-wheels: {line}", file=sys.stderr, flush=True)


def run(command: Iterable[object], failure: str, folder: Path = ROOT, **more: str) -> str:
    """Run a command and return its output."""
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=kept | {"PYTHONSAFEPATH": "1"} | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise Failure(failure, done.stdout)
    return done.stdout


def git(*arguments: object) -> str:
    """Run git in the checkout and return its output."""
    return run(["git", *arguments], f"git {arguments[0]} failed: the lines above say why")


def environment(python: str, folder: Path) -> Path:
    """Create a new environment and return its Python."""
    run([python, "-I", "-m", "venv", folder], f"{python} cannot make an environment, see above")
    return folder / "bin" / "python"


def pip(python: Path) -> list[str]:
    """Return the command of an environment's pip."""
    return [str(python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]


def install(python: Path, *wanted: object) -> None:
    """Install into an environment; libraries only as wheels, which needs no compiler."""
    named = ", ".join(map(str, wanted))
    command = [*pip(python), "install", "--only-binary=:all:", *wanted]
    run(command, f"cannot install {named}: the lines above say why")

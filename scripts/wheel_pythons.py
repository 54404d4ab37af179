"""The Pythons that wheels are tested with, and the oldest NumPy for each."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROBE = """
import json, platform, sys, sysconfig
from importlib.util import find_spec
print(json.dumps([
    platform.python_implementation(), sys.version_info[:3],
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), sys._base_executable,
    bool(find_spec("venv") and find_spec("ensurepip")),
    "sanitizer" in str(sysconfig.get_config_var("CONFIG_ARGS")),
]))
"""
OLDEST = (3, 11)


@dataclass(frozen=True)
class Python:
    """A CPython: its version, whether it is free-threaded, and where it is."""

    version: tuple[int, int, int]
    free: bool
    path: str

    def __str__(self) -> str:
        """Return its version, with its suffix."""
        return ".".join(map(str, self.version)) + "t" * self.free

    @property
    def kind(self) -> tuple[int, int, bool]:
        """Return the part of it that matters to wheels."""
        return *self.version[:2], self.free

    @property
    def tag(self) -> str:
        """Return its name in the wheels' tags."""
        return f"cp{self.version[0]}{self.version[1]}" + "t" * self.free


def probe(command: str) -> Python | str:
    """Return the Python that a command runs, or the reason why it cannot be tested with."""
    path = shutil.which(command)
    if path is None:
        return "no such command"
    asked = subprocess.run([path, "-I", "-c", PROBE], capture_output=True, text=True)
    if asked.returncode:
        return "it does not run"
    implementation, version, free, base, has_venv, watched = json.loads(asked.stdout)
    if implementation != "CPython" or tuple(version[:2]) < OLDEST:
        return f"{implementation} {'.'.join(map(str, version))}, wanted CPython 3.11 or later"
    if not has_venv:
        return "it has no venv module"
    if watched:
        return "a sanitizer watches it, and it is slow"
    return Python(tuple(version), free, base)


def commands() -> Iterator[str]:
    """Return candidates: Pythons on the PATH by name, pyenv's, those of scripts/build-pythons."""
    names = re.compile(r"python3\.\d+t?")
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in folders:
        if folder.is_dir():
            yield from (str(path) for path in folder.iterdir() if names.fullmatch(path.name))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    own = Path(os.environ.get("CYNN_PYTHONS") or "/opt/cynn-pythons")
    for folder in (pyenv, own):
        yield from map(str, sorted(folder.glob("*/bin/python3")))
    yield sys.executable


def newest_of_each(pythons: Iterable[Python]) -> list[Python]:
    """Return one Python of each kind, the newest, in order."""
    best: dict[tuple[int, int, bool], Python] = {}
    for python in pythons:
        if python.kind not in best or best[python.kind].version < python.version:
            best[python.kind] = python
    return [best[kind] for kind in sorted(best)]


def numpys(index: str, least: tuple[int, ...]) -> list[str]:
    """Return the NumPy versions in pip's list, from `least` on, the oldest first."""
    line = re.search(r"^Available versions: (.*)$", index, re.MULTILINE)
    versions = re.findall(r"(?:^|, )(\d+(?:\.\d+)+)(?=,|$)", line[1]) if line else []
    numbers = sorted(tuple(map(int, version.split("."))) for version in versions)
    return [".".join(map(str, number)) for number in numbers if number >= least]


def oldest_numpy(pip: list[str], least: tuple[int, ...]) -> str | None:
    """Return the oldest NumPy, from `least` on, with a wheel for the Python whose pip this is.

    What pip lists there may exist only as source, so the wheels are tried one after another.
    """
    listed = subprocess.run([*pip, "index", "versions", "numpy"], capture_output=True, text=True)
    for version in numpys(listed.stdout, least):
        wanted = ["--dry-run", "--no-deps", "--only-binary=:all:", f"numpy=={version}"]
        if subprocess.run([*pip, "install", *wanted], capture_output=True).returncode == 0:
            return version
    return None

"""The tests import the intended cynn: compiled, and installed where `--installed` is passed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cynn
from cynn import _backend
from places import ROOT


def collect(*arguments: object, place: Path = ROOT, **variables: str):
    """Collect one small test file with the cynn of a folder; return the result."""
    command = [sys.executable, "-P", "-m", "pytest", "--co", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(place)} | variables
    environment = {name: value for name, value in environment.items() if value}
    return subprocess.run(
        [*map(str, command + list(arguments)), "tests/specs/test_schedules.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def uncompiled(tmp_path) -> Path:
    """Return a folder with only the sources: without compiled modules, the reference is used."""
    package = Path(cynn.__file__).parent
    for path in package.rglob("*.py"):
        target = tmp_path / "cynn" / path.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return tmp_path


def test_the_header_names_the_package_and_the_target():
    ran = collect(place=Path(cynn.__file__).parents[1])
    assert ran.returncode == 0
    assert f"cynn: {cynn.__file__}, target {_backend.target()} of " in ran.stdout


def test_uncompiled_sources_are_refused(uncompiled):
    ran = collect(place=uncompiled, CYNN_TARGET="")
    assert ran.returncode != 0 and "nothing is compiled beside" in ran.stderr
    ran = collect(place=uncompiled, CYNN_TARGET="reference")
    assert ran.returncode == 0 and "target reference of reference" in ran.stdout


def test_a_checkout_is_not_installed(uncompiled):
    here = Path(cynn.__file__).parent == ROOT / "cynn"
    ran = collect("--installed", place=Path(cynn.__file__).parents[1])
    assert (ran.returncode != 0) == here, ran.stderr
    assert ("cynn must be an installed package, got " in ran.stderr) == here


def test_no_script_has_python_take_modules_from_where_it_starts():
    """`python -c` in the checkout would import uncompiled sources."""
    assert os.environ["PYTHONSAFEPATH"] == "1"
    sets = (ROOT / "scripts" / "environment.sh").read_text(encoding="utf-8")
    assert "\nexport PYTHONSAFEPATH=1\n" in sets
    for script in sorted((ROOT / "scripts").glob("[!_]*")):
        text = script.read_text(encoding="utf-8")
        assert "PYTHONPATH=$root " not in text and 'PYTHONPATH="$root"' not in text, script.name

"""Check cibuildwheel's configuration against its schema and the wheels that a release should have.

For each machine that builds (.github/workflows/wheels.yml) cibuildwheel is asked what it would
build and test there. The answer has to be the list that PYTHONS and BUILDERS give; and the
workflow has to use the version that answers here.
"""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
from cibuildwheel.schema import get_schema

ROOT = Path(__file__).resolve().parent.parent

# Those of the stable interface, which share a wheel, and those that have one of their own.
PYTHONS = ("cp311", "cp312", "cp313", "cp314", "cp314t", "cp315")

# A runner's system and machine, as cibuildwheel calls them: the platforms of its wheels.
BUILDERS = {
    ("linux", "x86_64"): ("manylinux_x86_64", "musllinux_x86_64"),
    ("linux", "aarch64"): ("manylinux_aarch64", "musllinux_aarch64"),
    ("macos", "x86_64"): ("macosx_x86_64",),
    ("macos", "arm64"): ("macosx_arm64",),
    ("windows", "AMD64"): ("win_amd64",),
    ("windows", "ARM64"): ("win_arm64",),
}


def schema_errors(project: Path) -> list[str]:
    """Return the errors of a project's configuration, a line each."""
    tools = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    schema = get_schema()
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [
        f"pyproject.toml: {error.json_path}: {error.message}"
        for error in validator.iter_errors(tools.get("cibuildwheel", {}))
    ]


def other_versions(project: Path) -> list[str]:
    """Return the lines by which the workflow uses another cibuildwheel."""
    here = importlib.metadata.version("cibuildwheel")
    workflow = (project / ".github/workflows/wheels.yml").read_text(encoding="utf-8")
    found = re.findall(r"cibuildwheel==(\S+)", workflow)
    return [f"wheels.yml: cibuildwheel {', '.join(found)}, wanted {here}"] * (found != [here])


def identifiers(project: Path, system: str, machine: str) -> list[str]:
    """Ask cibuildwheel what it builds and tests in a project for a system and machine."""
    command = [sys.executable, "-P", "-m", "cibuildwheel", "--print-build-identifiers"]
    ran = subprocess.run(
        [*command, "--platform", system, "--archs", machine, str(project)],
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        raise SystemExit(ran.stderr.strip() or f"cibuildwheel ended with {ran.returncode}")
    return ran.stdout.split()


def main(project: Path) -> int:
    """Check a project's configuration and print the result; return the exit status."""
    good = True
    for error in schema_errors(project) + other_versions(project):
        print(error)
        good = False
    for (system, machine), platforms in BUILDERS.items():
        found = identifiers(project, system, machine)
        wanted = [f"{python}-{platform}" for platform in platforms for python in PYTHONS]
        print(f"{system} {machine}: {' '.join(found)}")
        if sorted(found) != sorted(wanted):
            print(f"{system} {machine}: wanted {' '.join(wanted)}")
            good = False
    return not good


if __name__ == "__main__":
    sys.exit(main(ROOT))

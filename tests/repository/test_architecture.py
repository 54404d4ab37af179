"""What ``import cynn`` loads, how long files are; ``scripts/check imports`` holds the floors."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from places import ROOT

SOURCE = ROOT / "cynn"

MODULES = sorted(SOURCE.rglob("*.py"))
FILES = sorted(
    path for kind in ("py", "pyi", "pyx", "pxi", "pxd", "h") for path in SOURCE.rglob(f"*.{kind}")
)
BY_PATH = {"ids": lambda path: path.relative_to(SOURCE).as_posix()}

# Adapters derive their classes from another library's; `import cynn` does not load them.
BUILT_ON = {"estimators": {"sklearn"}}

# Ways to run code from a file: a model file must never be one.
UNSAFE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def room(path: Path) -> str:
    """Return the module or subpackage of cynn that a file belongs to."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def imports(path: Path, nodes: Iterator[ast.AST]) -> Iterator[tuple[int, str]]:
    """Return the line and the absolute name of each module that the nodes import."""
    package = ["cynn", *path.relative_to(SOURCE).parent.parts]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            if module == "cynn":  # "from . import x": x is a module, or the package itself is used
                yield from ((node.lineno, name_of(alias.name)) for alias in node.names)
            else:
                yield node.lineno, module


def name_of(member: str) -> str:
    """Return the name of a module of cynn, or of the package where `member` is none of these."""
    is_module = (SOURCE / member).is_dir() or (SOURCE / f"{member}.py").is_file()
    return f"cynn.{member}" if is_module else "cynn"


def whole(path: Path, text: str) -> list[str]:
    """Return the imports of the package as a whole; import-linter looks only at its modules."""
    named = imports(path, ast.walk(ast.parse(text)))
    return [f"line {line}" for line, name in named if name == "cynn"]


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Iterate over the nodes that run when the module is imported."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def foreign(path: Path, text: str) -> list[str]:
    """Return the modules that importing a file loads, other than Python's, NumPy and cynn."""
    known = sys.stdlib_module_names | {"numpy", "cynn"} | BUILT_ON.get(room(path), set())
    named = imports(path, outside_functions(ast.parse(text)))
    return [f"line {line}: {name}" for line, name in named if name.split(".")[0] not in known]


def unsafe(path: Path, text: str) -> list[str]:
    """Return the places in a file that could unpickle."""
    tree = ast.parse(text)
    named = imports(path, ast.walk(tree))
    found = [f"line {line}: {name}" for line, name in named if name.split(".")[0] in UNSAFE]
    return found + [
        f"line {node.value.lineno}: allow_pickle"
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "allow_pickle"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]


@pytest.mark.parametrize("path", MODULES, **BY_PATH)
def test_other_libraries_are_imported_in_functions(path):
    assert foreign(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, **BY_PATH)
def test_nothing_imports_the_package_as_a_whole(path):
    assert whole(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, **BY_PATH)
def test_nothing_unpickles(path):
    assert unsafe(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", FILES, **BY_PATH)
def test_no_file_is_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 700


@pytest.mark.parametrize(
    ("check", "name", "text"),
    [
        (whole, "layers/_dense.py", "from cynn import Model"),
        (whole, "datasets/_mnist.py", "from .. import __version__"),
        (foreign, "cli.py", "import tqdm"),
        (foreign, "cli.py", "try:\n    from scipy import stats\nexcept ImportError:\n    pass"),
        (foreign, "storage.py", "class A:\n    import safetensors.numpy"),
        (unsafe, "storage.py", "def f():\n    import pickle"),
        (unsafe, "storage.py", "np.load(path, allow_pickle=maybe)"),
    ],
)
def test_the_checks_see(check, name, text):
    assert len(check(SOURCE / name, text)) == 1


@pytest.mark.parametrize(
    ("check", "name", "text"),
    [
        (whole, "layers/_dense.py", "from .. import initializers"),
        (foreign, "cli.py", "def f():\n    import tqdm"),
        (unsafe, "storage.py", "np.load(path, allow_pickle=False)"),
    ],
)
def test_the_checks_accept(check, name, text):
    assert check(SOURCE / name, text) == []


def test_importing_cynn_loads_numpy_and_nothing_more():
    spec = importlib.util.find_spec("cynn")
    if spec is None or spec.origin is None:
        pytest.skip("cynn has no __init__.py yet, or is not on the path")
    program = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        "import cynn\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    # A compiled module brings Cython's own support modules, which are no library.
    loaded = {name for name in ran.stdout.split() if not name.startswith(("_cython_", "cython_"))}
    assert "cynn" in loaded
    assert loaded - sys.stdlib_module_names - {"numpy"} == {"cynn"}

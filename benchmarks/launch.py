"""Run a program of this package: ``python -P benchmarks/launch.py MODULE [ARGUMENT...]``.

The package is loaded from its folder. With the folder above on the path instead, ``import cynn``
would import the sources next to this package, compiled or not, in place of the installed one.
"""

import os
import runpy
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
WANTED = "CYNN_BENCHMARK_PACKAGE"  # in a child's environment: the file of its parent's `cynn`


def load_package() -> None:
    """Make ``import benchmarks`` find this folder, without a change of the path."""
    if "benchmarks" in sys.modules:
        return
    file = FOLDER / "__init__.py"
    spec = spec_from_file_location("benchmarks", file, submodule_search_locations=[str(FOLDER)])
    assert spec is not None and spec.loader is not None
    package = module_from_spec(spec)
    sys.modules["benchmarks"] = package
    spec.loader.exec_module(package)


def require_the_same_package() -> None:
    """Exit where this process would import another `cynn` than its parent did."""
    wanted, spec = os.environ.get(WANTED), find_spec("cynn")
    origin = spec and spec.origin
    if wanted and origin != wanted:
        raise SystemExit(
            f"cynn must be {wanted}, as for the benchmark that began this, got {origin}"
        )


if __name__ == "__main__":
    require_the_same_package()
    load_package()
    del sys.argv[0]  # of this file: the program's own name is next
    runpy.run_module(f"benchmarks.{sys.argv[0]}", run_name="__main__")

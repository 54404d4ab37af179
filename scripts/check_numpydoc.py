"""Check the docstrings of all public objects by numpydoc's validation.

Public objects are reached without an underscore: the names in a module's ``__all__``, or those
that the module defines where it has none, and the methods and properties of the classes among
them. A method is checked in the class that defines it. Two rules are added to numpydoc's:

- One that overrides a public method has the Parameters, Returns and Raises of that one, and says so
  in place of repeating them: ``see `Layer.step` ``.
- Whatever raises an error, or checks an argument, has a Raises section (RS01, which is not
  numpydoc's).
"""

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import cynn

# Not required: an extended summary (a docstring is as short as its object allows), and
# a See Also section, which is for objects that have a usual alternative.
ACCEPTED = {"ES01", "SA01"}

# Not required of methods and properties, whose class has the examples, and of exceptions.
ACCEPTED_WITHOUT_EXAMPLES = ACCEPTED | {"EX01"}

# Documented at the method that is overridden.
BY_THE_OVERRIDDEN = {"PR01", "RT01", "RS01"}

# Optional libraries of modules.
OPTIONAL = {"dask", "onnx", "sklearn"}


def modules() -> Iterator[ModuleType]:
    """Yield the public modules and packages; report those that cannot be imported here."""
    yield cynn
    for path in sorted(Path(cynn.__file__).parent.iterdir()):
        name = path.stem
        if name.startswith("_") or name == "kernels" or not (path.suffix == ".py" or path.is_dir()):
            continue
        try:
            yield importlib.import_module(f"cynn.{name}")
        except ImportError as error:
            missing = getattr(error.__cause__ or error, "name", None) or ""
            if missing.partition(".")[0] not in OPTIONAL:
                raise
            print(f"cynn.{name}: skipped, there is no {missing}")


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the public functions and classes of a module by name."""
    for name in getattr(module, "__all__", None) or sorted(vars(module)):
        member = getattr(module, name)
        own = hasattr(module, "__all__") or getattr(member, "__module__", "") == module.__name__
        if own and not name.startswith("_") and isinstance(member, FunctionType | type):
            yield f"{module.__name__}.{name}", member


def members(kind: type) -> Iterator[tuple[str, type, Any]]:
    """Yield the public methods and properties of a class, with the class that defines each."""
    for name in dir(kind):
        owner = next((base for base in kind.__mro__ if name in vars(base)), None)
        if owner is None or name.startswith("_") or not owner.__module__.startswith("cynn."):
            continue
        member = vars(owner)[name]
        for inside in ("__func__", "fn"):  # of a class method, and of scikit-learn's available_if
            member = getattr(member, inside, member)
        if isinstance(member, FunctionType | property):
            yield name, owner, member


def refers_to_the_overridden(name: str, owner: type, docstring: str) -> bool:
    """Return whether a method overrides one of cynn and its docstring names that."""
    return any(
        f"`{base.__name__}.{name}`" in docstring
        for base in owner.__mro__[1:]
        if name in vars(base) and base.__module__.startswith("cynn.")
    )


def raises(function: Any) -> bool:
    """Return whether a function raises an error, by itself or by a check of an argument."""
    if not isinstance(function, FunctionType):
        return False
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = function.__globals__.get(node.func.id)
            if getattr(called, "__module__", "") == "cynn._specs.validation":
                return True
    return False


def failings(documented: Any, accepted: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the codes and messages of one object."""
    document = get_doc_object(documented)
    for code, message in validate(document)["errors"]:
        if code not in accepted:
            yield code, message
    maker = vars(documented).get("__init__") if isinstance(documented, type) else documented
    if "RS01" not in accepted and raises(maker) and not document["Raises"]:
        yield "RS01", "No Raises section found"


def objects() -> Iterator[tuple[str, Any, set[str]]]:
    """Yield all public objects, by name, with the codes that each may fail by."""
    for module in modules():
        for name, documented in public(module):
            is_class = isinstance(documented, type)
            is_exception = is_class and issubclass(documented, BaseException)
            yield name, documented, ACCEPTED_WITHOUT_EXAMPLES if is_exception else ACCEPTED
            for member_name, owner, member in members(documented) if is_class else ():
                accepted = ACCEPTED_WITHOUT_EXAMPLES
                if refers_to_the_overridden(member_name, owner, member.__doc__ or ""):
                    accepted = accepted | BY_THE_OVERRIDDEN
                yield f"{name}.{member_name}", member, accepted


def main() -> int:
    """Check all; return the exit status."""
    seen: set[int] = set()
    n_failings = 0
    for name, documented, accepted in objects():
        if id(documented) in seen:
            continue
        seen.add(id(documented))
        for code, message in failings(documented, accepted):
            print(f"{name}: {code}: {message}")
            n_failings += 1
    print(f"{len(seen)} public objects, {n_failings} failings")
    return min(n_failings, 1)


if __name__ == "__main__":
    sys.exit(main())

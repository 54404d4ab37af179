"""The examples in the docstrings of the modules written in Python."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import cynn

SOURCE = Path(cynn.__file__).parent.parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.joinpath("cynn").rglob("*.py")
    if path.stem != "__main__"  # importing it runs the command
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    if name.startswith("cynn.estimators"):
        pytest.importorskip("sklearn", "1.9")
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "cynn.layers.dense",
        "cynn.losses.classification",
        "cynn.optimizers.sgd",
        "cynn.metrics.classification",
    ],
)
def test_there_are_examples(name):
    assert doctest.testmod(importlib.import_module(name)).attempted >= 5


# What the examples of a page need beside cynn and NumPy.
PAGES = sorted(Path(__file__).resolve().parent.parent.joinpath("docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_a_page(page, tmp_path, monkeypatch):
    """Each page's examples run from top to bottom, in a folder of their own."""
    for library in re.findall(r"(?m)^<!-- needs (\w+) -->$", page.read_text(encoding="utf-8")):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    text = re.sub(r"(?m)^```.*$", "", page.read_text(encoding="utf-8"))  # else a fence is output
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert failed == 0

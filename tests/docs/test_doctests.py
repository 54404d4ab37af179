"""The examples in the docstrings of the modules written in Python."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import cynn
from cynn import callbacks, layers, losses, metrics, optimizers, schedules
from cynn.callbacks import Callback
from cynn.layers import Layer
from cynn.losses import Loss
from cynn.metrics import Metric
from cynn.optimizers import Optimizer
from cynn.schedules import Schedule
from places import ROOT

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
        "cynn.layers._dense",
        "cynn.losses._classification",
        "cynn.optimizers._sgd",
        "cynn.metrics._classification",
    ],
)
def test_there_are_examples(name):
    assert doctest.testmod(importlib.import_module(name)).attempted >= 5


PAGES = sorted(ROOT.joinpath("docs").glob("*.md"))


def test_every_public_class_is_in_an_example_of_the_docs():
    if not PAGES:
        pytest.skip("docs is not beside the tests")
    lines = [line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines()]
    code = set(re.findall(r"\w+", " ".join(line for line in lines if line[:3] in (">>>", "..."))))
    rooms = (layers, losses, optimizers, schedules, metrics, callbacks)
    kinds = (Layer, Loss, Optimizer, Schedule, Metric, Callback)
    public = {
        name
        for room in rooms
        for name, found in vars(room).items()
        if isinstance(found, type) and issubclass(found, kinds)
    }
    bases = {
        "Callback",
        "ClassMetric",
        "Layer",
        "Loss",
        "Metric",
        "Optimizer",
        "Schedule",
        "Monitor",
    }
    missing = sorted(public - code - bases - {"History"})  # which fit returns
    assert not missing, f"docs: {missing} stand in no example of a page"
    assert {"Dense", "Poisson", "Lion", "OneCycle", "AUC", "CSVLogger"} <= public & code


# What the first cell of a row must hold: code of the name, or of the call.
ROWS = [
    *(("layers.md", f"{kind.__name__}(", f"`{kind.__name__}()`", kind) for kind in layers.LAYERS),
    *(("metrics.md", f"{name}`", f"`{name}`", kind) for name, kind in metrics.METRICS.items()),
    *(("losses.md", f"{name}`", f"`{name}`", kind) for name, kind in losses.LOSSES.items()),
]


@pytest.mark.parametrize(("page", "name", "cell", "kind"), ROWS, ids=[row[2] for row in ROWS])
def test_a_table_of_a_page_has_its_row(page, name, cell, kind):
    if not PAGES:
        pytest.skip("docs is not beside the tests")
    lines = ROOT.joinpath("docs", page).read_text(encoding="utf-8").splitlines()
    first = [line.split("|")[1] for line in lines if line.startswith("|")]
    summary = kind.__doc__.splitlines()[0]
    wanted = f"docs/{page}: its table has no row such as | {cell} | {summary} |"
    assert any(f"`{name}" in found for found in first), wanted


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

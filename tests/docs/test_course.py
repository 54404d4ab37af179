"""The pages of the course: each runs by itself, and they follow the order of `cynn.reference`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cynn import _backend, reference
from models import MNIST
from places import ROOT

COURSE = ROOT / "docs" / "course"
PAGES = sorted(COURSE.glob("[0-9]*.py"))
BY_NAME = {"ids": lambda page: page.stem}
TAKES_MINUTES = "12_to_99_percent"  # scripts/test-course runs it

pytestmark = pytest.mark.skipif(not PAGES, reason="docs/course is not beside the tests")


def cells(page: Path) -> list[tuple[str, str]]:
    """Return the kind and the text of each cell, behind the header."""
    parts = re.split(r"(?m)^# %%( \[markdown\])?\n", page.read_text(encoding="utf-8"))
    kinds = ["text" if kind else "code" for kind in parts[1::2]]
    return list(zip(kinds, parts[2::2], strict=True))


def files_of(text: str) -> list[str]:
    """Return the files of the reference that a line names."""
    return re.findall(r"`(\w+)`", text)


@pytest.mark.parametrize("page", PAGES, **BY_NAME)
def test_a_page_is_text_and_code(page):
    found = cells(page)
    texts = [text for kind, text in found if kind == "text"]
    assert found[0][0] == "text" and texts[0].startswith("# # ")
    assert len(texts) >= 5 and len(found) - len(texts) >= 5
    for text in texts:
        assert all(line.startswith("#") for line in text.strip().splitlines()), text
    everything = page.read_text(encoding="utf-8")
    assert "cynn._" not in everything  # what is internal
    assert f"]({page.name})" in COURSE.joinpath("README.md").read_text(encoding="utf-8")


def test_the_order_is_that_of_the_reference():
    heads = [cells(page)[0][1] for page in PAGES]
    lines = [re.search(r"(?m)^# In `cynn.reference`: (.+)$", head) for head in heads]
    taught = [files_of(line[1]) for line in lines if line]
    listed = re.findall(r"(?m)^- (`.+`): ", reference.__doc__)
    assert taught == [files_of(line) for line in listed] and len(taught) > 8
    links = re.findall(r"\((\d\w+\.py)\)", COURSE.joinpath("README.md").read_text(encoding="utf-8"))
    assert links == [page.name for page in PAGES]


def test_the_reference_names_each_of_its_files():
    files = {path.stem for path in Path(reference.__file__).parent.glob("*.py")} - {"__init__"}
    named = set(files_of(reference.__doc__))
    assert not files - named, "cynn/reference/__init__.py: say when to read them"
    assert not named - files


@pytest.mark.parametrize("page", [p for p in PAGES if p.stem != TAKES_MINUTES], **BY_NAME)
def test_a_page_runs_by_itself(page, tmp_path):
    pytest.importorskip("matplotlib")
    if _backend.target() == "reference":
        pytest.skip("plain Python is too slow for the part of a page that is about speed")
    variables = {"MPLBACKEND": "Agg", "PYTHONWARNINGS": "error"}
    if "load_mnist" in page.read_text(encoding="utf-8") and not os.environ.get("CYNN_DATA"):
        if not MNIST.is_dir():
            pytest.skip("MNIST is neither in CYNN_DATA nor at ../shared/mnist, beside the checkout")
        variables["CYNN_DATA"] = str(MNIST)
    ran = subprocess.run(
        [sys.executable, "-P", page],
        cwd=tmp_path,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("\n") > 3

"""The page for people of other libraries has the tables that the errors are made of."""

import importlib.machinery
import importlib.util

import pytest

from places import ROOT

SCRIPT = ROOT / "scripts" / "write-migration"


@pytest.mark.skipif(not SCRIPT.is_file(), reason="the scripts are not here")
def test_the_page_is_that_of_the_tables():
    loader = importlib.machinery.SourceFileLoader("write_migration", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    script = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    text = script.PAGE.read_text(encoding="utf-8")
    assert text == script.page(text), "run scripts/write-migration"
    assert len(script.tables().splitlines()) > 150

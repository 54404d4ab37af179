"""scripts/check_links.py: a link that leads nowhere is seen, and no other."""

import pytest

from places import ROOT

SCRIPTS = ROOT / "scripts"

pytestmark = pytest.mark.skipif(not SCRIPTS.is_dir(), reason="the scripts are in a checkout")


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("other.html", True),
        ("other.html#place", True),
        ("#here", True),
        ("deep/", True),
        ("https://example.org/none", True),
        ("none.html", False),
        ("other.html#none", False),
        ("#none", False),
        ("../none.png", False),
    ],
)
def test_links(link, leads, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    import check_links

    (tmp_path / "deep").mkdir()
    (tmp_path / "other.html").write_text('<h2 id="place">a place</h2>')
    (tmp_path / "page.html").write_text(f'<p id="here"><a href="{link}">there</a></p>')
    assert check_links.broken(tmp_path) == ([] if leads else [f"page.html: {link}"])

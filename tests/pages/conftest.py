"""Pages in a real browser, which scripts/test-pages brings and names; other runs leave them out."""

import os
import re

import pytest

from places import ROOT

PICTURES = ROOT / "build" / "pages"
"""Where screenshots go, for people to look at."""

QUIET = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

SERIOUS = ("error", "warning")  # lines of the console

WIDTHS = {"desktop": 1280, "phone": 390}


@pytest.fixture(scope="session")
def browser(request):
    """The browser; without it the tests fail."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = os.path.abspath(request.config.getoption("--chromium"))
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Return a function that opens a page; nothing that went wrong in one is overlooked.

    `width` is a name of `WIDTHS`; what else it is given goes to Playwright's ``new_context``.
    """
    contexts, wrong = [], []

    def visit(address, width="desktop", dark=False, **settings):
        context = browser.new_context(
            viewport={"width": WIDTHS[width], "height": 900},
            color_scheme="dark" if dark else "light",
            **settings,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: line.type in SERIOUS and wrong.append(line.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"{request.url}: failed"))
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def picture():
    """Return a function that takes a screenshot of a whole page, which must fit its width."""

    def picture(page, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{re.sub(r'[^a-z0-9]+', '-', name)}.png", full_page=True)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, f"{name}: {too_wide} pixels wider than the window"

    return picture

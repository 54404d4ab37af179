"""Fixtures that run a test on every target of this machine, and files that test the sources."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cynn
from cynn import _backend
from places import ROOT
from targets import TARGETS, Target

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # what needs it is skipped
    pass
else:  # emulated, or on a busy machine, a test takes long and is right all the same
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")

# Tests of the checkout are left out where there is none: `tests` can be copied and run against an
# installed package.
collect_ignore = [] if (ROOT / "setup.py").exists() else ["repository"]

# Folders whose tests have the mark `alone`: .ci/run runs the others side by side.
ALONE = ("repository", "runtime")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in ALONE:
            item.add_marker("alone")


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    """Close the figures of a test: of those that are open the next one sees all."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--installed",
        action="store_true",
        help="fail unless cynn is an installed package: not the sources of a checkout",
    )
    parser.addoption(
        "--chromium",
        metavar="PATH",
        help="a browser for tests/pages, which scripts/test-pages runs",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_page = collection_path.name == "pages" and collection_path.parent == Path(__file__).parent
    return True if is_page and config.getoption("--chromium") is None else None


def pytest_configure(config: pytest.Config) -> None:
    os.environ["PYTHONSAFEPATH"] = "1"  # children import nothing from their directory
    place = Path(cynn.__file__)
    if config.getoption("installed") and place.parent == ROOT / "cynn":
        raise pytest.UsageError(f"cynn must be an installed package, got {place}")
    # Without this, all would pass in plain Python and nothing that was compiled would be tested.
    if _backend.available_targets() == ["reference"] != [os.environ.get("CYNN_TARGET")]:
        raise pytest.UsageError(
            f"nothing is compiled beside {place}, or nothing that this processor runs: build the"
            " package, or test the reference by itself with CYNN_TARGET=reference"
        )
    # A shell in the background ignores SIGINT for all its child processes: tests send it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    available = ", ".join(_backend.available_targets())
    lines = [f"cynn: {cynn.__file__}, target {_backend.target()} of {available}"]
    if collect_ignore:
        ignored = ", ".join(collect_ignore)
        lines.append(f"left out, as they test the sources, which are not here: {ignored}")
    return lines


@pytest.fixture(params=TARGETS, ids=str)
def target(request) -> Target:
    """Every target, in both precisions."""
    return request.param


@pytest.fixture(params=[t for t in TARGETS if t.dtype == "float64"], ids=str)
def target64(request) -> Target:
    """Every target, in float64."""
    return request.param


@pytest.fixture(params=[t for t in TARGETS if not t.is_reference], ids=str)
def compiled(request) -> Target:
    """Every compiled target, in both precisions."""
    return request.param

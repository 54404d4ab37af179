"""Fixtures that run a test on every target of this machine, and files that test the sources."""

import os
import signal
from collections.abc import Iterator

import pytest

from places import ROOT
from targets import TARGETS, Target

try:
    from hypothesis import HealthCheck, settings
except ImportError:  # what needs it rests
    pass
else:  # emulated, or beside others, a test takes long and is right all the same
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")

# Tests of the checkout rest where it is not: `tests` can lie alone, beside an installed package.
collect_ignore = [] if (ROOT / "setup.py").exists() else ["repository"]


def pytest_configure() -> None:
    os.environ["PYTHONSAFEPATH"] = "1"  # no child takes uncompiled sources from where it starts
    # A shell in the background ignores Ctrl-C on behalf of all that it starts: tests press it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str | None:
    if not collect_ignore:
        return None
    return f"left out, as they test the sources, which are not here: {', '.join(collect_ignore)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Let tests of files rest where safetensors has no wheel: on some Pythons without the lock."""
    try:
        return (yield)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "safetensors":
            raise
        pytest.skip("safetensors is not installed")


pytest_runtest_setup = pytest_runtest_call  # of fixtures too


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

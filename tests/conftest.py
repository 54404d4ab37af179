"""Fixtures that run a test on every target of this machine, and files that test the sources."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

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

# Tests of the sources rest where these are not: beside a package that is installed, `tests` can lie
# alone. The others need no more than what is installed.
ROOT = Path(__file__).resolve().parent.parent
NEEDED = {
    "test_architecture.py": "src",
    "test_benchmark.py": "benchmarks",
    "test_scripts.py": "scripts",
    "test_wheels.py": "scripts",
    "test_wide_tiles.py": "setup.py",
}
collect_ignore = [name for name, needed in NEEDED.items() if not (ROOT / needed).exists()]


def pytest_configure() -> None:
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

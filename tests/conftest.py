"""Fixtures that run a test on every target this machine has."""

import pytest

from targets import TARGETS, Target


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

"""Fixtures of the tests of all arithmetic."""

import pytest


@pytest.fixture
def threads_at_hand(compiled):
    """Let small networks have as many threads as they are asked to."""
    compiled.module.keep_threads(True)
    yield
    compiled.module.keep_threads(False)

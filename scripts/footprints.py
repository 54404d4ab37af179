"""Write which lines of cynn each test runs, in what time: a pytest plugin for ``scripts/mutate``.

``FOOTPRINTS`` names the file, JSON of two tables: ``seconds``, a number for each test (all its
parameters together), and ``lines``: for each file, for each line, the tests that run it. A line
that an import alone runs is there with no test.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

ROOT = Path.cwd()
measured = coverage.Coverage(data_file=None, config_file=False, source=[str(ROOT / "cynn")])
measured.start()
seconds: dict[str, float] = defaultdict(float)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Count what runs, fixtures too, as the test's."""
    name = item.nodeid.partition("[")[0]
    begin = time.perf_counter()
    measured.switch_context(name)
    try:
        return (yield)
    finally:
        measured.switch_context("")
        seconds[name] += time.perf_counter() - begin


def pytest_sessionfinish() -> None:
    """Write the file."""
    measured.stop()
    data = measured.get_data()
    lines = {
        str(Path(file).relative_to(ROOT)): {
            line: sorted(filter(None, tests))
            for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    Path(os.environ["FOOTPRINTS"]).write_text(json.dumps({"seconds": seconds, "lines": lines}))

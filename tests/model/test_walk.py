"""The call path of a fit stays short: `scripts/walk` counts the files that it crosses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WALK = Path(__file__).parents[2] / "scripts" / "walk"

PROGRAM = """
import json, runpy
paths = runpy.run_path({path!r})["fits"]()
print(json.dumps(paths))
"""

MOST = {"first": (16, 84), "second": (12, 48)}
"""Files, and changes from one to another, of a first and of a second fit."""


@pytest.mark.skipif(not WALK.exists(), reason="the tests lie alone beside an installed package")
def test_a_fit_crosses_few_files():
    program = PROGRAM.format(path=str(WALK))
    run = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    for which, path in json.loads(run.stdout).items():
        counts = len(set(path)), len(path) - 1
        assert counts <= MOST[which] and counts[1] <= MOST[which][1], (which, counts, path)

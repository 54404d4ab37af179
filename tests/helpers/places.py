"""Paths for the tests: of the checkout, or of a copy of the tests without one."""

from pathlib import Path

HELPERS = Path(__file__).resolve().parent
ROOT = HELPERS.parents[1]
FILES = ROOT / "tests" / "files"

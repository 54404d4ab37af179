"""Where the tests find things: the checkout, or a copy of the tests that lies alone."""

from pathlib import Path

HELPERS = Path(__file__).resolve().parent
ROOT = HELPERS.parents[1]
FILES = ROOT / "tests" / "files"

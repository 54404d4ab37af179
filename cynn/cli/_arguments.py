"""The values of options: numbers in their range, lists."""

import argparse
import csv
import math
from collections.abc import Callable
from typing import Any


def whole(text: str) -> int:
    """Read a whole number from 1."""
    return at_least(text, 1)


def whole_or_zero(text: str) -> int:
    """Read a whole number from 0."""
    return at_least(text, 0)


def at_least(text: str, low: int) -> int:
    """Read a whole number from `low`."""
    if not text.isdecimal() or int(text) < low:
        raise argparse.ArgumentTypeError(f"must be an integer of at least {low}, got {text!r}")
    return int(text)


def up_to(high: int) -> Callable[[str], int]:
    """Read a whole number from 1 to `high`."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be an integer from 1 to {high}, got {text!r}")
        return int(text)

    return read


def port(text: str) -> int:
    """Read a port of TCP, or 0."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Read a time: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, got {text!r}")
    return value


def number(make: Callable[[float], object]) -> Callable[[str], float]:
    """Read a number that `make` accepts."""

    def read(text: str) -> float:
        try:
            make(float(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return float(text)

    return read


def sizes(text: str) -> list[int]:
    """Read whole numbers from 1 between commas; none of an empty text or 0."""
    return [whole(part) for part in text.split(",")] if text not in ("", "0") else []


def names(text: str) -> list[str]:
    """Read names between commas; one that has a comma stands in double quotes."""
    try:
        fields = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise argparse.ArgumentTypeError(
            f"must be names between commas, got {text!r:.100}: {error}"
        ) from None
    return [name.strip() for name in fields if name.strip()]


def fraction(text: str) -> float:
    """Read a part: from 0, less than 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(
            f"must be a number of at least 0 and less than 1, got {text!r}"
        )
    return value


def add_missing(parser: Any, also: str = "") -> None:
    """Declare the option for texts that stand for a missing value."""
    parser.add_argument(
        "--missing",
        action="append",
        default=(),
        metavar="TEXT",
        help=f"a text that stands for a missing value{also}, beside an empty one, NA, #N/A and the "
        "like; may be repeated",
    )

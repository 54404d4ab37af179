"""The file of figures: one line a fit, added at its end and never changed."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..data import ROOT

FILE = ROOT / "benchmarks" / "tables.csv"

SCORES = {
    "classification": ("accuracy", "balanced_accuracy", "log_loss"),
    "regression": ("r2", "rmse"),
}
FIELDS = (
    "date", "machine", "cores", "peer", "version", "table", "split",
    *SCORES["classification"], *SCORES["regression"], "fit_seconds", "predict_1000_seconds",
)  # fmt: skip

Line = Mapping[str, str]
Key = tuple[str, str, str]


def read(path: Path = FILE) -> list[dict[str, str]]:
    """Return all lines; a file that has none, or is not there, gives an empty list."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or FIELDS) != FIELDS:
            raise ValueError(
                f"{path} must have the columns {', '.join(FIELDS)}, got"
                f" {', '.join(reader.fieldnames or ())}: move it away, a new one is begun then"
            )
        return list(reader)


def append(line: Mapping[str, object], path: Path = FILE) -> None:
    """Add a line in one piece: a run that is interrupted leaves whole lines."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n", restval="")
    if not path.exists():
        writer.writeheader()
    writer.writerow(line)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, text.getvalue().encode())
    finally:
        os.close(file)


def key(line: Line) -> Key:
    """Return what a fit is told by: table, split, peer."""
    return line["table"], line["split"], line["peer"]


def latest(lines: Iterable[Line]) -> dict[Key, Line]:
    """Return the last line of each fit: those before were superseded."""
    return {key(line): line for line in lines}

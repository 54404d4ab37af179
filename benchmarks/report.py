"""The tables, and the file with the same figures."""

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import cynn
from cynn import _backend

from .cases import Case
from .floors import EQUAL, FLOORS, Floor
from .results import Results, Row


def machine() -> dict[str, Any]:
    """Return the machine and the versions of the figures."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cynn": cynn.__version__,
        "target": _backend.target(),
    }


def processor() -> str:
    """Name the processor, by model where it has no name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    pairs = (line.split(":", 1) for line in reversed(lines) if ":" in line)
    fields = {name.strip(): value.strip() for name, value in pairs}
    name = fields.get("model name", platform.machine())
    family, model = fields.get("cpu family"), fields.get("model")
    return f"{name} (family {family}, model {model})" if family else name


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Format a table: the first column left-aligned, the others right-aligned."""
    widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]

    def written(cells: Sequence[str]) -> str:
        first = f"  {cells[0]:<{widths[0]}}"
        return first + "".join(f"  {c:>{w}}" for c, w in zip(cells[1:], widths[1:], strict=True))

    return "\n".join(line.rstrip() for line in (written(head), *map(written, lines)))


def duration(seconds: float, case: Case) -> str:
    """Write an epoch's seconds or a call's microseconds."""
    if case.kind == "train":
        return f"{seconds:.4g}"
    micro = 1e6 * seconds
    return f"{micro:,.1f}" if micro < 100 else f"{micro:,.0f}"


def case_table(case: Case, results: Results) -> str:
    """Write a case's rows, the fastest first."""
    rows = sorted((r for r in results.rows if r.case == case), key=lambda r: r.best)
    unit = "s an epoch" if case.kind == "train" else "us a call"
    size = f"{case.flops / 1e9:.3g} GFLOP" if case.flops > 1e8 else f"{case.flops / 1e6:.3g} MFLOP"
    names = {row.peer for row in rows}
    ours = next((name for name in EQUAL if name in names), EQUAL[-1])
    lines = [_cells(row, ours, results) for row in rows]
    head = ["peer", "threads", f"best, {unit}", "median", "GFLOP/s", "of peak", f"/ {ours}", "loss"]
    if case.kind == "predict":
        head, lines = head[:-1], [line[:-1] for line in lines]
    note = _odd_losses(rows)
    return f"{case.label}   ({size})\n{table(head, lines)}" + (f"\n  {note}" if note else "")


def _cells(row: Row, name: str, results: Results) -> list[str]:
    """Return the cells of a row; `name` is what it is compared with."""
    part = results.of_peak(row)
    case = row.case
    ours = results.find(
        name, case.kind, case.shape, row.threads,
        batch=case.batch, rows=case.rows, dtype=case.dtype, filled=case.filled,
    )  # fmt: skip
    return [
        row.peer,
        str(row.threads),
        duration(row.best, row.case),
        duration(row.median, row.case),
        f"{row.rate / 1e9:.1f}",
        "" if part is None else f"{100 * part:.1f} %",
        "" if ours is None else f"{row.best / ours.best:.2f}",
        "" if row.loss is None else f"{row.loss:.4f}",
    ]


def _odd_losses(rows: Sequence[Row]) -> str:
    """Name the peers whose loss differs from the others': their work may differ."""
    losses = [row.loss for row in rows if row.loss is not None]
    if not losses:
        return ""
    middle = statistics.median(losses)
    odd = [
        f"{row.peer} ({row.threads})"
        for row in rows
        if row.loss is not None and not middle / 2 - 0.01 <= row.loss <= 2 * middle + 0.01
    ]
    return f"another loss than the others: {', '.join(odd)}" if odd else ""


def floor_lines(results: Results, floors: Sequence[Floor] = FLOORS) -> list[tuple[Floor, float]]:
    """Return the floors that were measured, each with its value."""
    values = ((floor, floor.measure(results)) for floor in floors)
    return [(floor, value) for floor, value in values if value is not None]


def floor_table(results: Results, floors: Sequence[Floor] = FLOORS) -> str:
    """Write the floors and the values reached."""
    lines = [
        (
            floor.work,
            ("at most " if floor.at_most else "") + floor.written(floor.wanted),
            floor.written(value),
            "reached" if floor.reached(value) else "MISSED",
        )
        for floor, value in floor_lines(results, floors)
    ]
    return "floors\n" + table(("work", "floor", "measured", ""), lines) if lines else ""


def peak_lines(results: Results) -> str:
    """Write the peaks."""
    return "\n".join(
        f"FMA peak, {dtype}, {cores} core{'s' * (cores > 1)}: {rate / 1e9:.1f} GFLOP/s"
        for (dtype, cores), rate in sorted(results.peaks.items())
    )


def full(results: Results, data: str, about: dict[str, Any]) -> str:
    """Write everything."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    parts = [
        f"{about['processor']}, {about['cores']} cores, target {about['target']}, {about['date']}\n"
        f"{versions}\ndata: {data}",
        peak_lines(results),
        *(case_table(case, results) for case in dict.fromkeys(r.case for r in results.rows)),
        "\n".join(f"{name}: {value:.3f}" for name, value in results.other.items()),
        floor_table(results),
    ]
    return "\n\n".join(part for part in parts if part)


def write_json(path: Path, results: Results, data: str, about: dict[str, Any]) -> None:
    """Write the file with the same figures."""
    floors = [
        {
            "work": floor.work,
            "floor": floor.wanted,
            "at_most": floor.at_most,
            "measured": value,
            "reached": floor.reached(value),
        }
        for floor, value in floor_lines(results)
    ]
    content = {"machine": about, "data": data, **results.as_json(), "floors": floors}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

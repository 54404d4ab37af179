"""The guard: a regression check of speed.

Compares our rates, as fractions of the FMA peak measured with them, with those on record in
``guard.json`` for this target. To be run on a quiet machine, before and after a change to
the kernels; no test runs it. ``--record`` records the measurements.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cynn import _backend

from . import peak, report
from .cases import Case, parse_shape
from .peers.cynn_peer import Cynn

RECORD = Path(__file__).with_name("guard.json")
ROUNDS = 15
MOST_LOST = 0.10

# Rows are few, so that an epoch is short and some of the rounds are undisturbed.
CASES = (
    Case("train", parse_shape("784-128-10"), 12_800, 128),
    Case("train", parse_shape("784-128-10"), 6_400, 32),
    Case("train", parse_shape("784-512-256-10"), 2_560, 128),
    Case("train", parse_shape("784-1024-1024-10"), 1_024, 512),
    Case("predict", parse_shape("784-128-10"), 10_000),
    Case("predict", parse_shape("784-128-10"), 16),
)


class Verdict(NamedTuple):
    """A case: the fraction of the peak that it reached, and the one on record."""

    label: str
    measured: float
    recorded: float | None

    @property
    def fell(self) -> bool:
        return self.recorded is not None and self.measured < (1 - MOST_LOST) * self.recorded


def measure(case: Case, rounds: int = ROUNDS) -> float:
    """Return the best rate on one thread as a fraction of the best peak measured with it."""
    from time import perf_counter

    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (case.rows, case.sizes[0]), np.uint8)
    peer = Cynn(1)
    if case.kind == "train":
        peer.setup(case, raw, np.arange(case.rows) % case.sizes[-1])
        work: Any = lambda: peer.train(1)  # noqa: E731
    else:
        work = peer.predictor(case, raw.astype(np.float32))
    calls = max(1, int(1e8 / case.flops))
    work()
    best = roof = 0.0
    for _ in range(rounds):
        roof = max(roof, peak.measure(1, case.dtype, 1).best)
        start = perf_counter()
        for _ in range(calls):
            work()
        best = max(best, calls * case.flops / (perf_counter() - start))
    return best / roof


def compare(measured: dict[str, float], record: dict[str, Any]) -> list[Verdict]:
    """Return a verdict for each case, from the measurements and the record."""
    known = record.get("of_peak", {})
    return [Verdict(label, value, known.get(label)) for label, value in measured.items()]


def table(verdicts: list[Verdict]) -> str:
    """Write the verdicts."""
    lines = [
        (
            v.label,
            f"{100 * v.measured:.1f} %",
            "-" if v.recorded is None else f"{100 * v.recorded:.1f} %",
            "FELL" if v.fell else "",
        )
        for v in verdicts
    ]
    return report.table(("one thread", "of peak", "on record", ""), lines)


def main(record: bool) -> int:
    """Measure, compare, and print regressions; with `record`, record the rates instead."""
    target = _backend.target()
    known = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    start = peak.measure()
    measured = {case.label: measure(case) for case in CASES}
    if refused := peak.refusal(start, peak.measure()):
        print(f"scripts/benchmark: {refused.partition(', or go on')[0]}", file=sys.stderr)
        return 1
    verdicts = compare(measured, known.get(target, {}))
    print(f"{report.processor()}, target {target}\n{table(verdicts)}")
    if record:
        rounded = {label: round(value, 3) for label, value in measured.items()}
        known[target] = {"processor": report.processor(), "of_peak": rounded}
        RECORD.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        return 0
    if target not in known:
        print(f"nothing is on record for {target}: --guard --record puts this there")
        return 0
    if report.processor() != known[target]["processor"]:
        print(f"the record was made on {known[target]['processor']}: judge with care")
    fell = [v.label for v in verdicts if v.fell]
    if fell:
        print(f"fell by more than {100 * MOST_LOST:.0f} %: {', '.join(fell)}", file=sys.stderr)
    return 1 if fell else 0

"""The race: seconds from the start of a process to 97 % and 98 % accuracy on MNIST's test set.

Each run is a process of its own: imports, reading the data, training, and testing after each
epoch. Each library has a few settings that suit it; what counts is the median of its best.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cynn import datasets

from . import data, peers, report
from .pool import environment, program

GOALS = (0.97, 0.98)
THREADS = 2
LONGEST = 180.0  # seconds of one run

# One hidden layer of relu, softmax. The rate falls to 0 along a cosine after a warm-up, except for
# scikit-learn, which has no such schedule, and for Adam, where it stays.
SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {
    "cynn": (
        {"hidden": 128, "batch": 64, "rate": 0.1, "momentum": 0.9, "epochs": 2},
        {"hidden": 128, "batch": 128, "rate": 0.2, "momentum": 0.9, "epochs": 2},
        {"hidden": 192, "batch": 64, "rate": 0.1, "momentum": 0.9, "epochs": 3},
        {"hidden": 256, "batch": 128, "rate": 0.2, "momentum": 0.9, "epochs": 4},
    ),
    "torch": (
        {"hidden": 128, "batch": 64, "rate": 0.1, "momentum": 0.9, "epochs": 2},
        {"hidden": 128, "batch": 128, "rate": 0.2, "momentum": 0.9, "epochs": 2},
        {"hidden": 256, "batch": 128, "rate": 0.2, "momentum": 0.9, "epochs": 4},
        {"hidden": 256, "batch": 256, "rate": 0.003, "momentum": None, "epochs": 10},
    ),
    "sklearn": (
        {"hidden": 128, "batch": 128, "rate": 0.1, "momentum": 0.9, "epochs": 12},
        {"hidden": 256, "batch": 256, "rate": 0.1, "momentum": 0.9, "epochs": 15},
        {"hidden": 256, "batch": 256, "rate": 0.002, "momentum": None, "epochs": 15},
    ),
}


@dataclass
class Runs:
    """The runs of one setting: seconds to each goal, or nothing where it was not reached."""

    peer: str
    setting: dict[str, Any]
    seconds: dict[float, list[float]] = field(default_factory=lambda: {g: [] for g in GOALS})
    runs: int = 0
    best: float = 0.0

    def median(self, goal: float) -> float | None:
        """Return the median where every run reached the goal."""
        times = self.seconds[goal]
        return statistics.median(times) if times and len(times) == self.runs else None


def folder() -> Path:
    """Return the folder with MNIST's files."""
    if named := os.environ.get("CYNN_DATA"):
        outer = Path(named)
    elif data.BESIDE.is_dir():
        outer = data.BESIDE
    else:
        datasets.load_mnist()  # into the cache
        outer = datasets.cache_folder()
    inner = outer / "mnist"
    return inner if inner.is_dir() else outer


def run(runs: Runs, images: Path, seed: int) -> None:
    """Run a setting once."""
    setting = json.dumps({**runs.setting, "seed": seed})
    wanted, start = list(GOALS), time.perf_counter()
    with subprocess.Popen(
        [*program("racer"), runs.peer, setting, str(images)],
        env=environment(THREADS),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            for line in process.stdout:
                now = time.perf_counter() - start
                accuracy = float(line)
                runs.best = max(runs.best, accuracy)
                while wanted and accuracy >= wanted[0]:
                    runs.seconds[wanted.pop(0)].append(now)
                if not wanted or now > LONGEST:
                    process.kill()
        finally:
            process.kill()
        if process.wait() > 0:
            last = (process.stderr.read().strip().splitlines() or ["it failed"])[-1]
            raise RuntimeError(f"{runs.peer}: {last}")
    runs.runs += 1


def table(races: Sequence[Runs]) -> str:
    """Write every setting, and the best of each library for each goal."""
    lines = []
    for each in races:
        words = ", ".join(f"{name} {value}" for name, value in each.setting.items() if value)
        times = [each.median(goal) for goal in GOALS]
        written = ["-" if t is None else f"{t:.2f}" for t in times]
        lines.append([f"{each.peer}: {words}", *written, f"{100 * each.best:.2f} %"])
    head = ("setting", *(f"s to {100 * goal:.0f} %" for goal in GOALS), "most accurate")
    parts = [report.table(head, lines), ""]
    for goal in GOALS:
        best = winners(races, goal)
        words = ", ".join(f"{peer} {seconds:.2f} s" for peer, seconds in best.items())
        parts.append(f"{100 * goal:.0f} %: {words}")
    return "\n".join(parts)


def winners(races: Sequence[Runs], goal: float) -> dict[str, float]:
    """Return each library's best median, the fastest first."""
    best: dict[str, float] = {}
    for each in races:
        seconds = each.median(goal)
        if seconds is not None:
            best[each.peer] = min(seconds, best.get(each.peer, seconds))
    return dict(sorted(best.items(), key=lambda item: item[1]))


def main(rounds: int, named: Sequence[str] | None, file: Path) -> int:
    """Race all installed peers, in turn; print a table and write JSON."""
    for name in named or ():
        if name not in SETTINGS:
            raise ValueError(f"--peers: {name!r} does not race, wanted some of {list(SETTINGS)}")
    images = folder()
    names = [name for name in named or SETTINGS if not peers.missing(name)]
    races = [Runs(name, setting) for name in names for setting in SETTINGS[name]]
    for seed in range(rounds):
        print(f"round {seed + 1} of {rounds}", file=sys.stderr, flush=True)
        for each in races:
            run(each, images, seed)
    about = {**report.machine(), "threads": THREADS, "rounds": rounds}
    print(f"{about['processor']}, target {about['target']}, {THREADS} threads, {about['date']}\n")
    print(table(races))
    content = [
        {"peer": r.peer, **r.setting, "seconds": r.seconds, "accuracy": r.best} for r in races
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": about, "race": content}, indent=1) + "\n")
    print(f"\nwritten: {file}")
    return 0

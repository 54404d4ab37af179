"""Training on several ranks: a step's time in parts, and what more machines would make of it.

    gradients, update    what every rank computes: the gradient of its rows, the step from the sum
    fused                the same on one rank alone, whose gradients never reach memory
    exchange             one Allreduce of as many numbers as the model has parameters
    beside               the gradients while an Iallreduce of as many runs beside them

All on one machine, with a thread for each rank; each time is the least of many, over all ranks.
"""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from . import report
from .rounds import Say

SHAPES = ("784-128-10", "784-512-512-10", "784-2048-2048-10", "784-6656-6656-10")
ROWS = 64
RANKS = (1, 2, 4)
PREDICTED = (1, 16, 256, 4096)


class Network(NamedTuple):
    """What joins machines."""

    name: str
    latency: float  # seconds from one to another
    bandwidth: float  # bytes a second, each way


NETWORKS = (
    Network("10 Gbit/s Ethernet", 20e-6, 1.25e9),
    Network("100 Gbit/s InfiniBand", 2e-6, 12.5e9),
)


def exchange_seconds(n_params: int, ranks: int, network: Network) -> float:
    """Give how long an Allreduce of float32 takes between so many machines.

    Rabenseifner's algorithm, which MPI takes for long messages: reduce-scatter and allgather, each
    of log2(ranks) messages, in all 2 (ranks - 1) / ranks of the bytes each way (Thakur,
    Rabenseifner and Gropp, Optimization of collective communication operations in MPICH, 2005).
    The additions are left out.
    """
    if ranks == 1:
        return 0.0
    volume = 2 * (ranks - 1) / ranks * 4 * n_params
    return 2 * math.ceil(math.log2(ranks)) * network.latency + volume / network.bandwidth


def weak(compute: float, n_params: int, ranks: int, network: Network) -> float:
    """Give the efficiency where each rank keeps its rows: 1 is as many times faster as ranks."""
    return compute / (compute + exchange_seconds(n_params, ranks, network))


def strong(compute: float, update: float, n_params: int, ranks: int, network: Network) -> float:
    """Give how many times faster than one rank, where the rows of a step are split among them.

    `compute` is for all rows on one rank; the update costs each rank the same.
    """
    alone = compute + update
    return alone / (compute / ranks + update + exchange_seconds(n_params, ranks, network))


def launcher() -> str:
    """Give the command that starts ranks.

    Raises
    ------
    ValueError
        If there is none.
    """
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise ValueError("--distributed needs MPI: .venv/bin/pip install mpi4py mpich")
    return found


def measure(shape: str, ranks: int, seconds: float) -> dict[str, float]:
    """Run so many ranks; give what the first printed."""
    command = [launcher(), "-n", str(ranks), sys.executable, "-P", "-m", "benchmarks.rank"]
    done = subprocess.run(
        [*command, shape, str(ROWS), str(seconds)],
        env=os.environ | {"CYNN_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["mpiexec failed"])[-1])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Write what was measured, in milliseconds."""
    lines = [
        f"A step of {ROWS} rows a rank, milliseconds; hidden: the part of the exchange that took",
        "no time of its own when it ran beside the gradients.",
        "",
        "| network | parameters | ranks | fused | gradients | update | exchange | hidden |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for shape, by_ranks in found.items():
        for ranks, part in by_ranks.items():
            hidden = 1 - (part["beside"] - part["gradients"]) / part["exchange"]
            times = (part[name] for name in ("fused", "gradients", "update", "exchange"))
            lines.append(
                f"| {shape} | {part['n_params'] / 1e6:.1f} M | {ranks} | "
                + " | ".join(f"{1e3 * t:.3g}" for t in times)
                + (f" | {max(0.0, hidden):.0%} |" if ranks != "1" else " | |")
            )
    return "\n".join(lines)


def predictions(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Write what more machines would make of it, a rank and a core on each."""
    lines = []
    for network in NETWORKS:
        lines += [
            f"{network.name}: {network.latency * 1e6:g} us, {network.bandwidth / 1e9:g} GB/s.",
            "",
            "| network | exchange, ms | " + " | ".join(f"weak, {p}" for p in PREDICTED[1:])
            + " | " + " | ".join(f"strong, {p}" for p in PREDICTED[1:]) + " |",
            "|---" * (2 + 2 * (len(PREDICTED) - 1)) + "|",
        ]  # fmt: skip
        for shape, by_ranks in found.items():
            part = by_ranks["1"]
            n, compute, update = int(part["n_params"]), part["gradients"], part["update"]
            cells = [f"{1e3 * exchange_seconds(n, PREDICTED[-1], network):.3g}"]
            cells += [f"{weak(compute + update, n, p, network):.0%}" for p in PREDICTED[1:]]
            large = compute * LARGE / ROWS
            cells += [f"{strong(large, update, n, p, network):.1f}" for p in PREDICTED[1:]]
            lines.append(f"| {shape} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


LARGE = 8192
"""The rows of a step that the ranks split, in the prediction of strong scaling."""


def main(seconds: float, file: Path, say: Say) -> int:
    """Measure, print tables, and write the figures."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for shape in SHAPES:
        found[shape] = {}
        for ranks in RANKS:
            say(f"{shape}, {ranks} ranks")
            found[shape][str(ranks)] = measure(shape, ranks, seconds)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": report.machine(), "steps": found}, indent=1))
    print(table(found))
    print(f"\nPredicted; weak: {ROWS} rows a rank; strong: {LARGE} rows a step in all.\n")
    print(predictions(found))
    print(f"written: {file}")
    return 0

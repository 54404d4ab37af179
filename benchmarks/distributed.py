"""Training on several ranks: a step's time in parts, and predictions for more machines.

    gradients, update    what every rank computes: the gradient of its rows, the step from the sum
    fused                the same on a single rank, whose gradients never reach memory
    exchange             one Allreduce of as many numbers as the model has parameters
    beside               the gradients while an Iallreduce of as many runs beside them

And of the time that the gradients of the weights take, the last part of all, with one Allreduce
after them: in the median of the rounds

    bound                without an Allreduce
    waiting              with one after each layer's
    overlapped           with an Iallreduce after each layer's, beside the layers that follow

All on one machine, with a thread for each rank; each time is the least of many, over all ranks.
"""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from . import report
from .pool import environment, program
from .rounds import Say

SHAPES = ("784-128-10", "784-512-512-10", "784-2048-2048-10", "784-6656-6656-10")
ROWS, MANY = 64, 512  # of a step on each rank
BLOCK = 1024  # rows that the network computes at once
LARGE = 8192  # the rows of a step that ranks split, in the prediction of strong scaling
RANKS = (1, 2, 4)
PREDICTED = (16, 256, 4096)
HALF = 0.5  # of the ideal speed: with less, half the machines alone would do as much


class Network(NamedTuple):
    """The network between machines."""

    name: str
    latency: float  # seconds from one to another
    bandwidth: float  # bytes a second, each way


NETWORKS = (
    Network("10 Gbit/s Ethernet", 20e-6, 1.25e9),
    Network("100 Gbit/s InfiniBand", 2e-6, 12.5e9),
)


def exchange_seconds(n_params: int, ranks: int, network: Network) -> float:
    """Return the seconds of an Allreduce of float32 between a number of machines.

    Rabenseifner's algorithm, which MPI uses for long messages: reduce-scatter and allgather, each
    of log2(ranks) messages, in all 2 (ranks - 1) / ranks of the bytes each way (Thakur,
    Rabenseifner and Gropp, Optimization of collective communication operations in MPICH, 2005).
    The additions are left out.
    """
    if ranks == 1:
        return 0.0
    volume = 2 * (ranks - 1) / ranks * 4 * n_params
    return 2 * math.ceil(math.log2(ranks)) * network.latency + volume / network.bandwidth


def weak(alone: float, ours: float, n_params: int, ranks: int, network: Network) -> float:
    """Return the efficiency of weak scaling: 1 is a speedup by the number of ranks.

    `alone` is the step of one rank without others, `ours` what a rank of several computes in one.
    """
    return alone / (ours + exchange_seconds(n_params, ranks, network))


def strong(fit: "Fit", rows: float, n_params: int, ranks: int, network: Network) -> float:
    """Return the speedup over one rank where the rows of a step are split among ranks."""
    return fit.alone(rows) / (fit.ours(rows / ranks) + exchange_seconds(n_params, ranks, network))


class Fit:
    """The time of a step by its rows: a line through two measurements on one rank."""

    def __init__(self, few: "Step", many: "Step") -> None:
        self._few, self._rows = few, (few.rows, many.rows)
        self._fused = few.fused, many.fused
        self._gradients = few.gradients, many.gradients

    def _at(self, times: tuple[float, float], rows: float) -> float:
        (r0, r1), (t0, t1) = self._rows, times
        return max(0.0, t0 + (t1 - t0) / (r1 - r0) * (rows - r0))

    def alone(self, rows: float) -> float:
        """Return the step of one rank without others, by blocks where its rows are too many."""
        blocks = math.ceil(rows / BLOCK)
        if blocks == 1:
            return self._at(self._fused, rows)
        return blocks * self._at(self._gradients, rows / blocks) + self._few.update

    def ours(self, rows: float) -> float:
        """Return the computation of one rank of several in a step."""
        blocks = math.ceil(rows / BLOCK)
        return blocks * self._at(self._gradients, rows / blocks) + self._few.update

    def rows_for(self, efficiency: float, n_params: int, ranks: int, network: Network) -> int:
        """Return the rows per rank, a power of two, that reach this efficiency; 0 for none."""
        for rows in (2**i for i in range(6, 17)):
            if weak(self.alone(rows), self.ours(rows), n_params, ranks, network) >= efficiency:
                return rows
        return 0


class Step(NamedTuple):
    """A measurement; see the top of this file."""

    shape: str
    rows: int
    ranks: int
    n_params: int
    fused: float
    gradients: float
    exchange: float
    update: float
    beside: float
    bound: float
    waiting: float
    overlapped: float


def launcher() -> str:
    """Return the command that starts ranks.

    Raises
    ------
    ValueError
        If there is none.
    """
    beside = Path(sys.executable).with_name("mpiexec")
    command = str(beside) if beside.exists() else shutil.which("mpiexec")
    if command is None:
        raise ValueError("--distributed needs MPI: .venv/bin/pip install mpi4py mpich")
    return command


def measure(shape: str, rows: int, ranks: int, seconds: float) -> Step:
    """Run a number of ranks; return the measurements of the first."""
    command = [launcher(), "-n", str(ranks), *program("rank")]
    done = subprocess.run(
        [*command, shape, str(rows), str(seconds)],
        env=environment(1),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["mpiexec failed"])[-1])
    # Beside the first rank's line there may be some of MPI's libraries.
    (figures,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return Step(shape, rows, ranks, **json.loads(figures))


def table(steps: Sequence[Step]) -> str:
    """Write the measurements, in milliseconds."""
    lines = [
        "Milliseconds; hidden: the part of the exchange that took no time of its own when it ran",
        "beside the gradients.",
        "",
        "| network | parameters | rows | ranks | fused | gradients | update | exchange | hidden |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for step in steps:
        hidden = 1 - (step.beside - step.gradients) / step.exchange
        times = (step.fused, step.gradients, step.update, step.exchange)
        lines.append(
            f"| {step.shape} | {step.n_params / 1e6:.1f} M | {step.rows} | {step.ranks} | "
            + " | ".join(f"{1e3 * t:.3g}" for t in times)
            + (f" | {max(0.0, hidden):.0%} |" if step.ranks > 1 else " | |")
        )
    return "\n".join(lines)


def overlap(steps: Sequence[Step]) -> str:
    """Write the effect of exchanging gradients layer by layer."""
    lines = [
        "| network | parameters | rows | ranks | bound | waiting | overlapped |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {step.shape} | {step.n_params / 1e6:.1f} M | {step.rows} | {step.ranks} | "
        f"{step.bound:.2f} | {step.waiting:.2f} | {step.overlapped:.2f} |"
        for step in steps
        if step.ranks > 1
    ]
    return "\n".join(lines)


def predictions(steps: Sequence[Step]) -> str:
    """Write predictions for more machines, with a rank and a core on each."""
    lines = []
    for network in NETWORKS:
        lines += [
            f"{network.name}: {network.latency * 1e6:g} us, {network.bandwidth / 1e9:g} GB/s.",
            "",
            "| network | exchange, ms | " + " | ".join(f"weak, {p}" for p in PREDICTED)
            + f" | rows for {HALF:.0%} | " + " | ".join(f"strong, {p}" for p in PREDICTED) + " |",
            "|---" * (3 + 2 * len(PREDICTED)) + "|",
        ]  # fmt: skip
        for shape in dict.fromkeys(step.shape for step in steps):
            one = [step for step in steps if step.shape == shape and step.ranks == 1]
            few, many = min(one), max(one)
            n, fit = few.n_params, Fit(few, many)
            both = fit.alone(many.rows), fit.ours(many.rows)
            cells = [f"{1e3 * exchange_seconds(n, PREDICTED[-1], network):.3g}"]
            cells += [f"{weak(*both, n, p, network):.0%}" for p in PREDICTED]
            cells += [str(fit.rows_for(HALF, n, PREDICTED[-1], network) or "none")]
            cells += [f"{strong(fit, LARGE, n, p, network):.1f}" for p in PREDICTED]
            lines.append(f"| {shape} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main(seconds: float, file: Path, say: Say) -> int:
    """Measure, print tables, and write the figures."""
    steps: list[Step] = []
    for shape in SHAPES:
        for rows, ranks in [*((ROWS, ranks) for ranks in RANKS), (MANY, 1)]:
            say(f"{shape}, {rows} rows, {ranks} ranks")
            steps.append(measure(shape, rows, ranks, seconds))
    file.parent.mkdir(parents=True, exist_ok=True)
    records = [step._asdict() for step in steps]
    file.write_text(json.dumps({"machine": report.machine(), "steps": records}, indent=1))
    print(table(steps))
    print("\nThe gradients of the weights and their exchange; one after the other: 1.\n")
    print(overlap(steps))
    print(f"\nPredicted; weak: {MANY} rows a rank; strong: {LARGE} rows a step in all.\n")
    print(predictions(steps))
    print(f"written: {file}")
    return 0

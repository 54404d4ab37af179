"""The FMA peak of this machine on the target in use, and a check that the machine is quiet."""

import statistics
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cynn import _backend

from .results import Results

RUN_SECONDS = 0.02
MOST_MOVED = 0.10


@dataclass(frozen=True)
class Peak:
    """Operations a second of one core or of several at once, over some short runs."""

    best: float
    median: float


def kernel(dtype: str) -> Callable[[float], float]:
    """Return the function that measures the calling thread's core."""
    function = getattr(_backend.kernels(dtype), "_fma_peak", None)
    if function is None:
        raise RuntimeError(
            f"the target {_backend.target()!r} has no measure of the peak: the benchmark takes"
            " compiled targets, built from these sources"
        )
    return function


def measure(cores: int = 1, dtype: str = "float32", runs: int = 20) -> Peak:
    """Measure some cores at once, in short runs."""
    rates = [_together(kernel(dtype), cores) for _ in range(runs)]
    return Peak(max(rates), statistics.median(rates))


def _together(run: Callable[[float], float], cores: int) -> float:
    rates: list[float] = []
    gate = threading.Barrier(cores)

    def work() -> None:
        gate.wait()
        rates.append(run(RUN_SECONDS))

    threads = [threading.Thread(target=work) for _ in range(cores - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    return sum(rates)


def look(results: Results, counts: Sequence[int]) -> Peak:
    """Measure the peak of each number of cores; return that of the largest."""
    for count in counts:
        measured = measure(count)
        results.see_peak("float32", count, measured.best)
    return measured


def moved(start: Peak, end: Peak) -> float:
    """Return the relative difference of the peak between two measurements."""
    low, high = sorted((start.median, end.median))
    return 1 - low / high if high else 0.0


def refusal(start: Peak, end: Peak) -> str:
    """Return why figures must not be compared; empty where they may be."""
    part = moved(start, end)
    if part <= MOST_MOVED:
        return ""
    return (
        f"the machine is too noisy to compare: its FMA peak went from {start.median / 1e9:.0f} to"
        f" {end.median / 1e9:.0f} GFLOP/s during the run ({100 * part:.0f} %, at most"
        f" {100 * MOST_MOVED:.0f} % may be); try again when it is quiet, or go on with --noisy"
    )

"""The measurement: peers in turn, round after round, so that noise affects all alike."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import peak, peers
from .cases import HEAVY, Case
from .pool import Failed, Worker
from .results import Results, Row

PAUSE_SECONDS = 0.1  # idle threads of the previous peer may still spin
PEAK_RUNS = 5

Say = Callable[[str], None]


def run(
    cases: Sequence[Case],
    names: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    folder: Path,
    results: Results,
    say: Say,
) -> None:
    """Measure all peers on all cases; a peer that fails is reported and left out from then on."""
    workers: dict[tuple[str, int], Worker] = {}
    try:
        for i, case in enumerate(cases):
            say(f"[{i + 1}/{len(cases)}] {case.label}")
            run_case(case, names, threads, rounds, folder, results, workers, say)
    finally:
        for worker in workers.values():
            worker.end()


def run_case(
    case: Case,
    names: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    folder: Path,
    results: Results,
    workers: dict[tuple[str, int], Worker],
    say: Say,
) -> None:
    """Measure one case."""
    ready: list[tuple[Worker, Row]] = []
    for name in names:
        entry = peers.PEERS[name]
        if not (entry.trains if case.kind == "train" else entry.predicts):
            continue
        heavy = case.flops > HEAVY and name != "cynn"
        for count in threads[-1:] if heavy else threads:
            if (name, count) not in results.failed:
                add(case, name, count, folder, results, workers, ready, say)
    for _ in range(rounds):
        for count in threads:
            measured = peak.measure(count, case.dtype, PEAK_RUNS)
            results.see_peak(case.dtype, count, measured.best)
        for worker, row in list(ready):
            time.sleep(PAUSE_SECONDS)
            try:
                if case.kind == "train":
                    answer = worker.ask("train", epochs=case.epochs)
                    row.loss = answer["loss"]
                else:
                    answer = worker.ask("predict")
                row.seconds.append(answer["seconds"])
            except Failed as failure:
                ready.remove((worker, row))
                drop(row.peer, row.threads, str(failure), results, workers, say)
    results.rows += [row for _, row in ready if row.seconds]


def add(
    case: Case,
    name: str,
    threads: int,
    folder: Path,
    results: Results,
    workers: dict[tuple[str, int], Worker],
    ready: list[tuple[Worker, Row]],
    say: Say,
) -> None:
    """Start a peer where it does not run yet, and prepare it for a case."""
    try:
        if (name, threads) not in workers:
            workers[name, threads] = Worker(name, threads, folder)
            version = workers[name, threads].ask("version")["version"]
            results.versions[name] = version
        worker = workers[name, threads]
        worker.ask("setup", **dataclasses.asdict(case))
        ready.append((worker, Row(case, name, threads)))
    except Failed as failure:
        drop(name, threads, str(failure), results, workers, say)


def drop(
    name: str,
    threads: int,
    why: str,
    results: Results,
    workers: dict[tuple[str, int], Worker],
    say: Say,
) -> None:
    """Leave a peer out from now on."""
    say(f"    {name} with {threads} thread{'s' * (threads > 1)} is left out: {why}")
    results.failed[name, threads] = why
    worker = workers.pop((name, threads), None)
    if worker is not None:
        worker.end()

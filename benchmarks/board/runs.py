"""The fits that the file of figures lacks, each in a process of its own."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import report as machine
from . import environment, records
from .peers import PEERS
from .tables import Table

LONGEST = 3_600.0  # seconds of one fit
BUSY = 1.0  # processes that were running before


class Fit(NamedTuple):
    """A peer on a split of a table."""

    table: Table
    seed: int
    peer: str

    def __str__(self) -> str:
        return f"{self.table.name}, split {self.seed}, {self.peer}"

    @property
    def key(self) -> records.Key:
        """Return what tells its line."""
        return self.table.name, str(self.seed), self.peer


def missing(
    fits: Sequence[Fit],
    there: Mapping[records.Key, records.Line],
    versions: Mapping[str, str],
    again: Sequence[str],
) -> list[Fit]:
    """Return the fits to do: those without a line of the same version, and those named anew."""
    return [
        fit
        for fit in fits
        if fit.peer in versions
        and (
            fit.peer in again
            or fit.key not in there
            or there[fit.key]["version"] != versions[fit.peer]
        )
    ]


def order(tables: Sequence[Table], peers: Sequence[str], splits: int) -> Iterator[Fit]:
    """Return all fits, a split of everything first: what is interrupted can be compared."""
    for seed in range(splits):
        for table in tables:
            for peer in filter(lambda name: PEERS[name].takes(table.name), peers):
                yield Fit(table, seed, peer)


def measure(
    fits: Sequence[Fit], again: Sequence[str], file: Path, say: Callable[[str], None]
) -> int:
    """Add a line to the file for each fit that it lacks; return how many failed."""
    cores = environment.cores()
    if os.getloadavg()[0] > BUSY:
        say("other processes are busy: the seconds will not be comparable, only the scores")
    environment.prepare(say)
    versions = ask(environment.program("board.peers"))
    if "error" in versions:
        raise RuntimeError(versions["error"])
    for peer in dict.fromkeys(fit.peer for fit in fits if fit.peer not in versions):
        say(f"{peer} is left out: it is not there")
    todo = missing(fits, records.latest(records.read(file)), versions, again)
    paths = environment.files(list({fit.table.name: fit.table for fit in todo}.values()), say)
    failed = 0
    for place, fit in enumerate(todo, 1):
        words = [str(paths[fit.table.name]), fit.table.name, str(fit.seed), fit.peer]
        answer = ask([*environment.program("board.worker"), *words])
        if "error" in answer:
            say(f"[{place}/{len(todo)}] {fit}: {answer['error']}")
            failed += 1
            continue
        figures = {field: f"{value:.6g}" for field, value in answer.items()}
        line = {
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine.processor(),
            "cores": len(cores),
            "peer": fit.peer,
            "version": versions[fit.peer],
            "table": fit.table.name,
            "split": fit.seed,
            **figures,
        }
        records.append(line, file)
        shown = ", ".join(f"{field} {value}" for field, value in figures.items())
        say(f"[{place}/{len(todo)}] {fit}: {shown}")
    return failed


def ask(command: Sequence[str]) -> dict[str, Any]:
    """Return what a process of the board's environment answers; it never outlives this one."""
    with subprocess.Popen(
        command,
        env=environment.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process, which ends that one
    ) as process:
        try:
            answer, errors = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            return {"error": f"it took more than {LONGEST:.0f} s"}
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
    if not answer:
        last = (errors.strip().splitlines() or [""])[-1]
        died = f" by {signal.Signals(-process.returncode).name}" if process.returncode < 0 else ""
        return {"error": f"the process ended{died}: {last}"}
    made: dict[str, Any] = json.loads(answer)
    return made

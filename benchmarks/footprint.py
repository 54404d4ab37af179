"""Figures besides training and prediction: import time, memory, a busy neighbouring core."""

import dataclasses
import os
import statistics
import subprocess
import sys
from pathlib import Path

from . import launch
from .cases import train
from .pool import Failed, Worker, environment
from .results import Results
from .rounds import Say

IMPORTS = 15

IMPORT = """
import importlib, sys, time
start = time.perf_counter()
importlib.import_module(sys.argv[1])
print(time.perf_counter() - start)
"""

# The peak memory of a fit and of its imports, without NumPy and the data.
MEMORY = """
import re, sys
import numpy as np
x, y = (np.load(f"{sys.argv[1]}/{name}784.npy") for name in ("raw", "labels"))
if sys.argv[2] == "reals": x = np.multiply(x, 1 / 255, dtype="float32")
held = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
open("/proc/self/clear_refs", "w").write("5")  # the most held is counted from here on
before = held()
from cynn import Model
from cynn.layers import Dense, Rescale
from cynn.optimizers import SGD
model = Model([Rescale(1 / 255), Dense(128, "relu"), Dense(10, "softmax")], seed=0)
model.compile(SGD(0.1), metrics=["accuracy"])
model.fit(x, y, batch_size=128, epochs=2, verbose=0)
print((held() - before) / 1024)
"""


# Printed last, so that it is not part of the measurement.
SAME_PACKAGE = f"""
import os, cynn
assert cynn.__file__ == os.environ["{launch.WANTED}"], f"another cynn: {{cynn.__file__}}"
"""


def script(text: str, *arguments: str, threads: int = 2) -> float:
    """Run a script in a new process; return the number that it prints."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", text + SAME_PACKAGE, *arguments],
        env=environment(threads),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return float(done.stdout)


def imports(results: Results, say: Say) -> None:
    """Time imports in new processes, alternately."""
    say("import times")
    seconds: dict[str, list[float]] = {"numpy": [], "cynn": []}
    for _ in range(IMPORTS):
        for module, times in seconds.items():
            times.append(script(IMPORT, module))
    for module, times in seconds.items():
        results.other[f"import {module} seconds"] = statistics.median(times[1:])  # once to cache
    results.other["import"] = (
        results.other["import cynn seconds"] / results.other["import numpy seconds"]
    )


def memory(folder: Path, results: Results, say: Say) -> None:
    """Measure the peak memory of a fit, from bytes and from reals; the larger counts."""
    if not os.path.exists("/proc/self/clear_refs"):
        return
    say("memory of a fit")
    megabytes = [script(MEMORY, str(folder), kind) for kind in ("bytes", "reals")]
    results.other["memory"] = max(megabytes)


def neighbour(folder: Path, rounds: int, results: Results, say: Say) -> None:
    """Time epochs while another process keeps one of two cores busy."""
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) != 2:
        return  # with more cores, threads would move away
    core = max(os.sched_getaffinity(0))
    for batch in (128, 32):
        case = train("784-128-10", batch)
        say(f"a neighbour on core {core}, B={batch}")
        worker = Worker("cynn", 2, folder)
        try:
            worker.ask("setup", **dataclasses.asdict(case))
            quiet, busy = [], []
            for _ in range(max(rounds, 5)):
                quiet.append(worker.ask("train", epochs=1)["seconds"])
                with subprocess.Popen(
                    [
                        sys.executable, "-c",
                        f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass",
                    ],
                ) as other:  # fmt: skip
                    try:
                        worker.ask("train", epochs=1)  # a warm-up
                        busy.append(worker.ask("train", epochs=1)["seconds"])
                    finally:
                        other.kill()
        finally:
            worker.end()
        quiet_seconds = statistics.median(quiet)
        results.other[f"neighbour B={batch}"] = statistics.median(busy) / quiet_seconds
        results.other[f"neighbour B={batch}, at worst"] = max(busy) / quiet_seconds


def measure(folder: Path, rounds: int, results: Results, say: Say) -> None:
    """Measure all three."""
    for name, work in (
        ("import", lambda: imports(results, say)),
        ("memory", lambda: memory(folder, results, say)),
        ("neighbour", lambda: neighbour(folder, rounds, results, say)),
    ):
        try:
            work()
        except Failed as failure:
            say(f"    {name} was not measured: {failure}")

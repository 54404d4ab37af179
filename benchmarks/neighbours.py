"""Two threads against one beside busy programs, as on a shared server or a machine for CI.

Each neighbour is a process that does nothing but use a core. A training waits at barriers twice in
a mini-batch, a prediction once, for the last blocks of rows; small networks wait longer than they
work.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

import cynn
from cynn import _backend
from cynn.layers import Dense
from cynn.optimizers import SGD

from . import report
from .cases import Sizes, shape_name

NEIGHBOURS = (0, 1, 2, 3)
MOST = 1.5
"""Times what one thread takes beside the same neighbours."""

SETTLED = 0.3  # seconds until the scheduler has spread the neighbours
ROUNDS = 5
ROWS = 8_000
CALLS = 2_000  # rows that predictions of a few rows come to

TRAINED: tuple[tuple[Sizes, int, int], ...] = (  # and the rows of a mini-batch, and epochs
    ((784, 128, 10), 32, 1),
    ((784, 128, 10), 128, 1),
    ((784, 128, 10), 512, 1),
    ((784, 512, 256, 10), 32, 1),
    ((784, 512, 256, 10), 128, 1),
    ((100, 128, 10), 32, 4),
    ((100, 512, 10), 128, 4),
    ((64, 32, 10), 32, 4),
)
PREDICTED: Sizes = (784, 128, 10)
PREDICTED_ROWS = (16, 256, 10_000)

Work = Callable[[], object]
Pairs = list[tuple[float, float]]


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Run busy processes for the length of a ``with`` statement."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(SETTLED if count else 0)
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def network(sizes: Sizes) -> cynn.Model:
    """Return a model of these sizes, compiled and built."""
    hidden = [Dense(n, "relu") for n in sizes[1:-1]]
    model = cynn.Model([*hidden, Dense(sizes[-1], "softmax")], seed=0)
    model.compile(SGD(0.01))
    model.build(sizes[0])
    return model


def training(sizes: Sizes, batch: int, epochs: int, rows: int) -> Work:
    """Return a call that trains."""
    rng = np.random.default_rng(0)
    x, y = rng.random((rows, sizes[0]), np.float32), rng.integers(0, sizes[-1], rows)
    model = network(sizes)
    return lambda: model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def prediction(sizes: Sizes, rows: int) -> Work:
    """Return a call that predicts, as often as makes `CALLS` rows."""
    x = np.random.default_rng(0).random((rows, sizes[0]), np.float32)
    model, times = network(sizes), max(1, CALLS // rows)
    return lambda: [model.predict(x) for _ in range(times)]


def works(rows: int = ROWS) -> dict[str, Work]:
    """Return what is timed, by name."""
    calls = {
        f"train {shape_name(sizes)} B={batch}": training(sizes, batch, epochs, rows)
        for sizes, batch, epochs in TRAINED
    }
    for n in PREDICTED_ROWS:
        calls[f"predict {shape_name(PREDICTED)} {n:,} rows"] = prediction(PREDICTED, n)
    return calls


def medians(call: Work, rounds: int) -> tuple[float, float]:
    """Return the median seconds of a call on one thread and on two, in turn."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for threads, measured in seconds.items():
            cynn.set_num_threads(threads)
            start = time.perf_counter()
            call()
            measured.append(time.perf_counter() - start)
    return statistics.median(seconds[1]), statistics.median(seconds[2])


def measure(calls: dict[str, Work], rounds: int, counts: Sequence[int]) -> dict[str, Pairs]:
    """Return for each work the medians beside each number of neighbours."""
    pairs: dict[str, Pairs] = {name: [] for name in calls}
    before = cynn.get_num_threads()
    try:
        for count in counts:
            with neighbours(count):
                for name, call in calls.items():
                    pairs[name].append(medians(call, rounds))
    finally:
        cynn.set_num_threads(before)
    return pairs


def main(rounds: int = ROUNDS) -> int:
    """Measure, and print a table; return 1 where two threads take longer than they may."""
    measured = measure(works(), rounds, NEIGHBOURS)
    lines = [
        (name, *(f"{1e3 * one:.1f} / {1e3 * two:.1f} = {two / one:.2f}" for one, two in pairs))
        for name, pairs in measured.items()
    ]
    print(f"{report.processor()}, target {_backend.target()}")
    print("milliseconds on one thread / on two = their ratio, medians, beside busy processes")
    print(report.table(("", "none", *map(str, NEIGHBOURS[1:])), lines))
    missed = [
        f"{name} beside {count}"
        for name, pairs in measured.items()
        for count, (one, two) in zip(NEIGHBOURS, pairs, strict=True)
        if count and two > MOST * one
    ]
    if missed:
        print(f"two threads take more than {MOST} times one: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0

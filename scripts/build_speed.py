"""Compare the speed of two builds of the package: calls that take microseconds, and long ones.

    build_speed.py FOLDER FOLDER

A folder holds an installed build; the second is the one to compare with. Each build runs in a
process of its own, and the two alternate, on one thread. What counts is the thread's processor
time, which other work on the machine hardly touches; of many measurements it is the lower
quartile, as a virtual machine's clock now and then says too little. Short calls are mostly Python's
interface, long ones the kernels. The last column is the ratio: at 1.02 the first build takes
2 % longer.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 60
BURST = 0.02  # seconds that a case is repeated for in a round; it is called once at least
STRETCH = 1e-4  # seconds between two looks at the clock, which takes half a microsecond itself


def cases() -> dict[str, Callable[[], Any]]:
    """Return the timed functions by name: each on one thread, with the build that is imported."""
    import numpy as np

    import cynn
    from cynn import _backend
    from cynn.layers import Dense

    cynn.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 784)).astype(np.float32)
    y = rng.integers(0, 10, len(x))
    few, one = np.ascontiguousarray(x[:8, :4]), x[:1]

    def model(inputs: int, hidden: int) -> cynn.Model:
        made = cynn.Model([Dense(hidden, "relu"), Dense(10, "softmax")], seed=0)
        made.compile("sgd", loss="cross_entropy")
        made.fit(x[:1, :inputs], y[:1], verbose=0)
        return made

    tiny, usual = model(4, 8), model(784, 128)
    network = _backend.kernels("float32").Network(
        4, [("dense", 8, "relu"), ("dense", 10, "softmax")]
    )
    out = np.empty((1, 10), np.float32)
    return {
        "the network's predict, 1 row, 4-8-10": lambda: network.predict(few[:1], out, 1),
        "predict, 1 row, 4-8-10": lambda: tiny.predict(few[:1]),
        "predict, 1 row, 784-128-10": lambda: usual.predict(one),
        "fit, 8 rows, 4-8-10": lambda: tiny.fit(few, y[:8], verbose=0),
        "fit, 20000 rows, 784-128-10": lambda: usual.fit(x, y, batch_size=128, verbose=0),
    }


def typical(work: Callable[[], Any]) -> float:
    """Return the median time of a call in a burst of them, in seconds."""
    calls, times = 1, []
    end = time.perf_counter() + BURST
    while not times or time.perf_counter() < end:
        start = time.thread_time()
        for _ in range(calls):
            work()
        took = time.thread_time() - start
        if took < STRETCH and calls < 10_000:
            calls *= 2
        else:
            times.append(took / calls)
    return statistics.median(times)


def serve(folder: str) -> None:
    """Measure each case that is read from standard input, with the build in a folder."""
    sys.path.insert(0, folder)
    known = cases()
    print(*known, sep="|", flush=True)
    for line in sys.stdin:
        print(typical(known[line.strip()]), flush=True)


class Build:
    """A build, in a process of its own, and its measurements."""

    def __init__(self, folder: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", __file__, "--serve", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.times: dict[str, list[float]] = {case: [] for case in self._answer().split("|")}

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def measure(self, case: str) -> None:
        """Time a case once more."""
        assert self.process.stdin is not None
        print(case, file=self.process.stdin)
        self.times[case].append(float(self._answer()))

    def time(self, case: str) -> float:
        """Return the lower quartile of the times of a case, in microseconds."""
        return 1e6 * statistics.quantiles(self.times[case], n=4)[0]


def main(folders: list[str]) -> None:
    """Measure the builds alternately and print the results."""
    first, second = (Build(folder) for folder in folders)
    for _ in range(ROUNDS):
        for case in first.times:
            first.measure(case)
            second.measure(case)
    for case in first.times:
        one, other = first.time(case), second.time(case)
        print(f"{case:40}{one:12.2f} us{other:12.2f} us{one / other:8.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        main(sys.argv[1:])

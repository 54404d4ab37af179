"""Two networks of a few hundred weights, beside the figures published of SimpleChains.jl.

Those are of 2022, on processors of 18 and 36 cores, and not measured here: C. Elrod, N. Korsbo and
C. Rackauckas, "Doing small network scientific machine learning in Julia 5x faster than PyTorch",
julialang.org, 14 April 2022.
"""

import time
from collections.abc import Callable

import numpy as np

import cynn
from cynn import _backend
from cynn.layers import Dense
from cynn.optimizers import Adam

from . import report
from .cases import Sizes

FULL_BATCH: Sizes = (4, 32, 16, 4)
FULL_ROWS = 10_000
FULL_PUBLISHED = "41 on 18 cores, 72 on 32; PyTorch 1,500"
GRADIENT: Sizes = (24, 8, 2)
GRADIENT_ROWS = 200
GRADIENT_PUBLISHED = "5.7; Flux.jl 96"
STEPS, CALLS = 200, 2_000


def full_batch(threads: int, steps: int = STEPS) -> float:
    """Return the seconds of a step of Adam on all rows."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(FULL_ROWS, n)).astype(np.float32) for n in (4, 4))
    hidden = [Dense(n, "tanh") for n in FULL_BATCH[1:-1]]
    model = cynn.Model([*hidden, Dense(FULL_BATCH[-1])], seed=0)
    model.compile(Adam(1e-3), loss="mean_squared_error")
    cynn.set_num_threads(threads)
    try:

        def fit() -> None:
            model.fit(x, y, batch_size=FULL_ROWS, epochs=steps, verbose=0)

        fit()
        return best_of(fit, 3) / steps
    finally:
        cynn.set_num_threads(None)


def gradient(calls: int = CALLS) -> float:
    """Return the seconds of a gradient in float64 on one thread, by a call of the kernels."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(GRADIENT_ROWS, n)) for n in (GRADIENT[0], GRADIENT[-1]))
    steps = [("dense", GRADIENT[1], "tanh"), ("dense", GRADIENT[-1], "identity")]
    network = _backend.kernels("float64").Network(GRADIENT[0], steps)
    network.compile("mean_squared_error")
    network.set_params(rng.normal(size=network.n_params))
    out = np.empty(network.n_params)
    return best_of(lambda: network.gradients(x, y, None, out, 1), calls)


def best_of(call: Callable[[], object], times: int) -> float:
    """Return the least seconds of some calls."""
    least = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - start)
    return least


def main(threads: list[int]) -> int:
    """Measure, and print a table; return 0."""
    measured = ", ".join(f"{1e6 * full_batch(n):.0f} on {n}" for n in threads)
    print(f"{report.processor()}, target {_backend.target()}; microseconds")
    print(
        report.table(
            ("", "cynn, by threads", "published (SimpleChains.jl; not measured here)"),
            [
                ("a step of Adam, 4-32-16-4, all of 10,000 rows", measured, FULL_PUBLISHED),
                (
                    "the gradient of 24-8-2, 200 rows, float64",
                    f"{1e6 * gradient():.1f} on 1",
                    GRADIENT_PUBLISHED,
                ),
            ],
        )
    )
    return 0

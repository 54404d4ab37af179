"""Members against TabM of its authors' package on PyTorch: steps of training, and predictions.

Both have the same network, TabM's default one, in float32, and the same rows, batches, dropout,
AdamW and clipping. Each is timed in turn, round after round, on the same numbers of threads.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import cynn
from cynn import _backend
from cynn.layers import Dense, Dropout, Layer, MemberAffine, MemberDense, Members
from cynn.optimizers import AdamW

from . import footprint, launch, peak, report
from .cases import Sizes, predict_flops, shape_name
from .estimators import PAUSE
from .floors import Floor, other
from .results import Results

INSTALL = "pip install torch==2.13.0 tabm==0.0.3"
RATE, DECAY, MOST_NORM, DROPOUT = 2e-3, 3e-4, 1.0, 0.1

MEMORY = """
import runpy, sys
runpy.run_path(sys.argv[1])["load_package"]()
from benchmarks import tabm
print(tabm.taken(tabm.DEFAULT))
"""


class Case(NamedTuple):
    """One network, and how much of it is timed at once."""

    sizes: Sizes
    members: int
    batch: int
    steps: int
    predicted: int

    @property
    def flops(self) -> dict[str, int]:
        """The operations of a step and of a prediction: those of products.

        The factors of the inputs are learned, so that the first layer too has a gradient of its
        inputs: each product has three.
        """
        step = 3 * predict_flops(self.sizes, self.members * self.batch)
        return {TRAIN: step, PREDICT: predict_flops(self.sizes, self.members * self.predicted)}


TRAIN, PREDICT = "training", "prediction"
DEFAULT = Case((64, 512, 512, 512, 1), members=32, batch=256, steps=4, predicted=1000)

FLOORS = (
    Floor(f"{TRAIN}, one thread, of the peak", 0.70, other(f"{TRAIN} of the peak"), percent=True),
    Floor(f"{TRAIN}, two threads over one", 1.8, other(f"{TRAIN} 2 over 1")),
    *(
        Floor(f"{what}, threads: {n}, against the package", times, other(f"{what} {n}"))
        for what, times in ((TRAIN, 2.5), (PREDICT, 2.0))
        for n in (1, 2)
    ),
    Floor(f"memory of {TRAIN} past its data", 200, other("memory"), at_most=True, unit="MB"),
)

Work = dict[str, Callable[[], object]]
"""What is timed: some steps of training, and a prediction."""


def data(case: Case) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the rows of the steps, and a smooth function of them."""
    rng = np.random.default_rng(0)
    rows = max(case.batch * case.steps, case.predicted)
    x = rng.normal(size=(rows, case.sizes[0])).astype(np.float32)
    return x, np.tanh(x[:, 0] + x[:, 1] * x[:, 2])


def network(case: Case) -> cynn.Model:
    """Return a batch ensemble, compiled and built."""
    k, (n_inputs, *hidden, n_outputs) = case.members, case.sizes
    parts: list[Layer] = [Members(k)]
    for n, units in zip(case.sizes, hidden, strict=False):
        parts += [MemberAffine(k, use_bias=False)] if len(parts) > 1 else []
        parts += [Dense(units, use_bias=False), MemberAffine(k, "relu", limit=n**-0.5)]
        parts += [Dropout(DROPOUT)]
    last = MemberAffine(k, use_scale=False, limit=hidden[-1] ** -0.5)
    model = cynn.Model([*parts, MemberDense(n_outputs, k), last], seed=0)
    model.compile(AdamW(RATE, weight_decay=DECAY, clip_norm=MOST_NORM), "mean_squared_error")
    model.build(n_inputs)
    return model


def ours(case: Case) -> Work:
    """Return our work."""
    x, y = data(case)
    model, n = network(case), case.batch * case.steps
    return {
        TRAIN: lambda: model.fit(x[:n], y[:n], batch_size=case.batch, epochs=1, verbose=0),
        PREDICT: lambda: model.predict(x[: case.predicted]),
    }


def package_network(case: Case) -> Any:
    """Return the package's network."""
    import tabm
    import torch

    torch.manual_seed(0)
    return tabm.TabM.make(
        n_num_features=case.sizes[0],
        d_out=case.sizes[-1],
        n_blocks=len(case.sizes) - 2,
        d_block=case.sizes[1],
        k=case.members,
        dropout=DROPOUT,
    )


def theirs(case: Case) -> Work:
    """Return the package's work: eager, rows by index, no loader, a fused update."""
    import torch
    from torch.nn import functional

    x, y = map(torch.from_numpy, data(case))
    model, n = package_network(case), case.batch * case.steps
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=DECAY, fused=True)

    def train() -> None:
        model.train()
        for rows in torch.randperm(n).split(case.batch):
            goals = y[rows].repeat_interleave(case.members)
            loss = functional.mse_loss(model(x[rows]).flatten(), goals)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), MOST_NORM)
            optimizer.step()

    def predict() -> Any:
        model.eval()
        with torch.inference_mode():
            return model(x[: case.predicted]).mean(dim=1)

    return {TRAIN: train, PREDICT: predict}


class Timed(NamedTuple):
    """The least seconds of a step, or of a prediction, of each."""

    what: str
    threads: int
    ours: float
    theirs: float


def measure(
    case: Case, rounds: int, threads: Sequence[int], clock: Callable[[], float]
) -> list[Timed]:
    """Time both in turn; the least of the rounds counts."""
    import torch

    works = (ours(case), theirs(case))
    kinds = [(what, n) for what in (TRAIN, PREDICT) for n in threads]
    best = {kind: [np.inf, np.inf] for kind in kinds}
    before = cynn.get_num_threads(), torch.get_num_threads()
    try:
        for _ in range(rounds):
            for what, n in kinds:
                cynn.set_num_threads(n)
                torch.set_num_threads(n)
                for i, work in enumerate(works):
                    time.sleep(PAUSE)
                    start = clock()
                    work[what]()
                    seconds = (clock() - start) / (case.steps if what == TRAIN else 1)
                    best[what, n][i] = min(best[what, n][i], seconds)
    finally:
        cynn.set_num_threads(before[0])
        torch.set_num_threads(before[1])
    return [Timed(*kind, *seconds) for kind, seconds in best.items()]


def most_held() -> int:
    """Return the most bytes that this process held since they were last counted anew, on Linux."""
    with open("/proc/self/status") as status:
        (line,) = (each for each in status if each.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def taken(case: Case) -> float:
    """Return the megabytes that training took at most past its data, where it is all there is."""
    x, y = data(case)
    with open("/proc/self/clear_refs", "w") as counter:
        counter.write("5")  # the most held is counted from here on
    before = most_held()
    network(case).fit(x, y, batch_size=case.batch, epochs=1, verbose=0)
    return (most_held() - before) / 2**20


def memory() -> float | None:
    """Return what training takes in a process of its own; None where that is not counted."""
    if not os.path.exists("/proc/self/clear_refs"):
        return None
    return statistics.median(footprint.script(MEMORY, str(launch.__file__)) for _ in range(3))


def add_ratios(results: Results, found: Sequence[Timed], case: Case) -> None:
    """Put what the floors are of among the results, by name."""
    by_kind = {(each.what, each.threads): each for each in found}
    for (what, n), each in by_kind.items():
        results.other[f"{what} {n}"] = each.theirs / each.ours
        one = by_kind.get((what, 1))
        if n == 1:
            rate = case.flops[what] / each.ours
            results.other[f"{what} of the peak"] = rate / results.peaks["float32", 1]
        elif n == 2 and one:
            results.other[f"{what} 2 over 1"] = one.ours / each.ours


def table(results: Results, found: Sequence[Timed], case: Case) -> str:
    """Write the times and the rates."""
    lines = []
    for each in found:
        cells = []
        for seconds in (each.ours, each.theirs):
            rate = case.flops[each.what] / seconds
            part = rate / results.peaks["float32", each.threads]
            cells += [f"{1e3 * seconds:.4g} ms", f"{rate / 1e9:.1f}", f"{100 * part:.1f} %"]
        ratio = f"{each.theirs / each.ours:.2f} x"
        lines.append((f"{each.what}, threads: {each.threads}", *cells, ratio))
    rates = ("GFLOP/s", "of the peak")
    return report.table(("", "ours", *rates, "the package's", *rates, "ratio"), lines)


def main(
    rounds: int,
    threads: Sequence[int],
    noisy: bool,
    clock: Callable[[], float] = time.perf_counter,
    case: Case = DEFAULT,
) -> int:
    """Measure, and print tables; return 1 where a floor is not reached, or it was too noisy."""
    try:
        import tabm
        import torch
    except ImportError as error:
        raise RuntimeError(f"--tabm needs the package of TabM: .venv/bin/{INSTALL}") from error
    results = Results()
    start = peak.look(results, threads)
    found = measure(case, rounds, threads, clock)
    end = peak.look(results, threads)
    add_ratios(results, found, case)
    if (megabytes := memory()) is not None:
        results.other["memory"] = megabytes
    if refused := peak.refusal(start, end):
        print(f"scripts/benchmark: {refused}", file=sys.stderr)
        if not noisy:
            return 1
    print(f"{report.processor()}, target {_backend.target()}")
    print(f"the package tabm {tabm.__version__} on PyTorch {torch.__version__}")
    print(f"{shape_name(case.sizes)}, members: {case.members}, float32;", end=" ")
    print(f"a step of B={case.batch}, a prediction of {case.predicted:,} rows\n")
    parts = (report.peak_lines(results), table(results, found, case))
    print(*parts, report.floor_table(results, FLOORS), sep="\n\n")
    measured = report.floor_lines(results, FLOORS)
    return 0 if all(floor.reached(value) for floor, value in measured) else 1

"""The floors and the results: one table. Floors hold for float32 on AVX2 or better."""

from collections.abc import Callable
from dataclasses import dataclass

from .results import Results

OURS = "cynn"
EQUAL = ("cynn-float32", OURS)
"""What peers are compared with, the first that was measured: they read floats."""

Measure = Callable[[Results], float | None]


@dataclass(frozen=True)
class Floor:
    """One requirement: a lower or upper bound of a ratio from one run."""

    work: str
    wanted: float
    measure: Measure
    percent: bool = False
    at_most: bool = False
    unit: str = "x"

    def reached(self, value: float) -> bool:
        return value <= self.wanted if self.at_most else value >= self.wanted

    def written(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.percent else f"{value:.2f} {self.unit}"


def of_peak(kind: str, shape: str, threads: int, batch: int = 0, rows: int = 0) -> Measure:
    """Measure our rate as a fraction of the peak."""

    def measure(results: Results) -> float | None:
        row = results.find(OURS, kind, shape, threads, batch=batch, rows=rows)
        return None if row is None else results.of_peak(row)

    return measure


def more_threads(shape: str, batch: int) -> Measure:
    """Measure two threads over one."""

    def measure(results: Results) -> float | None:
        one = results.find(OURS, "train", shape, 1, batch=batch)
        two = results.find(OURS, "train", shape, 2, batch=batch)
        return None if one is None or two is None else one.best / two.best

    return measure


def against(
    peer: str, kind: str, shape: str, threads: int | None, batch: int = 0, rows: int = 0,
    ours: tuple[str, ...] = EQUAL,
) -> Measure:  # fmt: skip
    """Measure the ratio of a peer's time to ours, on equal inputs."""

    def measure(results: Results) -> float | None:
        found = [
            results.find(name, kind, shape, threads, batch=batch, rows=rows)
            for name in (*ours, peer)
        ]
        own = next((row for row in found[:-1] if row is not None), None)
        theirs = found[-1]
        return None if own is None or theirs is None else theirs.best / own.best

    return measure


def over_dense(kind: str, shape: str, threads: int, batch: int) -> Measure:
    """Measure the speedup of skipping zeros."""

    def measure(results: Results) -> float | None:
        dense = results.find(OURS, kind, shape, threads, batch=batch)
        sparse = results.find("cynn-sparse", kind, shape, threads, batch=batch)
        return None if dense is None or sparse is None else dense.best / sparse.best

    return measure


def over_bytes(kind: str, shape: str, threads: int, batch: int) -> Measure:
    """Measure how much longer rows of float32 take than rows of bytes."""

    def measure(results: Results) -> float | None:
        pixels = results.find(OURS, kind, shape, threads, batch=batch)
        floats = results.find("cynn-float32", kind, shape, threads, batch=batch)
        return None if pixels is None or floats is None else floats.best / pixels.best

    return measure


def other(name: str) -> Measure:
    """Measure a figure that is not a case, by its name."""
    return lambda results: results.other.get(name)


SMALL, WIDE, WIDEST, TINY = "784-128-10", "784-512-256-10", "784-1024-1024-10", "64-32-10"


def _against(
    work: str, kind: str, shape: str, threads: int | None, batch: int, rows: int, **wanted: float
) -> list[Floor]:
    return [
        Floor(f"{work}, against {peer}", times, against(peer, kind, shape, threads, batch, rows))
        for peer, times in wanted.items()
    ]


FLOORS = (
    *(
        Floor(
            f"train {shape} B={batch}, one thread, of the peak",
            part,
            of_peak("train", shape, 1, batch),
            percent=True,
        )
        for shape, batch, part in (
            (SMALL, 128, 0.88),
            (SMALL, 32, 0.78),
            (WIDE, 128, 0.88),
            (WIDEST, 512, 0.85),
        )
    ),
    *(
        Floor(f"train {shape} B={batch}, two threads over one", times, more_threads(shape, batch))
        for shape, batch, times in (
            (SMALL, 32, 1.6), (SMALL, 128, 1.85), (SMALL, 512, 1.75),
            (WIDE, 32, 1.6), (WIDE, 128, 1.75),
        )
    ),
    *(
        Floor(
            f"train {SMALL} B=128, threads {threads}, float32 over bytes",
            1.06,
            over_bytes("train", SMALL, threads, 128),
            at_most=True,
        )
        for threads in (1, 2)
    ),
    *_against(
        f"train {SMALL} B=128, two threads", "train", SMALL, 2, 128, 0,
        torch=5, jax=2, sklearn=5, numpy=2.2,
    ),
    *_against(
        f"train {WIDE} B=128, two threads", "train", WIDE, 2, 128, 0, torch=2.7, jax=1.7
    ),
    # So small a network is faster on one thread for some: each with its best number.
    *_against(
        f"train {TINY} B=32", "train", TINY, None, 32, 0, torch=50, jax=3, sklearn=35
    ),
    *_against(
        f"predict {SMALL} 1 row", "predict", SMALL, None, 0, 1,
        onnxruntime=4, torch=8, sklearn=30,
    ),
    *(
        Floor(
            f"predict {SMALL} {rows:,} rows, two threads that are kept, against onnxruntime",
            times,
            against("onnxruntime", "predict", SMALL, 2, rows=rows, ours=("cynn-kept",)),
        )
        for rows, times in ((16, 1.05), (256, 1.05), (10_000, 1.15))
    ),
    Floor(
        f"predict {SMALL} 10,000 rows, two threads, of the peak",
        0.88,
        of_peak("predict", SMALL, 2, rows=10_000),
        percent=True,
    ),
    Floor(
        f"train {SMALL} B=128, one thread, sparse first layer against dense",
        1.8,
        over_dense("train", SMALL, 1, 128),
    ),
    Floor("import cynn over import numpy", 1.3, other("import"), at_most=True),
    Floor("memory in fit past data and NumPy", 50, other("memory"), at_most=True, unit="MB"),
    Floor("a neighbour on one of two cores, B=128", 2.6, other("neighbour B=128"), at_most=True),
    Floor("a neighbour on one of two cores, B=32", 2.6, other("neighbour B=32"), at_most=True),
)  # fmt: skip

"""The measurements, and how they are looked up."""

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from .cases import Case


@dataclass
class Row:
    """A peer's figures on a case."""

    case: Case
    peer: str
    threads: int
    seconds: list[float] = field(default_factory=list)  # of an epoch or a call, one a round
    loss: float | None = None

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Return operations a second, at best."""
        return self.case.flops / self.best


@dataclass
class Results:
    """All figures of a run."""

    rows: list[Row] = field(default_factory=list)
    peaks: dict[tuple[str, int], float] = field(default_factory=dict)  # by dtype and cores
    versions: dict[str, str] = field(default_factory=dict)
    failed: dict[tuple[str, int], str] = field(default_factory=dict)
    other: dict[str, float] = field(default_factory=dict)  # ratios and megabytes by name

    def see_peak(self, dtype: str, cores: int, rate: float) -> None:
        """Keep the largest rate seen: the strictest measure for the figures of its run."""
        self.peaks[dtype, cores] = max(rate, self.peaks.get((dtype, cores), 0.0))

    def find(
        self,
        peer: str,
        kind: str,
        shape: str,
        threads: int | None,
        *,
        batch: int = 0,
        rows: int = 0,
        dtype: str = "float32",
        filled: bool = False,
    ) -> Row | None:
        """Return a row or None; with `threads` None the fastest over the numbers of threads."""
        matching = [
            row
            for row in self.rows
            if (row.peer, row.case.kind, row.case.shape) == (peer, kind, shape)
            and row.case.dtype == dtype
            and threads in (None, row.threads)
            and batch in (0, row.case.batch)
            and rows in (0, row.case.rows)
            and row.case.filled == filled
        ]
        return min(matching, key=lambda row: row.best, default=None)

    def of_peak(self, row: Row) -> float | None:
        """Return a row's rate as a fraction of the peak of as many cores."""
        peak = self.peaks.get((row.case.dtype, row.threads))
        return row.rate / peak if peak else None

    def as_json(self) -> dict[str, Any]:
        """Return all as plain lists and numbers."""
        rows = [
            {
                **asdict(row.case),
                "shape": row.case.shape,
                "flops": row.case.flops,
                "peer": row.peer,
                "threads": row.threads,
                "seconds": row.seconds,
                "best": row.best,
                "median": row.median,
                "gflops": row.rate / 1e9,
                "of_peak": self.of_peak(row),
                "loss": row.loss,
            }
            for row in self.rows
        ]
        return {
            "peaks": [
                {"dtype": dtype, "cores": cores, "gflops": rate / 1e9}
                for (dtype, cores), rate in self.peaks.items()
            ],
            "versions": self.versions,
            "left_out": [
                {"peer": name, "threads": threads, "why": why}
                for (name, threads), why in self.failed.items()
            ],
            "other": self.other,
            "rows": rows,
        }

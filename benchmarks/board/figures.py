"""What the lines of the file of figures say: means, ranks, differences, ratios."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .peers import OURS, PEERS, THEIRS
from .records import Key, Line
from .tables import TABLES, Table


class Board:
    """The figures of all fits, averaged over the splits of a table.

    Parameters
    ----------
    lines : mapping
        The last line of each fit.
    """

    def __init__(self, lines: Mapping[Key, Line]) -> None:
        self.lines = lines
        self.peers = [name for name in PEERS if any(key[2] == name for key in lines)]
        self.tables = [table for table in TABLES if any(key[0] == table.name for key in lines)]

    def splits(self, table: Table, peer: str, field: str) -> dict[str, float]:
        """Return a figure of each split."""
        return {
            split: float(line[field])
            for (name, split, who), line in self.lines.items()
            if (name, who) == (table.name, peer) and line[field]
        }

    def mean(self, table: Table, peer: str, field: str) -> float | None:
        """Return the mean of a figure over the splits, None where there is none."""
        found = self.splits(table, peer, field)
        return statistics.fmean(found.values()) if found else None

    def of(self, table: Table, field: str) -> dict[str, float]:
        """Return the means of all peers that have one."""
        found = {peer: self.mean(table, peer, field) for peer in self.peers}
        return {peer: value for peer, value in found.items() if value is not None}

    def of_task(self, task: str) -> list[Table]:
        """Return the tables of a task."""
        return [table for table in self.tables if table.task == task]


def score(table: Table) -> str:
    """Return the figure that is the score of a table: more is better."""
    return "accuracy" if table.task == "classification" else "r2"


def loss(table: Table) -> str:
    """Return the figure that ranks the peers on a table: less is better."""
    return "log_loss" if table.task == "classification" else "rmse"


# -- what is compared


def ranks(board: Board, peers: Sequence[str]) -> tuple[dict[str, dict[str, float]], int]:
    """Return the mean ranks by task and over all, and the number of tables that all have.

    A figure of a table is the mean over the splits that all have.
    """
    places: dict[str, dict[str, list[float]]] = {peer: {} for peer in peers}
    count = 0
    for table in board.tables:
        by_split = {peer: board.splits(table, peer, loss(table)) for peer in peers}
        shared = set.intersection(*map(set, by_split.values())) if by_split else set()
        if not shared:
            continue
        count += 1
        found = {
            peer: statistics.fmean(each[split] for split in shared)
            for peer, each in by_split.items()
        }
        for peer, value in found.items():
            less = sum(other < value for other in found.values())
            same = sum(other == value for other in found.values())
            for task in (table.task, "all"):
                places[peer].setdefault(task, []).append(less + (same + 1) / 2)
    means = {
        peer: {task: statistics.fmean(each) for task, each in by_task.items()}
        for peer, by_task in places.items()
    }
    return means, count


class Difference(NamedTuple):
    """One peer minus another: the mean over tables, its standard error, and how many tables."""

    mean: float
    error: float
    tables: int


def difference(
    board: Board, tables: Sequence[Table], one: str = OURS, other: str = THEIRS
) -> Difference | None:
    """Return how much better one peer scores than another, pair by pair of the same rows."""
    means = []
    for table in tables:
        ours, theirs = (board.splits(table, peer, score(table)) for peer in (one, other))
        pairs = [ours[split] - theirs[split] for split in ours if split in theirs]
        if pairs:
            means.append(statistics.fmean(pairs))
    if not means:
        return None
    error = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else float("nan")
    return Difference(statistics.fmean(means), error, len(means))


def ratios(board: Board, slower: str, faster: str) -> dict[str, float]:
    """Return, table by table, how many times as long a fit of the one takes as of the other.

    Each of the same rows on the same machine; the geometric mean of these.
    """
    found = {}
    for table in board.tables:
        pairs = [
            float(line["fit_seconds"]) / float(other["fit_seconds"])
            for (name, split, peer), line in board.lines.items()
            if (name, peer) == (table.name, slower)
            and (other := board.lines.get((name, split, faster)))
            and line["machine"] == other["machine"]
        ]
        if pairs:
            found[table.name] = statistics.geometric_mean(pairs)
    return found

"""What the lines of the file of figures say, as tables in Markdown."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from .peers import OURS, PEERS, THEIRS
from .records import Key, Line
from .tables import TABLES, Table

MEMBERS = "realmlp-td-8"
WORDS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "log_loss": "Log-loss",
    "r2": "R2",
    "rmse": "RMSE",
}


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
    """Return the mean ranks by task and over all, and the number of tables that all have."""
    places: dict[str, dict[str, list[float]]] = {peer: {} for peer in peers}
    count = 0
    for table in board.tables:
        found = {peer: v for peer, v in board.of(table, loss(table)).items() if peer in peers}
        if len(found) < len(peers):
            continue
        count += 1
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
    """Ours minus theirs: the mean over the tables, its standard error, and the number of tables."""

    mean: float
    error: float
    tables: int


def difference(board: Board, task: str) -> Difference | None:
    """Return how much better we score than pytabkit's, pair by pair of the same rows."""
    means = []
    for table in board.of_task(task):
        ours, theirs = (board.splits(table, peer, score(table)) for peer in (OURS, THEIRS))
        pairs = [ours[split] - theirs[split] for split in ours if split in theirs]
        if pairs:
            means.append(statistics.fmean(pairs))
    if not means:
        return None
    error = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else float("nan")
    return Difference(statistics.fmean(means), error, len(means))


def ratios(board: Board, slower: str, faster: str) -> dict[str, float]:
    """Return, table by table, how many times as long a fit of the one takes as of the other."""
    found = {}
    for table in board.tables:
        seconds = board.of(table, "fit_seconds")
        if slower in seconds and faster in seconds:
            found[table.name] = seconds[slower] / seconds[faster]
    return found


# -- as Markdown


def grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))


def by_table(
    board: Board,
    tables: Sequence[Table],
    field: Callable[[Table], str],
    written: Callable[[float], str],
    best: Callable[[Iterable[float]], float] | None,
) -> str:
    """Return the figures of all peers, a line a table, the best in bold."""
    lines = []
    for table in tables:
        found = board.of(table, field(table))
        texts = {peer: written(value) for peer, value in found.items()}
        first = written(best(found.values())) if best and found else None
        cells = [f"**{text}**" if text == first else text for text in texts.values()]
        by_peer = dict(zip(texts, cells, strict=True))
        lines.append([table.name, *(by_peer.get(peer, "") for peer in board.peers)])
    return grid(["", *(PEERS[peer].label for peer in board.peers)], lines)


def fixed(value: float) -> str:
    """Write a score."""
    return f"{value:.3f}"


def short(value: float) -> str:
    """Write an error or a time in three figures."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def scores(board: Board) -> str:
    """Return the scores and the losses, task by task."""
    parts = []
    for task, names in (
        ("classification", ("accuracy", "balanced_accuracy", "log_loss")),
        ("regression", ("r2", "rmse")),
    ):
        tables = board.of_task(task)
        for name in names if tables else ():
            less = name in ("log_loss", "rmse")
            words = WORDS[name]
            text = by_table(
                board,
                tables,
                lambda table, name=name: name,  # type: ignore[misc]
                short if name == "rmse" else fixed,
                min if less else max,
            )
            parts.append(f"{words}, {'less' if less else 'more'} is better:\n\n{text}")
    return "\n\n".join(parts)


def ranking(board: Board, peers: Sequence[str], words: str) -> str:
    """Return the mean ranks, the first one on top."""
    means, count = ranks(board, peers)
    if not count or len(peers) < 2:
        return ""
    lines = [
        [
            PEERS[peer].label,
            *(f"{each[task]:.2f}" if task in each else "" for task in RANKED),
        ]
        for peer, each in sorted(means.items(), key=lambda item: item[1]["all"])
    ]
    tables = f"{count} table" + "s" * (count > 1)
    return f"{words}, over {tables}:\n\n{grid(['', *RANKED.values()], lines)}"


RANKED = {"classification": "by log-loss", "regression": "by RMSE", "all": "both"}


def compared(board: Board) -> str:
    """Return how ours stands to pytabkit's, beside the floors."""
    lines = []
    for task, name in (("classification", "accuracy"), ("regression", "R2")):
        found = difference(board, task)
        if found:
            text = f"{found.mean:+.4f} ± {found.error:.4f}"
            reached = "reached" if found.mean >= -0.002 else "MISSED"
            lines.append([f"{name}, ours minus theirs", text, "at least -0.002", reached])
    times = ratios(board, THEIRS, OURS)
    if times:
        for value, floor, words in (
            (statistics.median(times.values()), 5.0, "the median"),
            (min(times.values()), 2.5, f"the least ({min(times, key=times.__getitem__)})"),
        ):
            reached = "reached" if value >= floor else "MISSED"
            text = f"a fit, theirs over ours, {words}"
            lines.append([text, f"{value:.2f}", f"at least {floor:g}", reached])
    members = ratios(board, MEMBERS, THEIRS)
    if members:
        most = max(members, key=members.__getitem__)
        reached = "reached" if members[most] < 2.5 else "MISSED"
        text = f"our eight members over their one, the most ({most})"
        lines.append([text, f"{members[most]:.2f}", "less than 2.5", reached])
    return (
        grid(["RealMLP td here and in pytabkit", "measured", "floor", ""], lines) if lines else ""
    )


def times(board: Board) -> str:
    """Return the seconds of fits, and those of predictions."""
    fits = by_table(board, board.tables, lambda table: "fit_seconds", short, None)
    predicted = []
    for peer in board.peers:
        found = [board.mean(table, peer, "predict_1000_seconds") for table in board.tables]
        predicted.append(f"{1e3 * statistics.median([s for s in found if s is not None]):.3g}")
    head = ["", *(PEERS[peer].label for peer in board.peers)]
    return (
        f"Seconds of a fit:\n\n{fits}\n\nMilliseconds to predict 1,000 rows, the median of the"
        f" tables:\n\n{grid(head, [['', *predicted]])}"
    )


def about(board: Board) -> str:
    """Return where and when, and the versions."""
    lines = list(board.lines.values())
    machines = sorted({f"{line['machine']}, {line['cores']} cores" for line in lines})
    dates = sorted({line["date"] for line in lines})
    versions = dict.fromkeys(
        said for peer in board.peers for line in lines if line["peer"] == peer
        for said in line["version"].split(", ")
    )  # fmt: skip
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"{'; '.join(machines)}; {when}; {len(lines)} fits. {', '.join(versions)}."


def markdown(board: Board) -> str:
    """Return the report."""
    single = [name for name in board.peers if PEERS[name].members == 1]
    networks = [name for name in single if PEERS[name].network]
    parts = [
        about(board),
        compared(board),
        ranking(board, board.peers, "Mean rank of all"),
        ranking(board, networks, "Mean rank of single networks"),
        scores(board),
        times(board),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"

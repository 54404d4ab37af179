"""The report: the figures as tables in Markdown."""

import statistics
from collections.abc import Callable, Iterable, Sequence

from . import floors
from .figures import Board, ranks
from .peers import PEERS
from .tables import Table

WORDS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "log_loss": "Log-loss",
    "r2": "R2",
    "rmse": "RMSE",
}


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
    """Return the floors and what is reached."""
    lines = [
        [floor.work, floor.measured, floor.wanted, "reached" if floor.reached else "MISSED"]
        for floor in floors.of(board)
    ]
    return grid(["", "measured", "floor", ""], lines) if lines else ""


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
    return (
        f"{'; '.join(machines)}; {when}; {len(lines)} fits{incomplete(board)}."
        f" {', '.join(versions)}."
    )


def incomplete(board: Board) -> str:
    """Return which peers have fewer splits of some table than others, and how many."""
    said = []
    for table in board.tables:
        of_table = {peer: len(board.splits(table, peer, "fit_seconds")) for peer in board.peers}
        most = max(of_table.values())
        said += [
            f"{PEERS[peer].label} {count} of {most} splits of {table.name}"
            for peer, count in of_table.items()
            if 0 < count < most
        ]
    return f", which are not all: {', '.join(said)}" if said else ""


def markdown(board: Board) -> str:
    """Return the report."""
    everywhere = [name for name in board.peers if PEERS[name].tables is None]
    single = [name for name in everywhere if PEERS[name].members == 1]
    networks = [name for name in single if PEERS[name].network]
    parts = [
        about(board),
        compared(board),
        ranking(board, everywhere, "Mean rank of all"),
        ranking(board, networks, "Mean rank of single networks"),
        ranking(board, board.peers, "Mean rank with TabM") if everywhere != board.peers else "",
        scores(board),
        times(board),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"

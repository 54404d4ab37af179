"""What RealMLP and TabM have to reach beside pytabkit's and all others."""

import statistics
from collections.abc import Iterator
from typing import NamedTuple

from .figures import Board, difference, ranks, ratios
from .peers import EIGHT, OURS, PEERS, TABM, THEIR_TABM, THEIRS

LEAST_DIFFERENCE = -0.002
"""Of accuracy and of R2, ours minus theirs: the mean over the tables."""

MEDIAN_RATIO, LEAST_RATIO = 5.0, 2.5
"""Of the seconds of a fit, theirs over ours: over the tables, and on each."""

MOST_OF_EIGHT = 2.5
"""The seconds of our eight members over those of their one, on each table."""


class Floor(NamedTuple):
    """A floor, and what was measured."""

    work: str
    measured: str
    wanted: str
    reached: bool


def of(board: Board) -> Iterator[Floor]:
    """Return the floors that can be told from the figures so far."""
    for task, name in (("classification", "accuracy"), ("regression", "R2")):
        found = difference(board, board.of_task(task))
        if found:
            yield Floor(
                f"{name}, td minus pytabkit's, {found.tables} tables",
                f"{found.mean:+.4f} ± {found.error:.4f}",
                f"at least {LEAST_DIFFERENCE:g}",
                found.mean >= LEAST_DIFFERENCE,
            )
    times = ratios(board, THEIRS, OURS)
    if times:
        middle, least = statistics.median(times.values()), min(times, key=times.__getitem__)
        work = "a fit, pytabkit's seconds over td's"
        yield Floor(
            f"{work}, the median", f"{middle:.2f}", f"at least {MEDIAN_RATIO:g}",
            middle >= MEDIAN_RATIO,
        )  # fmt: skip
        yield Floor(
            f"{work}, the least ({least})", f"{times[least]:.2f}", f"at least {LEAST_RATIO:g}",
            times[least] >= LEAST_RATIO,
        )  # fmt: skip
    members = ratios(board, EIGHT, THEIRS)
    if members:
        most = max(members, key=members.__getitem__)
        yield Floor(
            f"seconds of eight members over pytabkit's one, the most ({most})",
            f"{members[most]:.2f}", f"less than {MOST_OF_EIGHT:g}", members[most] < MOST_OF_EIGHT,
        )  # fmt: skip
    single = [name for name in board.peers if PEERS[name].members == 1]
    networks = [name for name in single if PEERS[name].network]
    yield from first(board, OURS, networks, "mean rank of td among single networks")
    yield from first(board, EIGHT, [*single, EIGHT], "mean rank of eight members beside all single")
    found = difference(board, board.tables, TABM, THEIR_TABM)
    if found:
        yield Floor(
            f"accuracy or R2, TabM minus pytabkit's TabM, {found.tables} tables",
            f"{found.mean:+.4f} ± {found.error:.4f}",
            f"at least {LEAST_DIFFERENCE:g}",
            found.mean >= LEAST_DIFFERENCE,
        )


def first(board: Board, peer: str, among: list[str], work: str) -> Iterator[Floor]:
    """Return whether a peer has the best mean rank among some."""
    if peer not in board.peers or len(among) < 2:
        return
    means, count = ranks(board, among)
    if count:
        place = means[peer]["all"]
        reached = place <= min(each["all"] for each in means.values())
        yield Floor(f"{work}, {count} tables", f"{place:.2f}", "the first", reached)

"""``scripts/benchmark --tables``: measures what the file of figures lacks, then reports."""

import argparse
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..data import ROOT
from . import arithmetic, figures, page, picture, records, report, runs
from .peers import PEERS
from .tables import BY_NAME

REPORT = ROOT / "build" / "benchmark" / "tables.md"

DESCRIPTION = """\
Scores and seconds of RealMLP and its peers on public tables, on two cores. Each fit is a process of
its own and a line of benchmarks/tables.csv; what is there, of the same version, is not done again,
so that an interrupted run goes on. The report and a picture go to build/benchmark/.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="scripts/benchmark --tables",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--table", metavar="NAME,...", help=", ".join(BY_NAME))
    made.add_argument("--peer", metavar="NAME,...", help=", ".join(PEERS))
    made.add_argument("--splits", type=int, default=3, help="how often each is split (3)")
    made.add_argument("--again", metavar="PEER,...", help="fit these anew: their last lines count")
    made.add_argument("--file", type=Path, default=records.FILE, help="the file of figures")
    made.add_argument(
        "--arithmetic",
        action="store_true",
        help="only what part of the FMA peak a fit of td reaches",
    )
    made.add_argument("--report", action="store_true", help="measure nothing")
    made.add_argument("--record", action="store_true", help="write the report into docs/ too")
    return made


def main(arguments: Sequence[str], say: Callable[[str], None]) -> int:
    """Run the command; return the exit status, 1 where a fit failed."""
    options = parser().parse_args(arguments)
    if options.arithmetic:
        arithmetic.tell(say)
        return 0
    tables = [BY_NAME[name] for name in chosen("--table", options.table, BY_NAME)]
    peers = chosen("--peer", options.peer, PEERS)
    again = chosen("--again", options.again, PEERS) if options.again else []
    if options.splits < 1:
        raise ValueError(f"--splits must be a whole number from 1, got {options.splits}")
    failed = 0
    if not options.report:
        peers += [name for name in again if name not in peers]
        fits = list(runs.order(tables, peers, options.splits))
        failed = runs.measure(fits, again, options.file, say)
    write(options.file, options.record, say)
    return 1 if failed else 0


def chosen(option: str, text: str | None, known: Collection[str]) -> list[str]:
    """Return the named ones, or all."""
    names = [word for word in (text or "").split(",") if word] or list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"{option}: {name!r} is unknown, wanted some of {', '.join(known)}")
    return names


def write(file: Path, record: bool, say: Callable[[str], None]) -> None:
    """Print the report and write it, with its picture."""
    board = figures.Board(records.latest(records.read(file)))
    text, drawing = None, ""
    if board.peers:
        text = report.markdown(board)
        print(text)
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(text, encoding="utf-8")
        path = REPORT.with_suffix(".svg")
        no_picture = picture.draw(path, board)
        say(no_picture or f"written: {REPORT}, {path}")
        drawing = "" if no_picture else path.read_text(encoding="utf-8")
    else:
        say(f"{file} holds no figures yet")
    if record:
        page.write(text, drawing)
        say(f"written: {page.PAGE}")

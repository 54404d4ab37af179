"""The command: selects what to measure, measures, and reports the results."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cynn
from cynn import _backend

from . import (
    batches,
    chart,
    data,
    distributed,
    encoding,
    estimators,
    footprint,
    guard,
    neighbours,
    peak,
    peers,
    race,
    report,
    rounds,
    small,
    splits,
    tabm,
    toolkit,
)
from .board import command as board
from .cases import FULL, QUICK, Case, of_shapes
from .results import Results

FOLDER = data.ROOT / "build" / "benchmark"

DESCRIPTION = """\
Measures this library against its peers: the FMA peak of a core on the target in use, then the
same work for all installed peers, in turn, round after round. Prints tables; writes JSON and
a bar chart to build/benchmark/. Where no peer but NumPy is installed, the run is --quick.
"""
EPILOG = f"""\
peers, into the checkout's own environment:
  .venv/bin/{peers.INSTALL}
torch-compile also needs a C++ compiler. MNIST is read from CYNN_DATA, ../shared/mnist or the
cache; without it digits are synthetic. CYNN_TARGET names another target. On the large networks,
peers are measured with the most threads only.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--quick", action="store_true", help="784-128-10 against NumPy: a minute")
    made.add_argument("--shapes", type=_words, metavar="SHAPE,...", help="only these: 784-128-10")
    made.add_argument("--peers", type=_words, metavar="NAME,...", help=", ".join(peers.PEERS))
    made.add_argument("--rounds", type=_whole, default=5, help="rounds of measurement (5)")
    made.add_argument("--threads", type=_words, metavar="N,...", help="numbers of threads (1,2)")
    made.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    made.add_argument("--noisy", action="store_true", help="continue even if the machine is noisy")
    made.add_argument("--race", action="store_true", help="seconds to 97 %% and 98 %% on MNIST")
    made.add_argument("--distributed", action="store_true", help="steps of 1, 2 and 4 MPI ranks")
    made.add_argument("--batches", action="store_true", help="effect of larger batches on MNIST")
    made.add_argument("--guard", action="store_true", help="compare ratios with those on record")
    made.add_argument("--toolkit", action="store_true", help="the cost of layers and optimizers")
    made.add_argument("--sklearn", action="store_true", help="estimators against scikit-learn's")
    made.add_argument("--tables", action="store_true", help="scores on tables; --tables --help")
    made.add_argument("--tabm", action="store_true", help="members against TabM's own package")
    made.add_argument("--encoding", action="store_true", help="the cost of a row of a table")
    made.add_argument("--neighbours", action="store_true", help="two threads beside busy programs")
    made.add_argument("--splits", action="store_true", help="how 1 to 64 threads share a step")
    made.add_argument("--small", action="store_true", help="networks of a few hundred weights")
    made.add_argument("--record", action="store_true", help="with --guard: put ratios on record")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if "--tables" in words:  # has options of its own
            require_kernels()
            return board.main([word for word in words if word != "--tables"], say)
        options = parser().parse_args(words)
        require_kernels()
        if options.guard:
            return guard.main(options.record)
        if options.toolkit:
            return toolkit.main()
        if options.encoding:
            return encoding.main()
        if options.sklearn:
            return estimators.main(options.rounds, thread_counts(options.threads)[-1])
        if options.tabm:
            return tabm.main(options.rounds, thread_counts(options.threads), options.noisy)
        if options.small:
            return small.main(thread_counts(options.threads))
        if options.splits:
            return splits.main()
        if options.neighbours:
            return neighbours.main(options.rounds)
        if options.distributed:
            return distributed.main(3.0, options.json or FOLDER / "distributed.json", say)
        if options.batches:
            return batches.main(say)
        if options.race:
            return race.main(options.rounds, options.peers, options.json or FOLDER / "race.json")
        return benchmark(options)
    except (ValueError, RuntimeError, OSError) as error:
        say(f"scripts/benchmark: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def require_kernels() -> None:
    """Raise ValueError where the kernels were not compiled: those figures would mean nothing."""
    if _backend.target() == "reference" and not os.environ.get("CYNN_TARGET"):
        raise ValueError(f"{cynn.__file__} has no compiled kernels: scripts/benchmark builds them")


def say(text: str) -> None:
    """Print progress to standard error: the tables go to standard output."""
    print(text, file=sys.stderr, flush=True)


def benchmark(options: argparse.Namespace) -> int:
    """Measure, and write tables, JSON and a chart."""
    names = chosen_peers(options.peers, options.quick)
    quick = options.quick or not set(names) - {*peers.OWN, "numpy"}
    cases: Sequence[Case] = QUICK if quick else FULL
    if options.shapes:
        cases = of_shapes(cases, options.shapes)
    threads = thread_counts(options.threads)
    peak.kernel("float32")  # raises where there is none, before anything is measured
    results = Results()
    about = {**report.machine(), "threads": threads, "rounds": options.rounds}
    say(f"{about['processor']}, target {_backend.target()} of {Path(str(cynn.__file__)).parent}")
    say(f"peers: {', '.join(names)}")
    start = peak.look(results, threads)
    with tempfile.TemporaryDirectory(prefix="cynn-benchmark-") as folder:
        what = data.write(Path(folder))
        rounds.run(cases, names, threads, options.rounds, Path(folder), results, say)
        if not quick and not options.shapes:
            footprint.measure(Path(folder), options.rounds, results, say)
    end = peak.look(results, threads)
    refused = peak.refusal(start, end)
    if refused:
        say(f"scripts/benchmark: {refused}")
        if not options.noisy:
            return 1
    about["peak_moved"] = peak.moved(start, end)
    file = options.json or FOLDER / "benchmark.json"
    report.write_json(file, results, what, about)
    print(report.full(results, what, about))
    picture = file.with_suffix(".png")
    no_chart = chart.draw(picture, results, f"{about['processor']}, {about['target']}, {what}")
    print(f"\nwritten: {file}" + ("" if no_chart else f", {picture}"))
    if no_chart:
        say(no_chart)
    return 0


def chosen_peers(named: Sequence[str] | None, quick: bool) -> list[str]:
    """Return the named peers, or all installed ones; ours first."""
    for name in named or ():
        if name not in peers.PEERS:
            raise ValueError(
                f"--peers: {name!r} is unknown, wanted some of {', '.join(peers.PEERS)}"
            )
        if absent := peers.missing(name):
            raise ValueError(f"--peers: {name} needs {absent}, which is not installed")
    usual = ("cynn", "cynn-float32", "numpy") if quick else peers.USUAL
    installed = [name for name in named or usual if not peers.missing(name)]
    return ["cynn", *(name for name in installed if name != "cynn")]


def thread_counts(named: Sequence[str] | None) -> list[int]:
    """Return the named numbers of threads, or one and two where there are two cores."""
    if named:
        return sorted({_whole(word) for word in named})
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [1, 2] if (cores or 1) > 1 else [1]


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 1, got {text!r}")
    return int(text)

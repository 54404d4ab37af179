"""The picture: score over seconds of a fit, classification and regression side by side."""

import statistics
from pathlib import Path

from .figures import Board, score
from .peers import PEERS

COLOURS = {
    "realmlp-td": "#0072b2",
    "realmlp-td-s": "#56b4e9",
    "realmlp-td-8": "#004c7a",
    "pytabkit-td": "#d55e00",
    "sklearn-mlp": "#e69f00",
    "histgb": "#009e73",
    "lightgbm": "#6b8e23",
    "xgboost": "#cc79a7",
    "catboost": "#7f7f7f",
}


def points(board: Board, task: str) -> dict[str, tuple[float, float]]:
    """Return the seconds (geometric mean) and the mean score of each peer, where all have one.

    Those that are fitted on some tables only are left out.
    """
    peers = [name for name in board.peers if PEERS[name].tables is None]
    tables = [
        table for table in board.of_task(task) if set(peers) <= set(board.of(table, "fit_seconds"))
    ]
    if not tables:
        return {}
    means = {table.name: board.of(table, score(table)) for table in tables}
    seconds = {table.name: board.of(table, "fit_seconds") for table in tables}
    return {
        peer: (
            statistics.geometric_mean(each[peer] for each in seconds.values()),
            statistics.fmean(each[peer] for each in means.values()),
        )
        for peer in peers
    }


def draw(path: Path, board: Board) -> str:
    """Draw the picture; return the reason where that is impossible, else an empty string."""
    try:
        import matplotlib
    except ImportError:
        return "no picture: matplotlib is not installed"
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib import ticker

    # The same figures give the same bytes, and texts stay texts: a small file to keep.
    settings = {"svg.hashsalt": "cynn", "svg.fonttype": "none"}
    with matplotlib.rc_context(settings):
        figure, panes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
        for axes, task in zip(panes, ("classification", "regression"), strict=True):
            found = points(board, task)
            for peer, (x, y) in found.items():
                mark = "o" if PEERS[peer].network else "s"
                axes.plot(x, y, mark, color=COLOURS[peer], label=PEERS[peer].label)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_locator(ticker.NullLocator())
            axes.margins(0.15)
            axes.set_xlabel("seconds of a fit, geometric mean, log scale")
            axes.set_ylabel("mean accuracy" if task == "classification" else "mean R2")
            axes.set_title(task, fontsize=10)
            axes.grid(True, color="#dddddd", linewidth=0.5)
        handles, labels = max((axes.get_legend_handles_labels() for axes in panes), key=_count)
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return ""


def _count(legend: tuple[list[object], list[str]]) -> int:
    return len(legend[1])

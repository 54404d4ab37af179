"""The bar chart: the time of each peer relative to ours."""

from pathlib import Path

from .floors import OURS
from .results import Results

COLOURS = {
    "cynn": "#0072b2",
    "numpy": "#e69f00",
    "torch": "#d55e00",
    "torch-compile": "#cc79a7",
    "jax": "#009e73",
    "sklearn": "#56b4e9",
    "onnxruntime": "#999999",
}


def draw(path: Path, results: Results, title: str) -> str:
    """Draw the chart; return the reason where that is impossible, else an empty string."""
    try:
        import matplotlib
    except ImportError:
        return "no chart: matplotlib is not installed"
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    threads = max((row.threads for row in results.rows), default=1)
    cases = list(dict.fromkeys(row.case for row in results.rows))
    figure, axes = plt.subplots(figsize=(9, 1 + 0.85 * len(cases)), layout="constrained")
    at, ticks, seen = 0.0, [], set()
    for case in cases:
        rows = [r for r in results.rows if r.case == case and r.threads == threads]
        ours = next((r for r in rows if r.peer == OURS), None)
        if ours is None:
            continue
        start = at
        for row in sorted(rows, key=lambda r: r.best):
            times = row.best / ours.best
            label = None if row.peer in seen else row.peer
            axes.barh(at, times, 0.9, color=COLOURS.get(row.peer, "#555555"), label=label)
            axes.text(times * 1.03, at, f"{times:.2f}", va="center", fontsize=7)
            seen.add(row.peer)
            at += 1
        ticks.append(((start + at - 1) / 2, case.label))
        at += 0.8
    axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.01)
    axes.set_xlabel(f"time, cynn = 1 (less is better), {threads} threads, log scale")
    axes.set_title(title, fontsize=9)
    if seen:
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return ""

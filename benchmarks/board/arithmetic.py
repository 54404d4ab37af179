"""What part of the FMA peak a fit of RealMLP reaches: its multiply-adds, over its seconds.

    launch.py board.arithmetic FILE TABLE

The peak is that of the two cores, measured before and after; the higher one counts. A training row
costs six operations for each weight of a dense layer (forward, gradient, the way back to its
input), a validation row two. What embeddings, activations and the optimizer do is not counted.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cynn.layers import Dense

from .. import peak
from . import environment, rows
from .peers import OURS, PEERS
from .tables import BY_NAME, Table

CORES = 2
FLOORS = {"ames": 0.30, "diamonds_whole": 0.50}
"""The parts that are wanted, by table."""


def operations(estimator: Any, n: int) -> float:
    """Return the operations of a fit on so many rows, of which a fifth is held out."""
    model = estimator.ensemble_.members[0]
    weights = model.get_weights()
    names = list(model.named_weights())
    dense = {f"layer{i}.weight" for i, layer in enumerate(model.layers) if isinstance(layer, Dense)}
    size = sum(w.size for name, w in zip(names, weights, strict=True) if name in dense)
    held_out = int(estimator.validation_fraction * n + 0.5)
    return estimator.n_epochs_ * size * (6.0 * (n - held_out) + 2.0 * held_out)


def measure(table: Table, file: Path) -> dict[str, float]:
    """Fit a table and return the seconds, the operations and the peak, a second."""
    frame, target = rows.read(file)
    fitted, _ = rows.split(table, len(target), 0)
    peer = PEERS[OURS]
    train, y = peer.prepare(frame).iloc[fitted], target[fitted]
    estimator = peer.make(table.task, train, 0)
    before = peak.measure(CORES)
    start = time.perf_counter()
    estimator.fit(train, y)
    seconds = time.perf_counter() - start
    best = max(before.best, peak.measure(CORES).best)
    return {"seconds": seconds, "operations": operations(estimator, len(y)), "peak": best}


def tell(say: Callable[[str], None], names: Sequence[str] = tuple(FLOORS)) -> None:
    """Measure some tables, each in a process of its own, and say what came out."""
    tables = [BY_NAME[name] for name in names]
    environment.prepare(say)
    files = environment.files(tables, say)
    environment.cores(CORES)
    for table in tables:
        command = [*environment.program("board.arithmetic"), str(files[table.name]), table.name]
        done = subprocess.run(
            command, env=environment.variables(), capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        rate = found["operations"] / found["seconds"]
        part, wanted = rate / found["peak"], FLOORS[table.name]
        say(
            f"{table.name}: {found['seconds']:.2f} s, {rate / 1e9:.0f} GFLOP/s of "
            f"{found['peak'] / 1e9:.0f}: {part:.0%}, wanted {wanted:.0%}, "
            + ("reached" if part >= wanted else "MISSED")
        )


if __name__ == "__main__":
    print(json.dumps(measure(BY_NAME[sys.argv[2]], Path(sys.argv[1]))))

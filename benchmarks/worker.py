"""The process of a peer: reads commands, a line of JSON each, and answers likewise.

    launch.py worker PEER THREADS FOLDER

The parent has set the environment, which libraries read when they are loaded.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import data, peers
from .cases import Case

CHUNK_SECONDS = 0.1  # of calls in a row, of which the mean is one figure


class Bench:
    """A peer at work."""

    def __init__(self, name: str, threads: int, folder: Path) -> None:
        if peers.peer_class(name).pinned and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self.peer = peers.make(name, threads)
        self.folder = folder
        self.call: Callable[[], Any] = lambda: None

    def version(self) -> dict[str, Any]:
        return {"version": self.peer.version()}

    def setup(self, **fields: Any) -> dict[str, Any]:
        """Prepare a case, and run it once as a warm-up."""
        case = Case(**{**fields, "sizes": tuple(fields["sizes"])})
        if case.kind == "predict":
            if case.filled:
                x = np.random.default_rng(0).random((case.rows, case.sizes[0]), np.float32)
            else:
                x = data.as_real(data.read(self.folder, case.sizes[0], case.rows)[0], "float32")
            self.call = self.peer.predictor(case, x)
            probabilities = np.asarray(self.call())
            if (
                probabilities.shape != (case.rows, case.sizes[-1])
                or abs(probabilities[0].sum() - 1) > 1e-3
            ):
                raise ValueError(f"these are no probabilities, of shape {probabilities.shape}")
            return {}
        raw, y = data.read(self.folder, case.sizes[0], case.rows)
        x = raw if self.peer.takes_bytes else data.as_real(raw, case.dtype)
        self.peer.setup(case, x, y)
        return {"loss": self.peer.train(1)}

    def train(self, epochs: int) -> dict[str, Any]:
        """Time some epochs; return the seconds of one."""
        start = time.perf_counter()
        loss = self.peer.train(epochs)
        return {"seconds": (time.perf_counter() - start) / epochs, "loss": loss}

    def predict(self) -> dict[str, Any]:
        """Time calls in a row; return the seconds of one."""
        count, start = 0, time.perf_counter()
        now = start
        while now < start + CHUNK_SECONDS:
            self.call()
            count += 1
            now = time.perf_counter()
        return {"seconds": (now - start) / count}


def main() -> None:
    """Answer commands until there are no more."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, threads, folder = sys.argv[1:]
    bench: Bench | None = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            bench = bench or Bench(name, int(threads), Path(folder))
            answer = getattr(bench, command.pop("do"))(**command)
        except Exception as error:  # whatever a peer does, the others continue
            first = (str(error).strip().splitlines() or [""])[0][:200]
            answer = {"error": f"{type(error).__name__}: {first}"}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()

"""One fit, in a process of its own: prints the scores and the seconds as a line of JSON.

    launch.py board.worker FILE TABLE SPLIT PEER

What is timed is `fit`, with whatever the peer does to the columns in it; not the imports, and not
reading the rows.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from . import rows, scores
from .peers import PEERS, Peer
from .tables import BY_NAME, Table

PREDICTED = 1_000
"""Rows of the timed prediction."""

PREDICTIONS = 3
"""Times that it is done; the fastest counts."""


def measure(table: Table, file: Path, seed: int, peer: Peer) -> dict[str, float]:
    """Fit, score and time a peer on a split of a table."""
    frame, target = rows.read(file)
    fitted, scored = rows.split(table, len(target), seed)
    frame = peer.prepare(frame)
    train, test, y, y_test = frame.iloc[fitted], frame.iloc[scored], target[fitted], target[scored]
    estimator = peer.make(table.task, train, seed)
    start = time.perf_counter()
    estimator.fit(train, y)
    seconds = time.perf_counter() - start
    predicted = np.asarray(estimator.predict(test)).ravel()
    if table.task == "classification":
        probabilities = np.asarray(estimator.predict_proba(test))
        if probabilities.shape != (len(test), len(np.unique(target))):
            raise ValueError(f"these are no probabilities, of shape {probabilities.shape}")
        found = scores.classification(y_test, predicted, probabilities)
    else:
        found = scores.regression(y_test, predicted)
    return {
        **found,
        "fit_seconds": seconds,
        "predict_1000_seconds": predict_seconds(estimator, test, table.task),
    }


def predict_seconds(estimator: Any, test: Any, task: str) -> float:
    """Return the seconds that a prediction of a thousand rows takes, at best."""
    many = test.iloc[np.resize(np.arange(len(test)), PREDICTED)]
    call = estimator.predict_proba if task == "classification" else estimator.predict
    seconds = []
    for _ in range(PREDICTIONS):
        start = time.perf_counter()
        call(many)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Measure what the command line names."""
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not come into the answer
    os.dup2(2, 1)
    file, table, seed, peer = sys.argv[1:]
    warnings.simplefilter("ignore")
    try:
        answer: dict[str, Any] = dict(measure(BY_NAME[table], Path(file), int(seed), PEERS[peer]))
    except Exception as error:  # whatever a peer does, the others continue
        first = (str(error).strip().splitlines() or [""])[0][:300]
        answer = {"error": f"{type(error).__name__}: {first}"}
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""The effect of larger batches: the fewest epochs, and steps, to a given test accuracy.

Ranks that train together share a batch; past some size more rows in it no longer save steps,
and more ranks bring no speedup. No time is measured.
"""

from collections.abc import Sequence
from typing import Any

from cynn import Model
from cynn.callbacks import Callback
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD

from . import data
from .rounds import Say

ROWS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)  # of a step
RATES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
MOMENTUM = 0.9
WANTED = 0.97  # of the test images
MOST = 40  # epochs


class Reached(Callback):
    """Ends the training when the accuracy is reached."""

    def __init__(self, wanted: float) -> None:
        self.wanted, self.epochs = wanted, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs["val_accuracy"] >= self.wanted:
            self.epochs = epoch + 1
            self.model.stop_training = True


def epochs_until(
    train: data.Split, test: data.Split, rows: int, rate: float, most: int, wanted: float = WANTED
) -> int:
    """Train 784-128-10 for at most that many epochs; return the number needed, or 0."""
    model = Model([Flatten(), Rescale(1 / 255), Dense(128, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(SGD(rate, MOMENTUM), metrics=["accuracy"])
    reached = Reached(wanted)
    more = {"validation_data": test, "callbacks": [reached], "verbose": 0}
    model.fit(*train, batch_size=rows, epochs=most, **more)
    return reached.epochs


def fewest(
    train: data.Split, test: data.Split, rows: int, rates: Sequence[float], wanted: float = WANTED
) -> tuple[int, float]:
    """Return the fewest epochs over all learning rates, and the rate; 0 where none reaches it."""
    best, rate_of_best = 0, 0.0
    for rate in rates:
        most = best - 1 if best else MOST
        epochs = epochs_until(train, test, rows, rate, most, wanted) if most else 0
        if epochs:
            best, rate_of_best = epochs, rate
    return best, rate_of_best


def main(say: Say) -> int:
    """Measure, and print the table as it grows."""
    name, train, test = data.load()
    say(f"{name}, 784-128-10, momentum {MOMENTUM}, until {WANTED:.0%} of the test images are right")
    print("| rows a step | learning rate | epochs | steps |\n|---|---|---|---|")
    for rows in ROWS:
        epochs, rate = fewest(train, test, rows, RATES)
        steps = epochs * -(-len(train[0]) // rows)
        cells = (f"{rate:g}", epochs, f"{steps:,}") if epochs else ("none", "", "")
        print(f"| {rows:,} | " + " | ".join(map(str, cells)) + " |", flush=True)
    return 0

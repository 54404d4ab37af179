"""The cases to measure: shapes, batches, rows, and the operations of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MNIST_ROWS = 60_000
SMALL_ROWS = 1_797  # as scikit-learn's digits have
LEARNING_RATE = 0.1
HEAVY = 50e9  # operations of an epoch past which peers are measured only with all threads

Sizes = tuple[int, ...]


def shape_name(sizes: Sizes) -> str:
    """Return a network's sizes as text, such as 784-128-10."""
    return "-".join(map(str, sizes))


def parse_shape(text: str) -> Sizes:
    """Return the sizes of a text such as 784-128-10."""
    sizes = tuple(int(part) for part in text.split("-") if part.isdecimal())
    if len(sizes) < 2 or shape_name(sizes) != text or min(sizes) < 1:
        raise ValueError(f"a shape is written like 784-128-10, got {text!r}")
    return sizes


def predict_flops(sizes: Sizes, rows: int) -> int:
    """Count the operations of a forward pass; a multiply-add is two."""
    return 2 * rows * sum(n * m for n, m in zip(sizes, sizes[1:], strict=False))


def train_flops(sizes: Sizes, rows: int) -> int:
    """Count the operations of training on a number of rows.

    Multiply-adds of the forward pass, of the weights' gradients, and of the inputs' gradients past
    the first layer, which are not needed; nothing else counts.
    """
    return 2 * predict_flops(sizes, rows) + predict_flops(sizes[1:], rows)


@dataclass(frozen=True)
class Case:
    """One workload, the same for every peer."""

    kind: Literal["train", "predict"]
    sizes: Sizes
    rows: int  # of an epoch, or of a call
    batch: int = 0
    dtype: str = "float32"
    epochs: int = 1  # at once: an epoch too short to time is not timed by itself
    filled: bool = False  # rows to predict that have no zeros, in place of images

    @property
    def shape(self) -> str:
        return shape_name(self.sizes)

    @property
    def flops(self) -> int:
        """The operations of an epoch, or of a call."""
        count = train_flops if self.kind == "train" else predict_flops
        return count(self.sizes, self.rows)

    @property
    def label(self) -> str:
        size = (
            f"B={self.batch}"
            if self.kind == "train"
            else f"{self.rows:,} row{'s' * (self.rows > 1)}"
        )
        real = "" if self.dtype == "float32" else f" {self.dtype}"
        return f"{self.kind} {self.shape} {size}{real}{' without zeros' * self.filled}"


def train(shape: str, batch: int, dtype: str = "float32", rows: int = MNIST_ROWS) -> Case:
    """Return a case of training; a small one is timed over many epochs."""
    return Case("train", parse_shape(shape), rows, batch, dtype, 1 if rows >= 10_000 else 50)


def predict(shape: str, rows: int, filled: bool = False) -> Case:
    """Return a case of inference."""
    return Case("predict", parse_shape(shape), rows, filled=filled)


QUICK = (train("784-128-10", 32), train("784-128-10", 128))

FULL = (
    *QUICK,
    train("784-128-10", 512),
    train("784-512-256-10", 32),
    train("784-512-256-10", 128),
    train("784-512-256-10", 512),
    train("784-1024-1024-10", 512),
    train("64-32-10", 32, rows=SMALL_ROWS),
    train("784-128-10", 128, "float64"),
    *(predict("784-128-10", rows) for rows in (1, 16, 256, 10_000)),
    predict("784-128-10", 1, filled=True),
)


def of_shapes(cases: Sequence[Case], shapes: Sequence[str]) -> list[Case]:
    """Return the cases of these shapes; a shape without cases gets new ones."""
    chosen = []
    for text in shapes:
        sizes = parse_shape(text)
        if sizes[0] not in (784, 64) or sizes[-1] != 10:
            raise ValueError(f"a shape begins with 784 or 64 and ends with 10, got {text!r}")
        same = [case for case in cases if case.sizes == sizes]
        rows = MNIST_ROWS if sizes[0] == 784 else SMALL_ROWS
        chosen += same or [train(text, batch, rows=rows) for batch in (32, 128, 512)]
    return chosen

"""The data: real MNIST where it is available, else synthetic digits."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cynn import datasets

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared" / "mnist"
DRAWN = (60_000, 10_000)

Split = tuple[NDArray[Any], NDArray[Any]]


def load() -> tuple[str, Split, Split]:
    """Return the name of the images, the training set and the test set."""
    if "CYNN_DATA" not in os.environ and BESIDE.is_dir():
        return "MNIST", *datasets.load_mnist(BESIDE)
    try:
        return "MNIST", *datasets.load_mnist()
    except datasets.DatasetUnavailable:
        train, test = (datasets.make_digits(n, seed) for seed, n in enumerate(DRAWN))
        return "digits drawn here, not MNIST", train, test


def write(folder: Path) -> str:
    """Write the arrays that workers read; return the name of the images."""
    name, (x, y), _ = load()
    raw = x.reshape(len(x), -1)
    save(folder, 784, raw, y)
    rng = np.random.default_rng(0)
    labels = np.arange(1_797) % 10
    centres = rng.integers(0, 256, (10, 64))
    small = np.clip(centres[labels] + rng.normal(0, 64, (1_797, 64)), 0, 255).astype(np.uint8)
    save(folder, 64, small, labels)
    return name


def save(folder: Path, width: int, raw: NDArray[np.uint8], labels: NDArray[Any]) -> None:
    """Write rows of one width as bytes, and their labels."""
    np.save(folder / f"raw{width}.npy", raw)
    np.save(folder / f"labels{width}.npy", labels.astype(np.int64))


def read(folder: Path, width: int, rows: int) -> Split:
    """Return a number of rows as bytes, and their labels."""
    raw = np.load(folder / f"raw{width}.npy")[:rows]
    return raw, np.load(folder / f"labels{width}.npy")[:rows]


def as_real(raw: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Return bytes as numbers from 0 to 1."""
    return np.multiply(raw, 1 / 255, dtype=dtype)

"""The rows of a table: read from its file, drawn and split by seed, as a data frame."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tables import Table

TEST_PART = 5
"""One row of so many is kept to score."""

Rows = NDArray[np.int64]


def split(table: Table, count: int, seed: int) -> tuple[Rows, Rows]:
    """Return the places of the rows to fit and to score: drawn by seed, 80 to 20."""
    order = np.random.default_rng(seed).permutation(count)[: table.most]
    kept = len(order) // TEST_PART
    return order[kept:], order[:kept]


def write(path: Path, columns: dict[str, Any], target: NDArray[Any]) -> None:
    """Write a table's file: numbers with NaN, dates with NaT, texts with a mask of the missing."""
    held = {"names": np.array(list(columns)), "target": target}
    for place, values in enumerate(columns.values()):
        if isinstance(values, tuple):  # texts and their mask
            held[f"column{place}"], held[f"missing{place}"] = values
        else:
            held[f"column{place}"] = values
    np.savez_compressed(path, allow_pickle=False, **held)


def read(path: Path) -> tuple[Any, NDArray[Any]]:
    """Return the columns as a data frame of floats, dates and categories, and the target."""
    import pandas as pd

    columns = {}
    with np.load(path, allow_pickle=False) as held:
        for place, name in enumerate(held["names"]):
            values = held[f"column{place}"]
            if f"missing{place}" in held.files:
                present = ~held[f"missing{place}"]
                kinds, codes = np.unique(values[present], return_inverse=True)
                places = np.full(len(values), -1)
                places[present] = codes
                values = pd.Categorical.from_codes(places, [str(kind) for kind in kinds])
            columns[str(name)] = values
        return pd.DataFrame(columns), held["target"]

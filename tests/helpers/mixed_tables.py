"""A table with columns of every kind, in all the forms in which people have it."""

import math

import numpy as np
import pytest


def table(n=240, seed=0):
    """Columns of every kind, with what is missing, and a target of two classes."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    kind = rng.choice(["a", "b", "c"], n).astype(object)
    town = np.array([f"town{i}" for i in rng.integers(0, 25, n)], object)
    day = np.datetime64("2025-01-01") + rng.integers(0, 300, n)
    y = np.where((size > 0) ^ (kind == "a"), "yes", "no")
    size[::17], kind[::19], town[::23] = np.nan, None, None
    columns = {"size": size, "kind": kind, "town": town, "day": day, "flag": rng.random(n) < 0.5}
    return columns, y


def rows_of(columns):
    n = len(next(iter(columns.values())))
    return [{name: values[i] for name, values in columns.items()} for i in range(n)]


def frames(columns):
    """The same table as people have it."""
    yield "rows", rows_of(columns)
    yield "lists", {name: values.tolist() for name, values in columns.items()}
    for module in ("pandas", "polars"):
        library = pytest.importorskip(module)
        data = dict(columns)
        if module == "polars":
            data = {name: values.tolist() for name, values in columns.items()}
            data["size"] = [None if math.isnan(value) else value for value in data["size"]]
        frame = library.DataFrame(data)
        yield module, frame
        yield f"{module} reversed", frame[list(columns)[::-1]]

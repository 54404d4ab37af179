"""The cost of a table's row: microseconds to encode one, and to predict it, as it may come."""

from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np

from cynn import Model
from cynn.layers import Dense
from cynn.tables import TableEncoder

NUMERIC, CATEGORICAL = 8, 4
COLOURS = ("black", "blue", "green", "red", "white")
MOST = 15.0  # microseconds to encode a row of numbers and texts
CALLS, REPEATS = 100, 300  # short runs, many: the best of them met no other process


def model_and_row() -> tuple[Model, dict[str, Any]]:
    """Return a model of a table of 8 numeric and 4 categorical columns, and a row."""
    rng = np.random.default_rng(0)
    table: dict[str, Any] = {f"n{i}": rng.normal(size=1000) for i in range(NUMERIC)}
    table |= {f"c{i}": rng.choice(COLOURS, 1000).astype(object) for i in range(CATEGORICAL)}
    table["y"] = rng.normal(size=1000)
    encoder = TableEncoder.fit(table, "y")
    model = Model([Dense(16, "relu"), Dense(1)], seed=0)
    model.build(encoder.width)
    model.table = encoder
    return model, {name: values[0] for name, values in table.items()}


def ways(model: Model, row: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return what is measured, by name; the first ones are held to `MOST`."""
    encoder = model.table
    assert encoder is not None
    scalars = {name: v if isinstance(v, str) else float(v) for name, v in row.items()}
    arrays = {
        name: np.array([v], object if isinstance(v, str) else None) for name, v in row.items()
    }
    whole = {name: v if isinstance(v, str) else round(10 * v) for name, v in scalars.items()}
    written = {name: str(value) for name, value in scalars.items()}
    return {
        "encode, a dict of floats and texts": lambda: encoder.encode(scalars),
        "encode, a list of one such dict": lambda: encoder.encode([scalars]),
        "encode, a dict of arrays of one element": lambda: encoder.encode(arrays),
        "encode, whole numbers": lambda: encoder.encode(whole),
        "encode, numbers as texts": lambda: encoder.encode(written),
        "predict_rows, a list of one dict": lambda: model.predict_rows([scalars]),
    }


def main() -> int:
    """Measure, and print the table; return 1 where a row of numbers and texts takes too long."""
    print(f"one row, {NUMERIC} numeric and {CATEGORICAL} categorical columns\n")
    print("| | us |\n|---|---|")
    slow = False
    for place, (name, call) in enumerate(ways(*model_and_row()).items()):
        took = min(repeat(call, number=CALLS, repeat=REPEATS)) / CALLS * 1e6
        slow |= place < 3 and took > MOST
        print(f"| {name} | {took:.1f} |", flush=True)
    if slow:
        print(f"\nmust be at most {MOST:g} us in the first three rows")
    return int(slow)

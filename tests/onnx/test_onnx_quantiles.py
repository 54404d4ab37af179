"""Columns by their quantiles in ONNX: ONNX Runtime says what the encoder does."""

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense
from cynn.tables import Numeric, QuantileNumeric, Quantity, TableEncoder

pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")

import cynn.onnx  # noqa: E402

RNG = np.random.default_rng(0)

COLUMNS = {
    "many": QuantileNumeric("many", np.sort(RNG.normal(size=1000)).tolist(), True),
    "distances": Numeric("distances", 1.0, 2.0, clip=3.0),
    "equal": QuantileNumeric("equal", [0, 0, 0, 1, 1, 2, 5, 5]),
    "one": QuantileNumeric("one", [3]),
    "constant": QuantileNumeric("constant", [3, 3, 3]),
    "ends": QuantileNumeric("ends", [1, 1, 2], True),
}


def values_of(column, n=400):
    """Return numbers that are quantiles, between such, beyond them, and missing."""
    known = np.array(getattr(column, "quantiles", [0.0, 1.0]))
    values = np.r_[known, known[0] - 1, known[-1] + 1, RNG.uniform(known[0], known[-1], n)][:n]
    values[::9] = np.nan if column.missing else values[-1]
    return values


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("names", [*([name] for name in COLUMNS), list(COLUMNS)], ids=str)
def test_numbers_are_those_of_the_encoder(tmp_path, names, order):
    columns = [COLUMNS[name] for name in names[::order]]
    encoder = TableEncoder(columns, Quantity("y", 0.0, 1.0))
    model = Model([Dense(1)], dtype="float64", seed=0)
    model.build(encoder.width)
    model.table = encoder
    cynn.onnx.export(model, tmp_path / "m.onnx")
    table = {name: values_of(COLUMNS[name]) for name in names}
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    feeds = {name: values.reshape(-1, 1) for name, values in table.items()}
    came = session.run(None, feeds)[0][:, 0]
    np.testing.assert_allclose(came, model.predict_rows(table), rtol=1e-9, atol=1e-9)

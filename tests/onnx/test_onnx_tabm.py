"""TabM as ONNX: ONNX Runtime says of columns what the estimator does."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")
pytest.importorskip("sklearn")

import cynn.onnx  # noqa: E402
from cynn.estimators import TabMClassifier, TabMRegressor  # noqa: E402

SHORT = {"k": 4, "hidden_layer_sizes": (16, 16), "n_epochs": 4, "batch_size": 64, "random_state": 0}


def mixed(n, seed):
    """Return columns of every kind but dates, some values missing."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(50, 20, n), np.exp(3 * rng.normal(size=n))
    kind = rng.choice(["a", "b", "c"], n).astype(object)
    y = size / 10 + np.where(kind == "a", 2.0, 0.0)
    size[::7], kind[::9] = np.nan, None
    return {"size": size, "kind": kind, "weight": weight, "flag": rng.random(n) < 0.5}, y


def run(path, table):
    """Return the outputs by name, of what the file asks for of a table."""
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {}
    for end in session.get_inputs():
        values = table[end.name]
        if end.type == "tensor(string)":
            values = np.array(["" if each is None else str(each) for each in values], object)
        else:
            values = np.asarray(values, np.float64)
        feeds[end.name] = values.reshape(-1, 1)
    names = [end.name for end in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


@pytest.mark.parametrize("variant", ["tabm", "tabm-mini"])
@pytest.mark.parametrize("more", [{}, {"num_embeddings": None}, {"n_members": 2}], ids=str)
def test_what_the_estimator_says(tmp_path, variant, more):
    table, y = mixed(240, 0)
    labels = np.array(["low", "high"])[(y > 6).astype(int)]
    clf = TabMClassifier(variant, **SHORT, **more).fit(table, labels)
    reg = TabMRegressor(variant, **SHORT, **more).fit(table, y)
    cynn.onnx.export(clf, tmp_path / "c.onnx")
    cynn.onnx.export(reg, tmp_path / "r.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "c.onnx"), full_check=True)
    for n in (1, 100):
        rows, _ = mixed(n, 1)
        came = run(tmp_path / "c.onnx", rows)
        np.testing.assert_allclose(came["output"], clf.predict_proba(rows), rtol=0, atol=1e-5)
        assert came["label"].tolist() == clf.predict(rows).tolist()
        came = run(tmp_path / "r.onnx", rows)
        np.testing.assert_allclose(came["output"][:, 0], reg.predict(rows), rtol=1e-4, atol=1e-4)

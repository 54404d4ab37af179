"""RealMLP and ensembles as ONNX: ONNX Runtime says of columns what the estimator does."""

import math
import subprocess
import sys

import numpy as np
import pytest

from cynn import Model
from cynn.ensemble import Ensemble
from cynn.layers import Dense, Rescale
from cynn.tables import Classes, Coded, Dates, Numeric, Quantity, TableEncoder

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")

import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError  # noqa: E402

TYPES = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(string)": object}


def run(path, table):
    """Return the outputs by name, of what the file asks for of a table; texts are as ONNX's."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {}
    for end in session.get_inputs():
        values = table[end.name]
        if TYPES[end.type] is object:
            values = np.array(["" if each is None else str(each) for each in values], object)
        values = np.asarray(values, TYPES[end.type])
        feeds[end.name] = values if end.name == "input" else values.reshape(-1, 1)
    names = [end.name for end in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def mixed(n, seed, new=0):
    """Return columns of every kind but dates, some values missing, and the first ones unknown."""
    rng = np.random.default_rng(seed)
    size = rng.normal(50, 20, n)
    weight = np.exp(3 * rng.normal(size=n))  # heavy tails
    kind = rng.choice(["a", "b", "c"], n).astype(object)
    town = np.array([f"town {i}" for i in rng.integers(0, 30, n)], object)
    year = rng.integers(1990, 2026, n)
    flag = rng.random(n) < 0.5
    y = size / 10 + np.where(kind == "a", 2.0, 0.0) + (year - 1990) / 20 + flag
    size[::7], kind[::9], town[::11] = np.nan, None, None
    kind[:new], town[:new], weight[:new] = "new", "elsewhere", 1e30
    table = {
        "town": town, "size": size, "kind": kind, "weight": weight, "flag": flag, "year": year
    }  # fmt: skip
    return table, y


def estimators():
    pytest.importorskip("sklearn")
    from cynn.estimators import RealMLPClassifier, RealMLPRegressor

    return RealMLPClassifier, RealMLPRegressor


SHORT = {"n_epochs": 6, "random_state": 0, "hidden_layer_sizes": (24, 24)}


@pytest.mark.parametrize("preset", ["td", "td-s"])
@pytest.mark.parametrize("n_members", [1, 3])
def test_classes_of_a_mixed_table(tmp_path, preset, n_members):
    classifier, _ = estimators()
    table, y = mixed(300, 0)
    labels = np.array(["low", "middle", "high"])[np.digitize(y, [5, 8])]
    clf = classifier(preset, n_members=n_members, **SHORT).fit(table, labels)
    path = tmp_path / "classes.onnx"
    cynn.onnx.export(clf, path, metadata={"made": "here"})
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for n in (1, 2, 200):
        rows, _ = mixed(n, 1, new=n // 3 + 1)
        came = run(path, rows)
        assert list(came) == ["output", "label"] and came["output"].dtype == np.float32
        np.testing.assert_allclose(came["output"], clf.predict_proba(rows), rtol=0, atol=1e-5)
        assert came["label"].tolist() == clf.predict(rows).tolist()
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said["made"] == "here" and said["cynn.model"].startswith("Model([")
    assert said.get("cynn.members") == (None if n_members == 1 else "3")


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("scale", ["linear", "log", "log1p"])
def test_a_quantity_of_a_mixed_table(tmp_path, scale, n_members):
    _, regressor = estimators()
    table, y = mixed(300, 0)
    y = {"linear": y, "log": np.exp(y), "log1p": np.floor(np.exp(y / 4) - 1)}[scale]
    chosen = "linear" if scale == "linear" else "log"
    reg = regressor(n_members=n_members, target_scale=chosen, **SHORT).fit(table, y)
    assert reg.target_scale_ == scale
    path = tmp_path / "quantity.onnx"
    cynn.onnx.export(reg, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for n in (1, 2, 200):
        rows, _ = mixed(n, 1, new=n // 3 + 1)
        came = run(path, rows)
        assert list(came) == ["output"] and came["output"].dtype == np.float64
        assert came["output"].shape == (n, 1)
        wanted = reg.predict(rows)
        np.testing.assert_allclose(came["output"][:, 0], wanted, rtol=3e-5, atol=1e-5 * np.ptp(y))


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("quantiles", [(0.5,), (0.3, 0.35, 0.4, 0.9)], ids=len)
def test_quantiles_of_a_mixed_table(tmp_path, quantiles, n_members):
    _, regressor = estimators()
    table, y = mixed(300, 0)
    reg = regressor(n_members=n_members, loss="quantile", quantiles=quantiles, **SHORT)
    reg.fit(table, y)
    path = tmp_path / "quantiles.onnx"
    cynn.onnx.export(reg, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    rows, _ = mixed(200, 1, new=50)
    (came,) = run(path, rows).values()
    assert came.dtype == np.float64 and came.shape == (200, len(quantiles))
    assert (np.diff(came, axis=1) >= 0).all()
    wanted = reg.predict_quantiles(rows)
    np.testing.assert_allclose(came, wanted, rtol=3e-5, atol=1e-5 * np.ptp(y))
    if len(quantiles) > 1:  # the file puts in order what the network does not
        cynn.onnx.export(reg.ensemble_.members[0], path, network_only=True)
        x = reg.ensemble_.table.encode(rows)
        (raw,) = run(path, {"input": x.astype(np.float32)}).values()
        assert (np.diff(raw, axis=1) < 0).any()


LABELS = {
    "int64": ([3, -7, 10], int, np.int64),
    "int8": ([0, 1, 2], np.int8, np.int64),
    "uint64": ([0, 1, 2**63], np.uint64, np.uint64),
    "bool": ([False, True], bool, np.bool_),
    "float32": ([1.0, 2.0], np.float32, np.float64),
    "texts": (["no", "", "né"], str, object),
    "objects": (["no", "yes"], object, object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_of_the_type_that_was_trained_on(tmp_path, kind):
    classifier, _ = estimators()
    labels, dtype, wanted = LABELS[kind]
    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.array(labels, dtype)[np.arange(90) % len(labels)]
    clf = classifier(**SHORT).fit(X, y)
    cynn.onnx.export(clf, tmp_path / "m.onnx")
    came = run(tmp_path / "m.onnx", {"x0": X[:, 0], "x1": X[:, 1]})["label"]
    assert came.dtype == wanted
    assert came.tolist() == clf.predict(X).tolist()
    cynn.onnx.export(clf.ensemble_, tmp_path / "plain.onnx")  # whose labels are the table's texts
    came = run(tmp_path / "plain.onnx", {"x0": X[:, 0], "x1": X[:, 1]})["label"]
    assert came.tolist() == [str(each) or " " for each in clf.predict(X).tolist()]


def test_labels_of_no_type_of_onnx(tmp_path):
    """scikit-learn makes no such ones, another library may."""
    classifier, _ = estimators()
    clf = classifier(**SHORT).fit(np.arange(40.0).reshape(-1, 1), np.arange(40) % 2)
    clf.classes_ = np.array(["2026-01-01", "2026-01-02"], "M8[D]")
    with pytest.raises(ValueError, match=r"classes_ must be numbers, bools or strings for ONNX"):
        cynn.onnx.export(clf, tmp_path / "m.onnx")
    cynn.onnx.export(clf, tmp_path / "m.onnx", network_only=True)


def test_categories_named_by_numbers(tmp_path):
    """A frame's column of the type category is texts in ONNX."""
    pandas = pytest.importorskip("pandas")
    classifier, _ = estimators()
    codes = np.random.default_rng(0).integers(0, 12, 200)
    frame = pandas.DataFrame({"zip": pandas.Categorical(codes), "size": np.arange(200.0)})
    clf = classifier(**SHORT).fit(frame, np.isin(codes, [1, 3, 7]))
    assert isinstance(clf.ensemble_.table.columns[0], Coded)
    cynn.onnx.export(clf, tmp_path / "m.onnx")
    rows = {"zip": ["3", "3.0", "99", ""], "size": [1.0, 1.0, 1.0, math.nan]}
    came = run(tmp_path / "m.onnx", rows)["output"]
    np.testing.assert_allclose(came, clf.predict_proba(rows), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(came[0], came[1])


def coded_model(columns, target=None):
    """A model whose output is the sum of what its table gives, to be read exactly."""
    encoder = TableEncoder(columns, target or Quantity("y", 0.0, 1.0))
    model = Model([Dense(1)], dtype="float64")
    model.build(encoder.width)
    model.set_weights([np.ones((encoder.width, 1)), [0.0]])
    model.table = encoder
    return model


def test_codes_are_counted_from_one(tmp_path):
    model = coded_model([Coded("c", ["red", "10115", "Köln"])])
    cynn.onnx.export(model, tmp_path / "m.onnx")
    words = ["red", "10115", "10115.0", "Ko\u0308ln", "Red", "", "nan"]
    came = run(tmp_path / "m.onnx", {"c": words})["output"][:, 0]
    assert came.tolist() == [1, 2, 2, 3, 0, 0, 0]
    assert came.tolist() == model.predict_rows({"c": words}).tolist()


@pytest.mark.parametrize("clips", [(3.0, 3.0), (3.0, 0.0), (0.0, 0.0), (1e-3, 50.0)])
def test_the_limit_of_numbers_of_any_size(tmp_path, clips):
    columns = [Numeric(f"n{i}", 1.0, 2.0, True, clip=clip) for i, clip in enumerate(clips)]
    model = coded_model(columns)
    cynn.onnx.export(model, tmp_path / "m.onnx")
    values = np.array([0.0, 1.0, 5.0, -80.0, 1e18, -1e37, np.nan])
    for name, other in (("n0", "n1"), ("n1", "n0")):
        table = {name: values, other: np.ones(7)}
        came = run(tmp_path / "m.onnx", table)["output"][:, 0]
        np.testing.assert_allclose(came, model.predict_rows(table), rtol=1e-12)
    if all(clips):  # where squares overflow
        table = {"n0": [1e300, -1e300], "n1": [1.0, 1.0]}
        came = run(tmp_path / "m.onnx", table)["output"][:, 0]
        np.testing.assert_allclose(came, [clips[0], -clips[0]], rtol=1e-12)
        np.testing.assert_allclose(came, model.predict_rows(table), rtol=1e-12)


@pytest.mark.parametrize("scale", ["linear", "log", "log1p"])
@pytest.mark.parametrize("limits", [(None, None), (0.5, None), (None, 20.0), (0.5, 20.0)], ids=str)
def test_the_scale_and_the_range_of_a_quantity(tmp_path, limits, scale):
    low, high = limits
    target = Quantity("y", 0.25, 1.5, low=low, high=high, scale=scale)
    model = coded_model([Numeric("x", 0.0, 1.0)], target)
    cynn.onnx.export(model, tmp_path / "m.onnx")
    table = {"x": np.array([-3.0, -0.1, 0.0, 0.5, 1.0, 2.5])}
    came = run(tmp_path / "m.onnx", table)["output"][:, 0]
    np.testing.assert_allclose(came, model.predict_rows(table), rtol=1e-12, atol=1e-14)


def test_dates_are_refused_by_name(tmp_path):
    columns = [Numeric("a", 0, 1), Dates("sold", ["month"], [6.0], [3.0])]
    model = coded_model(columns)
    path = tmp_path / "m.onnx"
    with pytest.raises(ValueError, match="no dates for ONNX, .* got 'sold': ignore it .* network_"):
        cynn.onnx.export(model, path)
    assert not path.exists()
    cynn.onnx.export(model, path, network_only=True)
    x = model.table.encode({"a": [1.0], "sold": ["2026-11-30"]}, "float64")
    np.testing.assert_allclose(run(path, {"input": x})["output"], model.predict(x), rtol=1e-12)


X = np.random.default_rng(0).normal(size=(40, 4))


def plain_models(dtype="float32", first=()):
    models = []
    for seed in range(3):
        model = Model([*first, Dense(8, "tanh"), Dense(2, "softmax")], dtype=dtype, seed=seed)
        model.build(4)
        models.append(model)
    return models


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_ensemble_without_a_table(tmp_path, dtype):
    path = tmp_path / "three.onnx"
    ensemble = Ensemble(plain_models(dtype))
    cynn.onnx.export(ensemble, path)
    x = X.astype(dtype)
    came = run(path, {"input": x})["output"]
    assert came.dtype == dtype
    exact = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(came, ensemble.predict(x), rtol=0, atol=exact)
    with pytest.raises(OnnxFileError, match="must be one network, got the mean of several: load"):
        cynn.onnx.load(path)
    model = ensemble.members[0]
    cynn.onnx.export(Ensemble([model]), path)
    alone = path.read_bytes()
    cynn.onnx.export(model, path)
    assert path.read_bytes() == alone
    assert np.allclose(cynn.onnx.load(path).predict(x), model.predict(x), rtol=1e-5)


def test_members_whose_inputs_are_far_from_zero(tmp_path):
    """The input is float64 as soon as one of them needs its digits."""
    far, near = Rescale(1e-3, -1.7e6), Rescale(1.0)
    models = plain_models(first=[near])[:1] + plain_models(first=[far])[:1]
    ensemble = Ensemble(models)
    cynn.onnx.export(ensemble, tmp_path / "m.onnx")
    x = 1.7e9 + 100 * X
    came = run(tmp_path / "m.onnx", {"input": x})["output"]
    np.testing.assert_allclose(came, ensemble.predict(x), rtol=0, atol=1e-6)


def test_a_table_with_columns_called_like_the_members(tmp_path):
    names = ["member0.layer0.weight", "mean.sum", "output", "numbers.clip", "target.low"]
    rng = np.random.default_rng(0)
    table = {name: rng.normal(size=60) for name in names}
    encoder = TableEncoder.fit(table | {"y": table["output"]}, "y", recipe="robust")
    models = []
    for seed in range(2):
        model = Model([Dense(1)], seed=seed)
        model.build(encoder.width)
        model.table = encoder
        models.append(model)
    cynn.onnx.export(Ensemble(models), tmp_path / "m.onnx")
    came = run(tmp_path / "m.onnx", table)
    wanted = encoder.target.decode(Ensemble(models).predict(encoder.encode(table)))
    assert list(came) == ["output_"]
    np.testing.assert_allclose(came["output_"][:, 0], wanted, rtol=1e-5, atol=1e-6)


def test_what_is_no_model(tmp_path):
    classifier, _ = estimators()
    from cynn.estimators import MLPClassifier

    for given, name in (
        (classifier(), "RealMLPClassifier: call fit first"),
        (MLPClassifier(), "MLPClassifier: call fit first"),
        ([1], "list$"),
        (None, "NoneType$"),
    ):
        with pytest.raises(TypeError, match=f"a cynn Model, an Ensemble or a fitted .* {name}"):
            cynn.onnx.export(given, tmp_path / "m.onnx")


def test_weights_of_all_members_count(tmp_path, monkeypatch):
    from cynn.onnx import _writing

    models = plain_models()
    size = 4 * sum(part.size for part in models[0].get_weights())
    monkeypatch.setattr(_writing, "LARGEST", 2 * size)
    cynn.onnx.export(Ensemble(models[:2]), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=f"at most 2 GiB of weights for ONNX, got {3 * size}"):
        cynn.onnx.export(Ensemble(models), tmp_path / "m.onnx")


def test_neither_scikit_learn_nor_pandas_is_imported():
    code = "import sys, cynn.onnx; print(sorted({'sklearn', 'pandas', 'onnx'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_labels_of_a_table_alone(tmp_path):
    encoder = TableEncoder([Numeric("a", 0, 1)], Classes("c", ["1", "2"]))
    model = Model([Dense(2, "softmax")], seed=0)
    model.build(1)
    model.table = encoder
    cynn.onnx.export(model, tmp_path / "m.onnx")
    came = run(tmp_path / "m.onnx", {"a": [0.5, -4.0]})
    assert came["label"].tolist() == model.predict_rows({"a": [0.5, -4.0]}).tolist()

"""Members in ONNX: k networks in one, compared with ONNX Runtime, and read back as the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cynn import Model
from cynn.ensemble import Ensemble
from cynn.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    ParametricActivation,
    PeriodicEmbedding,
    Residual,
    Scale,
)
from cynn.optimizers import Adam
from cynn.tables import TableEncoder
from models import blobs

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

X, Y = blobs()
COLUMNS = X.shape[1]

# The layers, and how many columns a row has.
MODELS = {
    "a batch ensemble": (
        8,
        [
            Members(4),
            Dense(16, use_bias=False),
            MemberAffine(4, "relu"),
            Dropout(0.1),
            MemberDense(3, 4),
            MemberAffine(4, "softmax", use_scale=False),
        ],
    ),
    "a regression with normalisation": (
        5,
        [
            Normalize([1e6, 0, 1, 2, 3], [1.0, 2, 3, 4, 5]),
            PeriodicEmbedding([3, 0], frequencies=4, units=3),
            Members(3, "normal"),
            BatchNorm(),
            Dense(7, use_bias=False),
            MemberAffine(3, "gelu", use_bias=False),
            LayerNorm(),
            Dense(6, "silu"),
            ParametricActivation("mish"),
            Scale(),
            MemberDense(1, 3),
            MemberAffine(3, use_scale=False),
        ],
    ),
    "a residual behind members": (
        4,
        [
            Members(5, groups=[4]),
            Residual([Dense(4, use_bias=False), MemberAffine(5, "gelu"), BatchNorm()]),
            Residual([MemberDense(6, 5), Residual([MemberAffine(5, "tanh")]), Dense(4)]),
            Activation("relu"),
            MemberDense(2, 5),
        ],
    ),
    "members alone": (3, [Members(2)]),
    "behind one column": (1, [Dense(1), Members(33, "normal"), MemberAffine(33, "softmax")]),
    "one member": (2, [Members(1), MemberDense(3, 1), MemberAffine(1, "selu")]),
}


def model_of(name, dtype="float32"):
    columns, layers = MODELS[name]
    model = Model(layers, dtype=dtype, seed=3)
    model.build(columns)
    rng = np.random.default_rng(4)
    model.set_weights([w + rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    model.set_state([rng.uniform(0.5, 2, part.shape) for part in model.get_state()])
    x = rng.normal(0, 2, (9, columns))
    if isinstance(layers[0], Normalize):
        x[:, 0] += 1e6
    return model, x.astype(dtype) if not isinstance(layers[0], Normalize) else x


def run(path, inputs):
    onnxruntime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    if not isinstance(inputs, dict):
        inputs = {"input": inputs}
    return session.run(None, inputs)


def run_slowly(path, x):
    """Run a file in the evaluator of the standard, which has every operator in float64."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(str(path)).run(None, {"input": x})[0]


@pytest.mark.parametrize("name", MODELS)
def test_the_same_as_onnx_runtime(tmp_path, name):
    model, x = model_of(name)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for rows in (x, x[:1], x[:0]):
        (came,) = run(path, rows)
        assert came.dtype == np.float32 and came.shape == model.predict(rows).shape
        np.testing.assert_allclose(came, model.predict(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_float64(tmp_path, name):
    model, x = model_of(name, "float64")
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    np.testing.assert_allclose(run_slowly(path, x), model.predict(x), rtol=1e-6, atol=1e-6)


def test_float64_in_onnx_runtime(tmp_path):
    """It has all that members need; what it lacks are some activations."""
    model, x = model_of("a batch ensemble", "float64")
    cynn.onnx.export(model, tmp_path / "model.onnx")
    (came,) = run(tmp_path / "model.onnx", x)
    assert came.dtype == np.float64
    np.testing.assert_allclose(came, model.predict(x), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(
    k=st.integers(1, 40),
    columns=st.integers(1, 40),
    units=st.integers(1, 20),
    n=st.integers(0, 30),
    use_scale=st.booleans(),
)
def test_any_sizes(tmp_path_factory, k, columns, units, n, use_scale):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    affine = MemberAffine(k, "tanh", use_scale=use_scale, use_bias=not use_scale, limit=1.0)
    layers = [Dense(columns), Members(k, "normal"), affine, MemberDense(units, k)]
    model = Model(layers, seed=0)
    model.build(3)
    cynn.onnx.export(model, path)
    x = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    np.testing.assert_allclose(run(path, x)[0], model.predict(x), rtol=1e-4, atol=1e-5)
    loaded = cynn.onnx.load(path)
    assert [layer.step() for layer in loaded.layers] == [layer.step() for layer in layers]
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_there_and_back(tmp_path, name, dtype):
    """As the same layers, but for what acts in training alone and what first weights were."""
    model, x = model_of(name, dtype)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    loaded = cynn.onnx.load(path)
    assert loaded.dtype == model.dtype
    wanted = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in wanted]
    for layer, came in zip(wanted, loaded.layers, strict=True):
        if not isinstance(layer, PeriodicEmbedding | ParametricActivation | LayerNorm | BatchNorm):
            assert came.step() == layer.step()
    for kept, came in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert kept.tobytes() == came.tobytes()
    np.testing.assert_allclose(loaded.predict(x), model.predict(x), rtol=1e-6, atol=1e-6)
    cynn.onnx.export(loaded, tmp_path / "again.onnx")
    again = cynn.onnx.load(tmp_path / "again.onnx")
    assert again.layers == loaded.layers
    assert again.predict(x).tobytes() == loaded.predict(x).tobytes()


@pytest.mark.parametrize(("use_scale", "use_bias"), [(True, True), (True, False), (False, True)])
def test_what_an_affine_layer_has_comes_back(tmp_path, use_scale, use_bias):
    affine = MemberAffine(2, "tanh", use_scale=use_scale, use_bias=use_bias)
    model = Model([Members(2), affine], seed=0)
    model.build(3)
    cynn.onnx.export(model, tmp_path / "model.onnx")
    assert list(cynn.onnx.load(tmp_path / "model.onnx").layers) == [Members(2), affine]


def test_what_is_read_can_be_trained(tmp_path):
    model = Model([Members(4), Dense(8), MemberDense(3, 4), MemberAffine(4, "softmax")], seed=0)
    model.build(COLUMNS)
    cynn.onnx.export(model, tmp_path / "model.onnx")
    loaded = cynn.onnx.load(tmp_path / "model.onnx")
    loaded.compile(Adam(0.02), "cross_entropy", ["accuracy"])
    history = loaded.fit(X, Y, epochs=20, verbose=0).history
    assert history["accuracy"][-1] > 0.9


def test_the_version_of_the_operators(tmp_path):
    """18 where there is a mean; what needs a newer one says so, before it or after."""
    for layers, wanted in (
        ([Dense(2)], 17),
        ([Members(1), Dense(2)], 17),
        ([Members(2), Dense(2)], 18),
        ([Dense(2, "gelu"), Members(2)], 20),
    ):
        model = Model(layers, seed=0)
        model.build(2)
        cynn.onnx.export(model, tmp_path / "model.onnx")
        assert onnx.load(tmp_path / "model.onnx").opset_import[0].version == wanted


def test_several_models_with_members(tmp_path):
    parts = [model_of("a batch ensemble")[0] for _ in range(2)]
    parts[1].set_weights([-w for w in parts[1].get_weights()])
    x = np.random.default_rng(0).normal(size=(7, 8)).astype(np.float32)
    path = tmp_path / "model.onnx"
    both = Ensemble(parts)
    cynn.onnx.export(both, path)
    np.testing.assert_allclose(run(path, x)[0], both.predict(x), atol=1e-6)
    with pytest.raises(OnnxFileError, match="must be one network, got the mean of several"):
        cynn.onnx.load(path)


@pytest.mark.parametrize("target", ["kind", "price"])
def test_a_model_of_a_table(tmp_path, target):
    rng = np.random.default_rng(0)
    size = rng.normal(50, 10, 80)
    table = {
        "size": size,
        "colour": np.array(["red", "green"])[rng.integers(0, 2, 80)],
        "kind": np.where(size > 50, "large", "small"),
        "price": 3 * size + rng.normal(size=80),
    }
    del table["price" if target == "kind" else "kind"]
    encoder = TableEncoder.fit(table, target)
    ends = {"kind": (2, "softmax", "cross_entropy"), "price": (1, "identity", "mse")}
    units, activation, loss = ends[target]
    model = Model(
        [
            Members(3),
            Dense(8, use_bias=False),
            MemberAffine(3, "relu"),
            MemberDense(units, 3),
            MemberAffine(3, activation),
        ],
        seed=0,
    )
    model.compile(Adam(0.01), loss)
    model.table = encoder
    model.fit(encoder.encode(table), encoder.target.encode(table[target]), epochs=5, verbose=0)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    columns = {"size": size[:, np.newaxis], "colour": table["colour"].astype(object)[:, np.newaxis]}
    came = run(path, columns)
    if target == "kind":
        assert came[1].tolist() == model.predict_rows(table).tolist()
    else:
        np.testing.assert_allclose(came[0].ravel(), model.predict_rows(table), rtol=1e-5)
    cynn.onnx.export(model, path, network_only=True)
    rows = encoder.encode(table, np.float32)
    np.testing.assert_allclose(cynn.onnx.load(path).predict(rows), model.predict(rows), atol=1e-6)


def test_a_function_of_a_user_is_refused(tmp_path):
    from cynn.activations import Custom

    model = Model([Members(2), MemberAffine(2, Custom(abs, derivative=np.sign))], seed=0)
    model.build(2)
    with pytest.raises(ValueError, match="must be one of cynn's own for ONNX"):
        cynn.onnx.export(model, tmp_path / "model.onnx")


# ---- files of others ----------------------------------------------------------------------------

K, N, UNITS = 3, 4, 2
CONSTANTS = {
    "r": np.ones((K, N)), "s": np.ones((K, N)), "two": np.ones((2, N)), "short": np.ones((K, 3)),
    "line": np.ones(N), "w": np.ones((K, N, UNITS)), "flat": np.ones((N, UNITS)),
    "low": np.ones((K, N - 1, UNITS)),
    "axis": np.array([1]), "last": np.array([2]), "rows": np.array([-1, N]),
    "split": np.array([-1, K, N]), "halves": np.array([-1, 2, N]), "heads": np.array([-1, UNITS]),
    "mean": np.array([-1, K, N]), "other": np.array([-1, N, K]), "real": np.array([-1.0, N]),
}  # fmt: skip

MEMBERS = [
    ("Unsqueeze", ["x", "axis"], {}),
    ("Mul", ["", "r"], {}),
    ("Reshape", ["", "rows"], {}),
]
AFFINE = [
    ("Reshape", ["", "split"], {}),
    ("Mul", ["", "s"], {}),
    ("Add", ["s", ""], {}),
    ("Reshape", ["", "rows"], {}),
]
TURNED = ("Transpose", [""], {"perm": [1, 0, 2]})
HEAD = [
    ("Reshape", ["", "split"], {}),
    TURNED,
    ("MatMul", ["", "w"], {}),
    TURNED,
    ("Reshape", ["", "heads"], {}),
]
MEAN = [("Reshape", ["", "mean"], {}), ("ReduceMean", ["", "axis"], {"keepdims": 0})]
MEAN_OF_HEADS = [("Reshape", ["", "means"], {}), MEAN[1]]
CONSTANTS["means"] = np.array([-1, K, UNITS])


def written(path, nodes, opset=18):
    """Write a file of nodes in a row: (operator, inputs, attributes), "" being what comes."""
    made = []
    for i, (operator, names, said) in enumerate(nodes):
        came = [name or (f"y{i - 1}" if i else "x") for name in names]
        made.append(helper.make_node(operator, came, [f"y{i}"], **said))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
        for name, size in (("x", N), (f"y{len(nodes) - 1}", None))
    ]
    constants = [
        numpy_helper.from_array(a if a.dtype == np.int64 else a.astype(np.float32), name)
        for name, a in CONSTANTS.items()
    ]
    graph = helper.make_graph(made, "graph", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", opset)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets).SerializeToString())
    return path


def test_as_cynn_writes(tmp_path):
    """The files below differ from this one in one thing each."""
    model = cynn.onnx.load(written(tmp_path / "a", [*MEMBERS, *AFFINE, *HEAD, *MEAN_OF_HEADS]))
    assert list(model.layers) == [Members(K), MemberAffine(K), MemberDense(UNITS, K)]
    x = np.arange(8.0).reshape(2, 4)
    np.testing.assert_allclose(model.predict(x), np.repeat((x + 1).sum(1)[:, np.newaxis], 2, 1))


def changed(nodes, i, operator=None, given=None, **said):
    """Return nodes, one of them another."""
    old = nodes[i]
    return [*nodes[:i], (operator or old[0], given or old[1], said or old[2]), *nodes[i + 1 :]]


REFUSED = {
    "no mean": ([*MEMBERS, *AFFINE], "its output must be the mean over 3 members, got what each"),
    "another axis": ([*changed(MEMBERS, 0, given=["x", "last"]), *MEAN], r"\[1\], got \[2\]"),
    "factors of all": ([*changed(MEMBERS, 1, given=["", "line"]), *MEAN], r"got shape \(4,\)"),
    "factors of others": ([*changed(MEMBERS, 1, given=["", "short"]), *MEAN], r"shape \(3, 3\)"),
    "other rows": ([*changed(MEMBERS, 2, given=["", "heads"]), *MEAN], r"\[-1, 4\], got \[-1, 2\]"),
    "a shape in floats": ([*changed(MEMBERS, 2, given=["", "real"])], "must hold int64, got FLOAT"),
    "members twice": ([*MEMBERS, *changed(MEMBERS, 0, given=["", "axis"]), *MEAN],
                      "must have Members once"),
    "no factors": ([MEMBERS[0], *MEMBERS[2:], *MEAN], "node 1 .*must be of members as cynn writes"),
    "a sum first": ([MEMBERS[0], ("Add", ["", "r"], {}), MEMBERS[2], *MEAN], "node 1 .*of members"),
    "fewer members": ([*MEMBERS, *changed(AFFINE, 0, given=["", "halves"]), *MEAN],
                      r"\[-1, 3, 4\], got \[-1, 2, 4\]"),
    "without members": ([*AFFINE], "k of MemberAffine.* must be the number of members, 1"),
    "biases of fewer": ([*MEMBERS, *changed(AFFINE, 2, given=["", "two"]), *MEAN], r"\(2, 4\)"),
    "other columns": ([*MEMBERS, *changed(AFFINE, 3, given=["", "heads"]), *MEAN], "of members"),
    "nothing between": ([*MEMBERS, AFFINE[0], AFFINE[3], *MEAN], "node 4 .*must be of members"),
    "a function between": ([*MEMBERS, AFFINE[0], ("Relu", [""], {}), AFFINE[3]], "node 4 .*of mem"),
    "two factors": ([*MEMBERS, *AFFINE[:2], AFFINE[1], AFFINE[3]], "node 5 .*must be of members"),
    "the members last": ([*MEMBERS, *changed(HEAD, 1, perm=[1, 2, 0]), *MEAN], "node 4 .*of memb"),
    "turned over": ([*MEMBERS, *HEAD[:1], ("Transpose", [""], {}), *HEAD[2:]], "node 4 .*of memb"),
    "one matrix": ([*MEMBERS, *changed(HEAD, 2, given=["", "flat"])], r"got shape \(4, 2\)"),
    "smaller matrices": ([*MEMBERS, *changed(HEAD, 2, given=["", "low"])], r"shape \(3, 3, 2\)"),
    "a matrix before": ([*MEMBERS, *changed(HEAD, 2, given=["w", ""])], "something of rows .*got"),
    "other heads": ([*MEMBERS, *changed(HEAD, 4, given=["", "rows"])], r"\[-1, 2\], got \[-1, 4\]"),
    "the mean kept": ([*MEMBERS, *changed(MEAN, 1, keepdims=1)], "node 4 .*must be of members"),
    "no word of it": ([*MEMBERS, MEAN[0], ("ReduceMean", ["", "axis"], {})], "must be of members"),
    "the mean of columns": ([*MEMBERS, *changed(MEAN, 1, given=["", "last"])], r"\[1\], got \[2\]"),
    "the mean of others": ([*MEMBERS, *changed(MEAN, 0, given=["", "other"])], r"got \[-1, 4, 3\]"),
    "after the mean": ([*MEMBERS, *MEAN, ("Relu", [""], {})], "node 5 .*must be of members"),
    "the mean of rows": ([("ReduceMean", ["x", "axis"], {"keepdims": 0})], "on an axis of their"),
    "a shape of the end": ([("Reshape", ["x", "rows"], {})], "must depend on its input"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    nodes, message = REFUSED[name]
    path = written(tmp_path / "a", nodes)
    with pytest.raises(OnnxFileError, match=f"^{path}: .*{message}"):
        cynn.onnx.load(path)


def test_rows_of_more_axes_are_refused(tmp_path):
    path = tmp_path / "model.onnx"
    model = Model([Members(2)], seed=0)
    model.build(4)
    cynn.onnx.export(model, path)
    made = onnx.load(path)
    made.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 2
    onnx.save(made, path)
    with pytest.raises(OnnxFileError, match=r"must be rows of one axis, got shape \(4, 2\)"):
        cynn.onnx.load(path)


def test_an_older_version_is_refused(tmp_path):
    """It has the axes of the mean as an attribute."""
    mean = ("ReduceMean", [""], {"axes": [1], "keepdims": 0})
    path = written(tmp_path / "a", [*MEMBERS, MEAN[0], mean], 17)
    with pytest.raises(OnnxFileError, match="something of rows .* and a constant, got"):
        cynn.onnx.load(path)

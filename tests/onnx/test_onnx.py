"""Export to ONNX, compared with ONNX Runtime, and import."""

import sys

import numpy as np
import pytest

from cynn import Model
from cynn._specs.activation_table import TABLE
from cynn.layers import (
    ACTIVATIONS,
    LAYERS,
    Activation,
    BatchNorm,
    Clip,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Rescale,
    Residual,
    Scale,
)
from layer_examples import COLUMNS, EXAMPLES
from models import blobs, trained

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError, _layers, _writing  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

X, _ = blobs()
ROWS = np.random.default_rng(1).normal(0, 2, (9, 2, 3))

BINS = [[-1, 0.5], [-2, -1, -0.5, 0.25, 3], [0, 0.125, 1]]
OF_BINS = {
    "bins of all": ((3,), [PiecewiseLinearEmbedding(None, BINS, 5), Dense(2)]),
    "bins and relu, a line": (
        (5,),
        [Dense(4), PiecewiseLinearEmbedding([2, 0, 3], BINS, 3, activation="relu"), Clip(-9, 9)],
    ),
    "bins by a map alone": ((4,), [PiecewiseLinearEmbedding([3, 1, 0], BINS, 2, version="A")]),
    "bins and relu": (
        (1,),
        [PiecewiseLinearEmbedding([0], BINS[1:2], 7, version="A", activation="relu"), Dense(2)],
    ),
}

# One row's shape, and the layers: at least one model for every layer and every activation.
MODELS = {
    "softmax": ((4,), [Dense(8, "relu"), Dense(3, "softmax")]),
    "image": ((2, 3), [Flatten(), Rescale(1 / 255, -0.5), Dense(5, "tanh"), Dense(1)]),
    "rescaled first": ((2, 3), [Rescale(3.0), Rescale(1.0, 0.25), Flatten(), Dense(2, "sigmoid")]),
    "no weights": ((2, 3), [Flatten()]),
    "nothing": ((4,), [Activation("identity")]),
    "on its own": ((2, 3), [Activation("relu"), Flatten(), Dense(4), Activation("softmax")]),
    "one number": ((1,), [Flatten(), Dense(2)]),
    "normalized": (
        (2, 2),
        [Normalize([1, 2, 3, 4], [0.5, 1, 2, 4]), Flatten(), Dense(3, use_bias=False)],
    ),
    "normalized, a column": ((1,), [Normalize([3], [2.0]), Dense(2)]),
    "skips": (
        (4,),
        [
            Dense(6, "tanh"),
            Residual([Dense(8, "relu"), Residual([Dense(8, "silu")]), Dense(6, use_bias=False)]),
            Activation("relu"),
            Residual([Normalize([0.5] * 6, [2.0] * 6), Rescale(0.5, 1)]),
            Dense(3),
        ],
    ),
    "layers as in training": (
        (5,),
        [
            BatchNorm(0.9),
            Dense(6),
            LayerNorm(),
            Dropout(0.5),
            Residual([Dense(6, "relu"), BatchNorm(), Dropout(0.5)]),
            BatchNorm(0.5, 0.25),
        ],
    ),  # fmt: skip
    **{
        f"{type(layer).__name__} {place}": ((COLUMNS,), [*before, layer, Dense(3)])
        for layer in EXAMPLES
        for place, before in (("first", []), ("between", [Dense(COLUMNS, "tanh")]))
    },
    "a column of its own": ((1,), [Scale(), Dense(2)]),
    "waves without a phase": (
        (5,),
        [PeriodicEmbedding([3, 0], frequencies=6, activation="relu", cos_bias=False), Dense(2)],
    ),
    "waves alone": ((5,), [PeriodicEmbedding([1, 4], with_input=False), Dense(2)]),
    "waves of all, alone": ((3,), [PeriodicEmbedding(with_input=False, units=1)]),
    "waves of all": ((3,), [Dense(4), PeriodicEmbedding(), Clip([0] * 16, [1] * 16)]),
    **OF_BINS,
    "tables of all": ((2,), [Embedding([1, 0], [3, 40], 5), Clip(-1, 2)]),
    "one table": ((1,), [Residual([Embedding([0], [3], 1)]), Clip(-1, [3])]),
    **{
        f"parametric {name}": ((6,), [Dense(5, "tanh"), ParametricActivation(name)])
        for name in ACTIVATIONS
    },
    "several members": (
        (4,),
        [Members(3), Dense(5, use_bias=False), MemberAffine(3, "tanh"), MemberDense(2, 3)],
    ),
    "odd": ((17,), [Dense(33, "leaky_relu"), Dense(31, "sigmoid"), Dense(7, "softmax")]),
} | {
    f"{kind.__name__} {name}": ((6,), [Dense(5, "tanh"), *made])
    for name in ACTIVATIONS
    for kind, made in ((Dense, [Dense(7, name)]), (Activation, [Activation(name)]))
}


def model_of(name, dtype="float32"):
    shape, layers = MODELS[name]
    model = Model(layers, dtype=dtype, seed=3)
    model.build(shape)
    rng = np.random.default_rng(4)
    model.set_weights([w + rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    model.set_state([rng.uniform(0.5, 2, part.shape) for part in model.get_state()])
    return model, rng.normal(0, 2, (9, *shape)).astype(dtype)


def run(path, x):
    """Run a file in ONNX Runtime."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": x})[0]


def run_slowly(path, x):
    """Run a file in the evaluator of the standard, which has every operator in float64."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(str(path)).run(None, {"input": x})[0]


# ---- writing ------------------------------------------------------------------------------------


def test_every_layer_has_its_entry():
    missing = [layer.__name__ for layer in LAYERS if layer not in _layers.LAYERS]
    assert not missing, f"cynn/onnx/_layers.py: LAYERS has no entry for {missing}"
    assert set(_layers.LAYERS) == set(LAYERS)
    assert {type(layer) for _, made in MODELS.values() for layer in made} == set(LAYERS)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_as_onnx_runtime(tmp_path, name):
    model, x = model_of(name)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for rows in (x, x[:1], x[:0]):
        came = run(path, rows)
        assert came.dtype == np.float32 and came.shape == model.predict(rows).shape
        assert np.allclose(came, model.predict(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_float64(tmp_path, name):
    model, x = model_of(name, "float64")
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    # attributes, such as the slope of leaky relu, are float32 in a file
    assert np.allclose(run_slowly(path, x), model.predict(x), rtol=1e-6, atol=1e-6)
    cynn.onnx.export(model, path, dtype="float32")
    assert np.allclose(run(path, x.astype(np.float32)), model.predict(x), rtol=1e-5, atol=1e-5)


def test_extreme_numbers(tmp_path):
    path = tmp_path / "model.onnx"
    model = Model([Dense(3, "relu"), Dense(2)], seed=0)
    model.build(2)
    weights = model.get_weights()
    weights[0][0, 0], weights[1][1] = np.inf, np.nan
    model.set_weights(weights)
    cynn.onnx.export(model, path)
    for kept, came in zip(weights, cynn.onnx.load(path).get_weights(), strict=True):
        assert kept.tobytes() == came.tobytes()
    wide = Model([Dense(2)], dtype="float64", seed=0)
    wide.build(2)
    wide.set_weights([np.full((2, 2), 1e300), np.zeros(2)])
    with pytest.raises(ValueError, match=r"layer0\.weight must hold .* finite in float32"):
        cynn.onnx.export(wide, tmp_path / "never", dtype="float32")
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_metadata(tmp_path):
    path = tmp_path / "model.onnx"
    model, _ = model_of("image")
    cynn.onnx.export(model, path, metadata={"classes": "good,bad é"})
    made = onnx.load(path)
    said = {each.key: each.value for each in made.metadata_props}
    assert said == {"classes": "good,bad é", "cynn.model": repr(model)}
    assert (made.producer_name, made.producer_version) == ("cynn", cynn.__version__)
    assert (made.ir_version, [(o.domain, o.version) for o in made.opset_import]) == (8, [("", 17)])
    graph = made.graph
    shapes = [
        [axis.dim_param or axis.dim_value for axis in end.type.tensor_type.shape.dim]
        for end in (*graph.input, *graph.output)
    ]
    assert [graph.input[0].name, graph.output[0].name] == ["input", "output"]
    assert shapes == [["batch", 2, 3], ["batch", 1]]
    named = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert np.array_equal(named["layer2.weight"], model.get_weights()[0])


def test_the_same_bytes_twice(tmp_path):
    model, _ = model_of("softmax")
    for name in "ab":
        cynn.onnx.export(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_models_that_cannot_be_exported(tmp_path, monkeypatch):
    class Wide(Dense):
        pass

    path = tmp_path / "model.onnx"
    with pytest.raises(TypeError, match="model must be a cynn Model, .* got list"):
        cynn.onnx.export([], path)
    with pytest.raises(RuntimeError, match="no weights yet"):
        cynn.onnx.export(Model([Dense(3)]), path)
    own = Model([Wide(3)])
    own.build(2)
    with pytest.raises(ValueError, match=r"layers\[0\] must be .* got Wide\(3\)"):
        cynn.onnx.export(own, path)
    model = trained()
    for bad in ({"a": 1}, {1: "a"}, "ab", [("a", "b")]):
        with pytest.raises(TypeError, match="metadata must be a mapping of strings"):
            cynn.onnx.export(model, path, metadata=bad)
    with pytest.raises(ValueError, match="dtype must be float32 or float64, got float16"):
        cynn.onnx.export(model, path, dtype="float16")
    monkeypatch.setattr(_writing, "LARGEST", 10)
    with pytest.raises(ValueError, match="at most 2 GiB of weights for ONNX, got 268"):
        cynn.onnx.export(model, path)
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        cynn.onnx.export(model, tmp_path / "absent" / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    for action in (lambda: cynn.onnx.export(model, path), lambda: cynn.onnx.load(path)):
        with pytest.raises(ImportError, match=r"pip install 'cynn-learn\[onnx\]'"):
            action()
    assert not list(tmp_path.iterdir())


# ---- there and back -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_export_and_import(tmp_path, name, dtype):
    model, x = model_of(name, dtype)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    loaded = cynn.onnx.load(str(path))
    assert (loaded.dtype, loaded.input_shape) == (model.dtype, model.input_shape)
    for kept, came in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert kept.tobytes() == came.tobytes()
    assert np.allclose(loaded.predict(x), model.predict(x), rtol=1e-6, atol=1e-7)
    cynn.onnx.export(loaded, tmp_path / "again.onnx")
    again = cynn.onnx.load(tmp_path / "again.onnx")
    assert again.layers == loaded.layers
    assert again.predict(x).tobytes() == loaded.predict(x).tobytes()


@pytest.mark.parametrize("layer", EXAMPLES, ids=lambda layer: type(layer).__name__)
def test_every_layer_comes_back(tmp_path, layer):
    """As itself, but for a dropout, which predicts as nothing does."""
    path = tmp_path / "model.onnx"
    model = Model([layer, Dense(3)], seed=0)
    model.build(COLUMNS)
    cynn.onnx.export(model, path)
    operators = [node.op_type for node in onnx.load(path).graph.node]
    try:
        came = [type(each) for each in cynn.onnx.load(path).layers]
    except OnnxFileError as error:
        came = [error]
    wanted = [type(layer), Dense] if not isinstance(layer, Dropout) else [Dense]
    assert came == wanted, f"cynn/onnx/_layers.py: OPERATORS makes {came} of {operators}"


def test_layers_are_imported_as_exported(tmp_path):
    layers = [Flatten(), Rescale(0.5, -1), Dense(4, "leaky_relu"), Dense(3, "softmax")]
    model = Model(layers)
    model.build((2, 2))
    cynn.onnx.export(model, tmp_path / "model.onnx")
    loaded = cynn.onnx.load(tmp_path / "model.onnx")
    assert list(loaded.layers) == layers
    loaded.compile("sgd")
    loaded.fit(np.zeros((3, 2, 2)), [0, 1, 2], verbose=0)  # a model like any


# ---- files of others ----------------------------------------------------------------------------


WHOLE = ("f", "g")
"""Constants that are whole numbers."""


def written(path, nodes, constants, *, row=(4,), out=3, number=TensorProto.FLOAT, **changes):
    """Write a file of nodes: (operator, inputs, output, attributes)."""
    ends = [
        helper.make_tensor_value_info(name, number, ["n", *shape])
        for name, shape in (("x", row), ("y", (out,)))
    ]
    graph = helper.make_graph(
        [helper.make_node(kind, given, [to], **said) for kind, given, to, said in nodes],
        "graph",
        ends[:1],
        ends[1:],
        [
            numpy_helper.from_array(np.asarray(a, np.int64 if name in WHOLE else np.float32), name)
            for name, a in constants.items()
        ],
    )
    opset = [helper.make_opsetid("", changes.get("opset", 13))]
    path.write_bytes(helper.make_model(graph, opset_imports=opset).SerializeToString())
    return path


W, V, B, C = (np.random.default_rng(5).normal(size=s) for s in ((4, 5), (5, 3), (5,), (3,)))


def test_as_pytorch_writes(tmp_path):
    nodes = [
        ("Gemm", ["x", "w", "b"], "h", {"alpha": 1.0, "beta": 1.0, "transB": 1}),
        ("Relu", ["h"], "a", {}),
        ("Gemm", ["a", "v", "c"], "z", {"transB": 1}),
        ("Softmax", ["z"], "y", {"axis": 1}),
    ]
    path = written(tmp_path / "a", nodes, {"w": W.T, "b": B, "v": V.T, "c": C})
    model = cynn.onnx.load(path)
    assert model.layers == (Dense(5, "relu"), Dense(3, "softmax"))
    z = np.maximum(X @ W + B, 0) @ V + C
    wanted = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert np.allclose(model.predict(X), wanted, atol=1e-5)


def test_as_scikit_learn_writes(tmp_path):
    nodes = [
        ("MatMul", ["x", "w"], "h", {}),
        ("Add", ["h", "b"], "hb", {}),
        ("Sigmoid", ["hb"], "a", {}),
        ("MatMul", ["a", "v"], "z", {}),
        ("Add", ["c", "z"], "i", {}),
        ("Identity", ["i"], "y", {}),
    ]
    path = written(tmp_path / "a", nodes, {"w": W, "b": B[None], "v": V, "c": C})
    model = cynn.onnx.load(path)
    assert model.layers == (Dense(5, "sigmoid"), Dense(3))
    assert np.allclose(model.predict(X), 1 / (1 + np.exp(-X @ W - B)) @ V + C, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if entry.gate])
@pytest.mark.parametrize("x_first", [True, False])
def test_activations_that_are_x_times_their_gate(tmp_path, name, x_first):
    """As programs write them that have no operator for it."""
    gate = TABLE[name].gate
    ends = ["x", *gate]
    nodes = [(TABLE[part].operator, [ends[i]], part, {}) for i, part in enumerate(gate)]
    nodes.append(("Mul", ["x", gate[-1]][:: 1 if x_first else -1], "y", {}))
    loaded = cynn.onnx.load(written(tmp_path / "a", nodes, {}, out=4))
    assert list(loaded.layers) == [Activation(name)]


@pytest.mark.parametrize("c", [None, 2.0, [2.0], [[2.0]], C, C[None]])
def test_forms_of_a_dense_layer(tmp_path, c):
    w = W[:, :3]
    given = ["x", "w"] if c is None else ["x", "w", "c"]
    constants = {"w": w} if c is None else {"w": w, "c": c}
    bias = 0 if c is None else np.asarray(c)
    nodes = [("Gemm", given, "y", {"alpha": 0.5, "beta": -2.0})]
    model = cynn.onnx.load(written(tmp_path / "a", nodes, constants))
    assert np.allclose(model.predict(X), 0.5 * X @ w - 2 * bias, atol=1e-5)
    nodes = [("MatMul", ["x", "w"], "y" if c is None else "z", {})]
    nodes += [] if c is None else [("Add", ["z", "c"], "y", {})]
    model = cynn.onnx.load(written(tmp_path / "a", nodes, constants))
    assert model.layers == (Dense(3, use_bias=c is not None),) and np.allclose(
        model.predict(X), X @ w + bias, atol=1e-5
    )


def test_constants_by_nodes_and_by_lists(tmp_path):
    scale = helper.make_tensor("t", TensorProto.FLOAT, [], [0.5])  # float_data, not raw bytes
    nodes = [
        ("Constant", [], "s", {"value": scale}),
        ("Mul", ["s", "x"], "h", {}),
        ("Add", ["h", "s"], "i", {}),
        ("Gemm", ["i", "w"], "y", {}),
    ]
    model = cynn.onnx.load(written(tmp_path / "a", nodes, {"w": W[:, :3]}))
    assert model.layers == (Rescale(0.5, 0.5), Dense(3, use_bias=False))
    assert np.allclose(model.predict(X), (X + 1) / 2 @ W[:, :3], atol=1e-5)


REFUSED = {
    "an unknown operator": ([("Conv", ["x", "w"], "y", {})], "'Conv': its operator must be .*Add"),
    "an unknown activation": (
        [("Gemm", ["x", "w"], "h", {}), ("LeakyRelu", ["h"], "y", {"alpha": 0.5})],
        "node 1 is 'LeakyRelu': its attributes must be .*, got {'alpha': 0.5}",
    ),
    "rows transposed": ([("Gemm", ["x", "w"], "y", {"transA": 1})], "transA must be 0, got 1"),
    "weights that are rows": ([("MatMul", ["x", "x"], "y", {})], "be rows and a constant, got"),
    "rows that are weights": ([("MatMul", ["w", "x"], "y", {})], "rows and a constant, got a con"),
    "no weights": ([("Gemm", ["x"], "y", {})], "rows and a constant and a constant, got rows$"),
    "rows times rows": ([("Mul", ["x", "x"], "y", {})], "must be silu or mish, got another"),
    "rows and themselves": ([("Add", ["x", "x"], "y", {})], "at least one layer, got none"),
    "two branches": (
        [("Relu", ["x"], "h", {}), ("Tanh", ["x"], "t", {}), ("Add", ["h", "t"], "y", {})],
        "node 2 is 'Add': the sum .* must be a residual",
    ),
    "divided by 0": ([("Div", ["x", "z"], "y", {})], "a number with an inverse in float32"),
    "an array under": ([("Div", ["x", "b"], "y", {})], r"\(4,\), got shape \(5,\)"),
    "an input left out": ([("Gemm", ["x", "", "b"], "y", {})], "got rows and nothing and a const"),
    "weights of one axis": ([("Gemm", ["x", "b"], "y", {})], r"fit rows of shape \(4,\), got"),
    "other weights": ([("MatMul", ["x", "v"], "y", {})], r"constant must .*, got shape \(5, 3\)"),
    "another bias": ([("Gemm", ["x", "w", "c"], "y", {})], r"bias must have 5 .* shape \(3,"),
    "a bias a row": ([("Gemm", ["x", "w", "k"], "y", {})], r"bias must have 5 .* shape \(5, 1"),
    "an array added": ([("Add", ["x", "b"], "y", {})], r"must be one number, got shape \(5,\)"),
    "an array times": ([("Mul", ["x", "b"], "y", {})], r"must be one number, got shape \(5,\)"),
    "more axes": ([("Mul", ["x", "m"], "y", {})], r"must be one number, got shape \(1, 1, 1\)"),
    "flattened rows": ([("Flatten", ["x"], "y", {"axis": 0})], "axis must be 1, got 0"),
    "softmax of columns": ([("Softmax", ["x"], "y", {"axis": 0})], "must be .*, got {.axis.: 0}"),
    "an attribute": ([("Relu", ["x"], "y", {"slope": 1})], "that cynn knows, got 'slope'"),
    "an attribute more": ([("Mul", ["x", "s"], "y", {"far": 1})], "that cynn knows, got 'far'"),
    "before its time": ([("Relu", ["h"], "y", {}), ("Relu", ["x"], "h", {})], "got 'h' before"),
    "a name twice": ([("Relu", ["x"], "x", {})], "must be different, got 'x'"),
    "a constant's name": ([("Relu", ["x"], "w", {})], "must be different, got 'w'"),
    "no output": ([("Relu", ["x"], "h", {})], "got 'y' before the node that"),
    "an infinite scale": ([("Mul", ["x", "i"], "y", {})], "scale must be a finite number, got inf"),
    "columns that are no whole numbers": (
        [("Gather", ["x", "b"], "h", {"axis": 1})], "'b' must hold int64, got FLOAT"
    ),
    "columns that are not there": (
        [("Gather", ["x", "g"], "h", {"axis": 1})], "its columns must be of the 4 of a row"
    ),
    "rows taken": (
        [("Gather", ["x", "f"], "h", {"axis": 0})], "take columns of rows of one axis, got others"
    ),
    "an embedding cut short": (
        [("Gather", ["x", "f"], "h", {"axis": 1}), ("Round", ["h"], "r", {}),
         ("Concat", ["r"], "y", {"axis": 1})], "must be an embedding as cynn writes it"
    ),
    "columns that go elsewhere": (
        [("Gather", ["x", "f"], "h", {"axis": 1}), ("Tanh", ["h"], "y", {})],
        "node 1 is 'Tanh': it must be of an embedding as cynn writes it"
    ),
    "columns alone": (
        [("Gather", ["x", "f"], "h", {"axis": 1}), ("Concat", ["h"], "y", {"axis": 1})],
        "something of rows that is no layer by itself, got nothing"
    ),
    "columns in the end": ([("Gather", ["x", "f"], "y", {"axis": 1})], "output must depend on"),
    "a difference": (
        [("Relu", ["x"], "h", {}), ("Sub", ["x", "h"], "y", {})],
        "must be that of an activation and its input"
    ),
    "a difference added": (
        [("Relu", ["x"], "h", {}), ("Sub", ["h", "x"], "d", {}), ("Add", ["x", "d"], "y", {})],
        "must end a parametric activation, got another sum"
    ),
    "a sine": ([("Cos", ["x"], "y", {})], "its input must be columns on the way to an embedding"),
    "limits by computed numbers": ([("Max", ["x", "x"], "y", {})], "rows and a constant, got"),
    "another domain": (
        [("Relu", ["x"], "y", {"domain": "com.example"})],
        "node 0 is 'Relu': its domain must be .*, got 'com.example'",
    ),
    "a constant of text": ([("Constant", [], "y", {"value_string": "a"})], "must hold an array"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    nodes, message = REFUSED[name]
    constants = {
        "w": W, "v": V, "b": B, "c": C, "k": B[:, None], "m": [[[2.0]]], "s": 2.0, "i": np.inf,
        "z": 0.0, "f": np.array([1]), "g": np.array([4]),
    }  # fmt: skip
    path = written(tmp_path / "a", nodes, constants)
    with pytest.raises(OnnxFileError, match=f"^{path}: .*{message}"):
        cynn.onnx.load(path)


def test_operators_are_those_that_are_written():
    """All that `export` writes is read (test_export_and_import)."""
    written = {"Add", "Div", "Flatten", "Gemm", "Mul", "Sub"}
    written |= {"BatchNormalization", "LayerNormalization", "Clip", "Max", "Min", "MatMul"}
    written |= {"Concat", "Cos", "Equal", "Gather", "Round", "Transpose"}
    written |= {"ReduceMean", "Reshape", "Unsqueeze"}
    written |= {entry.operator for entry in TABLE.values()} - {""}
    assert set(_layers.OPERATORS) == written

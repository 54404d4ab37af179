"""Numbers far from 0: a float32 file takes off in float64 what is common to them."""

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Activation, Dense, Flatten, Normalize, Rescale

onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime")

import cynn.onnx  # noqa: E402
from cynn.onnx import OnnxFileError  # noqa: E402

SECONDS = 1.7e9 + np.arange(100.0)[:, None]
FAR = {
    "a mean": ((1,), [Normalize.adapt(SECONDS)], SECONDS),
    "one column of two": (
        (2,),
        [Normalize([5.0, 1.7e9], [2.0, 30.0])],
        np.hstack([np.arange(100.0)[:, None], SECONDS]),
    ),
    "an offset": ((1,), [Rescale(0.1, -1.7e8)], SECONDS),
    "minutes": ((1,), [Rescale(1 / 60), Normalize([1.7e9 / 60], [1.0])], SECONDS),
    "after a flattening": ((1, 1), [Flatten(), Normalize([1.7e9], [30.0])], SECONDS[:, None]),
}


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("rest", [[], [Dense(3, "tanh"), Dense(2)]], ids=["alone", "network"])
def test_far_numbers_keep_their_digits(tmp_path, name, rest):
    row, scaling, x = FAR[name]
    model = Model([*scaling, *rest], seed=0)
    wide = Model([*scaling, *rest], dtype="float64", seed=0)
    for each in (model, wide):
        each.build(row)
    wide.set_weights(model.get_weights())
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].type == "tensor(double)"
    (came,) = session.run(None, {"input": x})
    assert came.dtype == np.float32
    assert np.allclose(came, wide.predict(x), rtol=1e-5, atol=1e-5)
    loaded = cynn.onnx.load(path)
    assert loaded.dtype == np.float32 and loaded.input_shape == row
    assert loaded.layers == model.layers
    for before, after in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    "scaling",
    [
        [Rescale(1 / 255)],
        [Rescale(2 / 255, -1.0)],
        [Normalize([200.0], [1.0])],
        [Activation("relu")],
    ],
    ids=str,
)
def test_near_numbers_are_float32(tmp_path, scaling):
    model = Model([*scaling, Dense(2)])
    model.build(1)
    cynn.onnx.export(model, tmp_path / "model.onnx")
    made = onnx.load(tmp_path / "model.onnx")
    assert made.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert "Cast" not in {node.op_type for node in made.graph.node}


def after_another_layer(made, cast):
    made.graph.node[0].op_type = "Relu"
    del made.graph.node[0].input[1]


def twice(made, cast):
    node = made.graph.node.add(op_type="Cast", input=["output"], output=["more"])
    node.attribute.append(cast.attribute[0])


OTHER_CASTS = {
    "to whole numbers": lambda made, cast: setattr(cast.attribute[0], "i", 7),
    "to float64": lambda made, cast: setattr(cast.attribute[0], "i", 11),
    "after another layer": after_another_layer,
    "twice": twice,
}


@pytest.mark.parametrize("what", OTHER_CASTS)
def test_other_casts_are_refused(tmp_path, what):
    model = Model([Normalize([1.7e9], [30.0]), Dense(2)])
    model.build(1)
    path = tmp_path / "model.onnx"
    cynn.onnx.export(model, path)
    made = onnx.load(path)
    (cast,) = (node for node in made.graph.node if node.op_type == "Cast")
    OTHER_CASTS[what](made, cast)
    onnx.save(made, path)
    with pytest.raises(OnnxFileError, match="is 'Cast': it must make float32 of a float64 input"):
        cynn.onnx.load(path)

"""What holds for every layer of a model, by one example of each."""

import math

import numpy as np
import pytest

from cynn import Model, convert, layers
from cynn.layers import Dense
from cynn.optimizers import SGD
from layer_examples import COLUMNS, EXAMPLES, by_layer
from models import bits, blobs

X, Y = blobs(n_inputs=COLUMNS)


def model_of(layer, dtype="float32"):
    model = Model([layer, Dense(COLUMNS, "tanh"), layer, Dense(3, "softmax")], dtype=dtype, seed=0)
    model.compile(SGD(0.05, 0.9), "cross_entropy")
    model.build(COLUMNS)
    return model


def all_bits(model):
    return bits(model) + b"".join(part.tobytes() for part in model.get_state())


def test_every_layer_has_its_example():
    missing = {kind.__name__ for kind in layers.LAYERS} - {type(one).__name__ for one in EXAMPLES}
    assert not missing, f"tests/helpers/layer_examples.py: EXAMPLES has no {sorted(missing)}"


@pytest.mark.parametrize(**by_layer)
def test_weights_by_name_and_in_the_summary(layer, capsys):
    model = model_of(layer)
    shapes = layer.weight_shapes(COLUMNS)
    names = [f"layer0.{name}" for name in layer.weight_names()]
    named = model.named_weights()
    assert [name for name in named if name.startswith("layer0.")] == names
    assert [named[name].shape for name in names] == shapes
    assert [w.shape for w in model.get_weights()[: len(shapes)]] == shapes
    model.summary()
    line = capsys.readouterr().out.splitlines()[2]
    assert line.startswith(f"{type(layer).__name__}(")
    assert line.endswith(f" {sum(map(math.prod, shapes)):,}")
    other = [w + 1 for w in model.get_weights()]
    model.set_weights(other)
    for came, wanted in zip(model.get_weights(), other, strict=True):
        np.testing.assert_array_equal(came, wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(**by_layer)
def test_training_resumes_from_a_file(layer, dtype, tmp_path):
    whole, half = model_of(layer, dtype), model_of(layer, dtype)
    before = half.get_weights()
    whole.fit(X, Y, epochs=4, batch_size=32, verbose=0)
    half.fit(X, Y, epochs=2, batch_size=32, verbose=0)
    for w, b in zip(half.get_weights(), before, strict=True):
        assert not np.array_equal(w, b)  # all of them learn
    half.save(tmp_path / "half")
    loaded = Model.load(tmp_path / "half")
    assert loaded.layers == half.layers and all_bits(loaded) == all_bits(half)
    assert loaded.predict(X).tobytes() == half.predict(X).tobytes()
    loaded.fit(X, Y, epochs=4, initial_epoch=2, batch_size=32, verbose=0)
    assert all_bits(loaded) == all_bits(whole)


@pytest.mark.parametrize(
    "layer",
    [one for one in EXAMPLES if not isinstance(one, Dense)],
    ids=lambda one: type(one).__name__,
)
def test_weights_of_other_libraries_fill_dense_layers_only(layer):
    state = {}
    for name, units in (("a", COLUMNS), ("b", 3)):
        state |= {f"{name}.weight": np.ones((units, COLUMNS)), f"{name}.bias": np.ones(units)}
    model = model_of(layer)
    if layer.weight_names():
        with pytest.raises(ValueError, match="must have weights in Dense layers only"):
            convert.set_state_dict(model, state)
    else:
        convert.set_state_dict(model, state)
        assert (model.get_weights()[0] == 1).all()

"""What is in a model file: the same bytes for equal models, and nothing that does not belong."""

import contextlib
import copy
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

from cynn import Model, layers, storage
from cynn._specs import spec
from cynn.callbacks import ModelCheckpoint
from cynn.layers import Activation, BatchNorm, Dense, Residual
from cynn.optimizers import SGD, Adam
from cynn.schedules import Constant, Then, Warmup
from cynn.storage import ModelFileError
from cynn.tables import Classes, Numeric, TableEncoder
from models import bits, blobs, trained

X, Y = blobs()

# A model that no random numbers, kernels or rounding have touched.
MADE = """
import hashlib, sys
import numpy as np
from cynn import Model
from cynn.layers import BatchNorm, Dense
model = Model([Dense(3, "relu", name="\\u00e9"), BatchNorm(), Dense(2, "softmax")], seed=5)
model.compile("nadam", "cross_entropy", ["accuracy"])
model.build(2)
model.set_weights([np.arange(w.size).reshape(w.shape) / 8 for w in model.get_weights()])
model.set_optimizer_state([np.full_like(s, 0.5) for s in model.get_optimizer_state()[:-2]])
model.callback_state = {"b": {"z": 1, "a": 2}, "a": {"best": 3}}
model.training = {"seed": 1, "of": "a table"}
model.save(sys.argv[1])
print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
"""
CHECKSUM = "67411557babb19cfac590b950d261772866a44223124a31b73432667fc57997e"


@pytest.mark.parametrize("seed", ["0", "1"])
def test_equal_models_give_equal_files(tmp_path, seed):
    """In any process, and in any version until a layer or an optimizer gains an argument."""
    command = [sys.executable, "-c", MADE, str(tmp_path / "made")]
    environment = os.environ | {"PYTHONHASHSEED": seed}
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert output.stdout.strip() == CHECKSUM


def test_the_order_in_which_things_were_set_does_not_matter(tmp_path):
    model = trained()
    model.training = {"a": 1, "b": 2}
    model.callback_state = {"one": {"a": 1.0, "b": 2.0}, "two": {"c": 3.0}}
    model.callback_weights = {name: model.get_learned() for name in ("one", "two")}
    other = copy.deepcopy(model)
    for name in ("training", "callback_state", "callback_weights"):
        setattr(other, name, dict(reversed(getattr(other, name).items())))
    model.save(tmp_path / "model")
    other.save(tmp_path / "other")
    Model.load(tmp_path / "model").save(tmp_path / "again")
    whole = (tmp_path / "model").read_bytes()
    assert (tmp_path / "other").read_bytes() == whole == (tmp_path / "again").read_bytes()


def test_the_library_of_the_format_agrees(tmp_path):
    numpy_files = pytest.importorskip("safetensors.numpy")
    model = trained(dtype="float64")
    model.save(tmp_path / "model")
    arrays = numpy_files.load_file(tmp_path / "model")
    named = model.named_weights()
    assert all(np.array_equal(arrays[name], array) for name, array in named.items())
    assert {f"state.velocity.{name}" for name in named} == arrays.keys() - named.keys()
    with storage.reading(tmp_path / "model") as file:
        description = json.dumps(file.model)
    metadata = {"format": "cynn", "version": "1", "model": description}
    numpy_files.save_file(arrays, tmp_path / "other", metadata)
    assert bits(Model.load(tmp_path / "other")) == bits(model)


# ---- whatever is saved loads --------------------------------------------------------------------


def spoiled(number):
    model = Model([Dense(4), BatchNorm(), Dense(3, "softmax")], seed=0)
    model.compile(Adam(), "cross_entropy")
    model.fit(X, Y, verbose=0)
    model.set_weights([np.full_like(w, number) for w in model.get_weights()])
    model.set_state([np.full_like(s, abs(number)) for s in model.get_state()])
    *slots, updates = model.get_optimizer_state()
    model.set_optimizer_state([*(np.full_like(s, number) for s in slots), updates])
    model.callback_weights = {"kept": model.get_learned()}
    return model


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, -0.0, 1e-45])
def test_any_numbers_go_there_and_back(tmp_path, number):
    model = spoiled(number)
    model.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert loaded.callback_weights["kept"].tobytes() == model.get_learned().tobytes()
    for again in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for get in ("get_weights", "get_state", "get_optimizer_state"):
            for a, b in zip(getattr(again, get)(), getattr(model, get)(), strict=True):
                assert np.array_equal(a, b, equal_nan=True)
    model.set_learned(model.get_learned())


def test_an_overflow_in_training_is_saved(tmp_path):
    """The variance of the batch overflows float32, and the running one becomes NaN."""
    model = Model([BatchNorm(), Dense(1)], seed=0)
    model.compile(SGD(1e-3), "mse")
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    x[3, 0] = 9.97e36
    with warnings.catch_warnings(), contextlib.suppress(FloatingPointError):
        warnings.simplefilter("ignore")
        model.fit(x, x[:, 1], epochs=3, verbose=0)
    model.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    for a, b in zip(loaded.get_state(), copy.deepcopy(model).get_state(), strict=True):
        assert np.array_equal(a, b, equal_nan=True)


def test_a_negative_variance_is_none():
    model = spoiled(1.0)
    mean, variance = model.get_state()
    with pytest.raises(ValueError, match=r"state\[1\] must hold variances, got negative"):
        model.set_state([mean, -variance])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 2**64, "epochs must be less than"),
        ("epochs", -1, "epochs must be"),
        ("rate_factor", float("inf"), "rate_factor must be"),
        ("callback_state", {"a": {"best": float("nan")}}, "best must be a finite number"),
        ("callback_weights", {"a": np.zeros(3)}, r"'callback\.a' must be"),
    ],
)
def test_what_load_refuses_is_not_saved(tmp_path, name, value, message):
    model = trained()
    setattr(model, name, value)
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


# ---- limits -------------------------------------------------------------------------------------


def nested(depth):
    layer = {"class": "Dense", "units": 4}
    for _ in range(depth):
        layer = {"class": "Residual", "layers": [layer]}
    return layer


def with_layers(path, described):
    description = {
        "layers": described,
        "dtype": "float32",
        "seed": 0,
        "epochs": 0,
        "input_shape": [4],
        "loss": None,
        "optimizer": None,
        "metrics": [],
    }
    storage.write(path, description, {})
    return path


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ([{"class": "Flatten"}] * 10_001, "at most 10000"),
        ([{"class": "Residual", "layers": [{"class": "Flatten"}] * 10_000}], "at most 10000"),
        ([nested(32)], "at most 32 deep"),
        ([nested(400)], "at most 32 deep"),
    ],
)
def test_too_many_layers(tmp_path, monkeypatch, described, message):
    """Refused before one is made."""
    path = with_layers(tmp_path / "model", described)
    monkeypatch.setattr(layers, "from_dict", None)
    with pytest.raises(ModelFileError, match=message):
        Model.load(path)


def test_a_model_of_too_many_layers_cannot_be_made(tmp_path, monkeypatch):
    for many in ([Activation("relu")] * 10_001, (Dense(1) for _ in iter(int, 1))):
        with pytest.raises(ValueError, match="layers must be at most 10000"):
            Model(many)
    layer = Dense(4)
    for _ in range(31):
        layer = Residual([layer])
    model = Model([layer], seed=0)
    model.build(4)
    model.save(tmp_path / "model")
    for again in (Model.load(tmp_path / "model"), copy.deepcopy(model)):
        assert again.layers == model.layers and bits(again) == bits(model)
    with pytest.raises(ValueError, match="layers must be nested at most 32 deep"):
        Model([Residual([layer])])
    with pytest.raises(ValueError, match="layers must be nested at most 32 deep"):
        Residual([Residual([layer])])
    schedule = Constant(0.1)
    with pytest.raises(ValueError, match="must be nested at most 32 deep"):
        for _ in range(40):
            schedule = Warmup(schedule)
    schedule = Constant(0.1)
    monkeypatch.setattr(spec, "MOST_PARTS", 1000)
    with pytest.raises(ValueError, match="must be at most 1000 with"):
        for _ in range(40):  # each holds the one before twice: they double
            schedule = Then(schedule, schedule)


def test_too_many_columns(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="columns must be at most 65536"):
        TableEncoder([Numeric("a", 0, 1)] * 65_537, Classes("b", ["c", "d"]))
    model = Model([Dense(2)], seed=0)
    model.build(1)
    model.table = TableEncoder([Numeric("a", 0, 1)], Classes("b", ["c", "d"]))
    model.save(tmp_path / "model")
    with storage.reading(tmp_path / "model") as file:
        description = file.model
        arrays = {name: file.read(name) for name in file.shapes}
    description["table"]["columns"] *= 65_536
    storage.write(tmp_path / "model", description, arrays)
    monkeypatch.setattr("cynn.tables._columns.Numeric.__init__", None)
    with pytest.raises(ModelFileError, match="at most 65536"):
        Model.load(tmp_path / "model")


@pytest.mark.parametrize("make", [list, lambda sizes: Model([Dense(2)], seed=0).build(sizes)])
def test_too_many_axes(tmp_path, make):
    sizes = [2**62] * 32
    if make is list:
        path = with_layers(tmp_path / "model", [{"class": "Flatten"}])
        with storage.reading(path) as file:
            description = file.model | {"input_shape": sizes}
        storage.write(path, description, {})
        with pytest.raises(ModelFileError, match="input_shape must have at most 31 axes"):
            Model.load(path)
    else:
        with pytest.raises(ValueError, match="input_shape must have at most 31 axes"):
            make(sizes)


# ---- reading and writing ------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 100, -1])
def test_a_file_that_is_cut_short_while_it_is_read(tmp_path, monkeypatch, left):
    path = tmp_path / "model"
    trained(hidden=2000).save(path)
    size = path.stat().st_size

    def cut(self, shape):
        os.truncate(path, left if left >= 0 else size + left)
        take(self, shape)

    take = Model._take_network
    monkeypatch.setattr(Model, "_take_network", cut)
    with pytest.raises(ModelFileError, match="must be whole, got a part"):
        Model.load(path)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_memory(tmp_path, monkeypatch, optimizer):
    """Beside the network, the weights once more for a save, a piece of them for a load."""
    path = tmp_path / "model"
    model = Model([Dense(1000, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(optimizer, "cross_entropy")
    model.build(1000)
    model.save(path)
    size = path.stat().st_size
    Model.load(path)
    monkeypatch.setattr(storage, "PIECE", 1000)
    for work, most in ((lambda: model.save(path), 1.1), (lambda: Model.load(path), 0.1)):
        tracemalloc.start()
        try:
            work()
            assert tracemalloc.get_traced_memory()[1] < most * size
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("piece", [1, 7, 64, 10**6])
def test_a_file_is_read_in_pieces(tmp_path, monkeypatch, piece):
    model = spoiled(1.0)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    *slots, updates = model.get_optimizer_state()
    model.set_optimizer_state([*(rng.normal(size=s.shape) for s in slots), updates])
    model.save(tmp_path / "model")
    monkeypatch.setattr(storage, "PIECE", piece)
    loaded = Model.load(tmp_path / "model")
    assert bits(loaded) == bits(model) and loaded.predict(X).tobytes() == model.predict(X).tobytes()


@pytest.mark.parametrize(
    "name",
    ["m.keras", "m.h5", "m.HDF5", "m.onnx", "m.pt", "m.pth", "m.pkl", "a.b/m.joblib", b"m.npz"],
)
def test_names_of_other_formats(tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), name) if isinstance(name, bytes) else tmp_path / name
    for action in (trained().save, ModelCheckpoint):
        with pytest.raises(ValueError, match=r"path must end in .safetensors .*cynn\.onnx\.export"):
            action(path)
    assert list(tmp_path.iterdir()) == []

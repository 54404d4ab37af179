"""Model files: what was saved comes back; what is no whole model is refused; nothing is half written."""

import errno
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cynn import Model, storage
from cynn.layers import Activation, Dense, Flatten, Rescale
from cynn.losses import CrossEntropy, MeanSquaredError
from cynn.metrics import Metric
from cynn.optimizers import SGD
from cynn.schedules import Cosine, Schedule
from cynn.storage import ModelFileError
from models import bits, blobs, classifier, image_model, images, trained

X, Y = blobs()


# ---- there and back -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_of_a_model_comes_back(tmp_path, dtype):
    layers = [
        Flatten(name="é \u4f60 \"'\n"),
        Rescale(1 / 3, -0.1),
        Dense(7, "leaky_relu", kernel_initializer="he_normal"),
        Activation("tanh"),
        Dense(3, bias_initializer="lecun_uniform"),
    ]
    model = Model(layers, dtype=dtype, seed=2**70)
    optimizer = SGD(Cosine(0.1, warmup=0.1), 0.9, nesterov=True, weight_decay=1e-4)
    model.compile(optimizer, CrossEntropy(from_logits=True), ["accuracy"])
    x = X.reshape(90, 2, 2)
    model.fit(x, Y, epochs=3, verbose=0)
    model.save(tmp_path / "model")
    loaded = Model.load(str(tmp_path / "model"))
    assert repr(loaded) == repr(model) and loaded.layers == model.layers
    assert (loaded.optimizer, loaded.loss) == (optimizer, model.loss)
    assert (loaded.epochs, loaded.input_shape, loaded.dtype) == (3, (2, 2), dtype)
    assert [metric.name for metric in loaded.metrics] == ["accuracy"]
    assert bits(loaded) == bits(model)
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()
    for each in (model, loaded):
        each.fit(x, Y, epochs=2, verbose=0)
    assert bits(loaded) == bits(model)  # momentum and the order of the rows too


def test_what_was_not_compiled_and_what_has_no_weights(tmp_path):
    path = tmp_path / "model"
    raw = Model([Dense(3, "softmax")], seed=0)
    raw.build(4)
    raw.save(path)
    loaded = Model.load(path)
    assert loaded.loss is None and np.array_equal(loaded.predict(X), raw.predict(X))
    empty = Model([Flatten(), Activation("relu")], seed=0)
    empty.build((2, 2))
    empty.save(path)
    assert np.array_equal(Model.load(path).predict(X), np.maximum(X, 0))
    spoiled = trained()
    spoiled.set_weights([np.full_like(w, np.nan) for w in spoiled.get_weights()])
    spoiled.save(path)
    assert bits(Model.load(path)) == bits(spoiled)


def test_a_file_moves_between_targets(tmp_path, compiled, monkeypatch):
    model = trained(dtype=compiled.dtype)
    model.save(tmp_path / "model")
    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    loaded = Model.load(tmp_path / "model")
    assert bits(loaded) == bits(model)
    assert np.allclose(loaded.predict(X), model.predict(X), atol=1e-5)


def test_arrays_of_any_layout(tmp_path):
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    arrays = {"c": wide, "fortran": np.asfortranarray(wide), "turned": wide.T, "some": wide[::2, ::-3]}
    storage.write(tmp_path / "file", {}, arrays)
    with storage.reading(tmp_path / "file") as file:
        for name, array in arrays.items():
            assert np.array_equal(file.read(name), array)
            assert file.shapes[name] == (array.shape, "F32")


def test_what_a_file_does_not_carry(tmp_path):
    class Halving(Schedule):
        def at(self, steps, total_steps):
            return 0.5 ** (steps // 100)

    class Mine(MeanSquaredError):
        pass

    class Confidence(Metric):
        name = "confidence"

        def score(self, y, prediction):
            return prediction.max(axis=1)

    class Wide(Dense):
        pass

    path = tmp_path / "model"
    model = classifier(metrics=["accuracy", Confidence()])
    model.fit(X, Y, verbose=0)
    model.save(path)
    assert [metric.name for metric in Model.load(path).metrics] == ["accuracy"]
    for optimizer, loss in ((SGD(Halving(), 0.9), "cross_entropy"), (SGD(0.1, 0.9), Mine())):
        model.compile(optimizer, loss)
        model.fit(X, np.eye(3)[Y], verbose=0)
        with pytest.warns(UserWarning, match="are left out, call compile after load") as caught:
            model.save(path)
        assert caught[0].filename == __file__
        loaded = Model.load(path)
        assert loaded.loss is None and loaded.predict(X).tobytes() == model.predict(X).tobytes()
    model = Model([Wide(3)], seed=0)
    model.build(4)
    with pytest.raises(ValueError, match=r"layers\[0\] is Wide\(3\): a model file carries"):
        model.save(tmp_path / "never")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


# ---- writing ------------------------------------------------------------------------------------


def test_paths(tmp_path, monkeypatch):
    model = trained()
    monkeypatch.chdir(tmp_path)
    long = "n" * 255
    for path in ("plain", b"bytes", Path("path"), "a b\n\u00e9", long, ".hidden"):
        model.save(path)
        assert bits(Model.load(path)) == bits(model)
    assert len(os.listdir()) == 6
    for bad in (None, 5, ["a"]):
        with pytest.raises(TypeError):
            model.save(bad)
        with pytest.raises(TypeError):
            Model.load(bad)


@pytest.mark.skipif(os.name != "posix", reason="links, modes and devices of POSIX")
def test_links_modes_and_devices(tmp_path):
    model = trained()
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    umask = os.umask(0o027)
    try:
        model.save(link)
    finally:
        os.umask(umask)
    assert link.is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    real.chmod(0o600)
    model.save(link)
    assert stat.S_IMODE(real.stat().st_mode) == 0o600  # what was private stays so
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="something else than a file"):
            model.save(path)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    for path in ("/dev/null", tmp_path / "pipe"):
        with pytest.raises(ModelFileError, match="no regular file"):
            Model.load(path)
    with pytest.raises(IsADirectoryError):
        Model.load(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_places_that_are_not_there(tmp_path):
    model = trained()
    for action in (model.save, Model.load, storage.try_to_write):
        with pytest.raises(FileNotFoundError) as caught:
            action(tmp_path / "absent" / "model")
        assert "absent" in str(caught.value) and ".part" not in str(caught.value)
    storage.try_to_write(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    if os.name == "posix" and os.getuid() != 0:  # root may write everywhere
        tmp_path.chmod(0o500)
        for action in (model.save, storage.try_to_write):
            with pytest.raises(PermissionError):
                action(tmp_path / "model")


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_what_was_there_stays_when_writing_fails(tmp_path, monkeypatch, step, error):
    path = tmp_path / "model"
    first = trained()
    first.save(path)

    def fail(*_):
        raise error

    monkeypatch.setattr(storage.os, step, fail)
    with pytest.raises(type(error)) as caught:
        trained(epochs=5).save(path)
    assert isinstance(error, KeyboardInterrupt) or caught.value.filename == str(path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == [path] and bits(Model.load(path)) == bits(first)


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="no small file system at hand")
def test_a_full_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k", "cynn-test", str(folder)]
    if os.getuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("only root can make a small file system")
    try:
        small, large = trained(), trained(hidden=20_000)
        small.save(folder / "model")
        with pytest.raises(OSError) as caught:
            large.save(folder / "model")
        assert caught.value.errno == errno.ENOSPC
        assert os.listdir(folder) == ["model"]
        assert bits(Model.load(folder / "model")) == bits(small)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


SAVER = """
import sys
from models import trained
model = trained(hidden=200_000)
print("ready", flush=True)
while True:
    model.save(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by a POSIX signal")
def test_a_killed_save_and_a_load_meanwhile(tmp_path):
    """Whoever loads while another saves gets the old or the new model, whole; a kill changes nothing."""
    path = tmp_path / "model"
    old = trained()
    old.save(path)
    loaded = []
    for _ in range(2):
        command = [sys.executable, "-c", SAVER, str(path)]
        folder = Path(__file__).parent
        child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder)
        try:
            assert child.stdout.readline() == b"ready\n"
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                loaded.append(Model.load(path).layers[0].units)
        finally:
            child.kill()
            child.communicate()
        loaded.append(Model.load(path).layers[0].units)
    assert set(loaded) <= {8, 200_000} and loaded[-1] == 200_000
    assert all(entry.name.startswith("model") for entry in tmp_path.iterdir())


# ---- reading ------------------------------------------------------------------------------------


def made(folder):
    model = image_model()
    model.fit(*images(), verbose=0)
    model.save(folder / "model")
    return (folder / "model").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made(tmp_path_factory.mktemp("whole"))


def with_header(whole, change, body=None):
    """Change the header, a dictionary; `model` in its metadata is one too."""
    n = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + n])
    about = header["__metadata__"]
    about["model"] = json.loads(about["model"])
    change(header)
    if not isinstance(about.get("model"), (str, type(None))):
        about["model"] = json.dumps(about["model"])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + (whole[8 + n :] if body is None else body)


def load(folder, data):
    path = folder / "damaged"
    path.write_bytes(data)
    return Model.load(path)


def said(change):
    return lambda header: change(header["__metadata__"]["model"])


def layer(i, **named):
    return said(lambda model: model["layers"][i].update(named))


def deep(header):
    header["__metadata__"]["model"] = "[" * 100_000 + "]" * 100_000


CHANGES = {
    "another format": (lambda h: h["__metadata__"].update(format="pt"), "not written by cynn"),
    "no metadata": (lambda h: h.pop("__metadata__"), "not written by cynn"),
    "from the future": (lambda h: h["__metadata__"].update(version="2"), "a newer cynn may"),
    "no description": (lambda h: h["__metadata__"].pop("model"), "description is no JSON"),
    "no object": (lambda h: h["__metadata__"].update(model=[1]), "no JSON object"),
    "nested deep": (deep, "description is no JSON"),
    "long": (lambda h: h["__metadata__"].update(model=" " * (1 << 20) + "{}"), "characters"),
    "no layers": (said(lambda m: m.pop("layers")), "KeyError .*'layers'"),
    "layers none": (said(lambda m: m.update(layers=[])), "at least one layer"),
    "layers a number": (said(lambda m: m.update(layers=3)), "TypeError"),
    "unknown layer": (layer(2, **{"class": "Convolution"}), "class must be one of"),
    "unknown argument": (layer(2, units2=3), "has no argument 'units2'"),
    "units of text": (layer(2, units="4"), "units must be a positive integer"),
    "huge units": (layer(2, units=2**40), r"'layer2.weight' should be"),
    "huger units": (layer(2, units=10**30), r"'layer2.weight' should be"),
    "units by one": (layer(2, units=5), r"'layer2.weight' should be"),
    "NaN": (layer(1, scale=float("nan")), "scale must be"),
    "code": (layer(2, activation="__import__('os')"), "activation must be one of"),
    "another type": (said(lambda m: m.update(dtype="float64")), "'layer2.weight' should be"),
    "no type": (said(lambda m: m.update(dtype="int8")), "dtype must be float32 or float64"),
    "shape of text": (said(lambda m: m.update(input_shape="8")), "input_shape must be a tuple"),
    "huge shape": (said(lambda m: m.update(input_shape=[2**40, 2**40])), "should be"),
    "negative shape": (said(lambda m: m.update(input_shape=[-8, -8])), "input_shape"),
    "negative epochs": (said(lambda m: m.update(epochs=-1)), "epochs must be"),
    "a seed of text": (said(lambda m: m.update(seed="0")), "seed must be"),
    "no optimizer": (said(lambda m: m.update(optimizer=None)), "a spec must be a dictionary"),
    "metrics of text": (said(lambda m: m.update(metrics="accuracy")), "metrics must be a list"),
    "an array less": (lambda h: h.pop("layer2.bias"), "not a cynn model"),
    "an array renamed": (lambda h: h.update(x=h.pop("layer2.bias")), "'layer2.bias' should be"),
    "half a state": (lambda h: h.update(x=h.pop("velocity.layer2.bias")), "'velocity.layer2.bias'"),
    "another shape": (lambda h: h["layer2.weight"].update(shape=[4, 64]), r"got \(\(4, 64\), 'F32'"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_header_that_does_not_fit(tmp_path, whole, what):
    change, message = CHANGES[what]
    with pytest.raises(ModelFileError, match=f"is not a cynn model: .*{message}"):
        load(tmp_path, with_header(whole, change))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"<!DOCTYPE html><html></html>" * 9, b"\x89PNG\r\n\x1a\n" + bytes(99), bytes(99)]
    + [struct.pack("<Q", n) + b"{}" for n in (0, 1, 2, 3, 10**8, 2**63, 2**64 - 1)]
    + [struct.pack("<Q", 4) + b"null", struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc"],
)
def test_what_is_no_such_file_at_all(tmp_path, data):
    with pytest.raises(ModelFileError, match="is not a cynn model"):
        load(tmp_path, data)


def test_cut_short_or_too_long(tmp_path, whole):
    assert load(tmp_path, whole).epochs == 1
    for length in [*range(0, len(whole), 53), len(whole) - 1]:
        with pytest.raises(ModelFileError):
            load(tmp_path, whole[:length])
    with pytest.raises(ModelFileError):
        load(tmp_path, whole + b"\0")


def test_no_memory_is_taken_for_what_is_not_there(tmp_path, whole):
    import tracemalloc

    tracemalloc.start()
    try:
        for what in ("huge units", "huge shape", "another shape"):
            with pytest.raises(ModelFileError):
                load(tmp_path, with_header(whole, CHANGES[what][0]))
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nothing_else_escapes(tmp_path_factory, whole, data):
    """Whatever happens to a file, loading gives a model that predicts, or the one error."""
    n = struct.unpack("<Q", whole[:8])[0]
    if data.draw(st.booleans()):
        damaged = bytearray(whole)
        for at in data.draw(st.lists(st.integers(0, n + 8), min_size=1, max_size=4)):
            damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    else:

        def change(header):
            inner = header["__metadata__"]["model"]
            for _ in range(data.draw(st.integers(0, 4))):
                if isinstance(inner, (dict, list)) and inner:
                    keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
                    key = data.draw(st.sampled_from(keys))
                    if data.draw(st.booleans()):
                        inner[key] = data.draw(VALUES)
                        return
                    inner = inner[key]

        damaged = with_header(whole, change)
    folder = tmp_path_factory.getbasetemp()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = load(folder, bytes(damaged))
    except ModelFileError:
        return
    if np.prod(model.input_shape, dtype=float) < 1e6:
        assert len(model.predict(np.zeros((2, *model.input_shape)))) == 2

"""Model files: they round-trip, and none is ever half written."""

import copy
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cynn import Model, storage
from cynn._runtime import atomic_files
from cynn.layers import Activation, Dense, Flatten, Rescale
from cynn.losses import CrossEntropy, MeanSquaredError
from cynn.metrics import Metric
from cynn.optimizers import SGD
from cynn.schedules import Cosine, Schedule
from cynn.storage import ModelFileError
from models import bits, blobs, classifier, trained
from places import HELPERS

X, Y = blobs()


# ---- there and back -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_round_trips(tmp_path, dtype):
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
    assert bits(loaded) == bits(model)  # velocity and the order of the rows too


def test_models_without_compilation_or_weights(tmp_path):
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


def test_what_a_training_says_of_itself(tmp_path):
    model = trained()
    assert model.training == {}
    model.training = {"table": "a1b2\u00e9", "seed": np.int64(3), "held out": 0.25, "big": 2**70}
    model.save(tmp_path / "model")
    wanted = {"table": "a1b2\u00e9", "seed": 3, "held out": 0.25, "big": 2**70}
    for again in (Model.load(tmp_path / "model"), copy.deepcopy(model)):
        assert again.training == wanted and type(again.training["held out"]) is float
    for bad in (
        [1],
        {"a": None},
        {"a": True},
        {"a": {}},
        {"a": float("nan")},
        {"a": 10**400},
        {1: "a"},
        {"a": "b" * 10_001},
        {"a" * 10_001: 1},
        {str(i): i for i in range(101)},
    ):
        model.training = bad
        with pytest.raises((TypeError, ValueError), match="training"):
            model.save(tmp_path / "model")
    assert Model.load(tmp_path / "model").training == wanted


def test_a_file_moves_between_targets(tmp_path, compiled, monkeypatch):
    model = trained(dtype=compiled.dtype)
    model.save(tmp_path / "model")
    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    loaded = Model.load(tmp_path / "model")
    assert bits(loaded) == bits(model)
    assert np.allclose(loaded.predict(X), model.predict(X), atol=1e-5)


def test_arrays_of_any_layout(tmp_path):
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    arrays = {"c": wide, "f": np.asfortranarray(wide), "turned": wide.T, "some": wide[::2, ::-3]}
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
    with pytest.raises(ValueError, match=r"layers\[0\] must be .* got Wide\(3\)"):
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
    assert stat.S_IMODE(real.stat().st_mode) == 0o600  # a private file stays private
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="is not a regular file"):
            model.save(path)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    for path in ("/dev/null", tmp_path / "pipe"):
        with pytest.raises(ModelFileError, match="must be a regular file"):
            Model.load(path)
    with pytest.raises(IsADirectoryError):
        Model.load(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_missing_folders(tmp_path):
    model = trained()
    for action in (model.save, Model.load, atomic_files.try_to_write):
        with pytest.raises(FileNotFoundError) as caught:
            action(tmp_path / "absent" / "model")
        assert "absent" in str(caught.value) and ".part" not in str(caught.value)
    atomic_files.try_to_write(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    if os.name == "posix" and os.getuid() != 0:  # root may write everywhere
        tmp_path.chmod(0o500)
        for action in (model.save, atomic_files.try_to_write):
            with pytest.raises(PermissionError):
                action(tmp_path / "model")


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch, step, error):
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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a tmpfs")
def test_a_full_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k", "cynn-test", str(folder)]
    if not shutil.which("mount"):
        pytest.skip("no mount here")
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("this user cannot mount a small file system")
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
def test_a_killed_save_and_a_concurrent_load(tmp_path):
    """A load during a save returns the old or the new model; a killed save changes nothing."""
    path = tmp_path / "model"
    old = trained()
    old.save(path)
    loaded = []
    for _ in range(2):
        command = [sys.executable, "-c", SAVER, str(path)]
        found = os.environ | {"PYTHONPATH": str(HELPERS)}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, env=found)
        try:
            assert child.stdout.readline() == b"ready\n"
            until = time.monotonic() + 0.3
            while time.monotonic() < until or (loaded[-1] != 200_000 and child.poll() is None):
                loaded.append(Model.load(path).layers[0].units)
        finally:
            child.kill()
            child.communicate()
        loaded.append(Model.load(path).layers[0].units)
    assert set(loaded) <= {8, 200_000} and loaded[-1] == 200_000
    assert all(entry.name.startswith("model") for entry in tmp_path.iterdir())

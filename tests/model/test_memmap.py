"""Rows in a file larger than memory, and slices of rows that are not copied."""

import tracemalloc

import numpy as np
import pytest

from cynn import Model
from cynn._data.inputs import Converted, row_array
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD
from models import bits, blobs, classifier, python

X, Y = blobs()
WEIGHT = np.arange(90) % 3 + 0.5


def file_of(path, x):
    found = np.memmap(path / "rows", x.dtype, "w+", shape=x.shape)
    found[:] = x
    return found


def everything(x, **named):
    model = classifier(dtype=named.pop("dtype", "float32"))
    history = model.fit(x, Y, epochs=2, verbose=0, **named)
    measured = model.evaluate(x, Y, sample_weight=WEIGHT)
    return bits(model), history.history, measured, model.predict(x).tobytes()


@pytest.mark.parametrize("dtype", ["u1", "<f4", "f8", ">f4", "i2", "i8", "f2"])
@pytest.mark.parametrize("numbers", [1 << 21, 1000, 1])  # in a part of an epoch
def test_a_memory_mapped_file_trains_as_the_array_does(tmp_path, monkeypatch, dtype, numbers):
    x = np.abs(np.round(X)).astype(dtype)
    wanted = everything(x, sample_weight=WEIGHT, validation_split=0.25)
    monkeypatch.setattr("cynn._model.loops.SLICE_NUMBERS", numbers)
    monkeypatch.setattr("cynn._model.loops.SMALL_WORK", 0)
    got = everything(file_of(tmp_path, x), sample_weight=WEIGHT, validation_split=0.25)
    assert (got[0], got[3]) == (wanted[0], wanted[3])
    assert got[2] == pytest.approx(wanted[2])
    for name, values in wanted[1].items():
        assert got[1][name] == pytest.approx(values)


def test_strided_images_of_a_file(tmp_path):
    x = np.arange(90 * 4 * 6, dtype=np.uint8).reshape(90, 4, 6)

    def run(x):
        model = Model([Flatten(), Rescale(1 / 255), Dense(3, "softmax")], seed=0)
        model.compile(SGD(0.1))
        model.fit(x, Y, batch_size=7, verbose=0)
        return bits(model), model.predict(x).tobytes()

    assert run(file_of(tmp_path, x)[:, :, ::2]) == run(x[:, :, ::2])


def test_only_rows_that_lie_one_after_the_other_are_taken_as_they_are(tmp_path):
    x = file_of(tmp_path, np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5))

    def rows(x):
        return row_array(
            "x", x, np.dtype("float32"), (4, 5) if x.ndim == 3 else (20,), flattens=True
        )

    taken = rows(x)
    assert np.shares_memory(taken, x) and taken.shape == (6, 20)
    for view in (x[::2], x[::-1], x[:, ::-1]):
        assert isinstance(rows(view), Converted)  # a file may be larger than memory
    assert np.shares_memory(rows(x.reshape(6, 20)[::2]), x)  # of flat rows any strides


def test_a_bad_row_of_a_file(tmp_path):
    x = X.astype(">f8")
    x[7, 2] = np.nan
    with pytest.raises(ValueError, match="^x must hold numbers that are finite .* row 7, column 2"):
        everything(file_of(tmp_path, x))


@pytest.mark.parametrize("weights", ["balanced", {0: 3.0, 1: 0.5}])
def test_a_validation_split_of_a_file(weights):
    from cynn.preprocessing import train_validation_split

    model, apart = classifier(), classifier()
    named = {"epochs": 2, "class_weight": weights, "verbose": 0}
    history = model.fit(X, Y, sample_weight=WEIGHT, validation_split=0.3, **named)
    kept, held = train_validation_split(np.arange(90), fraction=0.3, seed=0)
    other = apart.fit(
        X[kept], Y[kept], sample_weight=WEIGHT[kept],
        validation_data=(X[held], Y[held], WEIGHT[held]), **named,
    )  # fmt: skip
    assert bits(model) == bits(apart) and history.history == other.history


@pytest.mark.parametrize("dtype", ["u1", "f4", "i2"])
def test_the_rows_of_a_file_are_never_in_memory_as_a_whole(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr("cynn._model.loops.SLICE_NUMBERS", 1 << 16)
    monkeypatch.setattr("cynn._data.inputs.FINITE_BLOCK", 1 << 16)
    x = np.memmap(tmp_path / "rows", dtype, "w+", shape=(20_000, 256))
    y = np.arange(len(x)) % 3
    model = classifier()
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=128, validation_split=0.1, verbose=0)
        model.evaluate(x, y)
        model.predict(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 << 20  # the file has 5 million numbers


def test_a_file_larger_than_memory(tmp_path):
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "RLIMIT_DATA"):
        pytest.skip("no limit of memory here")
    shape = (150_000, 1024)
    np.memmap(tmp_path / "rows", np.uint8, "w+", shape=shape).flush()  # 150 MB, sparse on disk
    program = (
        "import resource, sys, numpy as np\n"
        "from models import classifier\n"
        f"x = np.memmap(sys.argv[1], np.uint8, 'r', shape={shape})\n"
        "y = np.zeros(len(x), np.uint8)\n"
        "classifier().fit(x[:500], y[:500], verbose=0)\n"
        "used = [int(line.split()[1]) for line in open('/proc/self/status') if 'VmData' in line]\n"
        "limit = used[0] * 1024 + (100 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))\n"
        "try:\n"
        "    np.array(x)\n"
        "except MemoryError:\n"
        "    print('too large')\n"
        "model = classifier()\n"
        "model.fit(x, y, batch_size=1024, validation_split=0.5, verbose=0)\n"
        "print(model.predict(x).shape)\n"
    )
    try:
        open("/proc/self/status").close()
    except OSError:
        pytest.skip("no /proc")
    found = python(program, str(tmp_path / "rows"), CYNN_NUM_THREADS="1")
    assert found.split("\n")[:2] == ["too large", "(150000, 3)"]

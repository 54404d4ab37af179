"""MNIST's loader: folders and the cache."""
# ruff: noqa: F811 (fixtures go by the names that they are imported by)

import gzip
import hashlib
import subprocess
import sys

import numpy as np
import pytest

from cynn.datasets import DatasetUnavailable, IDXError, cache_folder, load_fashion_mnist, load_mnist
from cynn.datasets import _mnist as module
from mnist_files import (  # noqa: F401
    ARRAYS,
    FIRST,
    PUBLISHED,
    cached,
    fill,
    idx,
    isolated,
    listing,
    mirrors,
    same,
)
from models import MNIST, needs_mnist

TABLE = dict(module.DATASETS)  # as published, before any test changes it


# ---- folders ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sub", ["", "mnist"])
@pytest.mark.parametrize(
    ("pack", "end"),
    [(bytes, ""), (gzip.compress, ".gz"), (gzip.compress, ""), (bytes, ".gz")],
)
def test_a_folder_judged_by_content(tmp_path, sub, pack, end):
    fill(tmp_path / "data" / sub, pack=pack, end=end)
    assert same(load_mnist(tmp_path / "data"))
    assert same(load_mnist(str(tmp_path / "data")))
    assert listing(cache_folder()) == []


def test_data_dir_then_environment_then_cache(tmp_path, monkeypatch, cached):
    others = {n: [a.copy() for a in ARRAYS] for n in ("named", "environment")}
    for n, (name, arrays) in enumerate(others.items()):
        arrays[0][:] = n
        fill(tmp_path / name, arrays)
    cached.mkdir(parents=True)
    for name, data in PUBLISHED.items():
        (cached / name).write_bytes(data)
    assert same(load_mnist())
    monkeypatch.setenv("CYNN_DATA", "")
    assert same(load_mnist())
    monkeypatch.setenv("CYNN_DATA", str(tmp_path / "environment"))
    assert same(load_mnist(), others["environment"])
    assert same(load_mnist(tmp_path / "named"), others["named"])


@pytest.mark.parametrize("who", ["data_dir", "CYNN_DATA"])
def test_a_named_folder_without_the_files(tmp_path, monkeypatch, mirrors, who):
    def load(folder):
        if who == "data_dir":
            return load_mnist(folder)
        monkeypatch.setenv("CYNN_DATA", str(folder))
        return load_mnist()

    with pytest.raises(FileNotFoundError, match=f"^{who}: there is no folder .*absent"):
        load(tmp_path / "absent")
    folder = fill(tmp_path / "partly")
    (folder / module.FILES[1]).unlink()
    (folder / module.FILES[2]).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load(folder)
    said = str(caught.value)
    assert said.startswith(f"{who}: ") and str(folder) in said
    assert [name in said for name in module.FILES] == [False, True, True, False]
    assert not isinstance(caught.value, DatasetUnavailable)  # no fallback from a slip of the pen
    assert mirrors.hits == [] and listing(cache_folder()) == []


def bad(which, array):
    return [array if i == which else a for i, a in enumerate(ARRAYS)]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (bad(0, ARRAYS[0][:39]), "got 39 images and 40 labels"),
        (bad(3, ARRAYS[3][:19]), "got 20 images and 19 labels"),
        (bad(0, ARRAYS[0][:, :27]), r"\(40, 27, 28\)"),
        (bad(2, ARRAYS[2][:, :, 1:]), r"\(20, 28, 27\)"),
        (bad(0, ARRAYS[0].reshape(40, -1)), r"\(40, 784\)"),
        (bad(1, ARRAYS[1][:, None]), r"\(40, 1\)"),
        (bad(1, np.where(np.arange(40) == 3, 10, ARRAYS[1]).astype(np.uint8)), "got 10 as label 3"),
        (bad(3, np.full(20, 255, np.uint8)), "got 255 as label 0"),
        ([a[:0] for a in ARRAYS], "got 0 images and 0 labels"),
    ],
)
def test_a_folder_that_does_not_fit(tmp_path, arrays, message):
    fill(tmp_path / "data", arrays)
    with pytest.raises(IDXError, match=message) as caught:
        load_mnist(tmp_path / "data")
    assert str(tmp_path / "data") in str(caught.value)


@pytest.mark.parametrize("end", [b"<html>sign in</html>", PUBLISHED[FIRST][:-30], b""])
def test_a_damaged_file_in_a_folder(tmp_path, end):
    folder = fill(tmp_path / "data", pack=gzip.compress, end=".gz")
    (folder / FIRST).write_bytes(end)
    with pytest.raises(IDXError, match=FIRST):
        load_mnist(folder)


def test_fashion_is_not_digits(tmp_path):
    """Both have the same file names: a folder of one must not be loaded as the other."""
    digits, clothes = ([a.copy() for a in ARRAYS] for _ in range(2))
    digits[1][:10] = module.DATASETS["mnist"].first_labels
    clothes[1][:10] = module.DATASETS["fashion_mnist"].first_labels
    folder = fill(tmp_path / "data", digits)
    with pytest.raises(IDXError, match="must hold Fashion-MNIST, got MNIST"):
        load_fashion_mnist(folder)
    fill(folder / "fashion-mnist", clothes)
    assert same(load_fashion_mnist(folder), clothes) and same(load_mnist(folder), digits)
    with pytest.raises(IDXError, match="must hold MNIST, got Fashion-MNIST"):
        load_mnist(folder / "fashion-mnist")


@needs_mnist
def test_real_mnist():
    loaded = load_mnist(MNIST)
    arrays = [array for split in loaded for array in split]
    assert [a.shape for a in arrays] == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert [hashlib.md5(idx(a)).hexdigest() for a in arrays] == [
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ]
    # All but the first are the published files themselves: the table's checksums are theirs.
    for name, sha256 in list(zip(module.FILES, TABLE["mnist"].sha256, strict=True))[1:]:
        assert hashlib.sha256((MNIST / f"{name}.gz").read_bytes()).hexdigest() == sha256


def test_the_table():
    sums = [sha for dataset in TABLE.values() for sha in dataset.sha256]
    assert len(set(sums)) == len(sums) == 4 * len(TABLE)
    assert all(len(sha) == 64 and int(sha, 16) for sha in sums)
    assert len(TABLE["mnist"].mirrors) == 2
    for dataset in TABLE.values():
        assert all(m.startswith("https://") and m.endswith("/") for m in dataset.mirrors)
    assert len({dataset.folder for dataset in TABLE.values()}) == len(TABLE)


# ---- cache folder, imports ----------------------------------------------------------------------


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CYNN_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("CYNN_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / ".cache" / "cynn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "cynn"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "cynn"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "cynn"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "cynn"
    assert listing(tmp_path) == []  # naming it makes nothing


def test_the_import_is_light():
    code = (
        "import sys, cynn.datasets;"
        "print(*sorted({'pooch', 'tqdm', 'requests', 'ssl', 'urllib.request'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""

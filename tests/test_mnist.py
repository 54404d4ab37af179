"""MNIST's loader: folders, cache and download, with a server on loopback for the mirrors."""

import gzip
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from cynn.datasets import DatasetUnavailable, IDXError, cache_folder, load_fashion_mnist, load_mnist
from cynn.datasets import mnist as module

REAL = Path(__file__).parents[2] / "shared" / "mnist"
TABLE = dict(module.DATASETS)  # as published, before any test changes it


def idx(array):
    """Pack a uint8 array as an IDX file's bytes."""
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


RNG = np.random.default_rng(0)
ARRAYS = [
    RNG.integers(0, 256, (40, 28, 28)).astype(np.uint8),
    RNG.integers(0, 10, 40).astype(np.uint8),
    RNG.integers(0, 256, (20, 28, 28)).astype(np.uint8),
    RNG.integers(0, 10, 20).astype(np.uint8),
]
PUBLISHED = {f"{n}.gz": gzip.compress(idx(a)) for n, a in zip(module.FILES, ARRAYS, strict=True)}
SUMS = tuple(hashlib.sha256(data).hexdigest() for data in PUBLISHED.values())
NAMES = sorted(PUBLISHED)
FIRST = f"{module.FILES[0]}.gz"


def same(loaded, arrays=ARRAYS):
    flat = [array for split in loaded for array in split]
    pairs = zip(flat, arrays, strict=True)
    return all(np.array_equal(a, b) and a.dtype == np.uint8 for a, b in pairs)


def fill(folder, arrays=ARRAYS, pack=bytes, end=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(module.FILES, arrays, strict=True):
        (folder / f"{name}{end}").write_bytes(pack(idx(array)))
    return folder


def listing(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Nothing of the machine's: no data folder, no proxy, an empty cache, mirrors that are shut."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("CYNN_DATA", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CYNN_CACHE", str(tmp_path / "cache"))
    naps = []
    monkeypatch.setattr(module.time, "sleep", naps.append)
    with socket.socket() as shut:  # bound and not listening: every connection is refused
        shut.bind(("127.0.0.1", 0))
        aim(monkeypatch, f"http://127.0.0.1:{shut.getsockname()[1]}/")
        yield naps


def aim(monkeypatch, *mirrors):
    for key, dataset in module.DATASETS.items():
        changed = dataset._replace(mirrors=mirrors, sha256=SUMS)
        monkeypatch.setitem(module.DATASETS, key, changed)


class Mirrors:
    """A server whose folders /a/ and /b/ are two mirrors; `act[path]` changes an answer."""

    def __init__(self):
        self.hits, self.act, self.go = [], {}, threading.Event()
        self.half_sent = threading.Event()
        self.both = threading.Barrier(2, timeout=60)
        mirrors = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = urlsplit(self.path).path
                mirrors.hits.append(path)
                data = PUBLISHED.get(path.rpartition("/")[2], b"")
                act = mirrors.act.get(path, mirrors.act.get(path[:3], "serve"))
                if isinstance(act, list):  # in turn, then as it should be
                    act = act.pop(0) if act else "serve"
                if act == "both":
                    mirrors.both.wait()
                elif isinstance(act, int):
                    return self.send_error(act)
                elif isinstance(act, bytes):
                    data = act
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2])
                if act == "hang":
                    self.wfile.flush()
                    mirrors.half_sent.set()
                    mirrors.go.wait(60)
                if act != "cut":
                    self.wfile.write(data[len(data) // 2 :])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that was killed is no news
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        self.urls = (f"{self.root}/a/", f"{self.root}/b/")


@pytest.fixture
def mirrors(monkeypatch):
    pytest.importorskip("pooch", reason="downloads need pooch, of the extra cynn-learn[data]")
    mirrors = Mirrors()
    thread = threading.Thread(target=mirrors.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    aim(monkeypatch, *mirrors.urls)
    yield mirrors
    mirrors.go.set()
    mirrors.server.shutdown()
    mirrors.server.server_close()


@pytest.fixture
def cached():
    return cache_folder() / "mnist"


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
        (bad(0, ARRAYS[0][:39]), "39 images, and 40 labels"),
        (bad(3, ARRAYS[3][:19]), "20 images, and 19 labels"),
        (bad(0, ARRAYS[0][:, :27]), r"\(40, 27, 28\)"),
        (bad(2, ARRAYS[2][:, :, 1:]), r"\(20, 28, 27\)"),
        (bad(0, ARRAYS[0].reshape(40, -1)), r"\(40, 784\)"),
        (bad(1, ARRAYS[1][:, None]), r"\(40, 1\)"),
        (bad(1, np.where(np.arange(40) == 3, 10, ARRAYS[1]).astype(np.uint8)), "label 3 is 10"),
        (bad(3, np.full(20, 255, np.uint8)), "label 0 is 255"),
        ([a[:0] for a in ARRAYS], "0 images, and 0 labels"),
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
    """The two have the same file names: a folder of one is never taken for the other."""
    digits, clothes = ([a.copy() for a in ARRAYS] for _ in range(2))
    digits[1][:10] = module.DATASETS["mnist"].first_labels
    clothes[1][:10] = module.DATASETS["fashion_mnist"].first_labels
    folder = fill(tmp_path / "data", digits)
    with pytest.raises(IDXError, match="holds MNIST; Fashion-MNIST is wanted"):
        load_fashion_mnist(folder)
    fill(folder / "fashion-mnist", clothes)
    assert same(load_fashion_mnist(folder), clothes) and same(load_mnist(folder), digits)
    with pytest.raises(IDXError, match="holds Fashion-MNIST; MNIST is wanted"):
        load_mnist(folder / "fashion-mnist")


@pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared/mnist beside the checkout")
def test_real_mnist():
    loaded = load_mnist(REAL)
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
        assert hashlib.sha256((REAL / f"{name}.gz").read_bytes()).hexdigest() == sha256


def test_the_table():
    sums = [sha for dataset in TABLE.values() for sha in dataset.sha256]
    assert len(set(sums)) == len(sums) == 4 * len(TABLE)
    assert all(len(sha) == 64 and int(sha, 16) for sha in sums)
    assert len(TABLE["mnist"].mirrors) == 2
    for dataset in TABLE.values():
        assert all(m.startswith("https://") and m.endswith("/") for m in dataset.mirrors)
    assert len({dataset.folder for dataset in TABLE.values()}) == len(TABLE)


# ---- download -----------------------------------------------------------------------------------


def test_download_once_then_the_cache(mirrors, cached, monkeypatch, capfd):
    assert same(load_mnist())
    assert mirrors.hits == [f"/a/{name}.gz" for name in module.FILES]
    assert listing(cached) == NAMES
    assert all((cached / name).read_bytes() == PUBLISHED[name] for name in NAMES)
    mirrors.hits.clear()
    monkeypatch.setitem(sys.modules, "pooch", None)  # not even needed any more
    assert same(load_mnist())
    assert mirrors.hits == []
    assert capfd.readouterr() == ("", "")  # no bar where there is no terminal


def test_each_data_set_has_a_folder(mirrors):
    assert same(load_fashion_mnist())
    assert listing(cache_folder()) == ["fashion-mnist"]
    assert same(load_mnist())
    assert listing(cache_folder()) == ["fashion-mnist", "mnist"]


WRONG = {
    "not there": 404,
    "out of order": 503,
    "cut short": "cut",
    "web page": b"<!DOCTYPE html><html>Sign in to the hotel's network</html>",
    "other file": gzip.compress(b"something else"),
    "empty": b"",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_second_mirror_helps(mirrors, cached, wrong):
    mirrors.act["/a/"] = WRONG[wrong]
    assert same(load_mnist())
    assert listing(cached) == NAMES
    assert f"/b/{FIRST}" in mirrors.hits
    if wrong == "not there":
        assert sum(hit.startswith("/a/") for hit in mirrors.hits) == 1  # not asked again


@pytest.mark.parametrize("wrong", WRONG)
def test_no_mirror_helps(mirrors, cached, alone, wrong):
    mirrors.act["/a/"] = mirrors.act["/b/"] = WRONG[wrong]
    with pytest.raises(DatasetUnavailable) as caught:
        load_mnist()
    said = str(caught.value)
    assert said.startswith("MNIST is not in ") and str(cached) in said
    assert "127.0.0.1" in said and "\n" not in said and len(said) < 700
    if wrong == "web page":
        assert "a web page (HTML) came" in said
    assert listing(cached) == []
    assert len(mirrors.hits) == (2 if wrong == "not there" else 6)
    assert alone == ([] if wrong == "not there" else [1.0, 2.0])  # the pauses between rounds


def test_a_passing_trouble_is_tried_again(mirrors, cached, monkeypatch):
    aim(monkeypatch, mirrors.urls[0])
    mirrors.act[f"/a/{NAMES[0]}"] = [503, "cut"]
    mirrors.act[f"/a/{NAMES[2]}"] = [b"<html>"]
    assert same(load_mnist())
    assert listing(cached) == NAMES


def test_a_first_mirror_that_is_shut(mirrors, cached, monkeypatch):
    with socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{shut.getsockname()[1]}/"
        aim(monkeypatch, closed, mirrors.urls[1])
        assert same(load_mnist())
    assert listing(cached) == NAMES


def test_a_body_without_end_is_stopped(mirrors, cached, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    mirrors.act["/a/"] = mirrors.act["/b/"] = bytes(1_000_000)
    with pytest.raises(DatasetUnavailable, match="more than 10,000 bytes came"):
        load_mnist()
    assert listing(cached) == []


@pytest.mark.parametrize("damage", [b"", b"<html>", PUBLISHED[FIRST][:-1], None])
def test_a_damaged_cache_is_not_trusted(mirrors, cached, damage):
    load_mnist()
    if damage is None:  # sound in itself, and yet not what was published
        damage = gzip.compress(idx(ARRAYS[0][::-1]))
    (cached / FIRST).write_bytes(damage)
    mirrors.hits.clear()
    assert same(load_mnist())
    assert mirrors.hits == [f"/a/{FIRST}"]
    assert listing(cached) == NAMES
    (cached / FIRST).write_bytes(damage)
    mirrors.act["/a/"] = mirrors.act["/b/"] = 404
    with pytest.raises(DatasetUnavailable):
        load_mnist()


def test_a_proxy_is_used(mirrors, monkeypatch):
    monkeypatch.setenv("http_proxy", mirrors.root)
    aim(monkeypatch, "http://mirror.invalid/a/")
    assert same(load_mnist())


def test_offline_is_one_line(cached):
    pytest.importorskip("pooch", reason="downloads need pooch, of the extra cynn-learn[data]")
    with pytest.raises(DatasetUnavailable, match="refused") as caught:
        load_mnist()
    assert "\n" not in str(caught.value) and isinstance(caught.value, OSError)
    assert listing(cached) == []


def test_a_silent_network_does_not_hang(monkeypatch):
    """No answer to a look-up, ever: given up after CONNECT_SECONDS, all mirrors together."""
    pytest.importorskip("pooch", reason="downloads need pooch, of the extra cynn-learn[data]")
    forever = threading.Event()

    def look_up(*_args, **_named):
        forever.wait(20)
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    aim(monkeypatch, "http://one.invalid/", "http://two.invalid/")
    try:
        with pytest.raises(DatasetUnavailable, match="one.invalid: no connection within 0.05 s"):
            load_mnist()
    finally:
        forever.set()


def test_a_mirror_that_connects_and_keeps_silent(mirrors, cached, monkeypatch):
    """It is asked once, not once a round and file."""
    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        aim(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/", mirrors.urls[1])
        assert same(load_mnist())
        silent.setblocking(False)
        taken = 0
        while True:
            try:
                silent.accept()[0].close()
                taken += 1
            except BlockingIOError:
                break
    assert taken == 2  # the knock, and one question
    assert listing(cached) == NAMES


def test_without_pooch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetUnavailable) as caught:
        load_mnist()
    assert 'pip install "cynn-learn[data]"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written(mirrors, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("CYNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(DatasetUnavailable, match="file"):
        load_mnist()


def test_a_full_disk_is_not_the_mirrors_fault(mirrors, cached, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    with pytest.raises(DatasetUnavailable, match="No space left"):
        load_mnist()
    assert mirrors.hits == [f"/a/{FIRST}"] and listing(cached) == []


def test_interrupted(mirrors, cached, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module._Sink, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_mnist()
    assert listing(cached) == []


# ---- several processes --------------------------------------------------------------------------

CHILD = """
import sys
from cynn.datasets import load_mnist, mnist
mnist.DATASETS["mnist"] = mnist.DATASETS["mnist"]._replace(
    mirrors=(sys.argv[1],), sha256=tuple(sys.argv[2:]))
(x, y), (v, w) = load_mnist()
print(len(x), int(x.sum()), int(y.sum()), len(v), int(v.sum()), int(w.sum()))
"""


def start(url):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, url, *SUMS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_race(mirrors, cached):
    mirrors.act[f"/a/{FIRST}"] = "both"  # neither gets the first file before both have asked for it
    children = [start(mirrors.urls[0]) for _ in range(2)]
    said = [child.communicate(timeout=120) for child in children]
    x, y, v, w = ARRAYS
    right = f"40 {x.sum()} {y.sum()} 20 {v.sum()} {w.sum()}\n"
    assert said == [(right, "")] * 2
    assert listing(cached) == NAMES
    assert same(load_mnist())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by a POSIX signal")
def test_killed_in_mid_file(mirrors, cached, monkeypatch):
    mirrors.act[f"/a/{FIRST}"] = ["hang"]
    child = start(mirrors.urls[0])
    try:
        assert mirrors.half_sent.wait(60)
        while not listing(cached):  # until it has opened its part file
            assert child.poll() is None
            mirrors.go.wait(0.01)
    finally:
        child.kill()
        child.communicate(timeout=60)
    (left,) = listing(cached)
    assert left.endswith(".part")
    assert same(load_mnist())
    assert listing(cached) == sorted([*NAMES, left])  # it might be another process's, at work
    os.utime(cached / left, (0, 0))
    (cached / FIRST).unlink()
    assert same(load_mnist())
    assert listing(cached) == NAMES


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

"""MNIST's loader: the download, with a server on loopback for the mirrors; several at once."""
# ruff: noqa: F811 (fixtures go by the names that they are imported by)

import gzip
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from cynn.datasets import (
    DatasetUnavailable,
    _download,
    cache_folder,
    load_fashion_mnist,
    load_mnist,
)
from cynn.datasets import _mnist as module
from mnist_files import (  # noqa: F401
    ARRAYS,
    FIRST,
    NAMES,
    PUBLISHED,
    SUMS,
    aim,
    cached,
    idx,
    isolated,
    listing,
    mirrors,
    same,
)


def test_download_once_then_the_cache(mirrors, cached, monkeypatch, capfd):
    assert same(load_mnist())
    assert mirrors.hits == [f"/a/{name}.gz" for name in module.FILES]
    assert listing(cached) == NAMES
    assert all((cached / name).read_bytes() == PUBLISHED[name] for name in NAMES)
    (cached / "own").touch()
    modes = {path.stat().st_mode for path in cached.iterdir()}
    assert len(modes) == 1  # others may read it where they may read what this user makes
    (cached / "own").unlink()
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
def test_no_mirror_helps(mirrors, cached, isolated, wrong):
    mirrors.act["/a/"] = mirrors.act["/b/"] = WRONG[wrong]
    with pytest.raises(DatasetUnavailable) as caught:
        load_mnist()
    said = str(caught.value)
    assert said.startswith("MNIST is not in ") and str(cached) in said
    assert "127.0.0.1" in said and "\n" not in said and len(said) < 700
    if wrong == "web page":
        assert "got a web page (HTML)" in said
    assert listing(cached) == []
    assert len(mirrors.hits) == (2 if wrong == "not there" else 6)
    assert isolated == ([] if wrong == "not there" else [1.0, 2.0])  # the pauses between rounds


def test_transient_failures_are_retried(mirrors, cached, monkeypatch):
    aim(monkeypatch, mirrors.urls[0])
    mirrors.act[f"/a/{NAMES[0]}"] = [503, "cut"]
    mirrors.act[f"/a/{NAMES[2]}"] = [b"<html>"]
    assert same(load_mnist())
    assert listing(cached) == NAMES


def test_an_unreachable_first_mirror(mirrors, cached, monkeypatch):
    with socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{shut.getsockname()[1]}/"
        aim(monkeypatch, closed, mirrors.urls[1])
        assert same(load_mnist())
    assert listing(cached) == NAMES


def test_an_endless_response_is_stopped(mirrors, cached, monkeypatch):
    monkeypatch.setattr(_download, "MOST_BYTES", 10_000)
    mirrors.act["/a/"] = mirrors.act["/b/"] = bytes(1_000_000)
    with pytest.raises(DatasetUnavailable, match="at most 10,000 bytes, got more"):
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
    monkeypatch.setattr(_download, "CONNECT_SECONDS", 0.05)
    aim(monkeypatch, "http://one.invalid/", "http://two.invalid/")
    try:
        with pytest.raises(DatasetUnavailable, match="one.invalid: no connection within 0.05 s"):
            load_mnist()
    finally:
        forever.set()


def test_a_mirror_that_connects_but_does_not_answer(mirrors, cached, monkeypatch):
    """It is asked once, not once a round and file."""
    monkeypatch.setattr(_download, "READ_SECONDS", 0.2)
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

    monkeypatch.setattr(shutil, "move", full)  # as pooch puts a file in its place
    with pytest.raises(DatasetUnavailable, match="No space left"):
        load_mnist()
    assert mirrors.hits == [f"/a/{FIRST}"] and listing(cached) == []


def test_interrupted(mirrors, cached, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_download._Sink, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_mnist()
    assert listing(cached) == []


# ---- several processes --------------------------------------------------------------------------

CHILD = """
import sys
from cynn.datasets import load_mnist, _mnist
_mnist.DATASETS["mnist"] = _mnist.DATASETS["mnist"]._replace(
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


def test_only_old_parts_are_removed(mirrors, cached):
    cached.mkdir(parents=True)
    for name in ("tmpabcd_123", "tmpabcd_124", "tmp-notes", "tmpabcd_1234"):
        (cached / name).write_bytes(b"")
        os.utime(cached / name, (0, 0))
    os.utime(cached / "tmpabcd_124")
    (cached / "tmpabcd_125").mkdir()
    os.utime(cached / "tmpabcd_125", (0, 0))
    load_mnist()
    kept = {"tmpabcd_124", "tmp-notes", "tmpabcd_1234", "tmpabcd_125"}
    assert set(listing(cached)) - set(NAMES) == kept


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
    assert left not in NAMES
    assert same(load_mnist())
    assert listing(cached) == sorted([*NAMES, left])  # it might be another process's, at work
    os.utime(cached / left, (0, 0))
    (cached / FIRST).unlink()
    assert same(load_mnist())
    assert listing(cached) == NAMES

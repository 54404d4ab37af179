"""Files in MNIST's format, and mirrors on loopback that serve them, for tests of the loader."""

import gzip
import hashlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest

from cynn.datasets import _mnist as module
from cynn.datasets import cache_folder


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
def isolated(monkeypatch, tmp_path):
    """Isolate from the machine: no data folder, no proxy, an empty cache, unreachable mirrors."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("CYNN_DATA", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CYNN_CACHE", str(tmp_path / "cache"))
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    with socket.socket() as refusing:  # bound and not listening: every connection is refused
        refusing.bind(("127.0.0.1", 0))
        aim(monkeypatch, f"http://127.0.0.1:{refusing.getsockname()[1]}/")
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
        self.server.handle_error = lambda *_: None  # a killed client is no error
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

"""Published files from mirrors, by pooch: it fetches, checks and stores; the mirrors are ours."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import socket
import stat
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any
from urllib.parse import urlsplit

# A mirror that takes no connection in this time is left out, so that working without a network
# costs no more; one that is slow after that has READ_SECONDS for each piece of its answer.
CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
ROUNDS = 3  # times that each mirror is asked for a file
PAUSE_SECONDS = 1.0  # before the second round, twice that before the third
MOST_BYTES = 64 << 20  # no published file is half as large
# A part file that nobody wrote to for so long was left by a killed process: a live one gives up
# after READ_SECONDS. Pooch names them as `tempfile` does.
STALE_SECONDS = 120.0
PART = re.compile(r"tmp[a-z0-9_]{8}")


class Refused(Exception):
    """What a mirror sent cannot be used, or no mirror is left to ask."""


def is_published(path: Path, sha256: str) -> bool:
    """Return whether the file is there and has this checksum; needs no pooch."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def download(mirrors: tuple[str, ...], folder: Path, wanted: list[tuple[Path, str]]) -> None:
    """Bring files into a folder from the first mirror that has them.

    Parameters
    ----------
    mirrors : tuple of str
        Addresses of folders, tried in this order.
    folder : Path
        Where the files go; it is made where it is missing.
    wanted : list of (Path, str)
        The files in it, and their SHA-256 checksums.

    Raises
    ------
    Refused
        If pooch is missing, or no mirror has a file of that checksum: one line says why.
    OSError
        If a file cannot be written.
    """
    try:
        pooch = import_module("pooch")
        http_error = import_module("requests").RequestException
    except ImportError:
        raise Refused('pooch is missing: pip install "cynn-learn[data]"') from None
    pooch.get_logger().setLevel("WARNING")  # it would print a line for each file
    folder.mkdir(parents=True, exist_ok=True)
    for part in folder.glob("tmp*"):
        with contextlib.suppress(OSError):
            old = time.time() - part.lstat().st_mtime > STALE_SECONDS
            if old and PART.fullmatch(part.name) and stat.S_ISREG(part.lstat().st_mode):
                part.unlink()
    reachable, reasons = _reachable(mirrors)

    def fetch(url: str, part: str, _: object) -> None:
        os.unlink(part)  # pooch makes it for this user alone; a cache may be shared
        with _Sink(part, "x") as sink, _bar(url.rpartition("/")[2]) as bar:
            timeout = (CONNECT_SECONDS, READ_SECONDS)
            headers = {"Accept-Encoding": "identity"}  # the gz file itself is wanted
            pooch.HTTPDownloader(bar, 1 << 16, timeout=timeout, headers=headers)(url, sink, None)
        with open(part, "rb") as file:
            if file.read(256).lstrip().startswith(b"<"):
                raise Refused("a file must be the published archive, got a web page (HTML)")

    def fetch_from(mirror: str, path: Path, sha256: str) -> bool:
        try:
            pooch.retrieve(mirror + path.name, f"sha256:{sha256}", path.name, folder, None, fetch)
            return True
        # Other OSErrors are the disk's, no fault of the mirror's.
        except (http_error, ValueError, Refused) as error:
            reasons[mirror] = shorten(str(error) or type(error).__name__, 160)
            # What is not there will not be there later, and a mirror that keeps silent would keep
            # us waiting again. (A pause in mid-file is no Timeout to requests: that is retried.)
            status = getattr(getattr(error, "response", None), "status_code", 0)
            if 400 <= status < 500 or "Timeout" in type(error).__name__:
                reachable.remove(mirror)
            return False

    for path, sha256 in wanted:
        for attempt in range(ROUNDS):
            if attempt and reachable:
                time.sleep(PAUSE_SECONDS * attempt)
            if any(fetch_from(mirror, path, sha256) for mirror in tuple(reachable)):
                break
        else:
            failures = (
                f"{urlsplit(mirror).netloc}: {reason}" for mirror, reason in reasons.items()
            )
            raise Refused("; ".join(failures))


def _reachable(mirrors: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """Return the mirrors that take a connection, and why the others do not.

    All are knocked at together, each in a thread that is left behind when its time is up: neither
    a look-up of a name nor a host of many addresses can be bounded otherwise.
    """
    from urllib.request import getproxies, proxy_bypass

    answers: dict[str, str] = {}  # empty: it took the connection

    def connect(mirror: str) -> None:
        url = urlsplit(mirror)
        host, port = url.hostname or "", url.port or (80 if url.scheme == "http" else 443)
        try:
            if not ({"all", url.scheme} & getproxies().keys()) or proxy_bypass(host):
                socket.create_connection((host, port), CONNECT_SECONDS).close()
            answers[mirror] = ""
        except (OSError, ValueError) as error:
            answers[mirror] = shorten(str(error) or type(error).__name__, 160)

    threads = [threading.Thread(target=connect, args=(m,), daemon=True) for m in mirrors]
    deadline = time.monotonic() + CONNECT_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no connection within {CONNECT_SECONDS:g} s"
    reasons = {m: reason for m in mirrors if (reason := answers.get(m, late))}
    return [m for m in mirrors if m not in reasons], reasons


class _Sink(io.FileIO):
    """A file that takes no more than MOST_BYTES."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > MOST_BYTES:
            raise Refused(f"a file must have at most {MOST_BYTES:,} bytes, got more")
        return super().write(data)


def _bar(name: str) -> Any:
    """Return a progress bar for pooch, or False where nobody would see it; a context manager."""
    with contextlib.suppress(ImportError):
        if sys.stderr is not None and sys.stderr.isatty():
            # pooch asks whether the bar is true, which tqdm is by its total; then it sets that.
            return import_module("tqdm").tqdm(total=1, desc=name, unit="B", unit_scale=True)
    return contextlib.nullcontext(False)

"""The parent's side of the workers: starts them, sends commands, ends those that fail or hang."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cynn
from cynn import _backend

from . import launch

LONGEST = 300.0  # seconds that one answer may take

# Variables that the peers' libraries read when they are loaded.
THREAD_VARIABLES = (
    "CYNN_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Failed(Exception):
    """A worker cannot continue; the message is the reason."""


def program(module: str) -> list[str]:
    """Return the command that runs a module of this package."""
    return [sys.executable, "-P", str(launch.FOLDER / "launch.py"), module]


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that uses a number of threads, and the same `cynn`.

    The package and the target are those of this process: a child that would take others ends.
    """
    variables = dict(os.environ)
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # an import that compiles is not typical
    variables |= {name: str(threads) for name in THREAD_VARIABLES}
    eigen = str(threads > 1).lower()
    flags = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    variables["XLA_FLAGS"] = f"{variables.get('XLA_FLAGS', '')} {flags}".strip()
    variables |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    variables |= {"PYTHONSAFEPATH": "1", "CYNN_TARGET": _backend.target()}
    return variables | {launch.WANTED: str(cynn.__file__)}


class Worker:
    """A peer in a process of its own."""

    def __init__(self, name: str, threads: int, folder: Path) -> None:
        self.name, self.threads = name, threads
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [*program("worker"), name, str(threads), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(threads),
            text=True,
        )

    def ask(self, do: str, limit: float = LONGEST, **fields: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
            process.stdin.flush()
        except OSError:
            raise self._ended() from None
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            if not waiting.select(limit):
                self.end()
                raise Failed(f"no answer within {limit:.0f} s")
        line = process.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def _ended(self) -> Failed:
        """Return the error of a process that ended, with the end of its output."""
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return Failed(": ".join([f"the process ended ({status})", *lines[-1:]]))

    def end(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

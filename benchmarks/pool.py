"""The parent's side of the workers: starts them, asks them, ends those that fail or hang."""

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 300.0  # seconds that one answer may take

# What the libraries below the peers read when they are loaded.
THREAD_VARIABLES = (
    "CYNN_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Failed(Exception):
    """A worker cannot go on; the message says why."""


def environment(threads: int) -> dict[str, str]:
    """Return the variables of a process that is to use so many threads."""
    said = dict(os.environ)
    said.pop("PYTHONDONTWRITEBYTECODE", None)  # an import that compiles is no import as usual
    paths = [str(ROOT), *filter(None, [said.get("PYTHONPATH")])]
    said["PYTHONPATH"] = os.pathsep.join(paths)
    said |= {name: str(threads) for name in THREAD_VARIABLES}
    eigen = str(threads > 1).lower()
    flags = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    said["XLA_FLAGS"] = f"{said.get('XLA_FLAGS', '')} {flags}".strip()
    said |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    return said


class Worker:
    """A peer in a process of its own."""

    def __init__(self, name: str, threads: int, folder: Path) -> None:
        self.name, self.threads = name, threads
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.worker", name, str(threads), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
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
            raise Failed(f"the process ended ({process.wait()})") from None
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            if not waiting.select(limit):
                self.end()
                raise Failed(f"no answer within {limit:.0f} s")
        line = process.stdout.readline()
        if not line:
            raise Failed(f"the process ended ({process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def end(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

"""Where a network was trained: versions, system, processor."""

import platform
from pathlib import Path

import numpy as np

from .. import _backend
from .._runtime.threads import get_num_threads
from .._version import VERSION


def environment() -> list[tuple[str, str]]:
    """Return what a result may depend on, by name."""
    return [
        ("cynn", VERSION),
        ("target", _backend.target()),
        ("threads", str(get_num_threads())),
        ("NumPy", np.__version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("operating system", platform.platform()),
        ("processor", processor()),
    ]


def processor() -> str:
    """Return the processor's name, or what kind it is of where the system tells none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()

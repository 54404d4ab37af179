"""``cynn info``: version, targets, threads and folders."""

import argparse
import sys
from typing import Any

import numpy as np

from .. import _backend, datasets
from .._runtime.threads import get_num_threads
from .._version import VERSION


def add(commands: Any) -> None:
    """Declare the command."""
    info = commands.add_parser("info", help="version, targets, threads and folders")
    info.set_defaults(run=_info)


def _info(options: argparse.Namespace) -> None:
    print(f"cynn {VERSION}, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    print(f"target in use:     {_backend.target()}")
    print(f"targets available: {', '.join(_backend.available_targets())}")
    print(f"threads:           {get_num_threads()}")
    print(f"cache folder:      {datasets.cache_folder()}")

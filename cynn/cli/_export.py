"""``cynn export``: a model as a file that other programs run, ONNX or C."""

import argparse
import os
from pathlib import Path
from typing import Any

from .. import c99, onnx
from ..ensemble import Ensemble

FORMATS = {".c": c99.export, ".onnx": onnx.export}
"""What writes a file, by the end of its name."""


def add(commands: Any) -> None:
    """Declare the command."""
    export = commands.add_parser("export", help="write a model as ONNX or C, for other programs")
    export.add_argument("model", metavar="MODEL", help="a model file")
    export.add_argument(
        "file", metavar="FILE", help="what to write: FILE.onnx, or FILE.c, and FILE.h beside it"
    )
    export.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        help="what the file computes in (default: as the model)",
    )
    export.add_argument(
        "--network-only",
        action="store_true",
        help="leave out the table: rows are then numbers as the encoder gives them",
    )
    export.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> None:
    path = Path(options.file)
    if path.suffix not in FORMATS:
        raise ValueError(f"FILE must end in {' or '.join(FORMATS)}, got {options.file!r}")
    write = FORMATS[path.suffix]
    write(
        Ensemble.load(options.model),
        path,
        dtype=options.dtype,
        network_only=options.network_only,
    )
    written = [path, path.with_suffix(".h")] if path.suffix == ".c" else [path]
    for file in written:
        print(f"{file}: {os.path.getsize(file):,} bytes")

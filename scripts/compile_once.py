"""Run a C compiler, or reuse the object of an earlier run where it would be the same.

    compile_once.py FOLDER COMPILER ARGUMENT...

FOLDER keeps objects by a checksum of all their inputs: the source after the preprocessor,
which has read every header, the flags, and the compiler. Comments and the names of folders are no
part of it. The compiler's messages are kept and repeated, as `scripts/check warnings` reads them.
Anything but a compilation of one file to one object, such as a link, is left to the compiler.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def split(arguments: Sequence[str]) -> tuple[list[str], str, str] | None:
    """Return the flags, the source and the object of a compilation, or None for anything else."""
    flags, sources, target = [], [], ""
    words = iter(arguments)
    for word in words:
        if word == "-o":
            target = next(words, "")
        elif not word.startswith("-") and word.endswith(".c"):
            sources.append(word)
        else:
            flags.append(word)
    if "-c" not in flags or len(sources) != 1 or not target.endswith(".o"):
        return None
    return flags, sources[0], target


def checksum(compiler: list[str], flags: list[str], source: str) -> str | None:
    """Return the key of a compilation, or None where the preprocessor fails."""
    preprocessor = [word for word in flags if word != "-c"]
    program = os.stat(shutil.which(compiler[-1]) or sys.executable)
    version = subprocess.run([*compiler, "--version"], capture_output=True)
    text = subprocess.run([*compiler, *preprocessor, "-E", "-P", source], capture_output=True)
    if version.returncode or text.returncode:
        return None
    told = [word for word in flags if not word.startswith(("-I", "/"))]  # the text has the headers
    names = [Path(compiler[-1]).name, program.st_size, program.st_mtime_ns, told]
    total = hashlib.sha256(repr(names).encode())
    for part in (version.stdout, text.stdout):
        total.update(b"%d:" % len(part) + part)
    return total.hexdigest()


def keep(path: Path, data: bytes) -> None:
    """Write a file atomically: another process may compile the same file."""
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)


def main(folder: Path, command: list[str]) -> int:
    """Run the command or reuse its output; return its exit status."""
    if "ziglang" in command:  # python -m ziglang cc
        length = command.index("ziglang") + 2
    else:
        length = next((i for i, word in enumerate(command) if word.startswith("-")), len(command))
    compiler, arguments = command[:length], command[length:]
    parts = split(arguments)
    key = checksum(compiler, *parts[:2]) if parts else None
    if parts is None or key is None:
        return subprocess.run(command).returncode
    target = Path(parts[2])
    kept, said = folder / f"{key}.o", folder / f"{key}.txt"
    if not kept.exists():
        done = subprocess.run(command, stderr=subprocess.PIPE)
        sys.stderr.buffer.write(done.stderr)
        if done.returncode:
            return done.returncode
        folder.mkdir(parents=True, exist_ok=True)
        keep(said, done.stderr)
        keep(kept, target.read_bytes())  # the last: where it is, what was said is there too
        return 0
    sys.stderr.buffer.write(said.read_bytes())
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, target)
    os.utime(kept)  # old objects can be removed
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))

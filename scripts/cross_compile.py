"""Compile and link the kernels for other machines, with zig, without running them.

    cross_compile.py [WORD...]

For each platform, or those whose names contain one of the words, every module is compiled with the
flags that setup.py gives it there, and linked:

- musl: a shared library; compiler warnings are errors, here and on macOS.
- macOS: a shared library; Python's symbols stay undefined, as is usual there.
- windows-gnu: a complete DLL, against a list of the symbols of python3.dll: the limited API.
- windows-msvc: as for the wheels, with the driver clang-cl and Python's headers as Microsoft's
  compiler sees them. Microsoft's headers and libraries are not redistributable; MinGW's are used
  instead, and only the DLL's references to Python are checked against that list.

CPYTHON_SOURCE names CPython's sources, or the folders Include and PC of them.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import ziglang

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "platforms"
CPYTHON = Path(os.environ["CPYTHON_SOURCE"])
ZIG_LIBRARY = Path(ziglang.__file__).parent / "lib"
ZIG = [sys.executable, "-m", "ziglang"]

PLATFORMS = [
    f"{machine}-{system}"
    for system in ("linux-musl", "macos", "windows-gnu", "windows-msvc")
    for machine in ("x86_64", "aarch64")
]

# clang-cl reads this before MinGW's headers, which know Microsoft's compiler only
# to misread it. What comes after them, Python's and Cython's, is read as on Windows.
PRELUDE = """\
#pragma push_macro("_MSC_VER")
#undef _MSC_VER
#define __GNUC__ 4
#define __GNUC_MINOR__ 2
#define _PID_T_ /* Python has its own */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <io.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <wchar.h>
#include <windows.h>
#undef __GNUC__
#undef __GNUC_MINOR__
#pragma pop_macro("_MSC_VER")
"""


class Failure(Exception):
    """A command that failed, or warned; the message is its output."""


@dataclass(frozen=True)
class Module:
    """An extension module, written in C, and setup.py's flags for each compiler."""

    name: str
    source: Path
    flags: dict[str, list[str]]


def run(command: list[str]) -> str:
    """Run a command and return its output; raise Failure where it fails."""
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(WORK / "zig"), "ZIG_LOCAL_CACHE_DIR": str(WORK / "zig")}
    ran = subprocess.run(
        command,
        env=os.environ | caches,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if ran.returncode:
        raise Failure(ran.stdout.strip() or f"ended with status {ran.returncode}")
    return ran.stdout


def build_script(machine: str) -> ModuleType:
    """Return setup.py as a module, which builds for a machine until the next call."""
    os.environ["CYNN_BUILD_MACHINE"] = machine
    spec = importlib.util.spec_from_file_location("build_script", ROOT / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(machine: str) -> list[Module]:
    """Return a machine's modules, after Cython has written them in C."""
    script = build_script(machine)
    extensions = script.in_c(script.extensions(), str(WORK / "cython"), quiet=True)
    modules = []
    for made in extensions:
        macros = [f"-D{name}={value}" for name, value in made.define_macros]
        folders = [f"-I{ROOT / folder}" for folder in made.include_dirs]
        flags = {
            compiler: [*script.flags_of(made.name, compiler), *macros, *folders]
            for compiler in ("zig", "clang-cl")
        }
        modules.append(Module(made.name.rpartition(".")[2], ROOT / made.sources[0], flags))
    return modules


def stable_interface(machine: str) -> Path:
    """Return an import library of all symbols of python3.dll; written once for a machine."""
    library = WORK / f"python3-{machine}.lib"
    definitions = library.with_suffix(".def")
    text = (CPYTHON / "PC" / "python3dll.c").read_text(encoding="utf-8")
    found = re.findall(r"^EXPORT_(FUNC|DATA)\((\w+)\)", text, re.MULTILINE)
    if len(found) < 500:
        raise Failure(f"{CPYTHON}/PC/python3dll.c names {len(found)} symbols, wanted hundreds")
    lines = [f"{name} DATA" if kind == "DATA" else name for kind, name in found]
    definitions.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *lines, ""]))
    kind = "i386:x86-64" if machine == "x86_64" else "arm64"
    run([*ZIG, "dlltool", "-d", str(definitions), "-l", str(library), "-m", kind])
    return library


def with_zig(module: Module, platform: str, object_file: Path, result: Path) -> str:
    """Compile and link as gcc would; report the size."""
    folders = [sysconfig.get_path("include")]
    link = ["-shared"]
    if "windows" in platform:
        folders = [str(CPYTHON / "PC"), str(CPYTHON / "Include")]
        link += [str(WORK / f"python3-{platform.split('-')[0]}.lib")]
    if "macos" in platform:
        link += ["-undefined", "dynamic_lookup"]
    if "windows" in platform:
        link += [
            "-lapi-ms-win-core-synch-l1-2-0"
        ]  # for synchronization.lib, which zig does not have
    compiler = [*ZIG, "cc", "-target", platform]
    includes = [f"-I{folder}" for folder in folders]
    flags = [*module.flags["zig"], "-DNDEBUG", "-fPIC", *includes]
    said = run([*compiler, *flags, "-c", str(module.source), "-o", str(object_file)])
    if "warning:" in said:
        raise Failure(said)
    run([*compiler, str(object_file), *link, "-o", str(result)])
    return f"{result.stat().st_size // 1024} KiB"


def with_clang_cl(module: Module, platform: str, object_file: Path, result: Path) -> str:
    """Compile as setup.py does on Windows, and link as far as possible; report open symbols."""
    prelude = WORK / "prelude.h"
    system = [ZIG_LIBRARY / "include", ZIG_LIBRARY / "libc" / "include" / "any-windows-any"]
    flags = [
        *("/c", "/nologo", "/O2", "/W3", "/DNDEBUG", "/MD"),  # setuptools' own
        *module.flags["clang-cl"],
        *(f"-I{CPYTHON / folder}" for folder in ("PC", "Include")),
        *(word for folder in system for word in ("/imsvc", str(folder))),
        f"/FI{prelude}",
    ]
    driver = [*ZIG, "clang", "--driver-mode=cl"]
    run([*driver, *flags, f"/Tc{module.source}", f"/Fo{object_file}"])
    library = WORK / f"python3-{platform.split('-')[0]}.lib"
    link = ["/nologo", "/dll", "/noentry", "/nodefaultlib", "/force:unresolved"]
    export = f"/export:PyInit_{module.name}"
    said = run([*ZIG, "lld-link", *link, export, f"/out:{result}", str(object_file), str(library)])
    lacking = re.findall(r"undefined symbol: (?:__declspec\(dllimport\) )?(\S+)", said)
    unstable = [name for name in lacking if name.startswith(("Py", "_Py"))]
    if unstable:
        raise Failure(f"python3.dll has no {', '.join(unstable)}")
    return f"but for {len(set(lacking))} symbols of the system"


def report(module: Module, platform: str) -> str:
    """Compile and link a module; return a line about it, or more where that failed."""
    folder = WORK / platform
    object_file = folder / f"{module.name}.o"
    result = folder / f"{module.name}.out"
    way = with_clang_cl if platform.endswith("msvc") else with_zig
    try:
        said = way(module, platform, object_file, result)
    except Failure as failure:
        return f"{platform} {module.name}: FAILED\n{failure}"
    return f"{platform} {module.name}: compiled and linked, {said}"


def main(words: list[str]) -> int:
    """Build all that was selected and print the results; return the exit status."""
    platforms = [name for name in PLATFORMS if not words or any(word in name for word in words)]
    if not platforms:
        print(f"no platform has {' or '.join(words)} in its name: there are {', '.join(PLATFORMS)}")
        return 1
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "prelude.h").write_text(PRELUDE)
    jobs: list[tuple[Module, str]] = []
    for machine in sorted({name.split("-")[0] for name in platforms}):
        modules = written(machine)
        stable_interface(machine)
        jobs += [(m, name) for name in platforms if name.startswith(machine) for m in modules]
    for name in platforms:
        shutil.rmtree(WORK / name, ignore_errors=True)
        (WORK / name).mkdir()
    good = True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(lambda job: report(*job), jobs):
            print(line, flush=True)
            good = good and ": FAILED" not in line
    return not good


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Create the virtual environment of the checkout, and build what changed in it.

    environment.py SCRIPT EXTRA...
    environment.py --build-key

The first leaves a ``.venv`` with the package, editable, and the extras of pyproject.toml that are
named; the second prints a checksum of all that a build reads. Messages begin with SCRIPT.
If all is up to date it prints nothing and takes no network and a few hundredths of a second. Each
step is done again when what it depends on changed:

    step        depends on
    .venv       the interpreter, the path of the checkout, an earlier run that was interrupted
    libraries   the requirements in pyproject.toml
    kernels     their sources, setup.py, the build's part of pyproject.toml, the C compiler, and
                the built files themselves

Steps are recorded in ``.venv/cynn.json`` when they are done, so that one that was interrupted
is detected. One run at a time: others wait for a lock on this file, which ends with its holder, and
then exit with status 75, to be started again.
"""

import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ROOT / "cynn" / "kernels"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "cynn.json"
LOG = VENV / "cynn.log"
COMPILER = VENV / "compiler.sh"
BASE = getattr(sys, "_base_executable", "") or sys.executable  # not the one in .venv

# The compiler's settings in the environment.
COMPILER_VARIABLES = (
    "CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED", "CYNN_BUILD_MACHINE", "CYNN_BUILD_LIMITED",
    "CYNN_BUILD_TARGETS",
)  # fmt: skip

QUIET_SECONDS = 20  # of a step, between two lines on how far it is

# What pip and the build write when they begin something, the last of which is shown.
BEGINNINGS = re.compile(
    r"^\s*((?:Collecting|Downloading|Installing|Building|building|Compiling|\[\d+/\d+\]) .{1,60})",
    re.MULTILINE,
)

COMPARED = ("onnx", "compare", "dask")  # extras of libraries that only some tests need


class Failure(Exception):
    """A step that failed; the message is the line to show."""


class Waited(Exception):
    """Another run has changed .venv: the state that was read, and the Python chosen, are stale."""


def say(message: str) -> None:
    """Print a line for the user at once."""
    print(f"{sys.argv[1]}: {message}", file=sys.stderr, flush=True)


@contextmanager
def lock() -> Iterator[None]:
    """Exclude other runs in this checkout; where files cannot be locked, continue without."""
    with open(__file__, "rb") as file:
        os.set_inheritable(file.fileno(), True)  # a pip that outlives a killed run keeps the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that prepares .venv")
            fcntl.flock(file, fcntl.LOCK_EX)
            raise Waited from None
        except OSError:
            pass
        yield


def run(command: list[str], failure: str, **variables: str) -> None:
    """Run a command, saying now and then how far it is; if it fails, show its output."""
    said = {
        name: value
        for name, value in os.environ.items()
        # pip's settings stay (an index, a proxy, a certificate), except where it installs to.
        if not name.startswith("PYTHON") and name not in ("PIP_PREFIX", "PIP_ROOT", "PIP_TARGET")
    }
    said |= {"PIP_USER": "0", "PYTHONSAFEPATH": "1", **variables}
    with open(LOG, "w+", encoding="utf-8", errors="replace") as log:
        began = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=said,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=False,
        ) as process:
            try:
                while waits(process):
                    say(f"after {time.monotonic() - began:.0f} s: {last_step(LOG)}")
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            log.seek(0)
            sys.stderr.write(log.read())
            raise Failure(failure)


def waits(process: "subprocess.Popen[bytes]") -> bool:
    """Wait for a process for a while; return whether it goes on."""
    try:
        process.wait(QUIET_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def last_step(log: Path) -> str:
    """Return what a command began last, by its output so far."""
    begun = BEGINNINGS.findall(log.read_text(encoding="utf-8", errors="replace"))
    return begun[-1].strip() if begun else "still at it"


def pip(*arguments: str) -> list[str]:
    """Return the command that runs the environment's pip."""
    quiet = ["--disable-pip-version-check", "--no-input"]
    return [str(PYTHON), "-I", "-m", "pip", "install", *quiet, *arguments]


# -- the virtual environment


def interpreter() -> list[str]:
    """Return what a virtual environment depends on: the interpreter and its own path."""
    return [sys.version, os.path.realpath(BASE), str(ROOT)]


def read_state() -> dict[str, Any]:
    """Return the recorded state, or an empty one for an environment that cannot be used."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
        works = subprocess.run([PYTHON, "-I", "-c", ""], stderr=subprocess.DEVNULL).returncode == 0
    except (OSError, ValueError):
        return {}
    return state if works and state.get("interpreter") == interpreter() else {}


def write_state(state: dict[str, Any]) -> None:
    """Record the completed steps, atomically."""
    fresh = STATE.with_suffix(".new")
    fresh.write_text(json.dumps(state, indent=1), encoding="utf-8")
    fresh.replace(STATE)


def require_tools() -> None:
    """Report what is missing before anything is started."""
    package = "python3"
    if os.path.realpath(BASE) != os.path.realpath("/usr/bin/python3"):
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    missing = {}
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        missing["venv module"] = f"{package}-venv"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        missing["header Python.h"] = f"{package}-dev"
    if missing:
        raise Failure(
            f"{BASE} has no {' and no '.join(missing)}: install what is missing"
            f" (Debian: apt-get install {' '.join(missing.values())})"
        )
    if os.environ.get("CC") and found_compiler() == [os.environ["CC"]]:
        raise Failure(
            f"CC is {os.environ['CC']!r}, which is no command here: name another, or none"
        )


def make_environment() -> None:
    """Create .venv again. One that was made by other means and is not empty is not touched."""
    if VENV.exists() and not STATE.exists():
        found = {path.name.split("-")[0] for path in VENV.glob("lib/python*/site-packages/*-info")}
        if found - {"pip", "setuptools", "wheel"}:
            raise Failure(f"{VENV} was made by someone else: move it away, a new one is made then")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    STATE.write_text("{}", encoding="utf-8")  # from here on this script owns it
    run([BASE, "-I", "-m", "venv", str(VENV)], f"{BASE} could not make {VENV}")


# -- the compiler


def found_compiler() -> list[Any]:
    """Return the command of the first C compiler, and its version."""
    usual = str(sysconfig.get_config_var("CC") or "cc")
    named = os.environ.get("CC")
    for command in [named] if named else [usual, "cc", "gcc", "clang"]:
        path = shutil.which(shlex.split(command)[0])
        if path is not None:
            status = os.stat(path)
            return [command, os.path.realpath(path), status.st_size, status.st_mtime_ns]
    return [named]


def compiles(command: str) -> bool:
    """Try a compiler on a small module: some are installed without a C library's headers."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "try.c")
        source.write_text("#include <stdlib.h>\n#include <Python.h>\nint one(void) { return 1; }\n")
        include = "-I" + sysconfig.get_path("include")
        words = [*shlex.split(command), "-shared", "-fPIC", include]
        tried = subprocess.run(
            [*words, str(source), "-o", str(source.with_suffix(".so"))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return tried.returncode == 0


def choose_compiler(found: list[Any]) -> str:
    """Return the value of CC to build with: empty for Python's choice, "zig" without a compiler."""
    if os.environ.get("CC"):
        return os.environ["CC"]
    if found[0] is None or not compiles(found[0]):
        if sys.platform == "linux" and not os.path.exists("/proc/self/exe"):
            raise Failure(
                "no C compiler was found, and zig, which would stand in for it, needs /proc: mount"
                " that, or install a compiler (Debian: apt-get install gcc)"
            )
        return "zig"
    return "" if found[0] == sysconfig.get_config_var("CC") else str(found[0])


def compiler_variables(choice: str) -> dict[str, str]:
    """Return the variables that make setuptools use a compiler."""
    if choice == "zig":
        cache = str(ROOT / "build" / "zig")
        command = f"{shlex.quote(str(PYTHON))} -m ziglang cc"
        caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        return {"CC": command, "LDSHARED": f"{command} -shared", **caches}
    if choice and not os.environ.get("LDSHARED"):
        return {"CC": choice, "LDSHARED": f"{choice} -shared"}
    return {}


# -- the package


def requirements(project: dict[str, Any], extras: list[str]) -> list[str]:
    """Return all requirements for pip: for building, for running, and for the extras."""
    named = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in extras:
        if extra in COMPARED and sysconfig.get_config_var("Py_GIL_DISABLED"):
            continue  # not all have free-threaded wheels: the tests that need them are skipped
        named += project["project"]["optional-dependencies"][extra]
    return named


def sources(project: dict[str, Any]) -> str:
    """Return a checksum of all that the build reads."""
    total = hashlib.sha256()
    package = {k: v for k, v in project["project"].items() if k != "optional-dependencies"}
    parts = [project["build-system"], package, project["tool"]["setuptools"]]
    total.update(json.dumps(parts, sort_keys=True).encode())
    kernels = [path for path in KERNELS.rglob("*") if path.suffix in (".pyx", ".pxi", ".pxd", ".h")]
    kernels += KERNELS.glob("targets.py")  # the flags
    for path in [ROOT / "setup.py", *sorted(kernels)]:
        total.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return total.hexdigest()


def built() -> dict[str, str]:
    """Return the checksums of the compiled modules: another build may have replaced them."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(KERNELS.glob("*.so"))
    }


def require_targets() -> None:
    """Raise where CYNN_BUILD_TARGETS names a target that this machine does not have."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import setup; setup.built_targets()"
    command = [str(PYTHON), "-I", "-c", program, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failure(done.stderr.strip())


def build(choice: str) -> None:
    """Compile the kernels and install the package, editable; unchanged objects are kept."""
    shutil.rmtree(ROOT / "build" / "cython", ignore_errors=True)  # reused by time, not by content
    run(
        # The libraries are installed: isolation would only fetch them again.
        pip("--verbose", "--no-build-isolation", "--no-deps", "--editable", str(ROOT)),
        "the kernels could not be compiled: the lines above say why",
        CYNN_BUILD_KEPT=str(ROOT / "build" / "kept"),
        **compiler_variables(choice),
    )
    LOG.replace(VENV / "build.log")
    COMPILER.write_text(
        "".join(
            f"export {name}={shlex.quote(value)}\n"
            for name, value in compiler_variables(choice).items()
        ),
        encoding="utf-8",
    )


def install(state: dict[str, Any], wanted: list[str]) -> None:
    """Install libraries; where that is interrupted, the next run creates the environment again."""
    STATE.write_text("{}", encoding="utf-8")
    failed = "the libraries could not be installed: the lines above say why (this needs a network)"
    try:
        run(pip(*wanted), failed)
    except Failure:
        write_state(state)  # pip fetches all before it installs any: what was there still is
        raise
    state["requirements"] = sorted({*state["requirements"], *wanted})
    write_state(state)


def prepare(extras: list[str]) -> None:
    """Run the steps that are needed."""
    began = time.monotonic()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    state = read_state()
    found = found_compiler()
    variables = {name: os.environ.get(name) for name in COMPILER_VARIABLES}
    build_key = [sources(project), found, variables]
    wanted = requirements(project, extras)
    lacks = not set(wanted) <= set(state.get("requirements", []))
    stale = state.get("build") != build_key or state.get("built") != built()
    if not lacks and not stale:
        return
    choice = ""
    if stale:
        require_tools()
        choice = choose_compiler(found)
        if choice == "zig":
            wanted += project["project"]["optional-dependencies"]["compiler"]
    if not state:
        say(
            f"making .venv with Python {sys.version.split()[0]}, the libraries and the compiled"
            " kernels: two to five minutes, this once"
        )
        make_environment()
        state = {"interpreter": interpreter(), "requirements": []}
    missing = sorted(set(wanted) - set(state["requirements"]))
    if missing:
        say(f"installing {', '.join(missing)}")
        install(state, wanted)
    if stale:
        if os.environ.get("CYNN_BUILD_TARGETS"):
            require_targets()
        compiler = "zig, as no C compiler was found" if choice == "zig" else choice or found[0]
        say(f"compiling the kernels with {compiler}: one to four minutes")
        write_state(state | {"build": None, "built": None})
        try:
            build(choice)
        except Failure:
            write_state(state)  # pip installs what is whole: the modules from before still stand
            raise
        write_state(state | {"build": build_key, "built": built()})
    say(f"ready after {time.monotonic() - began:.0f} s")


def main() -> int:
    """Prepare the environment for the extras on the command line; return the exit status."""
    if sys.argv[1:] == ["--build-key"]:
        print(sources(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))))
        return 0
    try:
        with lock():
            prepare(sys.argv[2:])
    except Waited:
        return 75
    except Failure as failure:
        say(str(failure))
        return 1
    except OSError as error:
        say(f"cannot prepare {VENV}: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

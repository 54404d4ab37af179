"""The scripts of the checkout: what they refuse, when they rebuild, what their checks detect."""

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import textwrap
from types import ModuleType

import pytest

from places import ROOT

SCRIPTS = ROOT / "scripts"

pytestmark = pytest.mark.skipif(
    os.name != "posix" or not SCRIPTS.is_dir(), reason="the scripts are for a POSIX checkout"
)


def module(name: str) -> ModuleType:
    """Return a script as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    found = importlib.util.module_from_spec(spec)
    loader.exec_module(found)
    return found


# -- scripts/train, scripts/test: the Python they begin with


def refusal(python: str, **variables: str) -> str:
    """Run scripts/train with an unsuitable Python; return the line that it writes."""
    ran = subprocess.run(
        [SCRIPTS / "train", "--help"],
        env={"PATH": os.environ["PATH"], "PYTHON": python, **variables},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr


def test_no_python_is_one_line():
    assert "no no-such-python: install Python 3.11 or later" in refusal("no-such-python")


def test_an_old_python_is_one_line(tmp_path):
    old = tmp_path / "an old python"
    program = "import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])"
    old.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\n'
        f"exec '{sys.executable}' -c '{program}' \"$2\"\n"
    )
    old.chmod(0o755)
    line = refusal(str(old))
    assert "Python 3.9.2 is too old" in line
    assert "PYTHON=python3.12 scripts/train" in line


# -- scripts/environment.py


@pytest.fixture
def environment(monkeypatch, tmp_path) -> ModuleType:
    """Return the module, working on a small checkout of its own."""
    found = module("environment.py")
    root = tmp_path / "a checkout"
    kernels = root / "cynn" / "kernels"
    kernels.mkdir(parents=True)
    (root / "setup.py").write_text("setup()\n")
    (kernels / "a.pyx").write_text('include "b.pxi"\n')
    (kernels / "b.pxi").write_text("cdef int b\n")
    for name, value in {
        "ROOT": root,
        "KERNELS": kernels,
        "VENV": root / ".venv",
        "STATE": root / ".venv" / "cynn.json",
        "LOG": root / ".venv" / "cynn.log",
    }.items():
        monkeypatch.setattr(found, name, value)
    for name in found.COMPILER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return found


def project(dependencies=(), extra=()) -> dict:
    return {
        "build-system": {"requires": ["cython"]},
        "project": {"dependencies": [*dependencies], "optional-dependencies": {"x": [*extra]}},
        "tool": {"setuptools": {}},
    }


def test_a_build_depends_on_what_it_reads(environment):
    seen = {environment.sources(project())}

    def changed() -> bool:
        now = environment.sources(project())
        known = now in seen
        seen.add(now)
        return not known

    assert not changed()
    (environment.KERNELS / "a.pyi").write_text("pass\n")
    assert not changed()
    (environment.KERNELS / "targets.py").write_text("TARGETS = {}\n")
    assert changed()
    (environment.KERNELS / "b.pxi").write_text("cdef int c\n")
    assert changed()
    (environment.KERNELS / "b.pxi").rename(environment.KERNELS / "c.pxi")
    assert changed()
    (environment.KERNELS / "new.h").write_text("int b;\n")
    assert changed()
    (environment.ROOT / "setup.py").write_text("setup(1)\n")
    assert changed()
    assert environment.sources(project(extra=["pytest"])) in seen
    assert environment.sources(project(dependencies=["numpy"])) not in seen


def test_another_build_of_the_modules_is_seen(environment):
    library = environment.KERNELS / "a.abi3.so"
    library.write_bytes(b"one")
    before = environment.built()
    library.write_bytes(b"two")
    assert list(before) == list(environment.built()) == ["a.abi3.so"]
    assert before != environment.built()


@pytest.fixture
def made(environment, monkeypatch) -> list[str]:
    """Return the list that records commands instead of running them."""
    commands = []
    monkeypatch.setattr(environment, "run", lambda command, failure: commands.extend(command))
    return commands


def test_an_interrupted_build_is_redone(environment, made):
    environment.VENV.mkdir()
    environment.STATE.write_text("{}")
    (environment.VENV / "half").touch()
    assert environment.read_state() == {}
    environment.make_environment()
    assert not (environment.VENV / "half").exists()
    assert made[-2:] == ["venv", str(environment.VENV)]


def test_an_empty_environment_is_recreated(environment, made):
    packages = environment.VENV / "lib" / "python3.11" / "site-packages"
    (packages / "pip-1.dist-info").mkdir(parents=True)
    environment.make_environment()
    assert not packages.exists()
    assert made[-2:] == ["venv", str(environment.VENV)]


def test_a_foreign_environment_is_not_touched(environment):
    theirs = environment.VENV / "lib" / "python3.11" / "site-packages" / "scipy-1.dist-info"
    theirs.mkdir(parents=True)
    with pytest.raises(environment.Failure, match="made by someone else: move it away"):
        environment.make_environment()
    assert theirs.is_dir()


@pytest.mark.parametrize("change", ["", "moved", "another Python", "no Python", "a broken one"])
def test_an_environment_is_tied_to_its_place_and_python(environment, monkeypatch, change):
    (environment.VENV / "bin").mkdir(parents=True)
    python = environment.VENV / "bin" / "python"
    python.symlink_to(environment.BASE)
    monkeypatch.setattr(environment, "PYTHON", python)
    state = {"interpreter": environment.interpreter(), "requirements": []}
    environment.write_state(state)
    if change == "moved":
        monkeypatch.setattr(environment, "ROOT", environment.ROOT / "elsewhere")
    elif change == "another Python":
        monkeypatch.setattr(sys, "version", "3.99")
    elif change == "no Python":
        python.unlink()
    elif change == "a broken one":
        python.unlink()
        python.symlink_to(shutil.which("false"))
    assert environment.read_state() == ({} if change else state)


def test_no_venv_module_is_one_line(environment, monkeypatch):
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(environment.Failure, match="no venv module.*apt-get install python3.*-venv"):
        environment.require_tools()


def test_no_headers_are_one_line(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(
        environment.Failure, match="no header Python.h.*apt-get install python3.*-dev"
    ):
        environment.require_tools()


def test_a_compiler_that_is_not_there_is_one_line(environment, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(environment.Failure, match="CC is 'no-such-compiler -O2'"):
        environment.require_tools()


def test_a_target_that_is_not_there_is_one_line(environment, monkeypatch):
    monkeypatch.setattr(environment, "PYTHON", sys.executable)
    (environment.ROOT / "setup.py").write_text(
        "def built_targets(): raise SystemExit('CYNN_BUILD_TARGETS must name a, got 9')"
    )
    with pytest.raises(environment.Failure, match="^CYNN_BUILD_TARGETS must name a, got 9$"):
        environment.require_targets()
    (environment.ROOT / "setup.py").write_text("def built_targets(): return ['a']")
    environment.require_targets()


def test_without_a_compiler_there_is_zig(environment, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = environment.found_compiler()
    assert found == [None]
    assert environment.choose_compiler(found) == "zig"
    assert environment.compiler_variables("zig")["CC"].endswith("/python -m ziglang cc")


def test_a_compiler_that_does_not_work_is_ignored(environment, monkeypatch, tmp_path):
    for name in ("cc", "gcc", "clang"):
        (tmp_path / name).symlink_to(shutil.which("false"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.choose_compiler(environment.found_compiler()) == "zig"


def test_a_command_is_silent_until_it_fails(environment, capfd):
    environment.VENV.mkdir()
    environment.run(["sh", "-c", "echo fine"], "no failure")
    assert capfd.readouterr() == ("", "")
    with pytest.raises(environment.Failure, match="it broke"):
        environment.run(["sh", "-c", "echo why; exit 3"], "it broke")
    assert capfd.readouterr().err == "why\n"


def test_a_long_command_says_how_far_it_is(environment, monkeypatch):
    environment.VENV.mkdir()
    lines = []
    monkeypatch.setattr(environment, "say", lines.append)
    monkeypatch.setattr(environment, "QUIET_SECONDS", 0.05)
    steps = ("'  Collecting numpy'", "\"building 'cynn.kernels.a' extension\"")
    environment.run(["sh", "-c", "".join(f"echo {s}; sleep .4; " for s in steps)], "no failure")
    shown = [line.partition(" s: ")[2] for line in lines]
    assert "Collecting numpy" in shown and shown[-1] == "building 'cynn.kernels.a' extension"


def test_commands_ignore_the_callers_python(environment, monkeypatch):
    environment.VENV.mkdir()
    for name in ("PYTHONPATH", "PYTHONWARNINGS", "PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    environment.run(["sh", "-c", "env"], "no failure")
    said = environment.LOG.read_text()
    assert "/elsewhere" not in said
    assert "PIP_USER=0" in said


# -- scripts/check-annotations

PYTHON_UNLOCKED = """
    cimport cython

    cdef int checked(int a) except -1 nogil:
        return a

    cdef int calls_checked(int a) noexcept nogil:  # bad: the error is printed with the GIL taken
        return checked(a)  # bad

    cdef void takes_the_lock() noexcept nogil:  # bad
        with gil:  # bad
            print("x")  # bad

    @cython.cdivision(False)
    cdef int divides(
        int a,
        int b,
    ) noexcept nogil:
        '''Not closed: (.'''
        return a // b  # bad

    cdef int raises(int a) noexcept nogil:  # bad
        if a > 0:
            raise ValueError  # bad
        return a

    def block(double[:] x, double y):
        cdef list found = [y]
        with nogil:
            y += 1
            with cython.boundscheck(True):
                y += x[3]  # bad

            y += 2
        found.append(y)
        return found

    cdef class Holder:
        cdef double value

        cdef double method(self, double[::1] x) noexcept nogil:
            cdef Py_ssize_t i
            for i in range(x.shape[0]):
                self.value += x[i] / 3
            return self.value

        cdef object locked(self):
            return [self.value]
"""


@pytest.fixture(scope="module")
def annotations() -> ModuleType:
    pytest.importorskip("Cython")
    return module("check-annotations")


def test_python_calls_without_the_gil_are_seen(annotations, tmp_path, capfd):
    text = textwrap.dedent(PYTHON_UNLOCKED)
    (tmp_path / "bad.pyx").write_text('include "unlocked.pxi"\n')
    (tmp_path / "unlocked.pxi").write_text(text)
    found = annotations.touches_python(tmp_path / "bad.pyx")
    lines = [line.split(": ")[0] for line in found]
    wanted = [i for i, line in enumerate(text.splitlines(), 1) if "# bad" in line]
    assert lines == [f"unlocked.pxi:{i}" for i in wanted]
    assert annotations.main([str(tmp_path / "bad.pyx")]) == 1


def test_kernels_without_python_pass(annotations, tmp_path):
    (tmp_path / "good.pyx").write_text(
        "cdef double twice(const double* x) noexcept nogil:\n    return 2 * x[0]\n"
        "def f(double x):\n    with nogil:\n        x = twice(&x)\n    return x\n"
    )
    assert annotations.touches_python(tmp_path / "good.pyx") == []

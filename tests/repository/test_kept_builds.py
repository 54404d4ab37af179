"""Dependencies and caches of builds: nothing stale, nothing compiled twice."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cynn import kernels
from places import ROOT

if os.name != "posix" or not (ROOT / "scripts").is_dir():
    pytest.skip("the scripts are for a POSIX checkout", allow_module_level=True)

COMPILE_ONCE = ROOT / "scripts" / "compile_once.py"


# -- what a build depends on


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """Return a copy of the files that the build reads, and of the scripts that read them too."""
    root = tmp_path_factory.mktemp("a checkout")
    for name in ("setup.py", "pyproject.toml", "scripts/environment.py", "scripts/environment.sh"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(
        ROOT / "cynn" / "kernels", root / "cynn" / "kernels", ignore=shutil.ignore_patterns("*.so")
    )
    (root / "cynn" / "kernels" / "deep" / "deeper").mkdir(parents=True)
    for kind in ("pxi", "pxd", "h"):
        (root / "cynn" / "kernels" / "deep" / "deeper" / f"new.{kind}").write_text("\n")
    return root


READ = [f"deep/deeper/new.{kind}" for kind in ("pxi", "pxd", "h")]
READ += [  # the first of each kind in each folder
    str(path.relative_to(ROOT / "cynn" / "kernels"))
    for folder in sorted({path.parent for path in (ROOT / "cynn" / "kernels").rglob("*.*")})
    for kind in ("pyx", "pxi", "pxd", "h")
    for path in sorted(folder.glob(f"*.{kind}"))[:1]
]


def python(program: str, folder: Path, *arguments: object) -> str:
    """Run a program in a folder that is first on the path; return its output."""
    begin = "import os, sys; sys.path[:0] = [os.getcwd(), 'scripts']\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", begin + program, *map(str, arguments)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("CYNN_")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def state(root: Path) -> tuple[str, str]:
    """Return the checksum that decides on a build, and the one that other caches use."""
    known = python(
        "import environment, tomllib; from pathlib import Path\n"
        "print(environment.sources(tomllib.loads(Path('pyproject.toml').read_text())))",
        root,
    )
    key = subprocess.run(
        [sys.executable, "-I", root / "scripts" / "environment.py", "--build-key"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return known, key


@pytest.fixture(scope="module")
def depended(copy) -> set[str]:
    """Return the files that setup.py names to setuptools, of any module."""
    pytest.importorskip("Cython")
    return set(
        python(
            "import setup\nfor e in setup.extensions(): print(*e.sources, *e.depends, sep='\\n')",
            copy,
        ).splitlines()
    )


@pytest.mark.parametrize("name", READ)
def test_a_change_anywhere_in_the_kernels_is_seen(copy, depended, name):
    """Whatever lists the kernels descends into their folders."""
    path = copy / "cynn" / "kernels" / name
    before = state(copy)
    path.write_text(path.read_text() + "\n")
    after = state(copy)
    assert before[0] != after[0], "scripts/environment.py would not build again"
    assert before[1] != after[1], "the emulated, musl and sanitized builds would stay"
    inside = path.relative_to(copy).as_posix()
    neon = inside.endswith(".pyx") and inside not in depended  # of another processor
    assert neon or inside in depended, "setuptools would not compile again"
    assert starts_the_workflow(inside), "the wheels' workflow would not run"


def test_a_change_of_the_table_of_targets_is_seen(copy):
    path = copy / "cynn" / "kernels" / "targets.py"
    before = state(copy)
    path.write_text(path.read_text() + "\n")
    assert all(old != new for old, new in zip(before, state(copy), strict=True))
    assert starts_the_workflow("cynn/kernels/targets.py")


def starts_the_workflow(path: str) -> bool:
    """Match a path as GitHub does: `**` crosses folders, `*` does not."""
    workflow = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^    paths:\n((?:      - .*\n)+)", workflow, re.MULTILINE)
    for pattern in re.findall(r"- (.*)", listed):
        rule = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        if re.fullmatch(rule, path):
            return True
    return False


def test_what_is_no_kernel_starts_no_workflow():
    assert starts_the_workflow("setup.py")
    assert not starts_the_workflow("cynn/model.py")


# -- objects that are kept


class Compiler:
    """A C compiler behind compile_once.py, and a count of the times that it ran."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept, self.log = folder, folder / "kept", folder / "log"
        self.command = folder / "cc"
        found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if found is None:
            pytest.skip("no compiler is installed")
        self.command.write_text(
            f'#!/bin/sh\ncase "$*" in *-E*|*--version*) ;; *) echo x >>"{self.log}" ;; esac\n'
            f'exec {found} "$@"\n'
        )
        self.command.chmod(0o755)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-I", COMPILE_ONCE, self.kept, self.command, *arguments]
        return subprocess.run(
            [str(word) for word in words], cwd=self.folder, capture_output=True, text=True
        )

    def compile(self, *flags: str) -> tuple[bool, bytes, str]:
        """Compile a.c; return whether the compiler had to run, the object and the messages."""
        target = self.folder / "out" / "a.o"
        target.unlink(missing_ok=True)
        target.parent.mkdir(exist_ok=True)
        before = self.count()
        done = self.run("-O1", *flags, "-I.", "-c", "a.c", "-o", target)
        assert done.returncode == 0, done.stderr
        return self.count() > before, target.read_bytes(), done.stderr

    def count(self) -> int:
        return len(self.log.read_text().split()) if self.log.exists() else 0


@pytest.fixture
def compiler(tmp_path) -> Compiler:
    (tmp_path / "a.c").write_text('#include "a.h"\nint one(int unused) { return ONE; }\n')
    (tmp_path / "a.h").write_text('#include "deep.h"\n')
    (tmp_path / "deep.h").write_text("#define ONE 1\n")
    return Compiler(tmp_path)


def test_an_object_is_compiled_once(compiler):
    ran, first, _ = compiler.compile()
    assert ran
    ran, second, _ = compiler.compile()
    assert not ran and second == first
    (compiler.folder / "a.h").write_text('/* a comment */\n#include "deep.h"\n')
    assert not compiler.compile()[0]


@pytest.mark.parametrize("change", ["source", "header", "flag", "macro", "compiler"])
def test_no_object_is_stale(compiler, change):
    _, first, _ = compiler.compile()
    flags = []
    if change == "source":
        source = compiler.folder / "a.c"
        source.write_text(source.read_text().replace("return ONE", "return ONE + 1"))
    elif change == "header":
        (compiler.folder / "deep.h").write_text("#define ONE 2\n")
    elif change == "flag":
        flags = ["-fno-common", "-O0"]
    elif change == "macro":
        flags = ["-Done=two"]
    else:
        compiler.command.write_text(compiler.command.read_text() + "# another\n")
    ran, second, _ = compiler.compile(*flags)
    assert ran
    assert second != first or change == "compiler"
    assert not compiler.compile(*flags)[0]


def test_warnings_are_kept_with_their_object(compiler):
    ran, _, said = compiler.compile("-Wextra", "-Wall")
    assert ran and "warning" in said
    assert compiler.compile("-Wextra", "-Wall") == (False, _, said)


def test_failed_compilations_are_not_cached(compiler):
    (compiler.folder / "a.c").write_text("int one(void) { return }\n")
    for _ in range(2):
        done = compiler.run("-c", "a.c", "-o", "a.o")
        assert done.returncode != 0 and "error" in done.stderr
    assert not compiler.kept.exists()


def test_a_link_is_left_to_the_compiler(compiler):
    compiler.compile("-fPIC")
    before = compiler.count()
    assert compiler.run("-shared", "out/a.o", "-o", "a.so").returncode == 0
    assert (compiler.folder / "a.so").exists() and compiler.count() == before + 1


# -- modules that were built before


def test_modules_of_other_targets_are_removed(tmp_path, monkeypatch):
    """A target that a build leaves out would otherwise be imported from an earlier build."""
    pytest.importorskip("Cython")
    folder = tmp_path / "cynn" / "kernels"
    folder.mkdir(parents=True)
    for name in ("avx2_float32.abi3.so", "avx512_float32.abi3.so", "avx2_float32.cpython-39.so"):
        (folder / name).touch()
    python(
        "import setup, setuptools; from types import SimpleNamespace\n"
        "from setuptools.command.build_ext import build_ext\n"
        "build_ext.copy_extensions_to_source = lambda self: None\n"
        "os.chdir(sys.argv[1])\n"
        "extension = setuptools.Extension('cynn.kernels.avx2_float32', [])\n"
        "command = SimpleNamespace(extensions=[extension],"
        " get_ext_filename=lambda name: name.replace('.', '/') + '.abi3.so')\n"
        "setup.BuildKernels.take_others_away(command)\n",
        ROOT,
        tmp_path,
    )
    assert [path.name for path in folder.iterdir()] == ["avx2_float32.abi3.so"]


def test_every_module_here_is_of_one_build():
    """The modules next to the sources are those of the last build."""
    places = {
        path.name.partition(".")[2] for p in kernels.__path__ for path in Path(p).glob("*.so")
    }
    assert len(places) <= 1, f"modules of several builds: {', '.join(sorted(places))}"

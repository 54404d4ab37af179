"""The flags that setup.py passes to compilers of systems that the tests do not run on."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from types import SimpleNamespace

import pytest

from places import ROOT

SETUP = ROOT / "setup.py"

pytestmark = pytest.mark.skipif(not SETUP.exists(), reason="needs a checkout")


@pytest.fixture
def on(monkeypatch):
    """Return setup.py as it is read on a system, with an interpreter for a platform."""
    for needed in ("Cython", "setuptools"):
        pytest.importorskip(needed)

    def read(system: str, interpreter: str, **variables: str):
        for name in ("ARCHFLAGS", "CC", *(name for name in os.environ if name.startswith("CYNN_"))):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        spec = importlib.util.spec_from_file_location("build_script", SETUP)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(sysconfig, "get_platform", lambda: interpreter)
        return script

    return read


APPLE = "-arch {}".format


@pytest.mark.parametrize(
    ("system", "interpreter", "variables", "machine"),
    [
        ("linux", "linux-x86_64", {}, "x86_64"),
        ("linux", "linux-aarch64", {}, "aarch64"),
        ("linux", "linux-x86_64", {"CYNN_BUILD_MACHINE": "AArch64"}, "aarch64"),
        ("linux", "linux-x86_64", {"ARCHFLAGS": APPLE("arm64")}, "x86_64"),
        ("win32", "win-amd64", {}, "amd64"),
        ("win32", "win-arm64", {}, "arm64"),
        ("darwin", "macosx-11.0-arm64", {}, "arm64"),
        ("darwin", "macosx-10.13-x86_64", {"ARCHFLAGS": APPLE("x86_64")}, "x86_64"),
        ("darwin", "macosx-10.9-universal2", {"ARCHFLAGS": APPLE("x86_64")}, "x86_64"),
        ("darwin", "macosx-10.9-universal2", {}, "riscv"),  # the machine's own: one of the two
        ("darwin", "macosx-10.9-universal2", {"ARCHFLAGS": "-arch arm64 -arch x86_64"}, "riscv"),
    ],
)
def test_the_machine_is_the_one_that_is_built_for(
    on, monkeypatch, system, interpreter, variables, machine
):
    monkeypatch.setattr(platform, "machine", lambda: "RISCV")
    assert on(system, interpreter, **variables).machine() == machine


def test_apple_gets_one_architecture(on):
    script = on("darwin", "macosx-11.0-arm64")
    assert script.built_targets() == ["neon"]
    flags = script.flags_of("cynn.kernels.neon_float32", "clang")
    assert flags[-2:] == ["-arch", "arm64"] == script.architecture()
    assert "-arch" not in on("linux", "linux-x86_64").flags_of("cynn.kernels.avx2_float32", "gcc")


@pytest.mark.parametrize(
    ("interpreter", "module", "target", "told"),
    [
        ("win-amd64", "avx2_float64", "x86_64", {"/clang:-mavx2", "/clang:-mfma"}),
        ("win-amd64", "avx512_float32", "x86_64", {"/clang:-mavx512f"}),
        ("win-amd64", "processor", "x86_64", {"/clang:-march=x86-64"}),
        ("win-arm64", "neon_float32", "aarch64", {"/clang:-march=armv8-a"}),
        ("win-arm64", "processor", "aarch64", {"/clang:-march=armv8-a"}),
    ],
)
def test_clang_cl_gets_gccs_flags(on, interpreter, module, target, told):
    script = on("win32", interpreter)
    first, *flags = script.flags_of(f"cynn.kernels.{module}", "clang-cl")
    assert first == f"--target={target}-pc-windows-msvc"
    assert all(flag.startswith("/clang:-") for flag in flags)
    assert told | {"/clang:-O3", "/clang:-ffp-contract=fast"} <= set(flags)
    # It has no visibility; and -Wall enables every warning that it has.
    assert not any("visibility" in flag or "-W" in flag for flag in flags)
    if module != "avx512_float32":
        assert not any("avx512" in flag for flag in flags)


@pytest.mark.parametrize("module", ["avx2_float32", "processor"])
def test_clang_accepts_the_flags(on, module):
    """It fails at some of gcc's flags, and so does zig."""
    script = on("linux", "linux-x86_64")
    flags = script.flags_of(f"cynn.kernels.{module}", "clang")
    assert not {"-fno-ipa-cp-clone", "-fno-split-loops"} & set(flags)
    for compiler in ("zig", "clang-cl"):
        assert not any("ipa-cp" in flag for flag in script.flags_of("views", compiler))
    if shutil.which("clang"):
        command = ["clang", *flags, "-Werror", "-x", "c", "-fsyntax-only", "-"]
        done = subprocess.run(command, input="int one;", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_zig_gets_no_library_folder(on):
    """It would become a DT_RUNPATH of the modules, which no wheel may have."""
    script = on("linux", "linux-x86_64")

    def link(kind: str) -> tuple[list[str], list[str]]:
        compiler = SimpleNamespace(
            linker_so=["cc", "-shared", "-L/a", "-Wl,-rpath,/a", "-s"], library_dirs=["/b"]
        )
        compiler.set_library_dirs = lambda folders: setattr(compiler, "library_dirs", folders)
        script.BuildKernels.forget_folders(SimpleNamespace(compiler=compiler), kind)
        return compiler.linker_so, compiler.library_dirs

    assert link("zig") == (["cc", "-shared", "-s"], [])
    assert link("gcc") == (["cc", "-shared", "-L/a", "-s"], ["/b"])


def test_one_target_can_be_built(on, monkeypatch):
    script = on("linux", "linux-x86_64")
    everything = script.built_targets()
    assert "avx2" in everything and "neon" not in everything
    monkeypatch.setenv("CYNN_BUILD_TARGETS", "avx2")
    assert script.built_targets() == ["avx2"]
    monkeypatch.setenv("CYNN_BUILD_TARGETS", "neon")
    with pytest.raises(SystemExit, match="^CYNN_BUILD_TARGETS must name .*avx2.*, got 'neon'$"):
        script.built_targets()


def commands(script, compiler):
    """Return setup.py's build command after it has chosen a compiler."""
    return SimpleNamespace(
        compiler=compiler, plat_name="win-amd64", take_clang=lambda: take(script, compiler)
    )


def take(script, compiler):
    script.BuildKernels.take_clang(SimpleNamespace(compiler=compiler, plat_name="win-amd64"))


def microsofts() -> SimpleNamespace:
    """Return what setup.py touches of setuptools' class of Microsoft's compiler."""
    made = SimpleNamespace(compiler_type="msvc", initialized=False, compile_options=["/O2", "/GL"])
    made.initialize = lambda plat_name: setattr(made, "initialized", plat_name)
    return made


def test_clang_takes_the_place_of_microsofts_compiler(on, monkeypatch):
    script, compiler = on("win32", "win-amd64"), microsofts()
    monkeypatch.setattr(shutil, "which", lambda name: f"C:\\LLVM\\{name}")
    assert script.BuildKernels.kind_of_compiler(commands(script, compiler)) == "clang-cl"
    assert compiler.cc == "C:\\LLVM\\clang-cl"
    assert compiler.compile_options == ["/O2"]
    assert compiler.initialized == "win-amd64"
    compiler = microsofts()
    monkeypatch.setenv("CC", "clang-cl-22")
    take(script, compiler)
    assert compiler.cc == "C:\\LLVM\\clang-cl-22"


def test_no_clang_is_one_line(on, monkeypatch):
    script = on("win32", "win-amd64")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="^no clang-cl: install LLVM, or name its clang-cl in CC$"):
        take(script, microsofts())

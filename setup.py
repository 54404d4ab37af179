"""The compiled part of the package: one extension module for each target and precision."""

import gzip
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
from pathlib import Path

from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

KERNELS = Path("cynn", "kernels")

# The targets, with their flags: a table that is read without importing what is being built.
TABLE = runpy.run_path(str(Path(__file__).parent / KERNELS / "targets.py"))
MACHINES, TARGETS, REALS = TABLE["MACHINES"], TABLE["TARGETS"], TABLE["REALS"]

# A module that is named for no target, as the one that asks the processor what it can do, runs
# before that is known: it is compiled for every processor of the kind, and small, as no time is
# spent in it. For gcc and clang; and for zig.
ANY = {
    "x86_64": (["-Os", "-march=x86-64"], ["-Os", "-mcpu=x86_64"]),
    "aarch64": (["-Os", "-march=armv8-a"], ["-Os", "-mcpu=generic"]),
}

FLAGS = [
    "-O3",
    "-ffp-contract=fast",  # gcc fuses a multiplication and an addition only when told
    "-fno-math-errno",  # a root is an instruction; nobody here reads errno
    "-fvisibility=hidden",
    "-fno-asynchronous-unwind-tables",  # nothing unwinds C; a twentieth of a module's size
    "-Wall",
    "-Wextra",
]

# What has to be inline, unrolled or a vector says so; the rest would weigh a seventh more. Each
# compiler has names of its own for that, and clang ends at those of gcc.
GCC_FLAGS = [
    "-fno-inline-functions",
    "-fno-ipa-cp-clone",
    "-fno-tree-loop-vectorize",  # straight lines are: of a root for each lane comes one for all
    "-fno-unswitch-loops",
    "-fno-split-loops",
    "-fno-version-loops-for-strides",
]
CLANG_FLAGS = ["-fno-inline-functions", "-fno-vectorize"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
    "freethreading_compatible": True,
    "auto_pickle": False,  # nothing here is pickled, and what would do it is code in every module
}

# A view is passed by value, with room for this many dimensions less one: ours have two. With
# Cython's eight the modules were a tenth larger.
Options.buffer_max_dims = 3

# What Cython itself adds for views is compiled once: in each target it would be a sixth of it.
VIEWS = "cynn.kernels.views"

# What is said to the C compiler of functions, found by the names that Cython gives them. Tiles must
# be compiled into the loops that call them, each with its own bounds: a kernel that is inline is so
# always. What Python calls runs once for all that a kernel does: small is better there than fast,
# which makes a module a seventh smaller. But the measure of the processor's peak is all in one.
MARKS = [
    (re.compile(r"^static CYTHON_INLINE (?=.*\b__pyx_f_)", re.M), "CYNN_INLINE "),
    (re.compile(r"^static (?=PyObject \*__pyx_p[wf]_(?!\w+_peak))", re.M), "static CYNN_SMALL "),
    (re.compile(r"^static (?=int __pyx_f_\w+_calling\()", re.M), "static CYNN_SMALL "),
    # Where Cython itself lies, as tracebacks would show it: no part of what is compiled.
    (
        re.compile(r'^  "[^"]*Cython/Utility/MemoryView\.pxd",$', re.M),
        '  "cynn/kernels/views.pxd",',
    ),
]

# The stable interface serves every CPython from 3.11 on; free-threaded builds have none before
# 3.15. CYNN_BUILD_LIMITED=0 builds for this CPython alone, to compare the two.
LIMITED = (
    not sysconfig.get_config_var("Py_GIL_DISABLED") and os.environ.get("CYNN_BUILD_LIMITED") != "0"
)


def machine() -> str:
    """The processor that is compiled for, by its usual name: one, also where Python is for two."""
    apples = re.findall(r"-arch\s+(\S+)", os.environ.get("ARCHFLAGS", ""))
    name = sysconfig.get_platform().rpartition("-")[2]  # linux-x86_64, win-arm64
    if sys.platform == "darwin" and len(apples) == 1:
        name = apples[0]
    elif name == "universal2":
        name = platform.machine()
    return os.environ.get("CYNN_BUILD_MACHINE", name).lower()


def kind() -> str:
    """The kind of processor, a key of MACHINES; empty for one that no target is for."""
    return next((name for name, names in MACHINES.items() if machine() in names), "")


# A folder that keeps what Cython and the compiler wrote, by what it was made of: what comes out the
# same is taken from there (scripts/compile_once.py). Without a name nothing is kept.
KEPT = os.environ.get("CYNN_BUILD_KEPT", "")

# Targets to build with the instructions of AVX2 instead: so the tests run wide tiles anywhere.
WIDE = os.environ.get("CYNN_BUILD_WIDE", "").split()


def target_of(module: str) -> str:
    """The target that a module is named for; empty for one that is named for none."""
    name = module.rpartition(".")[2].rpartition("_")[0]
    return name if name in TARGETS else ""


def flags_of(module: str, compiler: str) -> list[str]:
    """What a compiler is told: "gcc", "clang", "zig", or Windows' "clang-cl"."""
    zig = compiler == "zig"
    target = "avx2" if WIDE else target_of(module)
    if target:
        told = [*(TARGETS[target].zig if zig else TARGETS[target].flags)]
    else:
        told = ANY.get(kind(), ([], []))[zig]
    own = GCC_FLAGS if compiler == "gcc" else CLANG_FLAGS
    flags = FLAGS + own + told + (["-Wno-psabi"] if WIDE else [])
    if compiler == "clang-cl":
        processor = "aarch64" if kind() == "aarch64" else "x86_64"
        return [
            f"--target={processor}-pc-windows-msvc",  # untold: what clang-cl itself runs on
            *(f"/clang:{flag}" for flag in flags if not flag.startswith(("-W", "-fvisibility"))),
        ]
    return flags + architecture()


def architecture() -> list[str]:
    """What Apple's compiler is told: one processor a build, as each has targets of its own."""
    return ["-arch", machine()] if sys.platform == "darwin" else []


def built_targets() -> list[str]:
    """Return the targets to compile: all of this machine, or those of CYNN_BUILD_TARGETS."""
    possible = [name for name, target in TARGETS.items() if target.machine == kind()]
    wanted = os.environ.get("CYNN_BUILD_TARGETS", "").replace(",", " ").split()
    unknown = sorted(set(wanted) - set(possible))
    if unknown:
        raise SystemExit(
            f"CYNN_BUILD_TARGETS must name targets of {', '.join(possible)}, got {unknown[0]!r}"
        )
    return [name for name in possible if name in wanted] or possible


class BuildKernels(build_ext):
    """Compiles the targets side by side, each with its flags."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        """Let Cython write the sources: not in commands that only ask what there is to build."""
        if self.extensions:
            written = {module.name: module for module in in_c(self.extensions)}
            for extension in self.extensions:
                extension.sources = written[extension.name].sources
        super().run()

    def build_extensions(self) -> None:
        kind = self.kind_of_compiler()
        if sys.platform == "linux":
            self.forget_folders(kind)
        if KEPT and self.compiler.compiler_type == "unix":
            once = [sys.executable, "-I", os.path.join("scripts", "compile_once.py"), KEPT]
            self.compiler.compiler_so = once + self.compiler.compiler_so
        for extension in self.extensions:
            extension.extra_compile_args = flags_of(extension.name, kind)
            extension.extra_link_args = architecture()
            if sys.platform == "linux":
                extension.extra_link_args += ["-s"]
            if sys.platform == "win32":  # WaitOnAddress, for threads that wait
                extension.libraries = ["synchronization"]
        super().build_extensions()

    def forget_folders(self, kind: str) -> None:
        """Let no module search a folder of this machine: they need the system's libraries alone.

        Python's own command may name folders of where it was made, and zig makes a DT_RUNPATH of
        each folder of libraries that it is told.
        """
        forgotten = ("-Wl,-rpath", "-L") if kind == "zig" else ("-Wl,-rpath",)
        link = self.compiler.linker_so
        self.compiler.linker_so = [word for word in link if not word.startswith(forgotten)]
        if kind == "zig":
            self.compiler.set_library_dirs([])

    def copy_extensions_to_source(self) -> None:
        """Put the modules beside their sources."""
        super().copy_extensions_to_source()
        self.take_others_away()

    def take_others_away(self) -> None:
        """Remove what earlier builds left beside the sources.

        A target that is not built now would be imported all the same, whatever it was made of.
        """
        made = {Path(self.get_ext_filename(e.name)).name for e in self.extensions}
        for path in Path("cynn", "kernels").glob("*.so"):
            if path.name not in made:
                path.unlink()

    def kind_of_compiler(self) -> str:
        if self.compiler.compiler_type == "msvc":
            self.take_clang()
            return "clang-cl"
        command = self.compiler.compiler_so
        banner = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
        if "zig" in " ".join(command) or "zig" in banner:
            return "zig"
        return "clang" if "clang" in banner else "gcc"

    def take_clang(self) -> None:
        """Put clang-cl in the place of Microsoft's compiler, which has no vector types."""
        name = os.environ.get("CC", "clang-cl")
        clang = shutil.which(name)
        if clang is None:
            raise SystemExit(f"no {name}: install LLVM, or name its clang-cl in CC")
        if not self.compiler.initialized:
            self.compiler.initialize(self.plat_name)
        self.compiler.cc = clang
        self.compiler.compile_options.remove("/GL")  # Microsoft's own


class SourceArchive(sdist):
    """Packs the source archive so that equal files give equal bytes, whenever and by whomever."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **owner) -> str:
        if format != "gztar":
            return super().make_archive(base_name, format, root_dir, base_dir, **owner)
        moment = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))

        def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mtime = moment
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        path = f"{base_name}.tar.gz"
        self.mkpath(os.path.dirname(path))
        with (
            open(path, "wb") as file,
            gzip.GzipFile("", "wb", mtime=moment, fileobj=file) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            archive.add(base_dir, filter=plain)  # which goes over a folder in order
        return path


# The source of a target's module, which is written for each when it is built.
SOURCE = """\
cdef extern from *:
    "#define CYNN_REAL_BITS {bits}"
    ctypedef {c_type} real "{c_type}"

include "kernels.pxi"
"""
WRITTEN = Path("build", "targets")


def source_of(module: str) -> str:
    """The file that a module is made of."""
    name = module.rpartition(".")[2]
    if module == VIEWS:
        return "views.c"  # which Cython writes
    return str((WRITTEN if target_of(module) else KERNELS) / f"{name}.pyx")


def macros_of(module: str) -> list[tuple[str, str]]:
    macros = [("CYNN_SMALL", "__attribute__((cold))")]
    if target_of(module):
        macros.append(("CYNN_VEC_BYTES", str(TARGETS[target_of(module)].vector_bytes)))
    if LIMITED:
        macros.append(("Py_LIMITED_API", "0x030B0000"))
    return macros


def extensions() -> list[Extension]:
    modules = [] if WIDE else ["cynn.kernels.processor"]
    modules += [VIEWS]
    modules += [f"cynn.kernels.{name}_{real}" for name in WIDE or built_targets() for real in REALS]
    included = sorted(path for kind in ("h", "pxd", "pxi") for path in KERNELS.rglob(f"*.{kind}"))
    return [
        Extension(
            name,
            [source_of(name)],
            include_dirs=[str(KERNELS)],
            depends=[str(path) for path in included],
            define_macros=macros_of(name),
            py_limited_api=LIMITED,
        )
        for name in modules
    ]


def write_sources(modules: list[str]) -> None:
    """Write the targets' sources; one that is there stays, so that what was made of it does."""
    for module in filter(target_of, modules):
        path = Path(source_of(module))
        real = path.stem.rpartition("_")[2]
        text = SOURCE.format(bits=real.removeprefix("float"), c_type=REALS[real])
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def in_c(modules: list[Extension], folder: str = "build/cython", quiet: bool = False) -> list:
    """Let Cython write modules in C, into a folder, and mark their functions."""
    write_sources([module.name for module in modules])
    written = cythonize(
        modules,
        build_dir=folder,
        include_path=[str(KERNELS)],
        compiler_directives=DIRECTIVES,
        shared_utility_qualified_name=VIEWS,
        quiet=quiet,
        # Files by their content, directives and Cython's version, but not by this option.
        cache=os.path.join(KEPT, f"cython-{Options.buffer_max_dims}") if KEPT else False,
    )
    for path in {Path(source) for module in written for source in module.sources}:
        plain = path.read_text(encoding="utf-8")
        marked = plain
        for function, mark in MARKS:
            marked = function.sub(mark, marked)
        if marked != plain:
            path.write_text(marked, encoding="utf-8")
    return written


if __name__ == "__main__":
    if sysconfig.get_platform().endswith("universal2"):  # the wheel's name says what is in it
        one = sysconfig.get_platform().replace("universal2", machine())
        os.environ["_PYTHON_HOST_PLATFORM"] = one
    setup(
        ext_modules=extensions(),
        cmdclass={"build_ext": BuildKernels, "sdist": SourceArchive},
        options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
    )

"""The compiled part of the package: one extension module for each target and precision."""

import os
import platform
import subprocess
import sys
import sysconfig

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

X86 = ("x86_64", "amd64")
ARM = ("aarch64", "arm64")

# target: the machines that build it, and how gcc or clang, and zig, are told its instructions.
# Every target names its processor: zig, untold, compiles for the one that it runs on.
TARGETS = {
    "baseline": (X86, ["-march=x86-64-v2"], ["-mcpu=x86_64_v2"]),
    "avx2": (
        X86,
        ["-march=x86-64-v2", "-mavx2", "-mfma"],
        ["-mcpu=x86_64_v2+avx2+fma"],
    ),
    "avx512": (
        X86,
        ["-march=x86-64-v2", "-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512vl"],
        ["-mcpu=x86_64_v2+avx2+fma+avx512f+avx512dq+avx512vl"],
    ),
    "neon": (ARM, ["-march=armv8-a"], ["-mcpu=generic"]),
}

# A module that is named for no target, as the one that asks the processor what it can do, runs
# before that is known: it is compiled for every processor of the kind.
ANY = {
    X86: (["-march=x86-64"], ["-mcpu=x86_64"]),
    ARM: (["-march=armv8-a"], ["-mcpu=generic"]),
}

FLAGS = [
    "-O3",
    "-ffp-contract=fast",  # gcc fuses a multiplication and an addition only when told
    "-fno-inline-functions",  # what has to be inline says so; the rest would weigh a tenth more
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
    "freethreading_compatible": True,
}

# The stable interface serves every CPython from 3.11 on; builds without the lock have none yet.
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")


def machine() -> str:
    """The processor that is compiled for, by its usual name."""
    return os.environ.get("CYNN_BUILD_MACHINE", platform.machine()).lower()


# A module of the AVX-512 target to build for AVX2 instead: so the tests run its tiles anywhere.
WIDE = os.environ.get("CYNN_BUILD_WIDE", "")


def flags_of(module: str, zig: bool) -> list[str]:
    if WIDE:
        return ["-DCYNN_VEC_BYTES=64", "-Wno-psabi", *TARGETS["avx2"][2 if zig else 1]]
    name = module.rpartition(".")[2].rpartition("_")[0]
    if name in TARGETS:
        return TARGETS[name][2 if zig else 1]
    return next((flags[zig] for kind, flags in ANY.items() if machine() in kind), [])


def built_targets() -> list[str]:
    return [name for name, (machines, _, _) in TARGETS.items() if machine() in machines]


class BuildKernels(build_ext):
    """Compiles the targets side by side, each with its flags."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self) -> None:
        command = self.compiler.compiler_so
        banner = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
        zig = "zig" in " ".join(command) or "zig" in banner
        for extension in self.extensions:
            extension.extra_compile_args = FLAGS + flags_of(extension.name, zig)
            if sys.platform == "linux":
                extension.extra_link_args = ["-s"]
        super().build_extensions()


def extensions() -> list[Extension]:
    folder = os.path.join("src", "cynn", "kernels")
    modules = ["cynn.kernels.processor"] + [
        f"cynn.kernels.{target}_{real}"
        for target in built_targets()
        for real in ("float32", "float64")
    ]
    headers = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return [
        Extension(
            name,
            [os.path.join(folder, name.rpartition(".")[2] + ".pyx")],
            include_dirs=[folder],
            depends=[name for name in headers if name.endswith((".h", ".pxi"))],
            define_macros=[
                # Tiles must be compiled into the loops that call them, each with its own bounds.
                ("CYTHON_INLINE", "inline __attribute__((always_inline, unused))"),
                *([("Py_LIMITED_API", "0x030B0000")] if LIMITED else []),
            ],
            py_limited_api=LIMITED,
        )
        for name in ([f"cynn.kernels.{WIDE}"] if WIDE else modules)
    ]


if __name__ == "__main__":
    setup(
        ext_modules=cythonize(
            extensions(),
            build_dir=os.path.join("build", "cython"),
            compiler_directives=DIRECTIVES,
        ),
        cmdclass={"build_ext": BuildKernels},
        options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
    )

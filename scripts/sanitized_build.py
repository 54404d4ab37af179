"""Compile modules of the package in place, with a compiler's sanitizers.

    sanitized_build.py SANITIZERS [TARGET...]

SANITIZERS are those of the compiler's ``-fsanitize``, TARGETs the only ones to compile. Run it
where setup.py is, in a copy of the sources. The modules keep their symbols and are less optimised,
so that reports have names; undefined behaviour and a bad address end the process.
"""

import sys
from pathlib import Path

from setuptools import Extension
from setuptools import setup as run

sys.path.insert(0, str(Path.cwd()))
import setup  # noqa: E402

SANITIZERS, *TARGETS = sys.argv[1:]
FLAGS = [
    f"-fsanitize={SANITIZERS}",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-O1",
    "-g",
]


class SanitizedBuild(setup.BuildKernels):
    """Adds the flags, and leaves the symbols in."""

    def build_extension(self, ext: Extension) -> None:
        """Compile and link one module."""
        ext.extra_compile_args = [*ext.extra_compile_args, *FLAGS]
        ext.extra_link_args = [FLAGS[0]]
        super().build_extension(ext)


def is_wanted(name: str) -> bool:
    """Return whether to compile a module."""
    target = name.rpartition(".")[2].rpartition("_")[0]  # of modules for any: none
    return not TARGETS or target in ("", *TARGETS)


run(
    script_args=["build_ext", "--inplace"],
    ext_modules=setup.in_c(
        [extension for extension in setup.extensions() if is_wanted(extension.name)]
    ),
    cmdclass={"build_ext": SanitizedBuild},
)

"""One module, which calls the kernels of cynn from C."""

from Cython.Build import cythonize
from setuptools import Extension, setup

from cynn import capi

setup(
    ext_modules=cythonize([Extension("scorer", ["scorer.pyx"])], include_path=[capi.get_include()])
)

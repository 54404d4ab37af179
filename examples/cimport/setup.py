"""One module, which calls the kernels of cynn from C."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(ext_modules=cythonize([Extension("scorer", ["scorer.pyx"])]))

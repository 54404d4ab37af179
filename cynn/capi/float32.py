"""The kernels over float for Cython: float32.pxd and functions.pxi declare them."""

from . import functions

__pyx_capi__ = functions("float32")

"""The kernels over double for Cython: float64.pxd and functions.pxi declare them."""

from . import functions

__pyx_capi__ = functions("float64")

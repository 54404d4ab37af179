# `from cynn.capi cimport float64`: the kernels over double; float32.pxd has the same over float.

cdef extern from *:
    ctypedef double real "double"

include "functions.pxi"

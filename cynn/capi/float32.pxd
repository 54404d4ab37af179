# `from cynn.capi cimport float32`: the kernels over float; float64.pxd has the same over double.

cdef extern from *:
    ctypedef float real "float"

include "functions.pxi"

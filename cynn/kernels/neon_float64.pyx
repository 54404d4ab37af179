cdef extern from *:
    "#define CYNN_REAL_BITS 64"
    ctypedef double real "double"

include "kernels.pxi"

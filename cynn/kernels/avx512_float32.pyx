cdef extern from *:
    "#define CYNN_REAL_BITS 32"
    ctypedef float real "float"

include "kernels.pxi"

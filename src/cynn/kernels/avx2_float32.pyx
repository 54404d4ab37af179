cdef extern from *:
    "#define CYNN_REAL_BITS 32"

ctypedef float real

include "kernels.pxi"

# cython: language_level=3, freethreading_compatible=True
"""Serves a trained model from C, without Python objects and without the GIL."""

from cynn.capi cimport float32
from cynn.capi import predictor

cdef enum:
    MOST_CLASSES = 64


cdef class Scorer:
    """Labels for rows, from any number of threads at once."""

    cdef object kept  # the pointer is good while this lives
    cdef const void* network
    cdef Py_ssize_t n_inputs, n_classes

    def __cinit__(self, model):
        self.kept = predictor(model)
        self.network = float32.network(self.kept)
        self.n_inputs, self.n_classes = self.kept.n_inputs, self.kept.n_outputs
        if self.n_classes > MOST_CLASSES:
            raise ValueError(f"model must have at most {MOST_CLASSES} classes, got {self.n_classes}")

    cdef int label(self, const float* row) noexcept nogil:
        """The most probable class of a row; -1 where memory cannot be had."""
        cdef float[MOST_CLASSES] scores
        cdef int best = 0, i
        if float32.predict(self.network, row, scores, 1) != 0:
            return -1
        for i in range(1, <int>self.n_classes):
            if scores[i] > scores[best]:
                best = i
        return best

    def labels(self, const float[:, ::1] x, int[::1] out):
        """Write the label of each row of x to out."""
        cdef Py_ssize_t i
        if x.shape[1] != self.n_inputs or x.shape[0] != out.shape[0]:
            raise ValueError(f"x must have rows of {self.n_inputs} numbers, and out a label for each")
        with nogil:
            for i in range(x.shape[0]):
                out[i] = self.label(&x[i, 0])


def products(const float[:, ::1] a, const float[:, ::1] b, float[:, ::1] out):
    """Write the inner product of every row of a with every row of b to out: a single kernel."""
    cdef int status
    if b.shape[1] != a.shape[1] or (out.shape[0], out.shape[1]) != (a.shape[0], b.shape[0]):
        raise ValueError("a and b must have rows of one length, and out must have shape (len(a), len(b))")
    with nogil:
        status = float32.matmul_nt(
            &a[0, 0], &b[0, 0], &out[0, 0], a.shape[0], b.shape[0], a.shape[1]
        )
    if status != 0:
        raise MemoryError("no memory for the product")

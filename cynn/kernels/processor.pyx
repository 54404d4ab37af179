"""The features of the processor, and of the operating system on it."""

from libc.stdint cimport uint32_t

cdef extern from "processor.h" nogil:
    struct processor:
        uint32_t leaf_1_ecx
        uint32_t leaf_7_ebx
        uint32_t leaf_7_ecx
        uint32_t leaf_7_edx
        uint32_t extended_ecx
        uint32_t xcr0
        uint32_t arm
    processor processor_here()


def words():
    """Return the words in which this processor names its features; targets.py has their bits."""
    return processor_here()

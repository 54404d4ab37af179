"""What the processor, and the operating system on it, can run."""

cdef extern from "processor.h" nogil:
    bint processor_runs_avx2()
    bint processor_runs_avx512()


def runs(str target):
    """Say whether this machine can run a target; importing one that it cannot ends the process."""
    if target == "avx2":
        return bool(processor_runs_avx2())
    if target == "avx512":
        return bool(processor_runs_avx512())
    return target in ("baseline", "neon")

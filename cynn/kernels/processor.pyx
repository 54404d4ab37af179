"""What the processor, and the operating system on it, can run."""

cdef extern from "processor.h" nogil:
    struct processor:
        pass
    processor processor_here()
    bint processor_runs_baseline(processor)
    bint processor_runs_avx2(processor)
    bint processor_runs_avx512(processor)
    bint processor_runs_neon(processor)


def runs(str target):
    """Return whether this machine can run a target; importing one that it cannot ends the process."""
    cdef processor here = processor_here()
    if target == "baseline":
        return bool(processor_runs_baseline(here))
    if target == "avx2":
        return bool(processor_runs_avx2(here))
    if target == "avx512":
        return bool(processor_runs_avx512(here))
    return target == "neon" and bool(processor_runs_neon(here))

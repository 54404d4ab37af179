# The upper bound of every kernel: the rate at which a core multiplies and adds when it does nothing
# else. For the benchmark, which reports other figures as fractions of this one; not a kernel.
#
# 12 sums do not wait for each other: two units with a latency of 4 or 5 cycles need 8 or 10. With the four
# operands they fill the 16 registers that the smallest processor has.
#
# Each sum goes to and fro between two numbers, x = GROW x + UP and x = SHRINK x + DOWN, whose digits differ as those
# of data do: where few bits change a core uses less power, and some clock higher than they do with data.

cdef enum:
    PEAK_SUMS = 12
    PEAK_TURNS = 10000  # between two readings of the clock: some 30 microseconds

cdef real GROW = 1.3717421, UP = 0.0618034, SHRINK = 0.70710678, DOWN = 0.0314159


cdef inline void peak_turns(vec* kept, vec grow, vec up, vec shrink, vec down) noexcept nogil:
    cdef vec sums[PEAK_SUMS]
    cdef int i, turn
    for i in range(PEAK_SUMS):
        sums[i] = kept[i]
    for turn in range(PEAK_TURNS):
        for i in range(PEAK_SUMS):
            sums[i] = multiply_add(sums[i], grow, up)
        for i in range(PEAK_SUMS):
            sums[i] = multiply_add(sums[i], shrink, down)
    for i in range(PEAK_SUMS):
        kept[i] = sums[i]


def _fma_peak(double seconds):
    """Return floating-point operations a second of the calling thread: a fused multiply-add counts two.

    The mean over about that time, and at least one reading of the clock. The GIL is released.
    """
    cdef vec sums[PEAK_SUMS]
    cdef vec total
    cdef double start, now, operations = 0
    cdef int i
    with nogil:
        for i in range(PEAK_SUMS):
            sums[i] = broadcast(<real>i)
        start = now = monotonic_seconds()
        while now <= start + seconds:
            # every sum tends to 2.5, by way of 3.5: no infinity, no denormal number
            peak_turns(sums, broadcast(GROW), broadcast(UP), broadcast(SHRINK), broadcast(DOWN))
            operations += 4.0 * LANES * PEAK_SUMS * PEAK_TURNS
            now = monotonic_seconds()
        total = sums[0]
        for i in range(1, PEAK_SUMS):
            total = maximum(total, sums[i])
    # The sums are used, so that no compiler drops the work.
    if not 2 < first_lane(total) < 4:
        raise AssertionError("the sums of the peak went astray")
    return operations / (now - start)

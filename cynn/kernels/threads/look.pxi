# Ctrl-C within a step: work that takes long looks between its tiles whether it is still wanted. The thread that called
# from Python asks by the clock whether a signal has come; the others read what it wrote. Who sees that it is not leaves
# its tiles undone, goes on to where all threads meet, and there the whole step is dropped.

cdef struct Look:
    int* dropped  # whether the work is not wanted any more; that of all threads
    void* caller  # the thread that asks, if this is the one; else NULL
    double next  # when it asks, by the clock


cdef void begin_look(Look* look, int* dropped, void* caller, int rank) noexcept nogil:
    look.dropped = dropped
    look.caller = caller if rank == 0 else NULL
    look.next = monotonic_seconds() + LOOK_SECONDS


cdef bint is_dropped(Look* look) noexcept nogil:
    """Return whether the work is not wanted any more."""
    if look.caller != NULL and counter_get(look.dropped) == 0 and monotonic_seconds() >= look.next:
        if signals_raise(look.caller):
            counter_set(look.dropped, 1)
        look.next = monotonic_seconds() + LOOK_SECONDS
    return counter_get(look.dropped) != 0


cdef inline bint is_wanted(const Look* look) noexcept nogil:
    """Return whether the work goes on, as far as is known; nobody is asked."""
    return look == NULL or counter_get(look.dropped) == 0

# What is added to the loss for the size of a layer's weights, biases left out:
#
#   penalty = l1 * sum |w| + l2 * sum w**2      its gradient: l1 sign(w) + 2 l2 w  (rules.pxi)
#
# and the norm of a whole gradient, to clip it by. Both are sums over parts of a fixed size, added up in order:
# the same bits at any number of threads.

cdef enum:
    PART = 4096  # numbers


cdef inline Py_ssize_t parts_of(Py_ssize_t size) noexcept nogil:
    return (size + PART - 1) // PART


cdef double part_of_penalty(const real* w, Py_ssize_t count, double l1, double l2) noexcept nogil:
    cdef vec sums = broadcast(0), squares = broadcast(0), at
    cdef Py_ssize_t i = 0
    while i < count:
        at = load(w + i)
        sums = sums + absolute(at)
        squares = multiply_add(at, at, squares)
        i += LANES
    return l1 * lane_sum(sums) + l2 * lane_sum(squares)


cdef void parts_of_penalty(
    const real* w, Py_ssize_t size, double l1, double l2, double* parts, int rank, int threads
) noexcept nogil:
    """This thread's share of the parts."""
    cdef Py_ssize_t k
    for k in range(parts_of(size) * rank // threads, parts_of(size) * (rank + 1) // threads):
        parts[k] = part_of_penalty(w + k * PART, smaller(PART, size - k * PART), l1, l2)


cdef double in_order(const double* parts, Py_ssize_t count) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t k
    for k in range(count):
        total += parts[k]
    return total


cdef real factor_of_norm(double square, double limit) noexcept nogil:
    """What brings a gradient down to a norm of `limit`, if it is above; as PyTorch has it."""
    cdef double norm = sqrt(square), factor = limit / (norm + 1e-6)
    return <real>factor if factor < 1 or norm != norm else 1

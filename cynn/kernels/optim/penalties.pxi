# Penalties on the size of a layer's weights, without biases, added to the loss:
#
#   penalty = l1 * sum |w| + l2 * sum w**2      its gradient: l1 sign(w) + 2 l2 w  (rules.pxi)
#
# and the norm of a whole gradient, to clip it by. Both are sums over parts of a fixed size, added up in order:
# the same bits at any number of threads. In a training the penalty's parts are the blocks of PANEL lines of a
# panel, and are computed when a block has been changed and lies in the cache.

cdef enum:
    PART = 4096  # numbers


cdef inline Py_ssize_t parts_of(Py_ssize_t size) noexcept nogil:
    return (size + PART - 1) // PART


cdef double part_of_penalty(const real* w, Py_ssize_t count, double l1, double l2) noexcept nogil:
    """Sum whole panels: each vector of a line has its own sum, so that none waits for the one before."""
    cdef vec sums[PANEL_VECS]
    cdef vec squares[PANEL_VECS]
    cdef vec at
    cdef real sum, square
    cdef Py_ssize_t i = 0
    cdef int v
    for v in range(PANEL_VECS):
        sums[v] = squares[v] = broadcast(0)
    while i < count:
        for v in range(PANEL_VECS):
            at = load(w + i + v * LANES)
            sums[v] = sums[v] + absolute(at)
            squares[v] = multiply_add(at, at, squares[v])
        i += PANEL
    for v in range(1, PANEL_VECS):
        sums[0] = sums[0] + sums[v]
        squares[0] = squares[0] + squares[v]
    lane_sums(sums[0], squares[0], &sum, &square)
    return l1 * sum + l2 * square


cdef void parts_of_penalty(
    const real* w, Py_ssize_t size, double l1, double l2, double* parts, int rank, int threads
) noexcept nogil:
    """This thread's share of the parts."""
    cdef Py_ssize_t k
    for k in range(parts_of(size) * rank // threads, parts_of(size) * (rank + 1) // threads):
        parts[k] = part_of_penalty(w + k * PART, smaller(PART, size - k * PART), l1, l2)


cdef inline Py_ssize_t blocks_of(Py_ssize_t inputs, Py_ssize_t outputs) noexcept nogil:
    """The blocks of a matrix W."""
    return panels_of(inputs) * panels_of(outputs)


cdef void blocks_of_penalty(
    const double* penalty, double* parts, const real* w, Py_ssize_t inputs,
    Py_ssize_t first_panel, Py_ssize_t past_panel, Py_ssize_t first_line, Py_ssize_t past_line,
) noexcept nogil:
    """Those of some panels and lines of W; these begin where a block does."""
    cdef Py_ssize_t p, line
    for p in range(first_panel, past_panel):
        line = first_line
        while line < past_line:
            parts[p * panels_of(inputs) + line // PANEL] = part_of_penalty(
                w + (p * inputs + line) * PANEL, smaller(PANEL, past_line - line) * PANEL, penalty[0], penalty[1]
            )
            line += PANEL


cdef double in_order(const double* parts, Py_ssize_t count) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t k
    for k in range(count):
        total += parts[k]
    return total


cdef real factor_of_norm(double square, double limit) noexcept nogil:
    """Return the factor that brings a gradient's norm down to `limit`, if it is above; as in PyTorch."""
    cdef double norm = sqrt(square), factor = limit / (norm + 1e-6)
    return <real>factor if factor < 1 or norm != norm else 1

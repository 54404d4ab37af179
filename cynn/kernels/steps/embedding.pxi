# Embedding: a whole number, 0 to size - 1, becomes the row of that number in a table of its column. The tables lie one
# after the other where a dense step has W, as a matrix of `units` columns. A number counts as the nearest whole one;
# what is none of the table, or NaN, is unknown: it gives zeros, and nothing is learned of it.
#
# The gradient of a row of a table is the sum of dL/dy over the rows that have its number, in order. It is made for some
# rows of a table at a time, each by one thread: the same bits on any number of threads.

cdef enum:
    LINES_AT_ONCE = 128  # of a table, with their sums on the stack


cdef inline Py_ssize_t line_of_number(const Step* step, Py_ssize_t j, real number) noexcept nogil:
    """The row of W that belongs to a number of the j-th embedded column; -1: unknown."""
    cdef const Py_ssize_t* start = table_starts(step) + j
    cdef double nearest = rint(number)  # of two that are as near the even one
    if nearest >= 0 and nearest < start[1] - start[0]:
        return start[0] + <Py_ssize_t>nearest
    return -1


cdef void embedding_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* w = parameters + step.weights
    cdef Py_ssize_t j, r, u, line
    copy_staying(step, x, y, rows, first, past)
    for j in range(step.embedded):
        for r in range(first, past):
            line = line_of_number(step, j, x[place_in(rows, r, embedded_columns(step)[j])])
            for u in range(step.units):
                y[place_in(rows, r, first_unit(step, j) + u)] = (
                    0 if line < 0 else w[place_in(step.weight_rows, line, u)]
                )


cdef void embedding_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        return_staying(step, delta, grad_x, rows, first, past)


cdef void sum_of_lines(
    const Step* step, const real* x, const real* delta, Py_ssize_t rows, Py_ssize_t used_rows,
    Py_ssize_t j, Py_ssize_t p, Py_ssize_t line, Py_ssize_t count, real* sums,
) noexcept nogil:
    """The gradients of `count` rows of W, from `line` on, in the p-th panel."""
    cdef Py_ssize_t r, u, at
    memset(sums, 0, count * PANEL * sizeof(real))
    for r in range(used_rows):
        at = line_of_number(step, j, x[place_in(rows, r, embedded_columns(step)[j])]) - line
        if 0 <= at < count:
            for u in range(p * PANEL, smaller((p + 1) * PANEL, step.units)):
                sums[at * PANEL + u - p * PANEL] += delta[place_in(rows, r, first_unit(step, j) + u)]


cdef void embedding_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    cdef const Py_ssize_t* starts = table_starts(step)
    cdef vec sums[LINES_AT_ONCE * PANEL_VECS]
    cdef Py_ssize_t panels = panels_of(step.units), parts = 0, part = 0, j, p, line, count
    for j in range(step.embedded):
        parts += panels * ((starts[j + 1] - starts[j] + LINES_AT_ONCE - 1) // LINES_AT_ONCE)
    for p in range(panels):
        for j in range(step.embedded):
            line = starts[j]
            while line < starts[j + 1]:
                count = smaller(LINES_AT_ONCE, starts[j + 1] - line)
                if parts * call.rank // call.threads <= part < parts * (call.rank + 1) // call.threads:
                    sum_of_lines(step, x, delta, rows, used_rows(step, call), j, p, line, count, <real*>sums)
                    use_gradient(
                        rule_of_w, rule.sink + step.weights + (p * step.weight_rows + line) * PANEL,
                        <real*>sums, count * PANEL,
                    )
                part += 1
                line += count


cdef int describe_embedding(Step* step, tuple arguments) except -1:
    """From the columns, the sizes of their tables, and the numbers that each gives."""
    cdef object sizes = arguments[1]
    cdef Py_ssize_t j
    describe_columns(step, arguments[0], False, arguments[2])
    if len(sizes) != step.embedded:
        raise ValueError(f"steps: embedding must have {step.embedded} sizes, got {len(sizes)}")
    table_starts(step)[0] = 0
    for j in range(step.embedded):
        if not 1 <= sizes[j] <= 1 << 24:
            raise ValueError(f"steps: sizes of embedding must be from 1 to 2^24, got {sizes[j]}")
        table_starts(step)[j + 1] = table_starts(step)[j] + <Py_ssize_t>sizes[j]
    step.weight_rows = table_starts(step)[step.embedded]
    step.weight_columns = step.units
    step.work = 4.0 * step.outputs
    return 0


cdef Kind embedding_kind
embedding_kind = Kind(
    b"embedding", 3, 3, describe_embedding, False, embedding_step_forward, embedding_step_backward,
    embedding_step_gradient, NULL,
)

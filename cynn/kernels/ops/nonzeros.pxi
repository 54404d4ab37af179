# The non-zeros of a mini-batch's rows, row by row: columns ascending, `width` places a row.

cdef struct Nonzeros:
    Py_ssize_t width  # places for a row
    int32_t* counts  # non-zeros of each row
    int32_t* columns
    real* values
    int32_t* places  # of each row, the first that is not used yet


cdef inline bint is_not_zero(const element* number) noexcept nogil:
    """Compare bits, which is faster than comparing numbers. -0.0 counts as a non-zero."""
    cdef uint64_t word = 0
    memcpy(&word, number, sizeof(element))
    return word != 0


cdef inline bint some_of_four(const element* line) noexcept nogil:
    """Whether there is a number that is not zero, or -0.0."""
    cdef uint64_t words[4]
    words[1] = words[2] = words[3] = 0
    if element is uint8_t:
        words[0] = 0
    memcpy(words, line, 4 * sizeof(element))
    return (words[0] | words[1] | words[2] | words[3]) != 0


cdef enum:
    FOURS = 256  # at a time


cdef inline int32_t keep_nonzeros(
    const element* line, const char* next_line, Py_ssize_t n, Py_ssize_t stride, real scale,
    int32_t* columns, real* values,
) noexcept nogil:
    """Write down the non-zeros of a line, and prefetch the next one.

    First fours that are not all zero, then their elements. No branch depends on a number, as none could be
    predicted: every number is written, and only non-zeros are counted.
    """
    cdef int32_t fours[FOURS]
    cdef int32_t count = 0, some
    cdef Py_ssize_t c = 0, past, i, k
    if stride == sizeof(element):
        while c + 4 <= n:
            past = smaller(n - n % 4, c + 4 * FOURS)
            some = 0
            while c < past:
                if c * <Py_ssize_t>sizeof(element) % 64 == 0:
                    prefetch(next_line + c * <Py_ssize_t>sizeof(element), 64)
                fours[some] = <int32_t>c
                some += some_of_four(line + c)
                c += 4
            for k in range(some):
                for i in range(4):
                    columns[count] = <int32_t>(fours[k] + i)
                    values[count] = <real>line[fours[k] + i] * scale
                    count += is_not_zero(line + fours[k] + i)
    while c < n:
        columns[count] = <int32_t>c
        values[count] = <real>(<const element*>(<const char*>line + c * stride))[0] * scale
        count += (<const element*>(<const char*>line + c * stride))[0] != 0
        c += 1
    return count


cdef void gather_nonzeros(
    const Rows* x, const int64_t* order, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past,
    Nonzeros* to,
) noexcept nogil:
    """The non-zeros of rows start + first to start + past of the order."""
    cdef Py_ssize_t r, row, i
    cdef const char* at
    cdef const char* following
    cdef int32_t* columns
    cdef real* values
    for r in range(first, past):
        columns = to.columns + r * to.width
        values = to.values + r * to.width
        row = start + r if order == NULL else <Py_ssize_t>order[start + r]
        at = x.data + row * x.stride
        following = at
        if order != NULL and r + 1 < past and x.element != SPARSE:  # shuffled: no hardware prefetches it
            following = row_at(x, order, start + r + 1)
        if x.element == BYTES:
            to.counts[r] = keep_nonzeros(
                <const uint8_t*>at, following, x.columns, x.column_stride, x.scale, columns, values
            )
        elif x.element == FLOATS:
            to.counts[r] = keep_nonzeros(
                <const float*>at, following, x.columns, x.column_stride, x.scale, columns, values
            )
        elif x.element == DOUBLES:
            to.counts[r] = keep_nonzeros(
                <const double*>at, following, x.columns, x.column_stride, x.scale, columns, values
            )
        else:
            to.counts[r] = <int32_t>(x.row_starts[row + 1] - x.row_starts[row])
            for i in range(to.counts[r]):
                columns[i] = x.row_columns[x.row_starts[row] + i]
                values[i] = x.row_values[x.row_starts[row] + i] * x.scale


# Where these lie in memory, in elements of the real type, which a 32-bit integer fits into.

cdef inline Py_ssize_t lines_of(Py_ssize_t count) noexcept nogil:
    """Elements in whole cache lines, for so many."""
    return panels_of(count) * PANEL


cdef Py_ssize_t nonzeros_size(Py_ssize_t width, Py_ssize_t rows) noexcept nogil:
    return 2 * lines_of(rows * width) + 2 * lines_of(rows)


cdef void place_nonzeros(Nonzeros* x, real* block, Py_ssize_t rows) noexcept nogil:
    x.values = block
    x.columns = <int32_t*>(block + lines_of(rows * x.width))
    x.counts = <int32_t*>(block + 2 * lines_of(rows * x.width))
    x.places = x.counts + lines_of(rows)

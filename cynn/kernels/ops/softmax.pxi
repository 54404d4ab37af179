# Softmax, p_j = e^(z_j - m) / sum_k e^(z_k - m) with m the largest z, in place over panels.
#
# A row as wide as its vectors is taken as it lies, a vector at a time. A narrow row, of one panel, would leave
# lanes idle and spend its time on sums over lanes: LANES such rows are transposed first, so that a lane is a
# row, and what is summed over columns is a plain addition.
#
#       lines of the panel                    columns
#   row 0   z00 z01 z02 ...                z00 z10 z20 ...   column 0
#   row 1   z10 z11 z12 ...      ->        z01 z11 z21 ...   column 1      largest, exp, sum: down the page
#   row 2   z20 z21 z22 ...                z02 z12 z22 ...   column 2
#
# A narrow row that is left over sums in the same order, so that its bits are the same.


cdef inline vec softmax_columns(vec* z, vec* p, Py_ssize_t columns) noexcept nogil:
    """p: e^(z - m); z: z - m. Return the sums; a lane is a row."""
    cdef vec largest = z[0], total = broadcast(0)
    cdef Py_ssize_t c
    for c in range(1, columns):
        largest = maximum(z[c], largest)
    for c in range(columns):
        z[c] = z[c] - largest
        p[c] = c_exp(z[c])
        total = total + p[c]
    return total


cdef void softmax_panel(real* x, Py_ssize_t columns) noexcept nogil:
    """LANES rows within one panel."""
    cdef vec z[PANEL]
    cdef vec p[PANEL]
    cdef vec factor
    cdef Py_ssize_t c
    rows_to_columns(x, z)
    factor = broadcast(1) / softmax_columns(z, p, columns)
    for c in range(columns):
        p[c] = p[c] * factor
    for c in range(columns, PANEL):
        p[c] = broadcast(0)
    columns_to_rows(p, x)


cdef inline real sum_in_order(const real* line, Py_ssize_t columns) noexcept nogil:
    cdef real total = 0
    cdef Py_ssize_t c
    for c in range(columns):
        total += line[c]
    return total


cdef void softmax_row(real* x, Py_ssize_t rows, Py_ssize_t row, Py_ssize_t columns) noexcept nogil:
    """Softmax of one row, in place; the columns that fill up the last panel become zeros."""
    cdef Py_ssize_t v, vecs = panels_of(columns) * PANEL_VECS
    cdef vec largest = broadcast(-INFINITY), total = broadcast(0), value
    cdef real* at
    for v in range(vecs):
        at = <real*>line_of(x, rows, row, v)
        value = valid_lanes(load(at), columns - v * LANES, broadcast(-INFINITY))
        store(at, value)
        largest = maximum(value, largest)
    largest = broadcast(lane_maximum(largest))
    for v in range(vecs):
        at = <real*>line_of(x, rows, row, v)
        value = valid_lanes(c_exp(load(at) - largest), columns - v * LANES, broadcast(0))
        store(at, value)
        total = total + value
    if columns <= PANEL:
        total = broadcast(sum_in_order(line_of(x, rows, row, 0), columns))
    else:
        total = broadcast(lane_sum(total))
    total = broadcast(1) / total
    for v in range(vecs):
        at = <real*>line_of(x, rows, row, v)
        store(at, load(at) * total)


cdef void softmax_rows(
    real* x, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns
) noexcept nogil:
    cdef Py_ssize_t r = first
    if 0 < columns <= PANEL:
        while r + LANES <= past:
            softmax_panel(x + r * PANEL, columns)
            r += LANES
    while r < past:
        softmax_row(x, rows, r, columns)
        r += 1


cdef void softmax_row_backward(
    const real* y, real* delta, Py_ssize_t rows, Py_ssize_t row, Py_ssize_t columns
) noexcept nogil:
    cdef Py_ssize_t v, vecs = panels_of(columns) * PANEL_VECS
    cdef vec total = broadcast(0)
    cdef real* at
    for v in range(vecs):
        at = <real*>line_of(delta, rows, row, v)
        total = total + valid_lanes(
            load(at) * load(line_of(y, rows, row, v)), columns - v * LANES, broadcast(0)
        )
    total = broadcast(lane_sum(total))
    for v in range(vecs):
        at = <real*>line_of(delta, rows, row, v)
        store(at, valid_lanes(
            load(line_of(y, rows, row, v)) * (load(at) - total), columns - v * LANES, broadcast(0)
        ))

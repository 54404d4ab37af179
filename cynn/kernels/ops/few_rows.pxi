# Predictions of few rows: W is read from the second-level cache for each of them, which takes longer than the
# arithmetic, so the lines of W that meet a zero are not read.
#
#   y = b + sum over the non-zeros (k, v) of x, in the order of k, of  v W[k, :]
#
# Where all of W is finite, a product with zero is zero, and to add it changes no sum but the sign of one that
# is zero itself; `scatter` removes the sign of every zero of a prediction. So the bits are those of the tiles.

cdef enum:
    FEW_ROWS = 3
    LISTED = 1024  # columns at a time
    LOOK = 32  # fours, after which it is clear that a row is full


cdef bint all_finite(const real* numbers, Py_ssize_t count) noexcept nogil:
    """Return whether there is no infinity and no NaN: zero times either is not zero."""
    cdef vec sums[4]
    cdef vec zero = broadcast(0)
    cdef Py_ssize_t i = 0
    cdef int s
    for s in range(4):
        sums[s] = zero
    while i < count:  # whole panels: four vectors each, or as many as there are
        for s in range(PANEL_VECS):
            sums[s % 4] = multiply_add(load(numbers + i + s * LANES), zero, sums[s % 4])
        i += PANEL
    return lane_sum((sums[0] + sums[1]) + (sums[2] + sums[3])) == 0


cdef inline int list_nonzeros(
    const real* x, size_t rows, size_t first, size_t past, int32_t* columns, real* values
) noexcept nogil:
    """The non-zeros among columns first to past of a row, first being the start of a panel.

    First fours that are not all zero, then what is in them. No branch depends on a number: all are written
    down, and those that count are kept. Where the first fours are full, so is the row: LISTED is returned.
    """
    cdef int32_t fours[LISTED]
    cdef int count = 0, some = 0, i, part
    cdef size_t k, c
    cdef const real* line
    for k in range(first // <size_t>PANEL, (past + <size_t>PANEL - 1) // <size_t>PANEL):
        line = x + k * rows * <size_t>PANEL
        for part in range(PANEL // 4):
            fours[some] = <int32_t>(k * <size_t>PANEL) + 4 * part
            some += some_of_four(line + 4 * part)
    for i in range(some):
        c = <size_t>fours[i]
        line = x + c // <size_t>PANEL * rows * <size_t>PANEL + c % <size_t>PANEL
        for part in range(4):
            columns[count] = <int32_t>c + part
            values[count] = line[part]
            count += is_not_zero(line + part)
        if first == 0 and i == LOOK - 1 and count > 4 * LOOK - LOOK // 4:
            return LISTED
    # numbers past the last column of a layer's output are not zero everywhere
    while count and columns[count - 1] >= <int32_t>past:
        count -= 1
    return count


cdef void dense_row(
    const real* x, const real* w, const real* b, real* y,
    Py_ssize_t inputs, Py_ssize_t outputs, Py_ssize_t rows,
) noexcept nogil:
    """y = b + x W for one row of panels that have `rows` rows."""
    cdef int32_t columns[LISTED + 4]  # what is written last may not be counted
    cdef real values[LISTED + 4]
    cdef Py_ssize_t panels = panels_of(outputs), first = 0, past, p
    cdef const real* start = b
    cdef Py_ssize_t start_panel = PANEL
    cdef int count, wide
    while first < inputs:
        past = smaller(first + LISTED, inputs)
        count = list_nonzeros(x, rows, first, past, columns, values)
        if first == 0 and 4 * count > 3 * past:  # too few zeros
            c_matmul(x, rows, 1, inputs, w, outputs, b, y, rows, NULL, NULL)
            return
        p = 0
        while p < panels:
            wide = panels_at_once(panels - p, TILE_WIDE)
            add_nonzeros(
                columns, values, count, wide, w + p * inputs * PANEL, inputs * PANEL,
                start + p * start_panel, start_panel, y + p * rows * PANEL, rows * PANEL,
            )
            p += wide
        start = y
        start_panel = rows * PANEL
        first = past


cdef void few_rows_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """As dense_step_forward, where all of W is finite."""
    cdef const real* w = parameters + step.weights
    cdef Py_ssize_t r
    for r in range(first, past):
        dense_row(
            x + r * PANEL, w, w + panel_size(step.inputs, step.outputs), y + r * PANEL,
            step.inputs, step.outputs, rows,
        )
    activate(step.activation, y, rows, first, past, step.outputs)


cdef Kind few_rows_kind
few_rows_kind = Kind(
    NULL, 0, 0, NULL, True, few_rows_forward, dense_step_backward, dense_step_gradient, NULL
)

# A sparse first layer: only the non-zero numbers of the input are multiplied.
#
#   forward     H[r, :] = b + sum over the non-zeros (c, v) of row r of  v W[c, :]
#   gradient    dW[c, :] = sum over the rows r whose column c holds v of  v delta[r, :]
#
# A batch's non-zeros lie row by row (columns ascending, `width` places a row); for the gradient each
# thread turns them into lists by column, for the columns that are its own. Where the dense layer multiplies by a
# zero this one does nothing, so that a zero times infinity is zero here and not-a-number there.

cdef struct Nonzeros:
    Py_ssize_t width  # places for a row
    int32_t* counts  # non-zeros of each row
    int32_t* columns
    real* values


cdef inline int32_t keep_nonzeros(
    const element* line, Py_ssize_t n, Py_ssize_t stride, real scale, int32_t* columns, real* values
) noexcept nogil:
    """Write down the non-zeros of a line; every number is written and only non-zeros are counted."""
    cdef int32_t count = 0
    cdef Py_ssize_t c = 0, i
    cdef uint64_t eight
    if element is uint8_t:
        if stride == 1:
            while c + 8 <= n:  # images are mostly background: eight zeros at a look
                memcpy(&eight, line + c, 8)
                if eight != 0:
                    for i in range(8):
                        columns[count] = <int32_t>(c + i)
                        values[count] = <real>line[c + i] * scale
                        count += line[c + i] != 0
                c += 8
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
    cdef int32_t* columns
    cdef real* values
    for r in range(first, past):
        columns = to.columns + r * to.width
        values = to.values + r * to.width
        row = start + r if order == NULL else <Py_ssize_t>order[start + r]
        at = x.data + row * x.stride
        if x.element == BYTES:
            to.counts[r] = keep_nonzeros(<const uint8_t*>at, x.columns, x.column_stride, x.scale, columns, values)
        elif x.element == FLOATS:
            to.counts[r] = keep_nonzeros(<const float*>at, x.columns, x.column_stride, x.scale, columns, values)
        elif x.element == DOUBLES:
            to.counts[r] = keep_nonzeros(<const double*>at, x.columns, x.column_stride, x.scale, columns, values)
        else:
            to.counts[r] = <int32_t>(x.row_starts[row + 1] - x.row_starts[row])
            for i in range(to.counts[r]):
                columns[i] = x.row_columns[x.row_starts[row] + i]
                values[i] = x.row_values[x.row_starts[row] + i] * x.scale


cdef void sparse_rows(
    const Nonzeros* x, const real* w, const real* b, real* y,
    Py_ssize_t inputs, Py_ssize_t outputs, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    """y = b + x W, panel by panel: one panel of W stays in the first-level cache for all rows."""
    cdef vec sums[4 * PANEL_VECS]
    cdef const real* panel
    cdef const real* values
    cdef const int32_t* columns
    cdef const real* line
    cdef Py_ssize_t p, r, i, count
    cdef int part, v
    cdef vec number
    for p in range(panels_of(outputs)):
        panel = w + p * inputs * PANEL
        for r in range(first, past):
            columns = x.columns + r * x.width
            values = x.values + r * x.width
            count = x.counts[r]
            # four sums, taken in turn, hide the latency of the additions
            for v in range(PANEL_VECS):
                sums[v] = load(b + p * PANEL + v * LANES)
            for v in range(PANEL_VECS, 4 * PANEL_VECS):
                sums[v] = broadcast(0)
            i = 0
            while i + 4 <= count:
                for part in range(4):
                    number = broadcast(values[i + part])
                    line = panel + <Py_ssize_t>columns[i + part] * PANEL
                    for v in range(PANEL_VECS):
                        sums[part * PANEL_VECS + v] = multiply_add(
                            number, load(line + v * LANES), sums[part * PANEL_VECS + v]
                        )
                i += 4
            while i < count:
                number = broadcast(values[i])
                line = panel + <Py_ssize_t>columns[i] * PANEL
                for v in range(PANEL_VECS):
                    sums[v] = multiply_add(number, load(line + v * LANES), sums[v])
                i += 1
            for v in range(PANEL_VECS):
                store(
                    y + (p * rows + r) * PANEL + v * LANES,
                    (sums[v] + sums[PANEL_VECS + v])
                    + (sums[2 * PANEL_VECS + v] + sums[3 * PANEL_VECS + v]),
                )


# The non-zeros of a batch by column, for the columns first to past of one thread. A column's list ends where the
# next one begins; rows are in order.
cdef struct Lists:
    Py_ssize_t first
    Py_ssize_t past
    int32_t* ends  # one a column and one before
    int32_t* rows
    real* values


cdef void list_by_column(const Nonzeros* x, Py_ssize_t count, Lists* lists) noexcept nogil:
    """Counting sort: how many a column has, where its list begins, then every non-zero to its place."""
    cdef Py_ssize_t r, i, c
    cdef int32_t total = 0, n
    cdef const int32_t* columns
    cdef int32_t* begins = lists.ends + 1
    memset(lists.ends, 0, <size_t>(lists.past - lists.first + 2) * sizeof(int32_t))
    for r in range(count):
        columns = x.columns + r * x.width
        for i in range(x.counts[r]):
            c = columns[i]
            if lists.first <= c < lists.past:
                begins[c - lists.first] += 1
    for c in range(lists.past - lists.first):
        n = begins[c]
        begins[c] = total
        total += n
    for r in range(count):
        columns = x.columns + r * x.width
        for i in range(x.counts[r]):
            c = columns[i] - lists.first
            if 0 <= c < lists.past - lists.first:
                lists.rows[begins[c]] = <int32_t>r
                lists.values[begins[c]] = x.values[r * x.width + i]
                begins[c] += 1  # ends where the list does, when all are in


cdef enum:
    LINES = 32  # of W, whose gradients a rule uses at once


cdef inline void sparse_gradient_lines(
    const Lists* lists, Py_ssize_t first, Py_ssize_t past, const int panels, const real* delta,
    Py_ssize_t delta_panel, real* w, Py_ssize_t w_panel, const Rule* rule, bint skips, real* room,
) noexcept nogil:
    """The gradients of LINES lines of W at most, in so many panels.

    The plainest rule uses them where they are; for others they are kept in `room`, which has LINES lines a panel.
    """
    cdef vec sums[TILE_WIDE_VECS]
    cdef vec number
    cdef const real* line
    cdef real* at
    cdef Py_ssize_t c, i, begin, end
    cdef int v
    if skips and lists.ends[first - lists.first] == lists.ends[past - lists.first]:
        return
    for c in range(first, past):  # within a loop gcc keeps the sums in registers (matmul.pxi)
        begin, end = lists.ends[c - lists.first], lists.ends[c - lists.first + 1]
        if skips and rule.plain and begin == end:
            continue
        for v in range(panels * PANEL_VECS):
            sums[v] = broadcast(0)
        for i in range(begin, end):
            number = broadcast(lists.values[i])
            line = delta + <Py_ssize_t>lists.rows[i] * PANEL
            for v in range(panels * PANEL_VECS):
                sums[v] = multiply_add(
                    number,
                    load(line + v // PANEL_VECS * delta_panel + v % PANEL_VECS * LANES),
                    sums[v],
                )
        if rule.plain:
            for v in range(panels * PANEL_VECS):
                at = w + v // PANEL_VECS * w_panel + c * PANEL + v % PANEL_VECS * LANES
                store(at, plain_step(
                    broadcast(rule.weight_decay), broadcast(rule.learning_rate), load(at), sums[v]
                ))
            continue
        for v in range(panels * PANEL_VECS):
            store(
                room + (v // PANEL_VECS * LINES + c - first) * PANEL + v % PANEL_VECS * LANES, sums[v]
            )
    if rule.plain:
        return
    for v in range(panels):
        use_gradient(
            rule, w + v * w_panel + first * PANEL, room + v * LINES * PANEL, (past - first) * PANEL
        )


cdef void sparse_weight_gradient(
    const Nonzeros* x, Lists* lists, const real* delta, Py_ssize_t inputs, Py_ssize_t outputs,
    Py_ssize_t rows, Py_ssize_t used_rows, real* w, real* b, const Rule* rule, const Rule* bias_rule,
    int part, int parts,
) noexcept nogil:
    """One part of several: the rules are applied to its columns' lines of W, and to its panels of b."""
    cdef vec room[LINES * TILE_WIDE_VECS]
    cdef Py_ssize_t panels = panels_of(outputs), p, c, past, wide
    # Without momentum and decay a gradient of zero changes nothing: the line is not touched.
    cdef bint skips = rule.sweep == add or (rule.plain and rule.weight_decay == 0)
    lists.first = inputs * part // parts
    lists.past = inputs * (part + 1) // parts
    list_by_column(x, used_rows, lists)
    p = 0
    while p < panels:
        # Each width is compiled apart; fewer panels at once wait for each sum before they add to it.
        wide = TILE_WIDE if p + TILE_WIDE <= panels else TILE_WIDE // 2 if p + TILE_WIDE // 2 <= panels else 1
        c = lists.first
        while c < lists.past:
            past = smaller(c + LINES, lists.past)
            if wide == TILE_WIDE:
                sparse_gradient_lines(
                    lists, c, past, TILE_WIDE, delta + p * rows * PANEL, rows * PANEL,
                    w + p * inputs * PANEL, inputs * PANEL, rule, skips, <real*>room,
                )
            elif wide == TILE_WIDE // 2:
                sparse_gradient_lines(
                    lists, c, past, TILE_WIDE // 2, delta + p * rows * PANEL, rows * PANEL,
                    w + p * inputs * PANEL, inputs * PANEL, rule, skips, <real*>room,
                )
            else:
                sparse_gradient_lines(
                    lists, c, past, 1, delta + p * rows * PANEL, rows * PANEL,
                    w + p * inputs * PANEL, inputs * PANEL, rule, skips, <real*>room,
                )
            c = past
        p += wide
    column_sums(
        delta, rows, used_rows, panels * part // parts, panels * (part + 1) // parts, b, bias_rule
    )


# Where these lie in memory, in elements of the real type, which a 32-bit integer fits into.

cdef inline Py_ssize_t lines_of(Py_ssize_t count) noexcept nogil:
    """Elements in whole cache lines, for so many."""
    return panels_of(count) * PANEL


cdef Py_ssize_t nonzeros_size(Py_ssize_t width, Py_ssize_t rows) noexcept nogil:
    return 2 * lines_of(rows * width) + lines_of(rows)


cdef void place_nonzeros(Nonzeros* x, real* block, Py_ssize_t rows) noexcept nogil:
    x.values = block
    x.columns = <int32_t*>(block + lines_of(rows * x.width))
    x.counts = <int32_t*>(block + 2 * lines_of(rows * x.width))


cdef Py_ssize_t lists_size(Py_ssize_t inputs, const Nonzeros* x, Py_ssize_t rows) noexcept nogil:
    return 2 * lines_of(rows * x.width) + lines_of(inputs + 2)


cdef void place_lists(
    Lists* lists, real* block, Py_ssize_t inputs, const Nonzeros* x, Py_ssize_t rows
) noexcept nogil:
    lists.values = block
    lists.rows = <int32_t*>(block + lines_of(rows * x.width))
    lists.ends = <int32_t*>(block + 2 * lines_of(rows * x.width))

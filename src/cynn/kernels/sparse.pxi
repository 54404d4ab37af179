# A sparse first layer: only the non-zero numbers of the input are multiplied.
#
#   forward     H[r, :] = b + sum over the non-zeros (c, v) of row r of  v W[c, :]
#   gradient    dW[c, :] = sum over the rows r whose column c holds v of  v delta[r, :]
#
# Both sums are in order, so that they have the bits of the dense layer's. A batch's non-zeros lie row by row (columns
# ascending, `width` places a row); for the gradient each thread turns them into lists by column, for the columns
# that are its own. Where the dense layer multiplies by a zero this one does nothing, so that a zero times infinity is
# zero here and not-a-number there.

cdef struct Nonzeros:
    Py_ssize_t width  # places for a row
    int32_t* counts  # non-zeros of each row
    int32_t* columns
    real* values


cdef inline bint some_of_eight(const element* line) noexcept nogil:
    """Whether there is a number that is not zero, or -0.0."""
    cdef uint64_t word, some = 0
    cdef int i
    for i in range(<int>sizeof(element)):
        memcpy(&word, <const char*>line + 8 * i, 8)
        some |= word
    return some != 0


cdef inline bint is_not_zero(const element* number) noexcept nogil:
    """By its bits: to compare numbers takes longer. -0.0 is taken along."""
    cdef uint64_t word = 0
    memcpy(&word, number, sizeof(element))
    return word != 0


cdef inline int32_t keep_nonzeros(
    const element* line, Py_ssize_t n, Py_ssize_t stride, real scale, int32_t* columns, real* values
) noexcept nogil:
    """Write down the non-zeros of a line; every number is written and only non-zeros are counted."""
    cdef int32_t count = 0
    cdef Py_ssize_t c = 0, i
    if stride == sizeof(element):
        while c + 8 <= n:  # images are mostly background: eight zeros at a look
            if some_of_eight(line + c):
                for i in range(8):
                    columns[count] = <int32_t>(c + i)
                    values[count] = <real>line[c + i] * scale
                    count += is_not_zero(line + c + i)
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
        if order != NULL and x.element != SPARSE:  # as for dense rows, a row at a time
            foresee(x, order, start + r + 2, smaller(start + past, start + r + 3))
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


cdef inline void add_lines(
    const int32_t* columns, const real* values, int count, const int panels,
    const real* w, Py_ssize_t w_panel, const real* start, Py_ssize_t start_panel,
    real* y, Py_ssize_t y_panel,
) noexcept nogil:
    """So many panels of one row of y."""
    cdef vec sums[TILE_WIDE_VECS]
    cdef vec number
    cdef const real* line
    cdef Py_ssize_t once
    cdef int i, p, v
    for once in range(1):  # within a loop gcc keeps the sums in registers (matmul.pxi)
        for p in range(panels):
            for v in range(PANEL_VECS):
                sums[p * PANEL_VECS + v] = load(start + p * start_panel + v * LANES)
        for i in range(count):
            number = broadcast(values[i])
            line = w + <Py_ssize_t>columns[i] * PANEL
            for p in range(panels):
                for v in range(PANEL_VECS):
                    sums[p * PANEL_VECS + v] = multiply_add(
                        number, load(line + v * LANES), sums[p * PANEL_VECS + v]
                    )
                line = line + w_panel
        for p in range(panels):
            for v in range(PANEL_VECS):
                store(y + p * y_panel + v * LANES, sums[p * PANEL_VECS + v])


cdef inline int panels_at_once(Py_ssize_t left) noexcept nogil:
    """Each width is compiled apart; fewer panels at once wait for each sum before they add to it."""
    return TILE_WIDE if left >= TILE_WIDE else TILE_WIDE // 2 if left >= TILE_WIDE // 2 else 1


cdef void add_nonzeros(
    const int32_t* columns, const real* values, int count, int panels,
    const real* w, Py_ssize_t w_panel, const real* start, Py_ssize_t start_panel,
    real* y, Py_ssize_t y_panel,
) noexcept nogil:
    """y = start + the sum, in order, of values times the lines of W at their columns; see `panels_at_once`."""
    if panels == TILE_WIDE:
        add_lines(columns, values, count, TILE_WIDE, w, w_panel, start, start_panel, y, y_panel)
    elif panels == TILE_WIDE // 2:
        add_lines(columns, values, count, TILE_WIDE // 2, w, w_panel, start, start_panel, y, y_panel)
    else:
        add_lines(columns, values, count, 1, w, w_panel, start, start_panel, y, y_panel)


cdef void sparse_rows(
    const Nonzeros* x, const real* w, const real* b, real* y,
    Py_ssize_t inputs, Py_ssize_t outputs, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    """y = b + x W, some panels at a time: their part of W stays in the cache for all rows."""
    cdef Py_ssize_t panels = panels_of(outputs), p = 0, r
    cdef int wide
    while p < panels:
        wide = panels_at_once(panels - p)
        for r in range(first, past):
            add_nonzeros(
                x.columns + r * x.width, x.values + r * x.width, x.counts[r], wide,
                w + p * inputs * PANEL, inputs * PANEL, b + p * PANEL, PANEL,
                y + (p * rows + r) * PANEL, rows * PANEL,
            )
        p += wide


cdef enum:
    LISTS = 256  # columns whose lists are made at once, and stay in the first-level cache
    LINES = 32  # of W, whose gradients a rule uses at once

# The non-zeros of a batch by column, for the columns first to past, LISTS at most. A column's list ends where the
# next one begins; rows are in order.
cdef struct Lists:
    Py_ssize_t first
    Py_ssize_t past
    int32_t* places  # for each row of the batch, its first non-zero that is not in a list yet
    int32_t* ends  # one a column and one before
    int32_t* rows
    real* values


cdef void begin_lists(const Nonzeros* x, Py_ssize_t count, Py_ssize_t column, Lists* lists) noexcept nogil:
    """Of this column and those that follow."""
    cdef const int32_t* columns
    cdef Py_ssize_t r
    cdef int32_t low, high, middle
    for r in range(count):
        columns = x.columns + r * x.width
        low = 0
        high = x.counts[r] if column > 0 else 0
        while low < high:
            middle = (low + high) // 2
            if columns[middle] < column:
                low = middle + 1
            else:
                high = middle
        lists.places[r] = low
    lists.past = column


cdef void list_by_column(const Nonzeros* x, Py_ssize_t count, Py_ssize_t past, Lists* lists) noexcept nogil:
    """Those up to `past`, by counting: how many a column has, where its list begins, then all to their places."""
    cdef Py_ssize_t first = lists.past, r, c
    cdef int32_t total = 0, i, n
    cdef const int32_t* columns
    cdef int32_t* begins = lists.ends + 1
    lists.first = first
    lists.past = past
    memset(lists.ends, 0, <size_t>(past - first + 1) * sizeof(int32_t))
    for r in range(count):
        columns = x.columns + r * x.width
        i = lists.places[r]
        while i < x.counts[r] and columns[i] < past:
            begins[columns[i] - first] += 1
            i += 1
    for c in range(past - first):
        n = begins[c]
        begins[c] = total
        total += n
    for r in range(count):
        columns = x.columns + r * x.width
        i = lists.places[r]
        while i < x.counts[r] and columns[i] < past:
            c = columns[i] - first
            lists.rows[begins[c]] = <int32_t>r
            lists.values[begins[c]] = x.values[r * x.width + i]
            begins[c] += 1  # ends where the list does, when all are in
            i += 1
        lists.places[r] = i


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
    cdef Py_ssize_t panels = panels_of(outputs), shares = (inputs + LINES - 1) // LINES, p, c, past, end
    cdef int wide
    # Without momentum and decay a gradient of zero changes nothing: the line is not touched.
    cdef bint skips = rule.sweep == add or (rule.plain and rule.weight_decay == 0)
    end = smaller(shares * (part + 1) // parts * LINES, inputs)
    begin_lists(x, used_rows, smaller(shares * part // parts * LINES, inputs), lists)
    while lists.past < end:
        list_by_column(x, used_rows, smaller(lists.past + LISTS, end), lists)
        p = 0
        while p < panels:
            wide = panels_at_once(panels - p)
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
                if rule.parts != NULL:
                    blocks_of_penalty(rule.penalty, rule.parts, w, inputs, p, p + wide, c, past)
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


cdef Py_ssize_t lists_size(const Nonzeros* x, Py_ssize_t rows) noexcept nogil:
    return 2 * lines_of(rows * x.width) + lines_of(rows) + lines_of(LISTS + 1)


cdef void place_lists(Lists* lists, real* block, const Nonzeros* x, Py_ssize_t rows) noexcept nogil:
    lists.values = block
    lists.rows = <int32_t*>(block + lines_of(rows * x.width))
    lists.places = <int32_t*>(block + 2 * lines_of(rows * x.width))
    lists.ends = <int32_t*>(block + 2 * lines_of(rows * x.width) + lines_of(rows))

# A sparse first layer: only the non-zero numbers of the input are multiplied.
#
#   forward     H[r, :] = b + sum over the non-zeros (c, v) of row r of  v W[c, :]
#   gradient    dW[c, :] = sum over the rows r whose column c holds v of  v delta[r, :]
#
# Both sums are in order, so that they have the bits of the dense layer's. A mini-batch's non-zeros lie row by row
# (nonzeros.pxi); for the gradient each thread turns them into lists by column, for its own columns.
# Where the dense layer multiplies by a zero this one does nothing, so that a zero times infinity is zero here and
# NaN there.

cdef inline void add_lines(
    const int32_t* columns, const real* values, int count, const int panels,
    const real* w, Py_ssize_t w_panel, const real* start, Py_ssize_t start_panel,
    real* y, Py_ssize_t y_panel,
) noexcept nogil:
    """So many panels of one row of y."""
    cdef vec sums[SPARSE_SUMS]
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


cdef inline int panels_at_once(Py_ssize_t left, Py_ssize_t most) noexcept nogil:
    """Divide the remaining panels evenly: with few panels each sum waits for the one before."""
    cdef Py_ssize_t shares = (left + most - 1) // most
    return <int>((left + shares - 1) // shares)


cdef void add_nonzeros(
    const int32_t* columns, const real* values, int count, int panels,
    const real* w, Py_ssize_t w_panel, const real* start, Py_ssize_t start_panel,
    real* y, Py_ssize_t y_panel,
) noexcept nogil:
    """y = start + the sum, in order, of values times the lines of W at their columns; SPARSE_WIDE panels at most."""
    if panels == 1:
        add_lines(columns, values, count, 1, w, w_panel, start, start_panel, y, y_panel)
    elif panels == 2:
        add_lines(columns, values, count, 2, w, w_panel, start, start_panel, y, y_panel)
    elif SPARSE_WIDE >= 3 and panels == 3:
        add_lines(columns, values, count, 3, w, w_panel, start, start_panel, y, y_panel)
    elif SPARSE_WIDE >= 4 and panels == 4:
        add_lines(columns, values, count, 4, w, w_panel, start, start_panel, y, y_panel)
    elif SPARSE_WIDE >= 5 and panels == 5:
        add_lines(columns, values, count, 5, w, w_panel, start, start_panel, y, y_panel)
    elif SPARSE_WIDE >= 6 and panels == 6:
        add_lines(columns, values, count, 6, w, w_panel, start, start_panel, y, y_panel)
    elif SPARSE_WIDE >= 7 and panels == 7:
        add_lines(columns, values, count, 7, w, w_panel, start, start_panel, y, y_panel)
    elif SPARSE_WIDE >= 8 and panels == 8:
        add_lines(columns, values, count, 8, w, w_panel, start, start_panel, y, y_panel)


cdef enum:
    NEAR = 49152  # bytes of W that stay in the cache while all rows are read
    WORTH = 8  # non-zeros of a row in each block of W, below which that does not pay


cdef Py_ssize_t columns_at_once(
    const Nonzeros* x, Py_ssize_t inputs, int panels, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Return the number of lines of W in a block."""
    cdef Py_ssize_t lines = NEAR // (64 * panels), count = 0, r
    for r in range(first, past):
        count += x.counts[r]
    return lines if count * lines >= WORTH * inputs * (past - first) else inputs


cdef void sparse_rows(
    const Nonzeros* x, const real* w, const real* b, real* y,
    Py_ssize_t inputs, Py_ssize_t outputs, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    """y = b + x W, block by block of W, each for all rows:

              panel 0  panel 1         a block: some lines of some panels
            +--------+--------+
    columns | block  |  ...   |        y of a row begins with b in the first block of its panels,
     0..111 |   0    |        |        and goes on from where it is in the next ones
            +--------+--------+
    112 ... |   1    |        |
    """
    cdef Py_ssize_t panels = panels_of(outputs), p = 0, r, column, lines
    cdef const int32_t* columns
    cdef int32_t begin, end
    cdef int wide
    cdef real* line
    cdef const real* start
    while p < panels:
        wide = panels_at_once(panels - p, SPARSE_WIDE)
        lines = columns_at_once(x, inputs, wide, first, past)
        column = 0
        while column < inputs:
            for r in range(first, past):
                columns = x.columns + r * x.width
                begin = x.places[r] if column > 0 else 0
                end = begin
                if lines >= inputs:
                    end = x.counts[r]
                while end < x.counts[r] and columns[end] < column + lines:
                    end += 1
                x.places[r] = end
                line = y + (p * rows + r) * PANEL
                start = line
                if column == 0:
                    start = b + p * PANEL
                add_nonzeros(
                    columns + begin, x.values + r * x.width + begin, end - begin, wide,
                    w + p * inputs * PANEL, inputs * PANEL, start, rows * PANEL if column > 0 else PANEL,
                    line, rows * PANEL,
                )
            column += lines
        p += wide


cdef enum:
    LISTS = 256  # columns whose lists are made at once
    LINES = 32  # of W, whose gradients a rule uses at once

cdef struct Entry:
    real value
    int32_t row

# The non-zeros of a mini-batch by column, for the columns first to past, LISTS at most; rows are in order.
#
#   column first        [ entry entry entry . . . . ]      space for every row of the mini-batch: all are built
#   column first + 1    [ entry . . . . . . . . . . ]      in one pass
cdef struct Lists:
    Py_ssize_t first
    Py_ssize_t past
    Py_ssize_t room  # entries from one list to the next
    int32_t* places  # for each row of the batch, its first non-zero that is not in a list yet
    int32_t* counts  # of each list
    Entry* entries


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
    """Those up to `past`."""
    cdef Py_ssize_t first = lists.past, r, c
    cdef int32_t i, n
    cdef const int32_t* columns
    cdef const real* values
    cdef int32_t* counts = lists.counts
    cdef Entry* entry
    lists.first = first
    lists.past = past
    memset(counts, 0, <size_t>(past - first) * sizeof(int32_t))
    for r in range(count):
        columns = x.columns + r * x.width
        values = x.values + r * x.width
        n = x.counts[r]
        i = lists.places[r]
        while i < n and columns[i] < past:
            c = columns[i] - first
            entry = lists.entries + c * lists.room + counts[c]
            entry.value = values[i]
            entry.row = <int32_t>r
            counts[c] += 1
            i += 1
        lists.places[r] = i


cdef inline bint all_empty(const int32_t* counts, Py_ssize_t lists) noexcept nogil:
    cdef int32_t some = 0
    cdef Py_ssize_t c
    for c in range(lists):
        some |= counts[c]
    return some == 0


cdef inline void sparse_gradient_lines(
    const Lists* lists, Py_ssize_t first, Py_ssize_t past, const int panels, const real* delta,
    Py_ssize_t delta_panel, real* w, Py_ssize_t w_panel, const Rule* rule, bint skips, real* sums_kept,
) noexcept nogil:
    """The gradients of LINES lines of W at most, in so many panels.

    The plain rule uses them in registers; for others they are kept in `sums_kept`, which has LINES lines a panel.
    """
    cdef vec sums[TILE_WIDE_VECS]
    cdef vec number
    cdef const real* line
    cdef real* at
    cdef const Entry* entries
    cdef Py_ssize_t c, i, count
    cdef int v
    if skips and all_empty(lists.counts + (first - lists.first), past - first):
        return
    for c in range(first, past):  # within a loop gcc keeps the sums in registers (matmul.pxi)
        entries = lists.entries + (c - lists.first) * lists.room
        count = lists.counts[c - lists.first]
        if skips and rule.plain and count == 0:
            continue
        for v in range(panels * PANEL_VECS):
            sums[v] = broadcast(0)
        for i in range(count):
            number = broadcast(entries[i].value)
            line = delta + <Py_ssize_t>entries[i].row * PANEL
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
                sums_kept + (v // PANEL_VECS * LINES + c - first) * PANEL + v % PANEL_VECS * LANES, sums[v]
            )
    if rule.plain:
        return
    for v in range(panels):
        use_gradient(
            rule, w + v * w_panel + first * PANEL, sums_kept + v * LINES * PANEL, (past - first) * PANEL
        )


cdef void gradient_of_lines(
    const Lists* lists, Py_ssize_t first, Py_ssize_t past, int panels, const real* delta,
    Py_ssize_t delta_panel, real* w, Py_ssize_t w_panel, const Rule* rule, bint skips, real* sums_kept,
) noexcept nogil:
    """The same, in TILE_WIDE panels at most."""
    if panels == 1:
        sparse_gradient_lines(lists, first, past, 1, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif panels == 2:
        sparse_gradient_lines(lists, first, past, 2, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif TILE_WIDE >= 3 and panels == 3:
        sparse_gradient_lines(lists, first, past, 3, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif TILE_WIDE >= 4 and panels == 4:
        sparse_gradient_lines(lists, first, past, 4, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif TILE_WIDE >= 5 and panels == 5:
        sparse_gradient_lines(lists, first, past, 5, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif TILE_WIDE >= 6 and panels == 6:
        sparse_gradient_lines(lists, first, past, 6, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif TILE_WIDE >= 7 and panels == 7:
        sparse_gradient_lines(lists, first, past, 7, delta, delta_panel, w, w_panel, rule, skips, sums_kept)
    elif TILE_WIDE >= 8 and panels == 8:
        sparse_gradient_lines(lists, first, past, 8, delta, delta_panel, w, w_panel, rule, skips, sums_kept)


cdef void sparse_weight_gradient(
    const Nonzeros* x, Lists* lists, const real* delta, Py_ssize_t inputs, Py_ssize_t outputs,
    Py_ssize_t rows, Py_ssize_t used_rows, real* w, real* b, const Rule* rule, const Rule* bias_rule,
    const Share* share,
) noexcept nogil:
    """A share of it: the rules are applied to its columns' lines of its panels of W, and to its panels of b.

    Threads that share panels divide the lines.
    """
    cdef vec sums_kept[LINES * TILE_WIDE_VECS]
    cdef Py_ssize_t panels = share.past_panel - share.first_panel
    cdef Py_ssize_t part = share.part, parts = share.parts
    cdef Py_ssize_t shares = (inputs + LINES - 1) // LINES, p, c, past, end
    cdef int wide
    # Without momentum and decay a gradient of zero changes nothing: the line is not touched.
    cdef bint skips = rule.sweep == add or (rule.plain and rule.weight_decay == 0)
    end = smaller(shares * (part + 1) // parts * LINES, inputs)
    begin_lists(x, used_rows, smaller(shares * part // parts * LINES, inputs), lists)
    while lists.past < end:
        list_by_column(x, used_rows, smaller(lists.past + LISTS, end), lists)
        p = share.first_panel
        while p < share.past_panel:
            wide = panels_at_once(share.past_panel - p, TILE_WIDE)
            c = lists.first
            while c < lists.past:
                past = smaller(c + LINES, lists.past)
                gradient_of_lines(
                    lists, c, past, wide, delta + p * rows * PANEL, rows * PANEL,
                    w + p * inputs * PANEL, inputs * PANEL, rule, skips, <real*>sums_kept,
                )
                if rule.parts != NULL:
                    blocks_of_penalty(rule.penalty, rule.parts, w, inputs, p, p + wide, c, past)
                c = past
            p += wide
    column_sums(
        delta, rows, used_rows, share.first_panel + panels * part // parts,
        share.first_panel + panels * (part + 1) // parts, b, bias_rule,
    )


# Where the lists lie in memory, in elements of the real type, which a 32-bit integer fits into.

cdef inline Py_ssize_t room_of_list(Py_ssize_t rows) noexcept nogil:
    """Return the entries of a list: an odd number of cache lines, so that lists do not share cache sets."""
    cdef Py_ssize_t of_a_line = 64 // <Py_ssize_t>sizeof(Entry)
    return (((rows + of_a_line - 1) // of_a_line) | 1) * of_a_line


cdef Py_ssize_t lists_size(Py_ssize_t columns, Py_ssize_t rows) noexcept nogil:
    cdef Py_ssize_t entries = smaller(LISTS, columns) * room_of_list(rows)
    return entries * <Py_ssize_t>(sizeof(Entry) // sizeof(real)) + lines_of(rows) + lines_of(LISTS)


cdef void place_lists(Lists* lists, real* block, Py_ssize_t rows) noexcept nogil:
    lists.room = room_of_list(rows)
    lists.places = <int32_t*>block
    lists.counts = <int32_t*>(block + lines_of(rows))
    lists.entries = <Entry*>(block + lines_of(rows) + lines_of(LISTS))

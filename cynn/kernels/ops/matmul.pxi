# Matrix products over panels. One register tile serves all of them:
#
#   C[r, 0:w] = start[0:w] + sum_k A[r, k] B[k, 0:w]         r < rows,  w = panels * PANEL
#
#             B, one or more panels: line k, then line k + 1, ...
#                  [ .  .  .  . | .  .  .  . ]
#    A[0, k] ->    [ C[0, 0:w] lives in registers ]
#    A[1, k] ->    [ C[1, 0:w]                    ]   each step of k: load B's line once,
#      ...              ...                           broadcast `rows` numbers of A
#    A[r, k] ->    [ C[r, 0:w]                    ]
#
# A's numbers lie at  a + r * a_row + k * a_column  within a panel; after PANEL steps of k the next
# ones are a_panel further on. A product's rows are lines of A: a_row = PANEL, a_column = 1. In the
# gradient of weights, A transposed times B, its rows are columns of A: a_row = 1, a_column = PANEL.
#
# A product whose B is long is computed in parts of k: each part of a panel stays in the first-level cache while the
# tiles of all rows, one below the other, go over it, and C begins with the sums of the parts before.
#
# Every element adds its products in the order of k, whatever the tile, so that its bits depend neither on the
# other rows of the tile nor on the number of threads.

cdef enum:
    DEPTH_BLOCK = 256  # lines of B: 16 KB a panel, of float32

cdef struct Operands:
    const real* a
    Py_ssize_t a_panel  # elements from one panel of A to the next
    Py_ssize_t depth  # the number of k
    const real* b
    Py_ssize_t b_panel
    const real* start  # one line for all rows, a bias or zeros; or C itself, for the next part of k
    Py_ssize_t start_row, start_panel
    real* c
    Py_ssize_t c_panel
    const Rule* rule  # how a gradient is used; NULL for a product
    Ahead* ahead  # rows that will be read next, or NULL


cdef void use_sums(
    const Operands* of, int rows, int panels, real* sums, real* c
) noexcept nogil:
    """Apply a rule that takes more than a line of code to a tile of gradients."""
    cdef int p
    for p in range(panels):
        use_gradient(of.rule, c + p * of.c_panel, sums + p * rows * PANEL, rows * PANEL)


cdef inline void add_products(
    vec* sums, const int rows, const int panels,
    const real* a, Py_ssize_t a_row, const real* b, Py_ssize_t b_panel,
) noexcept nogil:
    """One step of k."""
    cdef vec line[TILE_SUMS]
    cdef vec number
    cdef int r, v, width = panels * PANEL_VECS
    for v in range(width):
        line[v] = load(b + v // PANEL_VECS * b_panel + v % PANEL_VECS * LANES)
    for r in range(rows):
        number = broadcast(a[r * a_row])
        for v in range(width):
            sums[r * width + v] = multiply_add(number, line[v], sums[r * width + v])


cdef inline void run_of_tiles(
    const Operands* of, const int rows, const int panels, const bint gradient, Py_ssize_t count
) noexcept nogil:
    """So many tiles of one shape, one below the other.

    The loops over r and v vanish: their bounds are constants where this is inlined. Two habits of gcc
    shape the rest: it unrolls such loops early enough to keep the sums in registers only within another
    loop, here the one over the tiles; and only if the loop over k has no test before its first step.
    """
    cdef vec sums[TILE_SUMS]
    cdef vec stored_sums[TILE_SUMS]
    cdef vec weight_decay, learning_rate
    cdef const real* a
    cdef const real* b
    cdef const real* start
    cdef real* c
    cdef real* at
    cdef Py_ssize_t b_panel = of.b_panel, c_panel, t, left, step, k
    cdef Py_ssize_t a_row = 1 if gradient else PANEL
    cdef Py_ssize_t a_column = PANEL if gradient else 1
    cdef Py_ssize_t a_panel = PANEL * PANEL if gradient else of.a_panel
    cdef int r, v, width = panels * PANEL_VECS

    for t in range(count):
        a = of.a + t * rows * a_row
        b = of.b
        start = of.start + t * rows * of.start_row
        c = of.c + t * rows * PANEL
        c_panel = of.c_panel
        left = of.depth
        for r in range(rows):
            for v in range(width):
                sums[r * width + v] = broadcast(0) if gradient else load(
                    start + v // PANEL_VECS * of.start_panel + r * of.start_row + v % PANEL_VECS * LANES
                )
        while True:
            step = smaller(left, PANEL)
            for k in range(step // 2):  # two at a time: fewer branches
                add_products(sums, rows, panels, a + 2 * k * a_column, a_row, b + 2 * k * PANEL, b_panel)
                add_products(
                    sums, rows, panels, a + (2 * k + 1) * a_column, a_row, b + (2 * k + 1) * PANEL, b_panel
                )
            if step % 2:
                k = step - 1
                add_products(sums, rows, panels, a + k * a_column, a_row, b + k * PANEL, b_panel)
            if not gradient and of.ahead != NULL:
                ask_ahead(of.ahead)
            a += a_panel
            b += PANEL * PANEL
            left -= step
            if left <= 0:
                break
        if gradient and of.rule.plain:
            # read before the loop: a rule could lie where it writes, for all that the compiler knows
            weight_decay = broadcast(of.rule.weight_decay)
            learning_rate = broadcast(of.rule.learning_rate)
            for r in range(rows):
                for v in range(width):
                    at = c + v // PANEL_VECS * c_panel + r * PANEL + v % PANEL_VECS * LANES
                    store(at, plain_step(weight_decay, learning_rate, load(at), sums[r * width + v]))
            continue
        if gradient:
            c = <real*>stored_sums
            c_panel = rows * PANEL
        for r in range(rows):
            for v in range(width):
                at = c + v // PANEL_VECS * c_panel + r * PANEL + v % PANEL_VECS * LANES
                store(at, sums[r * width + v])
        if gradient:
            use_sums(of, rows, panels, c, of.c + t * rows * PANEL)


cdef inline void unrolled_tiles(
    const Operands* of, int rows, const int panels, const bint gradient, Py_ssize_t count
) noexcept nogil:
    """Compute tiles of so many rows; those that a target's registers cannot hold are never compiled."""
    if rows == 1:
        run_of_tiles(of, 1, panels, gradient, count)
    elif rows == 2:
        run_of_tiles(of, 2, panels, gradient, count)
    elif TILE_ROWS >= 3 and rows == 3:
        run_of_tiles(of, 3, panels, gradient, count)
    elif TILE_ROWS >= 4 and rows == 4:
        run_of_tiles(of, 4, panels, gradient, count)
    elif TILE_ROWS >= 5 and rows == 5:
        run_of_tiles(of, 5, panels, gradient, count)
    elif TILE_ROWS >= 6 and rows == 6:
        run_of_tiles(of, 6, panels, gradient, count)
    elif TILE_ROWS >= 7 and rows == 7:
        run_of_tiles(of, 7, panels, gradient, count)
    elif TILE_ROWS >= 8 and rows == 8:
        run_of_tiles(of, 8, panels, gradient, count)
    elif TILE_ROWS >= 9 and rows == 9:
        run_of_tiles(of, 9, panels, gradient, count)
    elif TILE_ROWS >= 10 and rows == 10:
        run_of_tiles(of, 10, panels, gradient, count)
    elif TILE_ROWS >= 11 and rows == 11:
        run_of_tiles(of, 11, panels, gradient, count)
    elif TILE_ROWS >= 12 and rows == 12:
        run_of_tiles(of, 12, panels, gradient, count)


cdef void product_tiles(const Operands* of, int rows, int panels, Py_ssize_t count) noexcept nogil:
    if panels == 1:
        unrolled_tiles(of, rows, 1, False, count)
    elif panels == TILE_PANELS:
        unrolled_tiles(of, rows, TILE_PANELS, False, count)
    else:
        run_of_tiles(of, 1, TILE_WIDE, False, count)


cdef void gradient_tiles(const Operands* of, int rows, int panels, Py_ssize_t count) noexcept nogil:
    if panels == 1:
        unrolled_tiles(of, rows, 1, True, count)
    else:
        unrolled_tiles(of, rows, TILE_PANELS, True, count)


cdef inline void split_into_tiles(
    Operands* of, Py_ssize_t rows, int panels, const bint gradient
) noexcept nogil:
    """Divide rows into tiles as evenly as possible: 13 rows in tiles of at most 12 are 7 + 6, not 12 + 1."""
    cdef Py_ssize_t tiles = (rows + TILE_ROWS - 1) // TILE_ROWS
    cdef Py_ssize_t low, taller
    if tiles == 0:
        return
    low = rows // tiles
    taller = rows % tiles  # so many tiles have a row more
    if taller:
        if gradient:
            gradient_tiles(of, <int>low + 1, panels, taller)
        else:
            product_tiles(of, <int>low + 1, panels, taller)
        of.a += taller * (low + 1) * (1 if gradient else PANEL)
        of.c += taller * (low + 1) * PANEL
        of.start += taller * (low + 1) * of.start_row
    if gradient:
        gradient_tiles(of, <int>low, panels, tiles - taller)
    else:
        product_tiles(of, <int>low, panels, tiles - taller)


cdef inline Py_ssize_t part_of_depth(Py_ssize_t depth) noexcept nogil:
    """Return how many k a part has: about the same in each, and whole panels of A."""
    cdef Py_ssize_t parts = larger(1, (depth + DEPTH_BLOCK - 1) // DEPTH_BLOCK)
    return panels_of((depth + parts - 1) // parts) * PANEL


cdef void c_matmul(
    const real* a, Py_ssize_t a_rows, Py_ssize_t rows, Py_ssize_t depth,
    const real* b, Py_ssize_t columns, const real* start, real* c, Py_ssize_t c_rows, Ahead* ahead, Look* look,
) noexcept nogil:
    """C = start + A B for the first `rows` rows of A and C, which have a_rows and c_rows in all; or a part of it,
    where a look, if it is not NULL, shows that it is not wanted.
    """
    cdef Operands of
    cdef vec zeros[TILE_WIDE_VECS]
    cdef Py_ssize_t block, blocks = (rows + ROW_BLOCK - 1) // ROW_BLOCK
    cdef Py_ssize_t first, n, j, k, step, panels = panels_of(columns)
    cdef int width
    of.a_panel = a_rows * PANEL
    of.b_panel = depth * PANEL
    of.c_panel = c_rows * PANEL
    of.rule = NULL
    of.ahead = ahead
    if start == NULL:
        memset(zeros, 0, sizeof(zeros))
    for block in range(blocks):
        # so many rows of A stay in the second-level cache while all of B is read
        first = rows * block // blocks
        n = rows * (block + 1) // blocks - first
        j = 0
        while j < panels:
            if look != NULL and is_dropped(look):
                return
            if n == 1 and j + TILE_WIDE <= panels:
                width = TILE_WIDE
            elif j + TILE_PANELS <= panels:
                width = TILE_PANELS
            else:
                width = 1
            of.start = <const real*>zeros if start == NULL else start + j * PANEL
            of.start_row, of.start_panel = 0, PANEL
            step = depth if n <= TILE_ROWS else part_of_depth(depth)  # a single tile reads B once
            k = 0
            while True:
                of.depth = smaller(step, depth - k)
                of.a = a + first * PANEL + k // PANEL * of.a_panel
                of.b = b + j * of.b_panel + k * PANEL
                of.c = c + j * of.c_panel + first * PANEL
                split_into_tiles(&of, n, width, False)
                k += step
                if k >= depth:
                    break
                of.start = c + j * of.c_panel + first * PANEL
                of.start_row, of.start_panel = PANEL, of.c_panel
            j += width


cdef void c_matmul_tn(
    const real* a, Py_ssize_t a_rows, Py_ssize_t inputs,
    const real* b, Py_ssize_t b_rows, Py_ssize_t outputs,
    Py_ssize_t rows, real* c, const Rule* rule, const Share* share, real* transposed, Look* look,
) noexcept nogil:
    """A share of A^T B, summed over `rows` rows: each tile is used by the rule on C (inputs, outputs) at once.

    Threads that share columns divide them into units, one panel of A (PANEL rows of C) by TILE_PANELS panels of B, in
    any order. Where `transposed` is given, the block of C just changed is also written there, transposed. A look is as
    in `c_matmul`.
    """
    cdef Operands of
    cdef Py_ssize_t a_panels = panels_of(inputs)
    cdef Py_ssize_t units = a_panels * ((share.past_panel - share.first_panel + TILE_PANELS - 1) // TILE_PANELS)
    cdef Py_ssize_t unit, p, j, height
    cdef int width
    of.a_panel = 0
    of.depth = rows
    of.b_panel = b_rows * PANEL
    of.start = NULL
    of.start_row = of.start_panel = 0
    of.c_panel = inputs * PANEL
    of.rule = rule
    of.ahead = NULL
    for unit in range(units * share.part // share.parts, units * (share.part + 1) // share.parts):
        if look != NULL and is_dropped(look):
            return
        j = share.first_panel + unit // a_panels * TILE_PANELS
        p = unit % a_panels
        width = <int>smaller(TILE_PANELS, share.past_panel - j)
        height = smaller(PANEL, inputs - p * PANEL)
        of.a = a + p * a_rows * PANEL
        of.b = b + j * of.b_panel
        of.c = c + j * of.c_panel + p * PANEL * PANEL
        split_into_tiles(&of, height, width, True)
        if rule.parts != NULL:
            blocks_of_penalty(
                rule.penalty, rule.parts, c, inputs, j, j + width, p * PANEL, p * PANEL + height
            )
        if transposed != NULL:
            transpose_blocks(c, inputs, outputs, transposed, p, j, j + width)


cdef inline Py_ssize_t transposed_units(Py_ssize_t inputs, Py_ssize_t outputs) noexcept nogil:
    """Blocks of PANEL lines and TILE_PANELS panels that a matrix is transposed in, in any order, by any thread."""
    return panels_of(inputs) * ((panels_of(outputs) + TILE_PANELS - 1) // TILE_PANELS)


cdef void transpose_units(
    const real* c, Py_ssize_t inputs, Py_ssize_t outputs, real* transposed,
    Py_ssize_t first_unit, Py_ssize_t past_unit,
) noexcept nogil:
    """Units of C (inputs, outputs) to their places in its transpose."""
    cdef Py_ssize_t a_panels = panels_of(inputs), unit, j
    for unit in range(first_unit, past_unit):
        j = unit // a_panels * TILE_PANELS
        transpose_blocks(
            c, inputs, outputs, transposed, unit % a_panels, j, smaller(j + TILE_PANELS, panels_of(outputs))
        )


cdef void transpose_blocks(
    const real* c, Py_ssize_t inputs, Py_ssize_t outputs, real* transposed,
    Py_ssize_t p, Py_ssize_t first_panel, Py_ssize_t past_panel,
) noexcept nogil:
    """PANEL lines of some panels of C, the p-th so many."""
    cdef Py_ssize_t q
    for q in range(first_panel, past_panel):
        transpose_block(
            c + (q * inputs + p * PANEL) * PANEL,
            transposed + (p * outputs + q * PANEL) * PANEL,
            smaller(PANEL, inputs - p * PANEL),
            smaller(PANEL, outputs - q * PANEL),
        )


cdef void column_sums(
    const real* b, Py_ssize_t b_rows, Py_ssize_t rows, Py_ssize_t first_panel, Py_ssize_t past_panel,
    real* c, const Rule* rule,
) noexcept nogil:
    """The gradient of a bias, unless c is NULL: sums over the rows of B, four at a time to hide the latency."""
    cdef vec sums[4]
    cdef const real* line
    cdef Py_ssize_t p, r
    cdef int v, i
    if c == NULL:
        return
    for p in range(first_panel, past_panel):
        for v in range(PANEL_VECS):
            line = b + p * b_rows * PANEL + v * LANES
            for i in range(4):
                sums[i] = broadcast(0)
            r = 0
            while r + 4 <= rows:
                for i in range(4):
                    sums[i] = sums[i] + load(line + (r + i) * PANEL)
                r += 4
            while r < rows:
                sums[0] = sums[0] + load(line + r * PANEL)
                r += 1
            apply_rule(rule, c + p * PANEL + v * LANES, (sums[0] + sums[1]) + (sums[2] + sums[3]))


def matmul(const real[:, :] a, const real[:, :] b, real[:, :] out):
    """out[m, n] = sum_k a[m, k] b[k, n]."""
    expect_shape("matmul", "b", b, a.shape[1], b.shape[1])
    expect_shape("matmul", "out", out, a.shape[0], b.shape[1])
    multiply_arrays("matmul", a, b, out, False)


def matmul_nt(const real[:, :] a, const real[:, :] b, real[:, :] out):
    """out[m, n] = sum_k a[m, k] b[n, k]: the gradient of a layer's input."""
    expect_shape("matmul_nt", "b", b, b.shape[0], a.shape[1])
    expect_shape("matmul_nt", "out", out, a.shape[0], b.shape[0])
    multiply_arrays("matmul_nt", a, b, out, True)


cdef int multiply_arrays(
    str function, const real[:, :] a, const real[:, :] b, real[:, :] out, bint transposed_b
) except -1:
    cdef Py_ssize_t rows = a.shape[0], depth = a.shape[1], columns = out.shape[1]
    cdef Py_ssize_t a_size = panel_size(rows, depth), c_size = panel_size(rows, columns)
    cdef Py_ssize_t b_size = panel_size(depth, columns)
    cdef real* block
    cdef real* b_panels
    cdef real* c_panels
    expect_apart(function, "out", span(out), span(a))
    expect_apart(function, "out", span(out), span(b))
    block = allocate(a_size + b_size + c_size + panel_size(columns, depth))
    b_panels = block + a_size
    c_panels = b_panels + b_size
    with nogil:
        pack(a, block)
        if transposed_b:
            pack(b, c_panels + c_size)
            transpose(c_panels + c_size, columns, depth, b_panels)
        else:
            pack(b, b_panels)
        c_matmul(block, rows, rows, depth, b_panels, columns, NULL, c_panels, rows, NULL, NULL)
        unpack(c_panels, out)
    release(block)
    return 0


def matmul_tn(const real[:, :] a, const real[:, :] b, real[:, :] out):
    """out[m, n] = sum_k a[k, m] b[k, n]: the gradient of a layer's weights."""
    cdef Py_ssize_t rows = a.shape[0], inputs = a.shape[1], outputs = b.shape[1]
    cdef Py_ssize_t a_size = panel_size(rows, inputs), b_size = panel_size(rows, outputs)
    cdef Share whole = share_of_one(rows, outputs)
    cdef Rule rule
    cdef real* block
    expect_shape("matmul_tn", "b", b, rows, outputs)
    expect_shape("matmul_tn", "out", out, inputs, outputs)
    expect_apart("matmul_tn", "out", span(out), span(a))
    expect_apart("matmul_tn", "out", span(out), span(b))
    block = allocate(a_size + b_size + panel_size(inputs, outputs))
    begin_rule(&rule, keep, block + a_size + b_size)
    with nogil:
        pack(a, block)
        pack(b, block + a_size)
        c_matmul_tn(
            block, rows, inputs, block + a_size, rows, outputs, rows,
            block + a_size + b_size, &rule, &whole, NULL, NULL,
        )
        unpack(block + a_size + b_size, out)
    release(block)

# Panels: the one layout of every matrix inside the kernels.
#
#   a matrix of R rows and C columns        in memory: panel after panel, each PANEL columns wide
#                                           (64 bytes: 16 float32 or 8 float64), row after row
#    c0 ... c15 | c16 ... c31 | c32 c33 0     r0: c0 ... c15
#   +-----------+-------------+----------+    r1: c0 ... c15      panel 0: R cache lines, one a row
# r0|  panel 0  |   panel 1   |  panel 2 |    ...
# r1|           |             |          |    r0: c16 ... c31
#   +-----------+-------------+----------+    r1: c16 ... c31     panel 1
#                                             ...
#
# Element (r, c) lies at  (c // PANEL * R + r) * PANEL + c % PANEL.  Columns that fill up the last panel
# are zeros in weights and deltas; in activations nothing reads them.
#
# Both ways of walking are in order: a product over the columns reads a panel's row after row, a product
# over the rows (the weights' gradient) reads a panel from end to end. So activations, deltas and weights
# need no other copy, and every load is an aligned cache line.


cdef inline Py_ssize_t panels_of(Py_ssize_t columns) noexcept nogil:
    return (columns + PANEL - 1) // PANEL


cdef inline Py_ssize_t panel_size(Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    """Elements that a matrix takes in panels."""
    return panels_of(columns) * PANEL * rows


cdef inline Py_ssize_t smaller(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a if a < b else b


cdef inline Py_ssize_t larger(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return b if a < b else a


cdef void pack_strided(
    const char* source, Py_ssize_t row_stride, Py_ssize_t column_stride,
    Py_ssize_t rows, Py_ssize_t columns, real* panels,
) noexcept nogil:
    """Any matrix into panels, the last one filled up with zeros; strides in bytes."""
    cdef Py_ssize_t p, r, c
    for p in range(panels_of(columns)):
        for r in range(rows):
            for c in range(PANEL):
                panels[c] = 0
            for c in range(smaller(PANEL, columns - p * PANEL)):
                panels[c] = (
                    <const real*>(source + r * row_stride + (p * PANEL + c) * column_stride)
                )[0]
            panels += PANEL


cdef void pack_numbers(
    const real* numbers, Py_ssize_t start, Py_ssize_t count, Py_ssize_t rows, Py_ssize_t columns, real* panels
) noexcept nogil:
    """Some numbers of a row-major matrix into its panels, from number `start` on."""
    cdef Py_ssize_t r = start // columns, c = start % columns, i
    for i in range(count):
        panels[(c // PANEL * rows + r) * PANEL + c % PANEL] = numbers[i]
        c += 1
        if c == columns:
            c = 0
            r += 1


cdef void unpack_strided(
    const real* panels, char* target, Py_ssize_t row_stride, Py_ssize_t column_stride,
    Py_ssize_t rows, Py_ssize_t columns,
) noexcept nogil:
    cdef Py_ssize_t p, r, c
    for p in range(panels_of(columns)):
        for r in range(rows):
            for c in range(smaller(PANEL, columns - p * PANEL)):
                (<real*>(target + r * row_stride + (p * PANEL + c) * column_stride))[0] = panels[c]
            panels += PANEL


cdef void pack(const real[:, :] source, real* panels) noexcept nogil:
    if source.shape[0] and source.shape[1]:
        pack_strided(
            <const char*>&source[0, 0], source.strides[0], source.strides[1],
            source.shape[0], source.shape[1], panels,
        )


cdef void unpack(const real* panels, real[:, :] target) noexcept nogil:
    if target.shape[0] and target.shape[1]:
        unpack_strided(
            panels, <char*>&target[0, 0], target.strides[0], target.strides[1],
            target.shape[0], target.shape[1],
        )


cdef inline vec valid_lanes(vec value, Py_ssize_t valid, vec other) noexcept nogil:
    """The first `valid` lanes of value, then those of other."""
    return where_less(lane_numbers(), broadcast(<real>valid), value, other)


cdef inline const real* line_of(
    const real* panels, Py_ssize_t rows, Py_ssize_t row, Py_ssize_t v
) noexcept nogil:
    """The v-th vector of a row, in panels of so many rows."""
    return panels + (v // PANEL_VECS * rows + row) * PANEL + v % PANEL_VECS * LANES


cdef inline void transpose_square(vec* square) noexcept nogil:
    """LANES vectors, in place: lane c of vector r becomes lane r of vector c.

    Interleaving the first half of the vectors with the second, log2 times over, transposes a
    square (the perfect shuffle).
    """
    cdef vec shuffled[16]
    cdef int stage = 1, i
    while stage < LANES:
        for i in range(LANES // 2):
            shuffled[2 * i] = interleave_low(square[i], square[i + LANES // 2])
            shuffled[2 * i + 1] = interleave_high(square[i], square[i + LANES // 2])
        for i in range(LANES):
            square[i] = shuffled[i]
        stage *= 2


cdef inline void rows_to_columns(const real* lines, vec* columns) noexcept nogil:
    """LANES lines of a panel as its columns: lane r of vector c is what line r has in column c."""
    cdef int c, i
    for c in range(PANEL_VECS):
        for i in range(LANES):
            columns[c * LANES + i] = load(lines + i * PANEL + c * LANES)
        transpose_square(columns + c * LANES)


cdef inline void columns_to_rows(vec* columns, real* lines) noexcept nogil:
    """The inverse of `rows_to_columns`; the columns are overwritten."""
    cdef int c, i
    for c in range(PANEL_VECS):
        transpose_square(columns + c * LANES)
        for i in range(LANES):
            store(lines + i * PANEL + c * LANES, columns[c * LANES + i])


cdef void transpose_block(
    const real* block, real* target, Py_ssize_t rows, Py_ssize_t columns
) noexcept nogil:
    """One block of up to PANEL x PANEL elements: `rows` cache lines in, `columns` cache lines out.

    A full block goes through registers, square by square.
    """
    cdef vec square[16]
    cdef Py_ssize_t r, c
    cdef int i
    if rows == PANEL and columns == PANEL:
        for r in range(0, PANEL_VECS):
            for c in range(0, PANEL_VECS):
                for i in range(LANES):
                    square[i] = load(block + (r * LANES + i) * PANEL + c * LANES)
                transpose_square(square)
                for i in range(LANES):
                    store(target + (c * LANES + i) * PANEL + r * LANES, square[i])
        return
    for c in range(columns):
        for r in range(rows):
            target[c * PANEL + r] = block[r * PANEL + c]
        for r in range(rows, PANEL):
            target[c * PANEL + r] = 0


cdef void transpose(
    const real* panels, Py_ssize_t rows, Py_ssize_t columns, real* target
) noexcept nogil:
    """The panels of the transposed matrix, block by block."""
    cdef Py_ssize_t p, q
    for p in range(panels_of(rows)):
        for q in range(panels_of(columns)):
            transpose_block(
                panels + (q * rows + p * PANEL) * PANEL,
                target + (p * columns + q * PANEL) * PANEL,
                smaller(PANEL, rows - p * PANEL),
                smaller(PANEL, columns - q * PANEL),
            )


cdef real* room_for(Py_ssize_t count) noexcept nogil:
    """Return memory for `count` elements, aligned to at least 64 bytes, or NULL; free it with `release`."""
    cdef char* raw
    cdef char* aligned
    cdef size_t size = <size_t>count * sizeof(real), alignment = 64
    if not 0 <= count <= (<Py_ssize_t>1 << 62) // <Py_ssize_t>sizeof(real):
        return NULL
    if size >= LARGE_BLOCK:
        alignment = LARGE_PAGE
    raw = <char*>malloc(size + 2 * alignment)
    if raw == NULL:
        return NULL
    aligned = <char*>((<size_t>raw + 2 * alignment - 1) & ~(alignment - 1))
    (<char**>aligned - 1)[0] = raw  # read by `release`
    if size >= LARGE_BLOCK:
        wish_large_pages(aligned, size)
    return <real*>aligned


cdef real* allocate(Py_ssize_t count) except NULL:
    """The same, or an error."""
    cdef real* block = room_for(count)
    if block == NULL:
        raise MemoryError(f"cannot take memory for {count} numbers")
    return block


cdef void release(real* block) noexcept nogil:
    if block != NULL:
        free((<char**>block - 1)[0])


cdef class Scratch:
    """Memory for the duration of a call."""

    cdef real* block

    def __dealloc__(self):
        release(self.block)


cdef Scratch scratch_of(Py_ssize_t count, int fill):
    """Allocate `count` elements; in place of a constructor, whose arguments would become objects."""
    cdef Scratch scratch = Scratch.__new__(Scratch)
    scratch.block = allocate(count)
    if fill >= 0:
        memset(scratch.block, fill, <size_t>count * sizeof(real))
    return scratch

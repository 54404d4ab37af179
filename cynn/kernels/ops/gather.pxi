# Input: rows of the caller's array, in any order and of any dtype that is taken, become panels of reals,
# scaled (value * scale + offset). Where the values of a column lie far from 0 and close to each other, a number near
# them, its shift, is taken off first, in float64, so that what tells them apart is not rounded away. Only this file
# knows the input's dtype and strides. Bytes (uint8)
# are an eighth or a quarter of the memory traffic of floats.

ctypedef fused element:
    uint8_t
    float
    double

cdef enum:  # what Rows.element says
    BYTES
    FLOATS
    DOUBLES
    SPARSE

cdef struct Rows:
    const char* data
    Py_ssize_t count
    Py_ssize_t columns
    Py_ssize_t stride  # bytes from row to row
    Py_ssize_t column_stride
    int element
    real scale
    real offset
    const double* shift  # taken off each column before anything else; NULL: nothing is
    # Compressed sparse rows: the non-zeros of row i stand at row_starts[i] to row_starts[i + 1].
    const int64_t* row_starts
    const int32_t* row_columns
    const real* row_values


cdef class SparseRows:
    """Compressed sparse rows (CSR), checked once: no index is outside of the arrays or the network."""

    cdef const real[::1] values
    cdef const int32_t[::1] columns
    cdef const int64_t[::1] starts
    cdef readonly Py_ssize_t n_columns
    cdef Py_ssize_t widest  # the most non-zeros of a row

    def __init__(
        self, const real[::1] values, const int32_t[::1] columns, const int64_t[::1] starts,
        Py_ssize_t n_columns,
    ):
        cdef Py_ssize_t i, k, stored = values.shape[0]
        if starts.shape[0] < 1 or starts[0] != 0 or columns.shape[0] != stored:
            raise ValueError("SparseRows: starts must begin with 0, and columns must be as many as values")
        for i in range(starts.shape[0] - 1):
            if not starts[i] <= starts[i + 1] <= stored:
                raise ValueError(
                    f"SparseRows: starts must ascend to {stored} at most, got {starts[i + 1]} as the end of "
                    f"row {i}"
                )
            if starts[i + 1] - starts[i] > self.widest:
                self.widest = starts[i + 1] - starts[i]
            for k in range(starts[i] + 1, starts[i + 1]):
                if columns[k] <= columns[k - 1]:
                    raise ValueError(
                        f"SparseRows: columns must ascend within a row, got another order in row {i}"
                    )
        for i in range(stored):
            if not 0 <= columns[i] < n_columns:
                raise ValueError(f"SparseRows: columns must be from 0 to {n_columns - 1}, got {columns[i]}")
        self.values, self.columns, self.starts = values, columns, starts
        self.n_columns = n_columns

    def __len__(self):
        return self.starts.shape[0] - 1


cdef int element_of(const char* code) noexcept:
    """The kind of element that a buffer's format names, or -1."""
    if code[0] == b"B" and code[1] == 0:
        return BYTES
    if code[0] == b"f" and code[1] == 0:
        return FLOATS
    return DOUBLES if code[0] == b"d" and code[1] == 0 else -1


cdef class Source:
    """Holds the buffer of the caller's array while its rows are read."""

    cdef Py_buffer buffer
    cdef Rows rows
    cdef Py_ssize_t widest  # the most numbers to keep of a sparse row; 0: the rows are dense
    cdef SparseRows sparse

    cdef int hold(
        self, x, Py_ssize_t columns, double scale, double offset, const double* shift, bint seek_zeros
    ) except -1:
        """Once, in place of a constructor, whose arguments would become objects."""
        self.rows.columns = columns
        self.rows.scale = <real>scale
        self.rows.offset = <real>offset
        self.rows.shift = shift
        if isinstance(x, SparseRows):
            self.hold_sparse(x)
        else:
            self.hold_dense(x)
            if seek_zeros:
                self.widest = columns
        if self.widest and offset != 0:
            raise ValueError(f"x: offset must be 0 for sparse rows, got {offset}")
        if self.widest and shift != NULL:
            raise ValueError("x: shift must be None for sparse rows, got numbers")
        return 0

    cdef int hold_sparse(self, SparseRows x) except -1:
        if x.n_columns != self.rows.columns:
            raise ValueError(f"x must have {self.rows.columns} columns, got {x.n_columns}")
        self.sparse = x
        self.widest = x.widest if x.widest > 0 else 1
        self.rows.element = SPARSE
        self.rows.count = len(x)
        self.rows.row_starts = &x.starts[0]
        if x.values.shape[0]:
            self.rows.row_columns = &x.columns[0]
            self.rows.row_values = &x.values[0]
        return 0

    cdef int hold_dense(self, x) except -1:
        cdef Py_ssize_t columns = self.rows.columns
        PyObject_GetBuffer(x, &self.buffer, PyBUF_STRIDES | PyBUF_FORMAT)
        if self.buffer.ndim != 2 or self.buffer.shape[1] != columns:
            shape = tuple([self.buffer.shape[i] for i in range(self.buffer.ndim)])
            raise ValueError(f"x must have shape (rows, {columns}), got {shape}")
        self.rows.element = element_of(self.buffer.format)
        if self.rows.element < 0:
            kind = (<bytes>self.buffer.format).decode()
            raise ValueError(f"x must be uint8, float32 or float64, got elements of format {kind!r}")
        self.rows.data = <const char*>self.buffer.buf
        self.rows.count = self.buffer.shape[0]
        self.rows.stride = self.buffer.strides[0]
        self.rows.column_stride = self.buffer.strides[1]
        return 0

    def __dealloc__(self):
        if self.sparse is None:
            PyBuffer_Release(&self.buffer)


# Rows that are gathered side by side: their lines of one panel are neighbours in memory, where those of one
# row are a whole panel apart.
cdef enum:
    GATHERED = 8
    PREFETCHED = 4096  # bytes of a row prefetched at once


cdef inline vec converted(const element* source) noexcept nogil:
    if element is uint8_t:
        return from_bytes(source)
    elif element is float:
        return from_floats(source)
    else:
        return from_doubles(source)


cdef inline void gather_block(
    const element* kind, const Rows* x, const char** lines, int count, real* panels, Py_ssize_t rows
) noexcept nogil:
    """So many rows, at `lines`, into panels that have `rows` rows; `kind` is only their type."""
    cdef Py_ssize_t left = x.columns, c, at = 0
    cdef vec scale = broadcast(x.scale), offset = broadcast(x.offset)
    cdef const element* line
    cdef real* to
    cdef int i, v
    if x.column_stride == sizeof(element):
        while left >= PANEL:
            for i in range(count):
                line = <const element*>lines[i] + at
                to = panels + i * PANEL
                for v in range(PANEL_VECS):
                    store(to + v * LANES, multiply_add(converted(line + v * LANES), scale, offset))
            panels += rows * PANEL
            at += PANEL
            left -= PANEL
    while left > 0:
        for i in range(count):
            to = panels + i * PANEL
            for v in range(PANEL_VECS):
                store(to + v * LANES, broadcast(0))
            c = 0
            if x.column_stride == sizeof(element):
                line = <const element*>lines[i] + at
                while c + LANES <= smaller(PANEL, left):
                    store(to + c, multiply_add(converted(line + c), scale, offset))
                    c += LANES
            while c < smaller(PANEL, left):
                line = <const element*>(lines[i] + (at + c) * x.column_stride)
                to[c] = <real>line[0] * x.scale + x.offset
                c += 1
        panels += rows * PANEL
        at += PANEL
        left -= PANEL


cdef inline void gather_shifted(
    const element* kind, const Rows* x, const char** lines, int count, real* panels, Py_ssize_t rows
) noexcept nogil:
    """The same, less the shift of each column, which is taken off in float64."""
    cdef Py_ssize_t at = 0, c, width
    cdef const element* number
    cdef real* to
    cdef int i
    while at < x.columns:
        width = smaller(PANEL, x.columns - at)
        for i in range(count):
            to = panels + i * PANEL
            for c in range(width):
                number = <const element*>(lines[i] + (at + c) * x.column_stride)
                to[c] = <real>(<double>number[0] - x.shift[at + c]) * x.scale + x.offset
            for c in range(width, PANEL):
                to[c] = 0
        panels += rows * PANEL
        at += PANEL


cdef inline void gather_any(
    const element* kind, const Rows* x, const char** lines, int count, real* panels, Py_ssize_t rows
) noexcept nogil:
    if x.shift == NULL:
        gather_block(kind, x, lines, count, panels, rows)
    else:
        gather_shifted(kind, x, lines, count, panels, rows)


cdef void gather(
    const Rows* x, const int64_t* order, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past,
    real* panels, Py_ssize_t rows,
) noexcept nogil:
    """Rows start + first to start + past of the order (NULL: as they stand) into lines first to past."""
    cdef const char* lines[GATHERED]
    cdef Py_ssize_t r = first
    cdef int i, count
    while r < past:
        count = <int>smaller(GATHERED, past - r)
        for i in range(count):
            lines[i] = row_at(x, order, start + r + i)
        if order != NULL:  # shuffled rows begin where no hardware expects them
            foresee(x, order, start + r + GATHERED, start + past)
        if x.element == BYTES:
            gather_any(<const uint8_t*>NULL, x, lines, count, panels + r * PANEL, rows)
        elif x.element == FLOATS:
            gather_any(<const float*>NULL, x, lines, count, panels + r * PANEL, rows)
        else:
            gather_any(<const double*>NULL, x, lines, count, panels + r * PANEL, rows)
        r += count


cdef inline const char* row_at(const Rows* x, const int64_t* order, Py_ssize_t i) noexcept nogil:
    return x.data + (i if order == NULL else <Py_ssize_t>order[i]) * x.stride


cdef void foresee(
    const Rows* x, const int64_t* order, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Prefetch the next few rows at once."""
    cdef Py_ssize_t i, size = x.columns * x.column_stride
    if size > 0:
        for i in range(first, smaller(past, first + GATHERED)):
            prefetch(row_at(x, order, i), smaller(size, PREFETCHED))


cdef struct Targets:
    const int32_t* labels  # or NULL
    const real* values  # (rows, columns), contiguous, or NULL
    Py_ssize_t columns


cdef inline const char* target_at(const Targets* y, const int64_t* order, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t row = i if order == NULL else <Py_ssize_t>order[i]
    if y.labels != NULL:
        return <const char*>(y.labels + row)
    if y.values == NULL:
        return NULL
    return <const char*>(y.values + row * y.columns)


# Rows that will be gathered next. The product in between prefetches them, a little at every step, so that
# neither waits for the other.
cdef struct Ahead:
    const Rows* x
    const Targets* y
    const int64_t* order
    Py_ssize_t row  # the next to prefetch, counted as in the order
    Py_ssize_t past
    Py_ssize_t at  # bytes of it that were prefetched
    Py_ssize_t size  # bytes of a row; 0: nothing is prefetched

cdef enum:
    ASKED = 256  # bytes at a time
    FORESEEN = 32768  # in all: more would evict the mini-batch's own data from the cache


cdef void look_ahead(
    Ahead* ahead, const Rows* x, const Targets* y, const int64_t* order, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Begin with rows first to past of the order, or as many as are foreseen."""
    ahead.x = x
    ahead.y = y
    ahead.order = order
    ahead.row = first
    ahead.at = 0
    ahead.size = 0 if x.element == SPARSE else x.columns * x.column_stride
    ahead.past = smaller(past, first + larger(GATHERED, FORESEEN // larger(1, ahead.size)))


cdef inline void ask_ahead(Ahead* ahead) noexcept nogil:
    """Prefetch the next few lines."""
    if ahead.row < ahead.past and ahead.size > 0:
        prefetch(row_at(ahead.x, ahead.order, ahead.row) + ahead.at, ASKED)
        ahead.at += ASKED
        if ahead.at >= ahead.size:
            prefetch(target_at(ahead.y, ahead.order, ahead.row), 64)
            ahead.at = 0
            ahead.row += 1


cdef void gather_targets(
    const Targets* y, const int64_t* order, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past,
    real* panels, Py_ssize_t rows, Py_ssize_t copies,
) noexcept nogil:
    """Turn labels into one-hot rows, so that the losses know one kind of target; each several times, if so said."""
    cdef Py_ssize_t r, row, p, c, at, copy
    cdef int v
    cdef real* line
    for r in range(first, past):
        row = start + r if order == NULL else <Py_ssize_t>order[start + r]
        at = r * copies
        for p in range(panels_of(y.columns)):
            line = panels + (p * rows + at) * PANEL
            for v in range(PANEL_VECS):
                store(line + v * LANES, broadcast(0))
            if y.values != NULL:
                memcpy(
                    line, y.values + row * y.columns + p * PANEL,
                    <size_t>smaller(PANEL, y.columns - p * PANEL) * sizeof(real),
                )
        if y.labels != NULL:
            c = y.labels[row]
            panels[(c // PANEL * rows + at) * PANEL + c % PANEL] = 1
        for p in range(panels_of(y.columns)):
            line = panels + (p * rows + at) * PANEL
            for copy in range(1, copies):
                memcpy(line + copy * PANEL, line, PANEL * sizeof(real))


cdef void scatter(
    const real* panels, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
    real* target, Py_ssize_t start, Py_ssize_t columns,
) noexcept nogil:
    """Output: copy lines first to past to rows start + first ... of a contiguous array.

    A zero loses its sign, which depends on the products that were skipped (few_rows.pxi).
    """
    cdef Py_ssize_t r, p, c
    cdef const real* line
    cdef real* to
    for r in range(first, past):
        for p in range(panels_of(columns)):
            line = panels + (p * rows + r) * PANEL
            to = target + (start + r) * columns + p * PANEL
            for c in range(smaller(PANEL, columns - p * PANEL)):
                to[c] = line[c] + 0

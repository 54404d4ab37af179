# What the steps share that embed columns of their input: each gives some learned numbers for every such column. The
# output begins with the columns that stay as they are, in order:
#
#   y = [x of the staying columns | units numbers of the first embedded column | of the second | ...]
#
# `constants` holds whole numbers here: the embedded columns, the staying ones, and for tables where each begins; behind
# them a kind may have numbers of its own.

cdef inline Py_ssize_t* embedded_columns(const Step* step) noexcept nogil:
    return <Py_ssize_t*>step.constants


cdef inline Py_ssize_t* staying_columns(const Step* step) noexcept nogil:
    return embedded_columns(step) + step.embedded


cdef inline Py_ssize_t* table_starts(const Step* step) noexcept nogil:
    """Where each embedded column's table begins among the rows of W, and where the last one ends."""
    return staying_columns(step) + step.inputs


cdef inline real* numbers_behind_columns(const Step* step) noexcept nogil:
    """Those that `describe_columns` was asked to leave room for."""
    return <real*>(embedded_columns(step) + 3 * step.inputs + 1)


cdef inline Py_ssize_t place_in(Py_ssize_t rows, Py_ssize_t r, size_t c) noexcept nogil:
    """Where element (r, c) lies in panels of so many rows."""
    return <Py_ssize_t>((c // <size_t>PANEL * rows + r) * <size_t>PANEL + c % <size_t>PANEL)


cdef inline Py_ssize_t first_unit(const Step* step, Py_ssize_t j) noexcept nogil:
    """The column of the output where the numbers of the j-th embedded column begin."""
    return step.staying + j * step.units


cdef void copy_staying(
    const Step* step, const real* x, real* y, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Write the first columns of y, and zeros past its last."""
    cdef const Py_ssize_t* staying = staying_columns(step)
    cdef Py_ssize_t c, r
    for r in range(first, past):
        for c in range(step.staying):
            y[place_in(rows, r, c)] = x[place_in(rows, r, staying[c])]
        for c in range(step.outputs, panels_of(step.outputs) * PANEL):
            y[place_in(rows, r, c)] = 0


cdef void return_staying(
    const Step* step, const real* delta, real* grad_x, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Write the gradient of x by way of the columns that stay: 0 for the others."""
    cdef const Py_ssize_t* staying = staying_columns(step)
    cdef Py_ssize_t c, r
    for c in range(panels_of(step.inputs)):
        memset(grad_x + (c * rows + first) * PANEL, 0, (past - first) * PANEL * sizeof(real))
    for r in range(first, past):
        for c in range(step.staying):
            grad_x[place_in(rows, r, staying[c])] = delta[place_in(rows, r, c)]


cdef int describe_columns(
    Step* step, object columns, bint all_stay, object units, Py_ssize_t numbers=0
) except -1:
    """Read which columns are embedded, and how many numbers each gives; None: all columns.

    Room is left for so many numbers behind those of the columns.
    """
    cdef list chosen = list(range(step.inputs)) if columns is None else list(columns)
    cdef Py_ssize_t count = 3 * step.inputs + 1, c
    cdef object embedded = set(chosen)
    if not chosen or len(embedded) != len(chosen) or not embedded <= set(range(step.inputs)):
        raise ValueError(
            f"steps: columns must be different ones of the {step.inputs} of a row, got {str(columns):.100}"
        )
    if not 1 <= units <= 1 << 20:
        raise ValueError(f"steps: units of an embedding must be from 1 to 2^20, got {units}")
    step.constants = allocate(count * <Py_ssize_t>(sizeof(Py_ssize_t) // sizeof(real)) + numbers)
    step.embedded = len(chosen)
    step.units = units
    step.staying = 0
    for c in range(step.embedded):
        embedded_columns(step)[c] = chosen[c]
    for c in range(step.inputs):
        if all_stay or c not in embedded:
            staying_columns(step)[step.staying] = c
            step.staying += 1
    step.outputs = step.staying + step.embedded * step.units
    step.biased = False
    return 0

# Checks of the arguments that come from Python: "function: name must WHAT, got VALUE".

cdef struct Span:  # the bytes from the first to the last element of an array
    size_t first
    size_t past


cdef int expect(str function, str name, bint good, object came, object wanted) except -1:
    if not good:
        raise ValueError(f"{function}: {name} must {wanted}, got {came}")
    return 0


cdef int expect_shape(
    str function, str name, const real[:, :] array, Py_ssize_t rows, Py_ssize_t columns
) except -1:
    if array.shape[0] != rows or array.shape[1] != columns:
        raise ValueError(
            f"{function}: {name} must have shape ({rows}, {columns}), "
            f"got ({array.shape[0]}, {array.shape[1]})"
        )
    return 0


cdef Span span_of(const char* at, Py_ssize_t rows, Py_ssize_t columns, const Py_ssize_t* strides) noexcept:
    cdef Span span
    cdef Py_ssize_t reach, below = 0, above = 0
    span.first = span.past = 0
    if rows == 0 or columns == 0:
        return span
    reach = (rows - 1) * strides[0]
    if reach < 0:
        below += reach
    else:
        above += reach
    reach = (columns - 1) * strides[1]
    if reach < 0:
        below += reach
    else:
        above += reach
    span.first = <size_t>at + below
    span.past = <size_t>at + above + sizeof(real)
    return span


cdef Span span(const real[:, :] array) noexcept:
    return span_of(
        <const char*>&array[0, 0] if array.shape[0] and array.shape[1] else NULL,
        array.shape[0], array.shape[1], &array.strides[0],
    )


cdef Span span_1d(const real[:] array) noexcept:
    cdef Py_ssize_t strides[2]
    strides[0] = array.strides[0]
    strides[1] = 0
    return span_of(
        <const char*>&array[0] if array.shape[0] else NULL, array.shape[0], 1, strides
    )


cdef bint overlap(Span a, Span b) noexcept:
    return a.first < b.past and b.first < a.past


cdef int expect_apart(str function, str name, Span written, Span other) except -1:
    if overlap(written, other):
        raise ValueError(f"{function}: {name} must not share memory with another argument")
    return 0


cdef int place_of(str what, object name, object names) except -1:
    """Return the index of a name among the known ones."""
    if name not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, got {name!r}")
    return list(names).index(name)

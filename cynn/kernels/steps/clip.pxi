# Clip: y = min(max(x, low), high), each column with its own limits, or all with the same. In training it is y = x, so
# that no gradient is lost.

cdef void clip_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t r, v
    cdef vec low, high, value
    for v in range(panels_of(step.outputs) * PANEL_VECS):
        low = load(step.constants + v * LANES)
        high = load(step.constants + panel_size(1, step.outputs) + v * LANES)
        for r in range(first, past):
            value = load(line_of(x, rows, r, v))  # NaN stays NaN
            value = where_less(value, low, low, value)
            store(<real*>line_of(y, rows, r, v), where_less(high, value, high, value))


cdef void clip_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* x = y + for_rows(step, step.input - step.output, rows)
    cdef vec low, high, value, passed, zero = broadcast(0)
    cdef Py_ssize_t r, v
    if grad_x == NULL:
        return
    for v in range(panels_of(step.outputs) * PANEL_VECS):
        low = load(step.constants + v * LANES)
        high = load(step.constants + panel_size(1, step.outputs) + v * LANES)
        for r in range(first, past):
            value = load(line_of(x, rows, r, v))
            passed = where_less(value, low, zero, load(line_of(delta, rows, r, v)))
            store(<real*>line_of(grad_x, rows, r, v), where_less(high, value, zero, passed))


cdef int describe_clip(Step* step, tuple arguments) except -1:
    """From the limits, each a number or one for each column."""
    cdef Py_ssize_t size = panel_size(1, step.inputs), c
    cdef int i
    step.constants = allocate(2 * size)
    memset(step.constants, 0, 2 * size * sizeof(real))
    for i, limits in enumerate(arguments):
        if not isinstance(limits, (tuple, list)):
            limits = [limits] * step.inputs
        if len(limits) != step.inputs:
            raise ValueError(f"steps: clip must have {step.inputs} limits, got {len(limits)}")
        for c in range(step.inputs):
            step.constants[i * size + c] = <real><double>limits[c]
    for c in range(step.inputs):
        if not step.constants[c] <= step.constants[size + c]:
            raise ValueError(f"steps: clip must have a low of at most high, got {arguments}")
    return 0


cdef Kind clip_kind, clip_learning_kind
clip_learning_kind = Kind(NULL, 0, 0, NULL, False, activation_step_forward, activation_step_backward, NULL, NULL)
clip_kind = Kind(
    b"clip", 2, 2, describe_clip, False, clip_step_forward, clip_step_backward, NULL, &clip_learning_kind
)

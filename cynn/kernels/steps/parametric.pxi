# Parametric activation (Holzmueller, Grinsztajn and Steinwart 2024): y = x + a (f(x) - x), with a learned a for each
# column, between the identity, 0, and the activation f, 1. It lies where a dense step has W, as a matrix of one row.
#
#   dL/dx = (1 - a) dL/dy + f'(x) a dL/dy          dL/da = sums of (f(x) - x) dL/dy over the rows
#
# The forward pass keeps f(x); the backward pass, its only reader, leaves f(x) - x in its place.

cdef inline Py_ssize_t columns_of_part(const Step* step) noexcept nogil:
    """A panel, which stays in the cache; softmax takes whole rows."""
    return step.outputs if step.inner == SOFTMAX else PANEL


cdef void parametric_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef real* kept = y if call.workspace == NULL else call.workspace + for_rows(step, step.kept, rows)
    cdef Py_ssize_t columns = columns_of_part(step), c = 0, p, r, at
    cdef vec a, value
    cdef int v
    while c < step.outputs:  # where a panel begins
        affine_rows(x + c * rows, kept + c * rows, 1, 0, rows, first, past, columns)
        activate(step.inner, kept + c * rows, rows, first, past, columns)
        for p in range(c // PANEL, c // PANEL + panels_of(columns)):
            for v in range(PANEL_VECS):
                a = load(parameters + step.weights + p * PANEL + v * LANES)
                for r in range(first, past):
                    at = (p * rows + r) * PANEL + v * LANES
                    value = load(x + at)
                    store(y + at, multiply_add(a, load(kept + at) - value, value))
        c += columns


cdef void parametric_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* x = y + for_rows(step, step.input - step.output, rows)
    cdef real* kept = call.workspace + for_rows(step, step.kept, rows)
    cdef const real* weights = parameters + step.weights
    cdef Py_ssize_t columns = columns_of_part(step), c = 0, p, r, at
    cdef vec rest
    cdef int v
    while c < step.outputs:
        if grad_x != NULL:
            scale_columns(weights + c, delta + c * rows, grad_x + c * rows, rows, first, past, columns)
            activate_backward(
                step.inner, (x if step.reads_input else kept) + c * rows, grad_x + c * rows, rows, first, past, columns
            )
        for p in range(c // PANEL, c // PANEL + panels_of(columns)):
            for v in range(PANEL_VECS):
                rest = broadcast(1) - load(weights + p * PANEL + v * LANES)
                for r in range(first, past):
                    at = (p * rows + r) * PANEL + v * LANES
                    if grad_x != NULL:
                        store(grad_x + at, multiply_add(rest, load(delta + at), load(grad_x + at)))
                    store(kept + at, load(kept + at) - load(x + at))
        c += columns


cdef int describe_parametric(Step* step, tuple arguments) except -1:
    """From the activation."""
    step.inner = place_of("activation", arguments[0], ACTIVATIONS)
    step.reads_input = ACTIVATIONS[step.inner] in FROM_INPUT
    step.weight_rows = 1
    step.biased = False
    step.kept_lines = 1
    return 0


cdef Kind parametric_kind
parametric_kind = Kind(
    b"parametric", 1, 1, describe_parametric, False, parametric_step_forward, parametric_step_backward,
    column_weights_gradient, NULL,
)

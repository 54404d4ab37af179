# Scale: y = s x, with a learned factor s for each column. It lies where a dense step has W, as a matrix of one row;
# there is no b. The backward pass is dL/dx = s dL/dy, and for s the sums of x dL/dy over the rows.

cdef void scale_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    scale_columns(parameters + step.weights, x, y, rows, first, past, step.outputs)


cdef void scale_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        scale_columns(parameters + step.weights, delta, grad_x, rows, first, past, step.outputs)


cdef int describe_scale(Step* step, tuple arguments) except -1:
    step.weight_rows = 1
    step.biased = False
    return 0


cdef Kind scale_kind
scale_kind = Kind(
    b"scale", 0, 0, describe_scale, False, scale_step_forward, scale_step_backward, column_weights_gradient, NULL
)

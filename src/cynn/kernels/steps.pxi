# The kinds of step that a network is made of. A kind is one entry: how wide its output is and what it keeps is
# said by the plan (network.pxi); here is what it does forward and backward.

cdef struct Step:
    const Kind* kind
    Py_ssize_t inputs
    Py_ssize_t outputs
    int activation
    bint biased  # has b; else its place is there and stays zero
    real scale
    real offset
    Py_ssize_t weights  # where W begins in the flat buffers; b follows it
    Py_ssize_t transposed  # where W^T begins in a training's workspace
    # Where the input, the output and its gradient begin in a workspace, in elements for one row.
    Py_ssize_t input
    Py_ssize_t output
    Py_ssize_t gradient
    real* constants  # of a step that keeps some, which the network frees, or NULL
    Py_ssize_t other  # of a fork and its join, where the other's memory lies (residual.pxi)

ctypedef void (*Forward)(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Ahead* ahead,
) noexcept nogil

# Turns delta, the gradient of the output y, into that of the sum before the activation, and finds that of
# the input, unless grad_x is NULL.
ctypedef void (*Backward)(
    const Step* step, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil

cdef struct Kind:
    bint trained  # has weights and a bias
    Forward forward
    Backward backward


cdef void dense_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Ahead* ahead,
) noexcept nogil:
    dense_rows(
        x, parameters + step.weights,
        parameters + step.weights + panel_size(step.inputs, step.outputs),
        step.activation, y, step.inputs, step.outputs, rows, first, past, ahead,
    )


cdef void dense_step_backward(
    const Step* step, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    activate_backward(step.activation, y, delta, rows, first, past, step.outputs)
    if grad_x != NULL:
        dense_input_gradient(
            delta, transposed + step.transposed, grad_x, step.inputs, step.outputs, rows, first, past
        )


cdef void activation_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Ahead* ahead,
) noexcept nogil:
    affine_rows(x, y, 1, 0, rows, first, past, step.outputs)
    activate(step.activation, y, rows, first, past, step.outputs)


cdef void activation_step_backward(
    const Step* step, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    activate_backward(step.activation, y, delta, rows, first, past, step.outputs)
    if grad_x != NULL:
        affine_rows(delta, grad_x, 1, 0, rows, first, past, step.outputs)


cdef void input_activation_step_backward(
    const Step* step, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    """Of an activation whose gradient takes its input, which is still where it came from."""
    activation_step_backward(
        step, transposed, y + (step.input - step.output) * rows, delta, grad_x, rows, first, past
    )


cdef void rescale_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Ahead* ahead,
) noexcept nogil:
    affine_rows(x, y, step.scale, step.offset, rows, first, past, step.outputs)


cdef void rescale_step_backward(
    const Step* step, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    if grad_x != NULL:
        affine_rows(delta, grad_x, step.scale, 0, rows, first, past, step.outputs)


cdef void affine_rows(
    const real* x, real* y, real scale, real offset,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """y = scale x + offset."""
    cdef Py_ssize_t p, i
    for p in range(panels_of(columns)):
        i = (p * rows + first) * PANEL
        while i < (p * rows + past) * PANEL:
            store(y + i, multiply_add(load(x + i), broadcast(scale), broadcast(offset)))
            i += LANES


cdef Kind dense_kind, activation_kind, input_activation_kind, rescale_kind
dense_kind = Kind(True, dense_step_forward, dense_step_backward)
activation_kind = Kind(False, activation_step_forward, activation_step_backward)
input_activation_kind = Kind(False, activation_step_forward, input_activation_step_backward)
rescale_kind = Kind(False, rescale_step_forward, rescale_step_backward)

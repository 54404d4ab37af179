# The kinds of step that a network is made of. A kind is one entry: how wide its output is and what it keeps is
# said by the plan (network.pxi); here is what it does forward and backward.

cdef struct Step:
    const Kind* kind
    Py_ssize_t inputs
    Py_ssize_t outputs
    int activation
    Py_ssize_t weight_rows  # of its weights W, a matrix of so many rows; 0: it has none
    bint biased  # has b; else its place is there and stays zero
    real scale
    real offset
    int number  # of a dropout, among those of the network
    uint16_t threshold  # random numbers below it drop
    real epsilon
    real momentum
    Py_ssize_t weights  # where W begins in the flat buffers; b follows it
    Py_ssize_t transposed  # where W^T begins in a training's workspace
    # Where the input, the output and its gradient begin in a workspace, in elements for one row.
    Py_ssize_t input
    Py_ssize_t output
    Py_ssize_t gradient
    Py_ssize_t kept  # what its forward keeps for its backward
    Py_ssize_t state  # where its running statistics begin in those of the network
    real* constants  # of a step that keeps some, which the network frees, or NULL
    Py_ssize_t other  # of a fork and its join, where the other's memory lies (residual.pxi)

# What a step is told of the call that it works in.
cdef struct Call:
    Ahead* ahead
    real* workspace  # where a backward will find what is kept; NULL: there will be none
    real* state  # running statistics, saved and not trained
    Py_ssize_t used_rows  # of the batch, those that are there
    uint64_t key  # of the batch's random numbers
    Py_ssize_t place  # of the first row in its batch, where a batch comes in blocks
    bint counts  # the batch has a weight
    int rank
    int threads
    barrier* meeting

ctypedef void (*Forward)(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil

# Turns delta, the gradient of the output y, into that of the sum before the activation, and finds that of
# the input, unless grad_x is NULL.
ctypedef void (*Backward)(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil

# This thread's share of the gradients of W and b, over the batch: the rules say what becomes of them. W^T is kept
# in step in `transposed`, unless that is NULL.
ctypedef void (*Gradient)(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil

cdef struct Kind:
    bint multiplies  # by W: its backward reads the transpose
    Forward forward
    Backward backward
    Gradient gradient  # NULL: it has no weights
    const Kind* learning  # what it is in training; NULL: the same


cdef inline real* bias_in(real* buffer, const Step* step) noexcept nogil:
    """Where b lies in a buffer like the parameters; NULL if the step has none."""
    if not step.biased:
        return NULL
    return buffer + step.weights + panel_size(step.weight_rows, step.outputs)


cdef void dense_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    dense_rows(
        x, parameters + step.weights,
        parameters + step.weights + panel_size(step.inputs, step.outputs),
        step.activation, y, step.inputs, step.outputs, rows, first, past, call.ahead,
    )


cdef void dense_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    activate_backward(step.activation, y, delta, rows, first, past, step.outputs)
    if grad_x != NULL:
        dense_input_gradient(
            delta, transposed + step.transposed, grad_x, step.inputs, step.outputs, rows, first, past
        )


cdef void dense_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    dense_weight_gradient(
        x, delta, step.inputs, step.outputs, rows, call.used_rows, rule.sink + step.weights,
        bias_in(rule.sink, step), rule_of_w, rule, transposed, call.rank, call.threads,
    )


cdef void activation_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    affine_rows(x, y, 1, 0, rows, first, past, step.outputs)
    activate(step.activation, y, rows, first, past, step.outputs)


cdef void activation_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    activate_backward(step.activation, y, delta, rows, first, past, step.outputs)
    if grad_x != NULL:
        affine_rows(delta, grad_x, 1, 0, rows, first, past, step.outputs)


cdef void input_activation_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """Of an activation whose gradient takes its input, which is still where it came from."""
    activation_step_backward(
        step, parameters, transposed, y + (step.input - step.output) * rows, delta, grad_x,
        rows, first, past, call,
    )


cdef void rescale_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    affine_rows(x, y, step.scale, step.offset, rows, first, past, step.outputs)


cdef void rescale_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
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


cdef Kind dense_kind, activation_kind, input_activation_kind, rescale_kind, function_kind
dense_kind = Kind(True, dense_step_forward, dense_step_backward, dense_step_gradient, NULL)
activation_kind = Kind(False, activation_step_forward, activation_step_backward, NULL, NULL)
input_activation_kind = Kind(False, activation_step_forward, input_activation_step_backward, NULL, NULL)
rescale_kind = Kind(False, rescale_step_forward, rescale_step_backward, NULL, NULL)
function_kind = Kind(False, NULL, NULL, NULL, NULL)  # Python does it (functions.pxi)

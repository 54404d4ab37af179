# The steps that a network is made of, and the plain kinds of them. A kind is one entry, a `Kind`, at the end of its own
# file: its name, how a step of it is described, and what it does forward and backward. kinds.pxi has the table.

cdef enum:
    MOST_STATE_LINES = 2

cdef struct Step:
    const Kind* kind
    Py_ssize_t inputs
    # Set by a kind's `describe`; the default is 0, except for `outputs`, `weight_columns` and `biased`.
    Py_ssize_t outputs  # as many as the inputs by default
    int activation  # 0: IDENTITY
    Py_ssize_t weight_rows  # of its weights W, a matrix of so many rows; 0: it has none
    Py_ssize_t weight_columns  # and of so many columns, as many as the outputs by default
    double work  # floating point operations of a row's forward pass; 0: as many as a product with W has
    bint biased  # has b, the default; else its place exists and stays zero
    bint in_place  # its output is its input's memory
    bint draws  # random numbers, in training
    int kept_lines  # kept by its forward pass for its backward: each takes one row of its outputs, for every row
    int state_lines  # running statistics: so many for each output
    real state_begins[MOST_STATE_LINES]  # what each of these is before training
    real scale
    real offset
    uint16_t threshold  # random numbers below it drop
    real epsilon
    real momentum
    real* constants  # numbers of its own, which the network frees, or NULL
    int inner  # an activation within it, which no loss takes over
    bint reads_input  # whose gradient takes its input
    # Of one that embeds columns of its input (columns.pxi).
    Py_ssize_t embedded, staying
    Py_ssize_t units  # learned numbers for each embedded column
    int frequencies
    bint has_phase
    bint has_linear  # beside its bins
    Py_ssize_t copies  # rows that it makes of one, by default 1; only the members' first step makes more (members.pxi)
    bint scaled, shifted  # of members: it has s, or b
    # Set by the network: its place among the other steps.
    Py_ssize_t members  # rows that it gives for each row of the network
    int number  # of one that draws, among those of the network
    Py_ssize_t weights  # where W begins in the flat buffers; b follows it
    Py_ssize_t transposed  # where W^T begins in a training's workspace
    # Where the input, the output and its gradient begin in a workspace, in elements for one row.
    Py_ssize_t input
    Py_ssize_t output
    Py_ssize_t gradient
    Py_ssize_t kept  # kept by its forward pass for its backward pass
    Py_ssize_t state  # where its running statistics begin in those of the network
    Py_ssize_t other  # of a fork and its join, where the other's memory lies (residual.pxi)

# The call that a step works in.
cdef struct Call:
    Ahead* ahead
    const real* parameters
    real* workspace  # kept for a backward pass; NULL: there will be none
    real* state  # running statistics, saved and not trained
    Py_ssize_t batch_rows  # of the mini-batch, those that are there
    Py_ssize_t used_rows  # and of the block
    uint64_t key  # of the batch's random numbers
    Py_ssize_t place  # of the first row in its mini-batch, where that is computed in blocks
    const double* dropouts  # rates of the mini-batch, by the number of a step that draws; NULL: the steps' own
    real loss_parameter
    bint counts  # the mini-batch has a weight
    int rank
    int threads
    barrier* meeting
    bint together  # the threads share the rows of a mini-batch; else each has a block of its own
    const real* gathered  # this thread's copy of the input, of the rows of its share; NULL: it has none
    Share share
    int forced_columns  # parts; 0: by the count of split.pxi
    int* columns_seen  # the most parts of columns that a product was shared by; the first thread writes it
    Look* look  # in the midst of a step; NULL: none takes long
    int* overflowed  # set where running statistics would become infinite or NaN

ctypedef void (*Forward)(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil

# Turns delta, the gradient of the output y, into that of the sum before the activation, and computes that of
# the input, unless grad_x is NULL.
ctypedef void (*Backward)(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil

# This thread's share of the gradients of W and b, over the mini-batch, which the rules use. W^T is kept
# in step in `transposed`, unless that is NULL.
ctypedef void (*Gradient)(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil

# Fills in a step from what follows the kind's name in its description.
ctypedef int (*Describe)(Step* step, tuple arguments) except -1

cdef struct Kind:
    const char* name  # in descriptions; NULL: what another kind becomes
    int fewest, most  # arguments
    Describe describe  # NULL: there are none
    bint multiplies  # by W: its backward reads the transpose
    Forward forward  # NULL: a Python function (user_functions.pxi)
    Backward backward
    Gradient gradient  # NULL: it has no weights
    const Kind* learning  # what it is in training; NULL: the same


cdef inline Py_ssize_t used_rows(const Step* step, const Call* call) noexcept nogil:
    """Return how many rows of the block a step has."""
    return call.used_rows * step.members


cdef inline Py_ssize_t for_rows(const Step* step, Py_ssize_t place, Py_ssize_t rows) noexcept nogil:
    """Return where what lies at `place` for one row of the network lies, where the step has so many rows."""
    return place * (rows // step.members)


cdef inline real* bias_in(real* buffer, const Step* step) noexcept nogil:
    """Return where b lies in a buffer like the parameters; NULL if the step has none."""
    if not step.biased:
        return NULL
    return buffer + step.weights + panel_size(step.weight_rows, step.weight_columns)


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
    """Return the input of an activation whose gradient needs it: the output of the step before."""
    activation_step_backward(
        step, parameters, transposed, y + for_rows(step, step.input - step.output, rows), delta, grad_x,
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


cdef void scale_columns(
    const real* scale, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """y = scale x, with a scale for each column."""
    cdef Py_ssize_t r, v
    for v in range(panels_of(columns) * PANEL_VECS):
        for r in range(first, past):
            store(<real*>line_of(y, rows, r, v), load(line_of(x, rows, r, v)) * load(scale + v * LANES))


cdef int describe_activation(Step* step, tuple arguments) except -1:
    step.activation = place_of("activation", arguments[0], ACTIVATIONS)
    if ACTIVATIONS[step.activation] in FROM_INPUT:
        step.kind = &input_activation_kind
    return 0


cdef int describe_rescale(Step* step, tuple arguments) except -1:
    """From scale and offset."""
    step.scale = <real><double>arguments[0]
    step.offset = <real><double>arguments[1]
    return 0


cdef int describe_function(Step* step, tuple arguments) except -1:
    """From a Python function."""
    if not hasattr(arguments[0], "value"):
        raise ValueError(f"steps: function must have a `value`, got {arguments[0]!r}")
    return 0


cdef Kind activation_kind, input_activation_kind, rescale_kind, function_kind
activation_kind = Kind(
    b"activation", 1, 1, describe_activation, False, activation_step_forward, activation_step_backward, NULL, NULL
)
input_activation_kind = Kind(
    NULL, 0, 0, NULL, False, activation_step_forward, input_activation_step_backward, NULL, NULL
)
rescale_kind = Kind(
    b"rescale", 2, 2, describe_rescale, False, rescale_step_forward, rescale_step_backward, NULL, NULL
)
function_kind = Kind(b"function", 1, 1, describe_function, False, NULL, NULL, NULL, NULL)

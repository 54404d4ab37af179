# The kernels for C callers: plain row-major arrays, no Python object, no GIL. cynn.capi exports these functions to
# other Cython projects, without the prefix, and capi/functions.pxi documents them there; the two files
# change together.
#
# Each packs into panels, calls what the functions for Python call, and unpacks: so the bits are the same, and what
# is written may be what was read. A status of -1: nothing was done.

cdef enum:
    SGD_LINES = 32  # of weights at once: with velocity and gradient 6 kB of the stack

cdef int activation_count = len(ACTIVATIONS)
cdef int loss_count = len(LOSSES)


cdef void pack_rows(
    const real* source, Py_ssize_t rows, Py_ssize_t columns, real* panels
) noexcept nogil:
    """Copy a row-major matrix into panels, line by line; `scatter` is the inverse."""
    cdef Py_ssize_t p, r, width
    for p in range(panels_of(columns)):
        width = smaller(PANEL, columns - p * PANEL)
        for r in range(rows):
            memset(panels, 0, PANEL * sizeof(real))
            memcpy(panels, source + r * columns + p * PANEL, width * sizeof(real))
            panels += PANEL


cdef int multiply_rows(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, bint transposed_b
) noexcept nogil:
    cdef Py_ssize_t a_size = panel_size(m, k), b_size = panel_size(k, n)
    cdef real* a_panels
    cdef real* b_panels
    cdef real* out_panels
    if m < 0 or n < 0 or k < 0:
        return -1
    a_panels = room_for(
        a_size + b_size + larger(panel_size(m, n), panel_size(n, k) if transposed_b else 0)
    )
    if a_panels == NULL:
        return -1
    b_panels = a_panels + a_size
    out_panels = b_panels + b_size
    pack_rows(a, m, k, a_panels)
    if transposed_b:
        pack_rows(b, n, k, out_panels)
        transpose(out_panels, n, k, b_panels)
    else:
        pack_rows(b, k, n, b_panels)
    c_matmul(a_panels, m, m, k, b_panels, n, NULL, out_panels, m, NULL, NULL)
    scatter(out_panels, m, 0, m, out, 0, n)
    release(a_panels)
    return 0


cdef api int api_matmul(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k
) noexcept nogil:
    return multiply_rows(a, b, out, m, n, k, False)


cdef api int api_matmul_nt(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k
) noexcept nogil:
    return multiply_rows(a, b, out, m, n, k, True)


cdef api int api_matmul_tn(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k
) noexcept nogil:
    cdef Py_ssize_t a_size = panel_size(k, m), b_size = panel_size(k, n)
    cdef Share whole = share_of_one(k, n)
    cdef Rule rule
    cdef real* panels
    if m < 0 or n < 0 or k < 0:
        return -1
    panels = room_for(a_size + b_size + panel_size(m, n))
    if panels == NULL:
        return -1
    begin_rule(&rule, keep, panels + a_size + b_size)
    pack_rows(a, k, m, panels)
    pack_rows(b, k, n, panels + a_size)
    c_matmul_tn(
        panels, k, m, panels + a_size, k, n, k, panels + a_size + b_size, &rule,
        &whole, NULL, NULL,
    )
    scatter(panels + a_size + b_size, m, 0, m, out, 0, n)
    release(panels)
    return 0


cdef api int api_activate(
    int activation, const real* x, real* out, Py_ssize_t rows, Py_ssize_t columns
) noexcept nogil:
    cdef real* panels
    if rows < 0 or columns < 0 or not 0 <= activation < activation_count:
        return -1
    panels = room_for(panel_size(rows, columns))
    if panels == NULL:
        return -1
    pack_rows(x, rows, columns, panels)
    activate(activation, panels, rows, 0, rows, columns)
    scatter(panels, rows, 0, rows, out, 0, columns)
    release(panels)
    return 0


cdef api int api_activate_backward(
    int activation, const real* y, const real* grad_y, real* out, Py_ssize_t rows, Py_ssize_t columns
) noexcept nogil:
    cdef Py_ssize_t size = panel_size(rows, columns)
    cdef real* panels
    if rows < 0 or columns < 0 or not 0 <= activation < activation_count:
        return -1
    panels = room_for(2 * size)
    if panels == NULL:
        return -1
    pack_rows(y, rows, columns, panels)
    pack_rows(grad_y, rows, columns, panels + size)
    activate_backward(activation, panels, panels + size, rows, 0, rows, columns)
    scatter(panels + size, rows, 0, rows, out, 0, columns)
    release(panels)
    return 0


cdef api int api_loss(
    int loss, const real* prediction, const real* target, const real* weight, real* out, real* delta,
    double* total, Py_ssize_t rows, Py_ssize_t columns,
) noexcept nogil:
    cdef Py_ssize_t size = panel_size(rows, columns), r
    cdef real* panels
    cdef real* row_weights
    cdef double* row_losses
    if rows < 0 or columns < 0 or not 0 <= loss < loss_count:
        return -1
    panels = room_for(3 * size + 3 * rows)
    if panels == NULL:
        return -1
    row_losses = <double*>(panels + 3 * size)
    row_weights = <real*>(row_losses + rows)
    pack_rows(prediction, rows, columns, panels)
    pack_rows(target, rows, columns, panels + size)
    for r in range(rows):
        row_weights[r] = 1 if weight == NULL else weight[r]
    loss_rows(
        loss, default_parameter(loss), NULL, panels, panels + size, panels + 2 * size, row_weights,
        row_losses, rows, 0, rows, columns,
    )
    scatter(panels, rows, 0, rows, out, 0, columns)
    scatter(panels + 2 * size, rows, 0, rows, delta, 0, columns)
    total[0] = 0
    for r in range(rows):
        total[0] += row_losses[r]
    release(panels)
    return 0


cdef api int api_dense_forward(
    const real* x, const real* w, const real* b, int activation, real* out,
    Py_ssize_t rows, Py_ssize_t inputs, Py_ssize_t outputs,
) noexcept nogil:
    cdef Py_ssize_t x_size = panel_size(rows, inputs), w_size = panel_size(inputs, outputs)
    cdef Py_ssize_t b_size = panel_size(1, outputs)
    cdef real* x_panels
    cdef real* w_panels
    cdef real* b_panels
    if rows < 0 or inputs < 0 or outputs < 0 or not 0 <= activation < activation_count:
        return -1
    x_panels = room_for(x_size + w_size + b_size + panel_size(rows, outputs))
    if x_panels == NULL:
        return -1
    w_panels = x_panels + x_size
    b_panels = w_panels + w_size
    pack_rows(x, rows, inputs, x_panels)
    pack_rows(w, inputs, outputs, w_panels)
    pack_rows(b, 1, outputs, b_panels)
    dense_rows(
        x_panels, w_panels, b_panels, activation, b_panels + b_size, inputs, outputs, rows, 0, rows,
        NULL, NULL,
    )
    scatter(b_panels + b_size, rows, 0, rows, out, 0, outputs)
    release(x_panels)
    return 0


cdef api int api_dense_backward(
    const real* x, const real* w, const real* delta, real* grad_x, real* grad_w, real* grad_b,
    Py_ssize_t rows, Py_ssize_t inputs, Py_ssize_t outputs,
) noexcept nogil:
    cdef Py_ssize_t x_size = panel_size(rows, inputs), w_size = panel_size(inputs, outputs)
    cdef Share whole = share_of_one(rows, outputs)
    cdef Rule rule
    cdef real* x_panels
    cdef real* w_panels
    cdef real* transposed
    cdef real* delta_panels
    cdef real* b_panels
    if rows < 0 or inputs < 0 or outputs < 0:
        return -1
    x_panels = room_for(
        x_size + w_size + panel_size(outputs, inputs) + panel_size(rows, outputs) + panel_size(1, outputs)
    )
    if x_panels == NULL:
        return -1
    w_panels = x_panels + x_size
    transposed = w_panels + w_size
    delta_panels = transposed + panel_size(outputs, inputs)
    b_panels = delta_panels + panel_size(rows, outputs)
    begin_rule(&rule, keep, w_panels)
    pack_rows(x, rows, inputs, x_panels)
    pack_rows(w, inputs, outputs, w_panels)
    pack_rows(delta, rows, outputs, delta_panels)
    transpose(w_panels, inputs, outputs, transposed)
    dense_weight_gradient(  # takes the place of w
        x_panels, delta_panels, inputs, outputs, rows, rows, w_panels, b_panels, &rule, &rule, NULL, &whole, NULL
    )
    scatter(w_panels, inputs, 0, inputs, grad_w, 0, outputs)
    scatter(b_panels, 1, 0, 1, grad_b, 0, outputs)
    if grad_x != NULL:
        dense_input_gradient(delta_panels, transposed, x_panels, inputs, outputs, rows, 0, rows, NULL)
        scatter(x_panels, rows, 0, rows, grad_x, 0, inputs)
    release(x_panels)
    return 0


cdef api int api_sgd(
    real* w, const real* grad, real* velocity, double learning_rate, double momentum, bint nesterov,
    double weight_decay, Py_ssize_t count,
) noexcept nogil:
    cdef vec lines[3 * SGD_LINES * PANEL_VECS]
    cdef real* block = <real*>lines
    cdef Py_ssize_t size = SGD_LINES * PANEL, i = 0, n
    cdef double[2] numbers
    cdef Rule rule
    if count < 0 or (velocity == NULL and momentum != 0):
        return -1
    begin_rule(&rule, keep, block)
    rule.slots[0] = NULL if velocity == NULL else block + size
    numbers[0], numbers[1] = nesterov, weight_decay
    set_sgd(&rule, numbers, NULL, learning_rate, momentum, 1)
    memset(lines, 0, sizeof(lines))
    while i < count:
        n = smaller(size, count - i)
        memcpy(block, w + i, n * sizeof(real))
        memcpy(block + 2 * size, grad + i, n * sizeof(real))
        if velocity != NULL:
            memcpy(block + size, velocity + i, n * sizeof(real))
        rule.sweep(&rule, block, block + 2 * size, panels_of(n) * PANEL)
        memcpy(w + i, block, n * sizeof(real))
        if velocity != NULL:
            memcpy(velocity + i, block + size, n * sizeof(real))
        i += n
    return 0


cdef class Predictor:
    """A network for the predictions of C callers: what each call starts with. Keeps the network alive."""

    cdef Job job
    cdef Network network

    def __cinit__(self, Network network not None):
        if network.functions is not None:
            raise ValueError(
                "network must not have user-defined activations: functions of Python cannot be called from C"
            )
        self.network = network
        memset(&self.job, 0, sizeof(Job))
        self.job.steps = network.steps
        self.job.count = network.count
        self.job.parameters = network.parameters
        self.job.state = network.state
        self.job.row_size = network.output_size
        self.job.x.columns = network.n_inputs
        self.job.x.stride = network.n_inputs * <Py_ssize_t>sizeof(real)
        self.job.x.column_stride = sizeof(real)
        self.job.x.element = FLOATS if sizeof(real) == sizeof(float) else DOUBLES
        self.job.x.scale = <real>network.scale
        self.job.x.offset = <real>network.offset
        self.job.x.shift = network.shift

    @property
    def n_inputs(self):
        return self.network.n_inputs

    @property
    def n_outputs(self):
        return self.network.n_outputs


cdef api const void* api_network(object predictor) except NULL:
    return &(<Predictor?>predictor).job


cdef api int api_predict(
    const void* network, const real* x, real* out, Py_ssize_t rows
) noexcept nogil:
    cdef Job job = (<const Job*>network)[0]
    cdef int next_block = 0
    if rows < 0:
        return -1
    job.rows = smaller(rows, MOST_BLOCK)
    job.workspace = room_for(job.rows * job.row_size)
    if job.workspace == NULL:
        return -1
    job.x.data = <const char*>x
    job.x.count = job.total = rows
    job.next_block = &next_block
    job.outputs = out
    work_alone(infer, &job)
    release(job.workspace)
    return 0

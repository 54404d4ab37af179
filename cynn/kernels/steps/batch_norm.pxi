# BatchNorm (Ioffe and Szegedy 2015): in training each column by its mean and variance over the mini-batch, at
# inference by running ones, which follow those of the mini-batches:
#
#   running = momentum running + (1 - momentum) of the batch
#
# With g = gamma dL/dy the backward pass through a mini-batch is
#
#   dL/dx = factor (g - mean(g) - n mean(g n))          means over the rows
#
# and through running statistics dL/dx = factor g. Each row needs all: after a barrier each thread takes some of
# the panels, with all their rows, and a second barrier follows. The sums go over the rows in order, so they are the
# same on any number of threads. A step's state is the running means, then the running variances, a line each. They
# never become infinite or NaN: a mini-batch by which they would is dropped whole, with an error.

cdef void batch_norm_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """By the running statistics."""
    cdef Py_ssize_t p, r, v, size = panel_size(1, step.outputs)
    cdef const real* gamma = parameters + step.weights
    cdef const real* state = call.state + step.state
    cdef real* kept = y if call.workspace == NULL else call.workspace + for_rows(step, step.kept, rows)
    cdef vec mean, factor, scale, shift, n
    for v in range(size // LANES):
        mean = load(state + v * LANES)
        factor = within(step, v, inverse_root(load(state + size + v * LANES), step.epsilon))
        scale = load(gamma + v * LANES)
        shift = load(gamma + size + v * LANES)
        for r in range(first, past):
            n = within(step, v, (load(line_of(x, rows, r, v)) - mean) * factor)
            store(<real*>line_of(kept, rows, r, v), n)
            store(<real*>line_of(y, rows, r, v), multiply_add(scale, n, shift))


cdef void batch_norm_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t r, v, size = panel_size(1, step.outputs)
    cdef vec factor
    if grad_x == NULL:
        return
    for v in range(size // LANES):
        factor = inverse_root(load(call.state + step.state + size + v * LANES), step.epsilon)
        factor = within(step, v, factor * load(parameters + step.weights + v * LANES))
        for r in range(first, past):
            store(<real*>line_of(grad_x, rows, r, v), factor * load(line_of(delta, rows, r, v)))


cdef inline Py_ssize_t first_panel(const Step* step, const Call* call, int rank) noexcept nogil:
    return panels_of(step.outputs) * rank // call.threads


cdef inline void moments_of_columns(
    const Step* step, Py_ssize_t v, const real* column, Py_ssize_t rows, vec* mean, vec* rest, vec* variance
) noexcept nogil:
    """Of the v-th vector of columns: the means, or the first numbers and the rests, and the variances."""
    cdef vec share = broadcast(1 / <real>rows), zero = broadcast(0), one = broadcast(1)
    cdef vec first, from_first, n, unused, squares
    cdef vec uncentred
    cdef Py_ssize_t r
    sums_over_rows(column, column, rows, zero, mean, &unused)
    mean[0] = mean[0] * share
    sums_over_rows(column, column, rows, mean[0], rest, variance)
    rest[0] = rest[0] * share
    variance[0] = variance[0] * share
    uncentred = where_less(rest[0] * rest[0] * broadcast(UNCENTRED), variance[0], zero, one)
    uncentred = where_less(absolute(rest[0]), broadcast(<real>INFINITY), uncentred, one)
    uncentred = within(step, v, where_equal(rest[0], zero, zero, uncentred))
    rest[0] = zero
    if lane_sum(uncentred) == 0:
        return
    first = load(column)
    sums_over_rows(column, column, rows, first, &from_first, &unused)
    from_first = from_first * share
    squares = zero
    for r in range(rows):
        n = (load(column + r * PANEL) - first) - from_first
        squares = multiply_add(n, n, squares)
    mean[0] = where_less(zero, uncentred, first, mean[0])
    rest[0] = where_less(zero, uncentred, from_first, zero)
    variance[0] = where_less(zero, uncentred, squares * share, variance[0])


cdef inline void move_statistics(
    const Step* step, Py_ssize_t v, real* state, vec mean, vec variance, const Call* call
) noexcept nogil:
    """Bring the running statistics nearer to a batch's, or say that they would be infinite or NaN."""
    cdef real* variances = state + panel_size(1, step.outputs)
    cdef vec momentum = broadcast(step.momentum), infinite = broadcast(<real>INFINITY), one = broadcast(1)
    cdef vec moved
    cdef vec overflowed
    moved = multiply_add(momentum, load(variances + v * LANES) - variance, variance)
    mean = multiply_add(momentum, load(state + v * LANES) - mean, mean)
    overflowed = where_less(absolute(moved), infinite, where_less(absolute(mean), infinite, broadcast(0), one), one)
    if lane_sum(within(step, v, overflowed)) != 0:
        counter_set(call.overflowed, 1)
        return
    store(state + v * LANES, mean)
    store(variances + v * LANES, moved)


cdef void batch_norm_learning_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t r, v, size = panel_size(1, step.outputs)
    cdef const real* gamma = parameters + step.weights
    cdef real* state = call.state + step.state
    cdef real* kept = call.workspace + for_rows(step, step.kept, rows)
    cdef real* factors = kept_factors(step, kept, rows)
    cdef vec mean, rest, variance, factor, scale, shift, n
    cdef const real* column
    barrier_wait(call.meeting)
    for v in range(
        first_panel(step, call, call.rank) * PANEL_VECS, first_panel(step, call, call.rank + 1) * PANEL_VECS
    ):
        column = line_of(x, rows, 0, v)
        moments_of_columns(step, v, column, used_rows(step, call), &mean, &rest, &variance)
        factor = within(step, v, inverse_root(variance, step.epsilon))
        store(factors + v * LANES, factor)
        if call.counts:
            move_statistics(step, v, state, mean + rest, variance, call)
        scale = load(gamma + v * LANES)
        shift = load(gamma + size + v * LANES)
        for r in range(used_rows(step, call)):
            n = within(step, v, ((load(line_of(x, rows, r, v)) - mean) - rest) * factor)
            store(<real*>line_of(kept, rows, r, v), n)
            store(<real*>line_of(y, rows, r, v), multiply_add(scale, n, shift))
    barrier_wait(call.meeting)


cdef void batch_norm_learning_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t r, v
    cdef real* kept = call.workspace + for_rows(step, step.kept, rows)
    cdef const real* factors = kept_factors(step, kept, rows)
    cdef vec share = broadcast(1 / <real>used_rows(step, call)), factor, mean, product, value
    if grad_x == NULL:
        return
    barrier_wait(call.meeting)
    for v in range(
        first_panel(step, call, call.rank) * PANEL_VECS, first_panel(step, call, call.rank + 1) * PANEL_VECS
    ):
        sums_over_rows(
            line_of(delta, rows, 0, v), line_of(kept, rows, 0, v), used_rows(step, call), broadcast(0), &mean, &product
        )
        mean = mean * share
        product = product * share
        factor = load(factors + v * LANES) * load(parameters + step.weights + v * LANES)
        for r in range(used_rows(step, call)):
            value = load(line_of(delta, rows, r, v)) - mean - load(line_of(kept, rows, r, v)) * product
            store(<real*>line_of(grad_x, rows, r, v), factor * value)
    barrier_wait(call.meeting)


cdef int describe_batch_norm(Step* step, tuple arguments) except -1:
    """From momentum and epsilon."""
    cdef double momentum = arguments[0]
    if not 0 <= momentum <= 1:
        raise ValueError(f"steps: momentum of batch_norm must be from 0 to 1, got {momentum}")
    step.momentum = <real>momentum
    step.state_lines = 2
    step.state_begins[1] = 1  # variances; means begin with 0
    describe_norm(step, arguments[1])
    return 0


cdef Kind batch_norm_kind, batch_norm_learning_kind
batch_norm_learning_kind = Kind(
    NULL, 0, 0, NULL, False, batch_norm_learning_forward, batch_norm_learning_backward,
    column_weights_gradient, NULL,
)
batch_norm_kind = Kind(
    b"batch_norm", 2, 2, describe_batch_norm, False, batch_norm_step_forward, batch_norm_step_backward,
    column_weights_gradient, &batch_norm_learning_kind,
)

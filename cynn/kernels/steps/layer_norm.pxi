# LayerNorm (Ba, Kiros and Hinton 2016): each row by its own mean and variance. With g = gamma dL/dy the backward is
#
#   dL/dx = factor (g - mean(g) - n mean(g n))          means over the columns

cdef struct Moments:
    real mean
    real rest
    real factor


cdef inline Moments moments_of_row(
    const Step* step, const real* x, Py_ssize_t rows, Py_ssize_t r
) noexcept nogil:
    """Of row r of x: the mean, or the first number and the rest, and 1 / sqrt(variance + epsilon)."""
    cdef Py_ssize_t vecs = panels_of(step.outputs) * PANEL_VECS, v
    cdef real share = 1 / <real>step.outputs
    cdef vec mean, rest, n, total, squares
    cdef Moments moments
    total = broadcast(0)
    for v in range(vecs):
        total = total + within(step, v, load(line_of(x, rows, r, v)))
    moments.mean = lane_sum(total) * share
    moments.rest = 0
    mean = broadcast(moments.mean)
    total = squares = broadcast(0)
    for v in range(vecs):
        n = within(step, v, load(line_of(x, rows, r, v)) - mean)
        total = total + n
        squares = multiply_add(n, n, squares)
    if not is_centred(lane_sum(total) * share, lane_sum(squares) * share):
        moments.mean = line_of(x, rows, r, 0)[0]
        mean = broadcast(moments.mean)
        total = squares = broadcast(0)
        for v in range(vecs):
            total = total + within(step, v, load(line_of(x, rows, r, v)) - mean)
        moments.rest = lane_sum(total) * share
        rest = broadcast(moments.rest)
        for v in range(vecs):
            n = within(step, v, (load(line_of(x, rows, r, v)) - mean) - rest)
            squares = multiply_add(n, n, squares)
    moments.factor = <real>(1 / sqrt(lane_sum(squares) * share + step.epsilon))
    return moments


cdef void layer_norm_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t vecs = panels_of(step.outputs) * PANEL_VECS, r, v
    cdef const real* gamma = parameters + step.weights
    cdef const real* beta = gamma + panel_size(1, step.outputs)
    # where nothing is kept, n is overwritten at once
    cdef real* kept = y if call.workspace == NULL else call.workspace + for_rows(step, step.kept, rows)
    cdef real* factors = NULL if call.workspace == NULL else kept_factors(step, kept, rows)
    cdef Moments of_row
    cdef vec mean, rest, factor, n
    for r in range(first, past):
        of_row = moments_of_row(step, x, rows, r)
        mean, rest, factor = broadcast(of_row.mean), broadcast(of_row.rest), broadcast(of_row.factor)
        for v in range(vecs):
            n = within(step, v, ((load(line_of(x, rows, r, v)) - mean) - rest) * factor)
            store(<real*>line_of(kept, rows, r, v), n)
            store(
                <real*>line_of(y, rows, r, v),
                multiply_add(load(gamma + v * LANES), n, load(beta + v * LANES)),
            )
        if factors != NULL:
            factors[r] = of_row.factor


cdef void layer_norm_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t vecs = panels_of(step.outputs) * PANEL_VECS, r, v
    cdef const real* gamma = parameters + step.weights
    cdef real* kept = call.workspace + for_rows(step, step.kept, rows)
    cdef const real* factors = kept_factors(step, kept, rows)
    cdef real share = 1 / <real>step.outputs, mean, mean_product
    cdef vec g, n, total, product
    if grad_x == NULL:
        return
    for r in range(first, past):
        total = product = broadcast(0)
        for v in range(vecs):
            g = load(gamma + v * LANES) * load(line_of(delta, rows, r, v))
            total = total + g
            product = multiply_add(g, load(line_of(kept, rows, r, v)), product)
        lane_sums(total, product, &mean, &mean_product)
        mean *= share
        mean_product *= share
        for v in range(vecs):
            g = load(gamma + v * LANES) * load(line_of(delta, rows, r, v))
            n = load(line_of(kept, rows, r, v))
            store(<real*>line_of(grad_x, rows, r, v), within(
                step, v, broadcast(factors[r]) * (g - broadcast(mean) - n * broadcast(mean_product))
            ))


cdef int describe_layer_norm(Step* step, tuple arguments) except -1:
    """From epsilon."""
    describe_norm(step, arguments[0])
    return 0


cdef Kind layer_norm_kind
layer_norm_kind = Kind(
    b"layer_norm", 1, 1, describe_layer_norm, False, layer_norm_step_forward, layer_norm_step_backward,
    column_weights_gradient, NULL,
)

# Members: k networks in one, as in BatchEnsemble (Wen, Tran & Ba 2020) and TabM (Gorishniy, Kotelnikov & Babenko 2025).
# They share every matrix; what is a member's own are vectors, and its head. The first step makes k rows of each row,
# which lie side by side, so that what follows sees nothing but more rows:
#
#   rows of the network     of the steps, k = 3                members            y[i, m] = r[m] x[i]
#     x[0]                    y[0, 0]  y[0, 1]  y[0, 2]        member_scale       y[i, m] = s[m] x[i, m]
#     x[1]                    y[1, 0]  y[1, 1]  y[1, 2]        member_bias        y[i, m] = x[i, m] + b[m]
#                                                              member_dense       y[i, m] = W[m] x[i, m]
#
# What each learns lies where a dense step has W: r, s and b as k lines; W[m] as `outputs` lines for each member, the
# weights of one output side by side. There is no b beside it. The loss of a row is the mean of its members' losses, a
# prediction the mean of their outputs (`give_outputs` in job.pxi). Threads share rows of the network, so that the first
# of a thread's rows is that of member 0.

cdef enum:
    LINES_OF_MEMBERS = 8  # whose gradients are summed at once


# -- r and s: x has one row for each row of the network, or one for each member

cdef inline const real* line_for_members(
    const real* x, Py_ssize_t x_rows, Py_ssize_t rows, Py_ssize_t r, Py_ssize_t v
) noexcept nogil:
    """Where x of row r begins, that of a first member."""
    return line_of(x, x_rows, r if x_rows == rows else r // (rows // x_rows), v)


cdef void multiply_members(
    const Step* step, const real* scales, const real* x, Py_ssize_t x_rows, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
) noexcept nogil:
    """y[i, m] = scale[m] x[i, m], or x[i] where x has fewer rows."""
    cdef Py_ssize_t k = step.members, apart = PANEL if x_rows == rows else 0, v, r, m
    cdef const real* line
    cdef const real* scale
    cdef real* to
    for v in range(panels_of(step.outputs) * PANEL_VECS):
        scale = line_of(scales, k, 0, v)
        r = first
        while r < past:
            line = line_for_members(x, x_rows, rows, r, v)
            to = <real*>line_of(y, rows, r, v)
            for m in range(k):
                store(to + m * PANEL, load(scale + m * PANEL) * load(line + m * apart))
            r += k


cdef inline void sum_members(
    const real* x, Py_ssize_t x_rows, const real* delta, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
    Py_ssize_t members, Py_ssize_t v, Py_ssize_t count, vec* sums,
) noexcept nogil:
    """The sums over the rows of x dL/dy, of `count` members from the one of row `first` on. Without x of dL/dy."""
    cdef Py_ssize_t apart = PANEL if x_rows == rows else 0, r = first, m
    cdef const real* line
    cdef const real* d
    for m in range(count):
        sums[m] = broadcast(0)
    while r < past:
        d = line_of(delta, rows, r, v)
        if x == NULL:
            for m in range(count):
                sums[m] = sums[m] + load(d + m * PANEL)
        else:
            line = line_for_members(x, x_rows, rows, r, v)
            for m in range(count):
                sums[m] = multiply_add(load(line + m * apart), load(d + m * PANEL), sums[m])
        r += members


cdef void multiplied_members_gradient(
    const Step* step, const real* x, Py_ssize_t x_rows, const real* delta, Py_ssize_t rows,
    const Rule* rule, const Call* call,
) noexcept nogil:
    """This thread's share of the gradients of a line for each member."""
    cdef vec sums[LINES_OF_MEMBERS]
    cdef Py_ssize_t k = step.members, parts = (k + LINES_OF_MEMBERS - 1) // LINES_OF_MEMBERS, past = used_rows(step, call)
    cdef Py_ssize_t units = panels_of(step.outputs) * PANEL_VECS * parts, unit, v, first, count, m
    for unit in range(units * call.rank // call.threads, units * (call.rank + 1) // call.threads):
        v = unit // parts
        first = unit % parts * LINES_OF_MEMBERS
        count = smaller(LINES_OF_MEMBERS, k - first)
        if count == LINES_OF_MEMBERS:
            sum_members(x, x_rows, delta, rows, first, past, k, v, LINES_OF_MEMBERS, sums)
        else:
            sum_members(x, x_rows, delta, rows, first, past, k, v, count, sums)
        for m in range(count):
            apply_rule(
                rule, <real*>line_of(rule.sink + step.weights, k, first + m, v), within(step, v, sums[m])
            )


cdef void members_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    multiply_members(step, parameters + step.weights, x, rows // step.copies, y, rows, first, past)


cdef void members_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """dL/dx[i] = sum over m of r[m] dL/dy[i, m]."""
    cdef const real* scales = parameters + step.weights
    cdef Py_ssize_t k = step.members, v, r, m
    cdef vec total
    if grad_x == NULL:
        return
    for v in range(panels_of(step.outputs) * PANEL_VECS):
        for r in range(first // k, past // k):
            total = broadcast(0)
            for m in range(k):
                total = multiply_add(
                    load(line_of(scales, k, m, v)), load(line_of(delta, rows, r * k + m, v)), total
                )
            store(<real*>line_of(grad_x, rows // k, r, v), total)


cdef void members_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    multiplied_members_gradient(step, x, rows // step.copies, delta, rows, rule_of_w, call)


cdef void member_scale_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        multiply_members(step, parameters + step.weights, delta, rows, grad_x, rows, first, past)


# -- b

cdef void member_bias_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* biases = parameters + step.weights
    cdef Py_ssize_t k = step.members, v, r, m
    for v in range(panels_of(step.outputs) * PANEL_VECS):
        r = first
        while r < past:
            for m in range(k):
                store(
                    <real*>line_of(y, rows, r + m, v),
                    load(line_of(biases, k, m, v)) + load(line_of(x, rows, r + m, v)),
                )
            r += k


cdef void member_bias_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        affine_rows(delta, grad_x, 1, 0, rows, first, past, step.outputs)


cdef void member_bias_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    multiplied_members_gradient(step, NULL, rows, delta, rows, rule_of_w, call)


# -- the heads: a vector is of several inputs, and sums over all of them are taken at the end

cdef void member_dense_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* w = parameters + step.weights
    cdef vec sums[LINES_OF_MEMBERS]
    cdef vec value
    cdef Py_ssize_t r, u, i, v, count, line
    for i in range(panels_of(step.outputs)):
        memset(y + (i * rows + first) * PANEL, 0, (past - first) * PANEL * sizeof(real))
    for r in range(first, past):
        u = 0
        while u < step.outputs:
            count = smaller(LINES_OF_MEMBERS, step.outputs - u)
            line = r % step.members * step.outputs + u
            for i in range(count):
                sums[i] = broadcast(0)
            for v in range(panels_of(step.inputs) * PANEL_VECS):
                value = load(line_of(x, rows, r, v))
                for i in range(count):
                    sums[i] = multiply_add(value, load(line_of(w, step.weight_rows, line + i, v)), sums[i])
            for i in range(count):
                y[place_in(rows, r, u + i)] = lane_sum(sums[i])
            u += count


cdef void member_dense_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """dL/dx[i, m] = sum over the outputs u of dL/dy[i, m, u] W[m, u]."""
    cdef const real* w = parameters + step.weights
    cdef Py_ssize_t r, u, v, line
    cdef vec total
    if grad_x == NULL:
        return
    for v in range(panels_of(step.inputs) * PANEL_VECS):
        for r in range(first, past):
            line = r % step.members * step.outputs
            total = broadcast(0)
            for u in range(step.outputs):
                total = multiply_add(
                    broadcast(delta[place_in(rows, r, u)]), load(line_of(w, step.weight_rows, line + u, v)), total
                )
            store(<real*>line_of(grad_x, rows, r, v), total)


cdef void member_dense_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    """This thread's share of dL/dW[m, u] = sum over the rows i of dL/dy[i, m, u] x[i, m]."""
    cdef vec sums[LINES_OF_MEMBERS]
    cdef vec value
    cdef Py_ssize_t parts = (step.outputs + LINES_OF_MEMBERS - 1) // LINES_OF_MEMBERS, vecs, unit, v, m, u, i, r, count
    vecs = panels_of(step.inputs) * PANEL_VECS
    for unit in range(
        step.members * parts * vecs * call.rank // call.threads,
        step.members * parts * vecs * (call.rank + 1) // call.threads,
    ):
        v = unit % vecs
        u = unit // vecs % parts * LINES_OF_MEMBERS
        m = unit // vecs // parts
        count = smaller(LINES_OF_MEMBERS, step.outputs - u)
        for i in range(count):
            sums[i] = broadcast(0)
        r = m
        while r < used_rows(step, call):
            value = load(line_of(x, rows, r, v))
            for i in range(count):
                sums[i] = multiply_add(broadcast(delta[place_in(rows, r, u + i)]), value, sums[i])
            r += step.members
        for i in range(count):
            apply_rule(
                rule_of_w,
                <real*>line_of(rule_of_w.sink + step.weights, step.weight_rows, m * step.outputs + u + i, v),
                valid_lanes(sums[i], step.inputs - v * LANES, broadcast(0)),
            )


cdef int describe_lines(Step* step, tuple arguments) except -1:
    """From the number of members: a line of weights for each."""
    if arguments[0] != step.members:
        raise ValueError(f"steps: members must be {step.members} as before it, got {arguments[0]}")
    step.weight_rows = step.members
    step.biased = False
    step.work = 2.0 * step.inputs
    return 0


cdef int describe_members(Step* step, tuple arguments) except -1:
    """From their number."""
    if step.members != 1:
        raise ValueError(f"steps: members must come once, got {arguments[0]} after {step.members}")
    if not 1 <= arguments[0] <= 1 << 16:
        raise ValueError(f"steps: members must be from 1 to 2^16, got {arguments[0]}")
    step.copies = step.members = arguments[0]
    return describe_lines(step, arguments)


cdef int describe_member_dense(Step* step, tuple arguments) except -1:
    """From their number and the outputs of each."""
    describe_lines(step, arguments)
    if not 1 <= arguments[1] <= 1 << 24:
        raise ValueError(f"steps: outputs of member_dense must be from 1 to 2^24, got {arguments[1]}")
    step.outputs = arguments[1]
    step.weight_rows = step.members * step.outputs
    step.weight_columns = step.inputs
    step.work = 2.0 * step.inputs * step.outputs
    return 0


cdef Kind members_kind, member_scale_kind, member_bias_kind, member_dense_kind
members_kind = Kind(
    b"members", 1, 1, describe_members, False, members_step_forward, members_step_backward, members_step_gradient, NULL
)
member_scale_kind = Kind(
    b"member_scale", 1, 1, describe_lines, False, members_step_forward, member_scale_step_backward,
    members_step_gradient, NULL,
)
member_bias_kind = Kind(
    b"member_bias", 1, 1, describe_lines, False, member_bias_step_forward, member_bias_step_backward,
    member_bias_step_gradient, NULL,
)
member_dense_kind = Kind(
    b"member_dense", 2, 2, describe_member_dense, False, member_dense_step_forward, member_dense_step_backward,
    member_dense_step_gradient, NULL,
)

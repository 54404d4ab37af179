# Members: k networks in one, as in BatchEnsemble (Wen, Tran & Ba 2020) and TabM (Gorishniy, Kotelnikov & Babenko 2025).
# They share every matrix; what is a member's own are vectors, and its head. The first step makes k rows of each row,
# which lie side by side, so that what follows sees nothing but more rows:
#
#   rows of the network     of the steps, k = 3                members            y[i, m] = r[m] x[i]
#     x[0]                    y[0, 0]  y[0, 1]  y[0, 2]        member_affine      y[i, m] = f(s[m] x[i, m] + b[m])
#     x[1]                    y[1, 0]  y[1, 1]  y[1, 2]        member_dense       y[i, m] = W[m] x[i, m]
#
# What each learns lies where a dense step has W: r, or s and b after it, as a line for each member; W[m] as `outputs`
# lines, the weights of one output side by side. There is no b beside it. The loss of a row is the mean of its members'
# losses, a prediction the mean of their outputs (`give_outputs` in job.pxi). Threads share rows of the network, so that
# a thread's first row is that of the first member.

cdef enum:
    LINES_OF_MEMBERS = 64  # whose gradients are summed at once
    OUTPUTS_AT_ONCE = 4  # of a member's head


# -- r, s and b: in a panel the lines of a row's members lie side by side, and are used while they are in the cache

cdef inline void affine_lines(
    const real* scales, const real* biases, const real* x, Py_ssize_t apart, real* y, Py_ssize_t count
) noexcept nogil:
    """y = s x + b, line by line; of x they are so far apart. NULL: there is no s, or no b."""
    cdef Py_ssize_t m, at
    cdef vec value
    cdef int v
    for m in range(count):
        for v in range(PANEL_VECS):
            at = m * PANEL + v * LANES
            value = load(x + m * apart + v * LANES)
            if scales != NULL:
                value = value * load(scales + at)
            if biases != NULL:
                value = value + load(biases + at)
            store(y + at, value)


cdef inline const real* scales_in(const real* buffer, const Step* step, Py_ssize_t p) noexcept nogil:
    """The lines s of a panel; NULL: there are none."""
    return buffer + step.weights + p * step.weight_rows * PANEL if step.scaled else NULL


cdef inline const real* biases_in(const real* buffer, const Step* step, Py_ssize_t p) noexcept nogil:
    """The lines b of a panel, behind those of s; NULL: there are none."""
    return buffer + step.weights + ((p + 1) * step.weight_rows - step.members) * PANEL if step.shifted else NULL


cdef void members_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t k = step.members, p, r
    for p in range(panels_of(step.outputs)):
        for r in range(first // k, past // k):
            affine_lines(
                scales_in(parameters, step, p), NULL, x + (p * (rows // k) + r) * PANEL, 0,
                y + (p * rows + k * r) * PANEL, k,
            )


cdef void members_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """dL/dx[i] = sum over m of r[m] dL/dy[i, m]."""
    cdef Py_ssize_t k = step.members, p, r, m, at
    cdef const real* scales
    cdef const real* d
    cdef vec total
    cdef int v
    if grad_x == NULL:
        return
    for p in range(panels_of(step.outputs)):
        scales = scales_in(parameters, step, p)
        for r in range(first // k, past // k):
            d = delta + (p * rows + k * r) * PANEL
            for v in range(PANEL_VECS):
                total = broadcast(0)
                for m in range(k):
                    at = m * PANEL + v * LANES
                    total = multiply_add(load(scales + at), load(d + at), total)
                store(grad_x + (p * (rows // k) + r) * PANEL + v * LANES, total)


cdef void member_affine_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t k = step.members, p, r, at
    for p in range(panels_of(step.outputs)):
        for r in range(first // k, past // k):
            at = (p * rows + k * r) * PANEL
            affine_lines(
                scales_in(parameters, step, p), biases_in(parameters, step, p), x + at, PANEL, y + at, k
            )
            if step.activation != SOFTMAX:
                activate(step.activation, y + at, k, 0, k, PANEL)
    if step.activation == SOFTMAX:  # of whole rows
        activate(step.activation, y, rows, first, past, step.outputs)


cdef void member_affine_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """dL/dx = s f' dL/dy."""
    cdef Py_ssize_t k = step.members, p, r, at
    if step.activation == SOFTMAX:
        activate_backward(step.activation, y, delta, rows, first, past, step.outputs)
    for p in range(panels_of(step.outputs)):
        for r in range(first // k, past // k):
            at = (p * rows + k * r) * PANEL
            if step.activation != SOFTMAX:
                activate_backward(step.activation, y + at, delta + at, k, 0, k, PANEL)
            if grad_x != NULL:
                affine_lines(scales_in(parameters, step, p), NULL, delta + at, PANEL, grad_x + at, k)


cdef inline void sum_of_lines_of_members(
    const real* x, Py_ssize_t apart, const real* delta, Py_ssize_t count, real* sums
) noexcept nogil:
    """Add x dL/dy, line by line; without x dL/dy."""
    cdef Py_ssize_t m, at
    cdef int v
    cdef vec d
    for m in range(count):
        for v in range(PANEL_VECS):
            at = m * PANEL + v * LANES
            d = load(delta + at)
            if x == NULL:
                d = d + load(sums + at)
            else:
                d = multiply_add(load(x + m * apart + v * LANES), d, load(sums + at))
            store(sums + at, d)


cdef void member_lines_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    """This thread's share of the sums over the rows: of s and r of x dL/dy, of b of dL/dy."""
    cdef vec of_scale[LINES_OF_MEMBERS * PANEL_VECS]
    cdef vec of_bias[LINES_OF_MEMBERS * PANEL_VECS]
    cdef Py_ssize_t k = step.members, parts = (k + LINES_OF_MEMBERS - 1) // LINES_OF_MEMBERS
    cdef Py_ssize_t units = panels_of(step.outputs) * parts, unit, p, first, count, r, at
    cdef Py_ssize_t x_rows = rows // step.copies, apart = PANEL if step.copies == 1 else 0
    for unit in range(units * call.rank // call.threads, units * (call.rank + 1) // call.threads):
        p = unit // parts
        first = unit % parts * LINES_OF_MEMBERS
        count = smaller(LINES_OF_MEMBERS, k - first)
        memset(of_scale, 0, count * PANEL * sizeof(real))
        memset(of_bias, 0, count * PANEL * sizeof(real))
        for r in range(call.used_rows):
            at = (p * rows + k * r + first) * PANEL
            if step.scaled:
                sum_of_lines_of_members(
                    x + at if apart else x + (p * x_rows + r) * PANEL, apart, delta + at, count, <real*>of_scale
                )
            if step.shifted:
                sum_of_lines_of_members(NULL, 0, delta + at, count, <real*>of_bias)
        if step.scaled:
            use_lines(step, p, first, <real*>of_scale, count, rule_of_w)
        if step.shifted:
            use_lines(step, p, step.weight_rows - k + first, <real*>of_bias, count, rule_of_w)


cdef void use_lines(
    const Step* step, Py_ssize_t p, Py_ssize_t first, real* sums, Py_ssize_t count, const Rule* rule
) noexcept nogil:
    """Use the gradients of some lines of a panel; of no column past the last one."""
    cdef Py_ssize_t columns = smaller(PANEL, step.weight_columns - p * PANEL), m
    for m in range(count):
        memset(sums + m * PANEL + columns, 0, (PANEL - columns) * sizeof(real))
    use_gradient(rule, rule.sink + step.weights + (p * step.weight_rows + first) * PANEL, sums, count * PANEL)


# -- the heads: a vector is of several inputs, and sums over all of them are taken at the end

cdef void member_dense_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* w = parameters + step.weights
    cdef vec sums[OUTPUTS_AT_ONCE]
    cdef vec value
    cdef Py_ssize_t r, u, i, v, count, line
    for i in range(panels_of(step.outputs)):
        memset(y + (i * rows + first) * PANEL, 0, (past - first) * PANEL * sizeof(real))
    for r in range(first, past):
        u = 0
        while u < step.outputs:
            count = smaller(OUTPUTS_AT_ONCE, step.outputs - u)
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
    cdef vec sums[OUTPUTS_AT_ONCE * PANEL_VECS]
    cdef Py_ssize_t parts = (step.outputs + OUTPUTS_AT_ONCE - 1) // OUTPUTS_AT_ONCE, panels = panels_of(step.inputs)
    cdef Py_ssize_t units = step.members * parts * panels, unit, p, m, u, i, r, count
    cdef const real* line
    cdef vec d
    cdef int v
    for unit in range(units * call.rank // call.threads, units * (call.rank + 1) // call.threads):
        p = unit % panels
        u = unit // panels % parts * OUTPUTS_AT_ONCE
        m = unit // panels // parts
        count = smaller(OUTPUTS_AT_ONCE, step.outputs - u)
        memset(sums, 0, count * PANEL * sizeof(real))
        for r in range(call.used_rows):
            line = x + (p * rows + step.members * r + m) * PANEL
            for i in range(count):
                d = broadcast(delta[place_in(rows, step.members * r + m, u + i)])
                for v in range(PANEL_VECS):
                    sums[i * PANEL_VECS + v] = multiply_add(d, load(line + v * LANES), sums[i * PANEL_VECS + v])
        use_lines(step, p, m * step.outputs + u, <real*>sums, count, rule_of_w)


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
    step.scaled = True
    return describe_lines(step, arguments)


cdef int describe_member_affine(Step* step, tuple arguments) except -1:
    """From their number, the activation, and whether there is s, and b."""
    describe_lines(step, arguments)
    step.activation = place_of("activation", arguments[1], ACTIVATIONS)
    step.scaled, step.shifted = arguments[2], arguments[3]
    if not (step.scaled or step.shifted):
        raise ValueError("steps: member_affine must have s or b, got neither")
    step.weight_rows = step.members * (2 if step.scaled and step.shifted else 1)
    return 0


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


cdef Kind members_kind, member_affine_kind, member_dense_kind
members_kind = Kind(
    b"members", 1, 1, describe_members, False, members_step_forward, members_step_backward, member_lines_gradient, NULL
)
member_affine_kind = Kind(
    b"member_affine", 4, 4, describe_member_affine, False, member_affine_step_forward, member_affine_step_backward,
    member_lines_gradient, NULL,
)
member_dense_kind = Kind(
    b"member_dense", 2, 2, describe_member_dense, False, member_dense_step_forward, member_dense_step_backward,
    member_dense_step_gradient, NULL,
)

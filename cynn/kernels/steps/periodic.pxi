# Periodic embedding (Gorishniy, Rubachev and Babenko 2022; with a phase Holzmueller, Grinsztajn and Steinwart 2024): of
# each embedded column x some waves of learned frequencies, and of them a linear map of the column's own,
#
#   c_k = cos(2 pi w_k x + b_k)     or without a phase     c_k = cos(2 pi w_k x), c_(h+k) = sin(2 pi w_k x)
#   y_u = f(sum over k of c_k W_ku + B_u)                  f the identity or relu
#
# All weights lie where a dense step has W, a column of the matrix for each embedded column, so that a vector has as many
# columns side by side and nothing is summed across it:
#
#   rows     w_0 w_1 ... | b_0 b_1 ... | W_00 W_01 ... W_10 ... | B_0 B_1 ...
#
# For the gradients the forward pass keeps the embedded x in panels, and the backward pass behind them dL/d(sum) of each
# unit u. The waves are computed again, which is faster than to keep them. With d_u = dL/d(sum) of unit u:
#
#   dL/dW_ku = sum c_k d_u,   dL/dB_u = sum d_u                   over the rows, in order
#   g_k = sum over u of W_ku d_u,   a_k = -sin(...) g_k           or without a phase cos(...) g_(h+k) - sin(...) g_k
#   dL/db_k = sum a_k,   dL/dw_k = 2 pi sum a_k x                 over the rows
#   dL/dx = 2 pi sum over k of a_k w_k
#
# A thread has the gradients of some pairs of a vector of columns and a frequency: the same bits on any number of them.

cdef enum:
    MOST_FREQUENCIES = 256  # their waves are on the stack
    UNITS_AT_ONCE = 4


cdef inline int waves_of(const Step* step) noexcept nogil:
    """How many c_k there are."""
    return step.frequencies if step.has_phase else 2 * step.frequencies


cdef inline Py_ssize_t row_of_map(const Step* step, Py_ssize_t k) noexcept nogil:
    """The row of W_k0; past the last k that of B_0."""
    return (2 if step.has_phase else 1) * step.frequencies + k * step.units


cdef inline vec turn(const Step* step, const real* w, int k, vec x) noexcept nogil:
    """The angle of frequency k in turns; w is a vector of columns in the first row of the weights."""
    if step.has_phase:
        return part_of_turn(load(w + k * PANEL), x, load(w + (step.frequencies + k) * PANEL))
    return part_of_turn(load(w + k * PANEL), x, broadcast(0))


cdef inline vec slope_of_angle(
    const Step* step, const real* w, int k, vec cosine, vec sine, const real* d, Py_ssize_t apart
) noexcept nogil:
    """a_k, from the d_u of a row, which lie so far apart."""
    cdef const real* map_of_k = w + row_of_map(step, k) * PANEL
    cdef const real* map_of_sine = w + row_of_map(step, step.frequencies + k) * PANEL
    cdef vec g = broadcast(0), g_of_sine = broadcast(0)
    cdef Py_ssize_t u
    for u in range(step.units):
        g = multiply_add(load(map_of_k + u * PANEL), load(d + u * apart), g)
    if step.has_phase:
        return -sine * g
    for u in range(step.units):
        g_of_sine = multiply_add(load(map_of_sine + u * PANEL), load(d + u * apart), g_of_sine)
    return cosine * g_of_sine - sine * g


cdef void periodic_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t v, r, u, lane, lanes
    cdef int waves = waves_of(step), k
    cdef real* kept = NULL if call.workspace == NULL else call.workspace + for_rows(step, step.kept, rows)
    cdef const real* w
    cdef vec wave[MOST_FREQUENCIES]
    cdef vec gathered, angle, sum
    cdef real* columns = <real*>&gathered
    copy_staying(step, x, y, rows, first, past)
    gathered = broadcast(0)
    for v in range(panels_of(step.embedded) * PANEL_VECS):
        w = line_of(parameters + step.weights, step.weight_rows, 0, v)
        lanes = smaller(LANES, step.embedded - v * LANES)
        if lanes <= 0:
            break
        for r in range(first, past):
            for lane in range(lanes):
                columns[lane] = x[place_in(rows, r, embedded_columns(step)[v * LANES + lane])]
            if kept != NULL:
                store(<real*>line_of(kept, rows, r, v), gathered)
            for k in range(step.frequencies):
                angle = turn(step, w, k, gathered)
                wave[k] = cosine_of_turn(angle)
                if not step.has_phase:
                    wave[step.frequencies + k] = sine_of_turn(angle)
            for u in range(step.units):
                sum = load(w + (row_of_map(step, waves) + u) * PANEL)
                for k in range(waves):
                    sum = multiply_add(wave[k], load(w + (row_of_map(step, k) + u) * PANEL), sum)
                if step.inner == RELU:
                    sum = where_less(sum, broadcast(0), broadcast(0), sum)
                for lane in range(lanes):
                    y[place_in(rows, r, first_unit(step, v * LANES + lane) + u)] = (<real*>&sum)[lane]


cdef void periodic_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Py_ssize_t apart = panel_size(rows, step.embedded), j, u, r, v, lane, at
    cdef real* kept = call.workspace + for_rows(step, step.kept, rows)
    cdef real* d = kept + apart
    cdef const real* w
    cdef vec x, angle, sum
    cdef int k
    for r in range(first, past):
        for j in range(step.embedded):
            for u in range(step.units):
                at = place_in(rows, r, first_unit(step, j) + u)
                d[u * apart + place_in(rows, r, j)] = 0 if step.inner == RELU and y[at] <= 0 else delta[at]
    if grad_x == NULL:
        return
    return_staying(step, delta, grad_x, rows, first, past)
    for v in range(panels_of(step.embedded) * PANEL_VECS):
        w = line_of(parameters + step.weights, step.weight_rows, 0, v)
        for r in range(first, past):
            x = load(line_of(kept, rows, r, v))
            sum = broadcast(0)
            for k in range(step.frequencies):
                angle = turn(step, w, k, x)
                sum = multiply_add(load(w + k * PANEL), slope_of_angle(
                    step, w, k, cosine_of_turn(angle), sine_of_turn(angle), line_of(d, rows, r, v), apart
                ), sum)
            sum = sum * broadcast(TWO_PI)
            for lane in range(smaller(LANES, step.embedded - v * LANES)):
                grad_x[place_in(rows, r, embedded_columns(step)[v * LANES + lane])] += (<real*>&sum)[lane]


cdef inline void use_line(
    const Step* step, Py_ssize_t row, Py_ssize_t v, vec gradient, const Rule* rule
) noexcept nogil:
    """Use the gradient of a vector of columns in a row of the weights."""
    apply_rule(
        rule, <real*>line_of(rule.sink + step.weights, step.weight_rows, row, v),
        valid_lanes(gradient, step.embedded - v * LANES, broadcast(0)),
    )


cdef void gradient_of_frequency(
    const Step* step, const real* w, const real* kept, Py_ssize_t rows, Py_ssize_t used_rows,
    Py_ssize_t v, int k, const Rule* rule,
) noexcept nogil:
    """The gradients of w_k, b_k and the W_ku of its waves, for a vector of columns."""
    cdef Py_ssize_t apart = panel_size(rows, step.embedded), r, u, first = 0, count
    cdef const real* d = line_of(kept + apart, rows, 0, v)
    cdef vec of_cosine[UNITS_AT_ONCE]
    cdef vec of_sine[UNITS_AT_ONCE]
    cdef vec x, angle, cosine, sine, slope, of_angle = broadcast(0), of_frequency = broadcast(0)
    while first < step.units:
        count = smaller(UNITS_AT_ONCE, step.units - first)
        for u in range(UNITS_AT_ONCE):
            of_cosine[u] = of_sine[u] = broadcast(0)
        for r in range(used_rows):
            x = load(line_of(kept, rows, r, v))
            angle = turn(step, w, k, x)
            cosine = cosine_of_turn(angle)
            sine = sine_of_turn(angle)
            for u in range(count):
                of_cosine[u] = multiply_add(cosine, load(d + (first + u) * apart + r * PANEL), of_cosine[u])
            if not step.has_phase:
                for u in range(count):
                    of_sine[u] = multiply_add(sine, load(d + (first + u) * apart + r * PANEL), of_sine[u])
            if first == 0:
                slope = slope_of_angle(step, w, k, cosine, sine, d + r * PANEL, apart)
                of_angle = of_angle + slope
                of_frequency = multiply_add(slope, x, of_frequency)
        for u in range(count):
            use_line(step, row_of_map(step, k) + first + u, v, of_cosine[u], rule)
            if not step.has_phase:
                use_line(step, row_of_map(step, step.frequencies + k) + first + u, v, of_sine[u], rule)
        first += count
    if step.has_phase:
        use_line(step, step.frequencies + k, v, of_angle, rule)
    use_line(step, k, v, of_frequency * broadcast(TWO_PI), rule)


cdef void periodic_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    """By pairs of a vector of columns and a frequency; B has a frequency's place behind the last one."""
    cdef const real* kept = call.workspace + for_rows(step, step.kept, rows)
    cdef Py_ssize_t apart = panel_size(rows, step.embedded), pair, v, u, r
    cdef Py_ssize_t pairs = panels_of(step.embedded) * PANEL_VECS * (step.frequencies + 1)
    cdef vec sum
    cdef int k
    for pair in range(pairs * call.rank // call.threads, pairs * (call.rank + 1) // call.threads):
        v = pair // (step.frequencies + 1)
        k = <int>(pair % (step.frequencies + 1))
        if k < step.frequencies:
            gradient_of_frequency(
                step, line_of(call.parameters + step.weights, step.weight_rows, 0, v), kept, rows, used_rows(step, call),
                v, k, rule_of_w,
            )
            continue
        for u in range(step.units):
            sum = broadcast(0)
            for r in range(used_rows(step, call)):
                sum = sum + load(line_of(kept + (1 + u) * apart, rows, r, v))
            use_line(step, row_of_map(step, waves_of(step)) + u, v, sum, rule_of_w)


cdef int describe_periodic(Step* step, tuple arguments) except -1:
    """From the columns, how many waves and numbers each gives, f, whether there is a phase, and x among the numbers."""
    cdef object columns, waves, units, activation, has_phase, with_input
    columns, waves, units, activation, has_phase, with_input = arguments
    describe_columns(step, columns, with_input, units - (1 if with_input else 0))
    if not 1 <= waves <= MOST_FREQUENCIES or not has_phase and waves % 2:
        raise ValueError(
            f"steps: frequencies of periodic must be from 1 to {MOST_FREQUENCIES}, even without a phase, got {waves}"
        )
    if activation not in ("identity", "relu"):
        raise ValueError(f"steps: activation of periodic must be identity or relu, got {activation!r}")
    step.inner = place_of("activation", activation, ACTIVATIONS)
    step.has_phase = has_phase
    step.frequencies = waves if has_phase else waves // 2
    step.weight_rows = row_of_map(step, waves) + step.units
    step.weight_columns = step.embedded
    step.kept_lines = <int>(
        ((1 + step.units) * panels_of(step.embedded) + panels_of(step.outputs) - 1) // panels_of(step.outputs)
    )
    step.work = <double>step.embedded * (20.0 * waves + 2.0 * waves * step.units)
    return 0


cdef Kind periodic_kind
periodic_kind = Kind(
    b"periodic", 6, 6, describe_periodic, False, periodic_step_forward, periodic_step_backward,
    periodic_step_gradient, NULL,
)

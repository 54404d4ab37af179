# Piecewise-linear embedding (Gorishniy, Rubachev and Babenko 2022; version B Gorishniy, Kotelnikov and Babenko 2025): of
# each embedded column x, with the edges e_0 < e_1 < ... < e_n of its bins, how much of each bin lies below x, and of that
# a linear map of the column's own,
#
#   c_t = (x - e_t) / (e_(t+1) - e_t)     within [0, 1], but the first also below 0, and the last also above 1
#   y_u = f(B_u + sum over t of c_t W_tu)                   version A, f the identity or relu
#   y_u = w_u x + B_u + f(sum over t of c_t W_tu)           version B
#
# With s the bin of x, c_t is 1 before it and 0 after it: the sum is P_s + c_s W_s, where P_s, the sum of W_t over t < s,
# is made once for all rows. So each row costs one bin, however many there are. Likewise, d_u being dL/d(sum):
#
#   dL/dW_tu = sum of c_t d_u over the rows in bin t, and of d_u over those in bins after it
#   dL/dx = sum over u of W_su d_u / (e_(s+1) - e_s)        and in version B of w_u dL/dy_u
#
# The weights lie where a dense step has W, as a matrix of `units` columns:
#
#   rows     w of each column, in version B | B of each column | W of the first column's bins | of the second's | ...
#
# With relu the forward pass keeps the sum, and the backward pass leaves d in its place. Behind the whole numbers of
# columns.pxi, `constants` holds the edges of all columns, then 1 over the width of each bin. `table_starts` says where a
# column's bins begin among those of all.

cdef enum:
    MOST_BINS = 256  # their sums are on the stack


cdef inline Py_ssize_t bins_of(const Step* step, Py_ssize_t j) noexcept nogil:
    """How many bins the j-th embedded column has."""
    return table_starts(step)[j + 1] - table_starts(step)[j]


cdef inline real* edges_of(const Step* step, Py_ssize_t j) noexcept nogil:
    """The edges of the j-th embedded column: one more than bins."""
    return numbers_behind_columns(step) + table_starts(step)[j] + j


cdef inline real* inverses_of(const Step* step, Py_ssize_t j) noexcept nogil:
    """1 / width of the bins of the j-th embedded column."""
    return edges_of(step, step.embedded) + table_starts(step)[j]


cdef inline Py_ssize_t row_of_bias(const Step* step, Py_ssize_t j) noexcept nogil:
    """The row of B of the j-th embedded column; past the last column that of the first W_0."""
    return (step.embedded if step.has_linear else 0) + j


cdef inline Py_ssize_t row_of_bins(const Step* step, Py_ssize_t j) noexcept nogil:
    """The row of W_0 of the j-th embedded column."""
    return row_of_bias(step, step.embedded) + table_starts(step)[j]


cdef inline Py_ssize_t bin_of(const real* edges, Py_ssize_t bins, real x) noexcept nogil:
    """The last bin that begins at or below x; the first for what is below all, the last for NaN."""
    cdef Py_ssize_t bin = 0, half
    while bins > 1:  # as often for every x, so that no branch is mispredicted
        half = bins // 2
        bin += 0 if x < edges[bin + half] else half
        bins -= half
    return bin


cdef inline real part_of_bin(const Step* step, Py_ssize_t j, Py_ssize_t bin, real x) noexcept nogil:
    """c of the bin of x; what is rounded is no more than 1 there either."""
    cdef real part = (x - edges_of(step, j)[bin]) * inverses_of(step, j)[bin]
    return 1 if part > 1 and bin + 1 < bins_of(step, j) else part


cdef inline void read_units(
    const Step* step, const real* y, Py_ssize_t rows, Py_ssize_t r, Py_ssize_t j, Py_ssize_t p, vec* line
) noexcept nogil:
    """A panel's width of the numbers of an embedded column, from the output or its like; zeros past the last."""
    cdef Py_ssize_t first = first_unit(step, j) + p * PANEL, count = smaller(PANEL, step.units - p * PANEL), u
    cdef Py_ssize_t head = smaller(count, PANEL - first % PANEL)
    cdef const real* at = y + place_in(rows, r, first)
    for u in range(PANEL_VECS):
        line[u] = broadcast(0)
    for u in range(head):
        (<real*>line)[u] = at[u]
    at += (rows - 1) * PANEL  # the line of the next panel, whose first number follows on the last of this one
    for u in range(head, count):
        (<real*>line)[u] = at[u]


cdef inline void write_units(
    const Step* step, const vec* line, real* y, Py_ssize_t rows, Py_ssize_t r, Py_ssize_t j, Py_ssize_t p
) noexcept nogil:
    """The inverse of `read_units`."""
    cdef Py_ssize_t first = first_unit(step, j) + p * PANEL, count = smaller(PANEL, step.units - p * PANEL), u
    cdef Py_ssize_t head = smaller(count, PANEL - first % PANEL)
    cdef real* at = y + place_in(rows, r, first)
    for u in range(head):
        at[u] = (<const real*>line)[u]
    at += (rows - 1) * PANEL
    for u in range(head, count):
        at[u] = (<const real*>line)[u]


cdef void piecewise_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef real* kept = NULL if call.workspace == NULL else call.workspace + for_rows(step, step.kept, rows)
    cdef Py_ssize_t j, p, r, t, bins
    cdef const real* w
    cdef const real* bias
    cdef const real* of_bins
    cdef vec before[MOST_BINS * PANEL_VECS]
    cdef vec line[PANEL_VECS]
    cdef vec sum
    cdef real value, part
    cdef int v
    copy_staying(step, x, y, rows, first, past)
    for j in range(step.embedded):
        bins = bins_of(step, j)
        for p in range(panels_of(step.units)):
            w = parameters + step.weights + (p * step.weight_rows + j) * PANEL
            bias = w + row_of_bias(step, 0) * PANEL
            of_bins = w + (row_of_bins(step, j) - j) * PANEL
            for v in range(PANEL_VECS):
                sum = broadcast(0) if step.has_linear else load(bias + v * LANES)
                for t in range(bins):
                    before[t * PANEL_VECS + v] = sum
                    sum = sum + load(of_bins + t * PANEL + v * LANES)
            for r in range(first, past):
                value = x[place_in(rows, r, embedded_columns(step)[j])]
                t = bin_of(edges_of(step, j), bins, value)
                part = part_of_bin(step, j, t, value)
                for v in range(PANEL_VECS):
                    line[v] = multiply_add(
                        broadcast(part), load(of_bins + t * PANEL + v * LANES), before[t * PANEL_VECS + v]
                    )
                if step.inner == RELU:
                    if kept != NULL:
                        write_units(step, line, kept, rows, r, j, p)
                    for v in range(PANEL_VECS):
                        line[v] = where_less(line[v], broadcast(0), broadcast(0), line[v])
                if step.has_linear:
                    for v in range(PANEL_VECS):
                        line[v] = line[v] + multiply_add(
                            broadcast(value), load(w + v * LANES), load(bias + v * LANES)
                        )
                write_units(step, line, y, rows, r, j, p)


cdef void piecewise_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* x = y + for_rows(step, step.input - step.output, rows)
    cdef real* d = delta
    cdef Py_ssize_t c, j, p, r, t, at
    cdef const real* w
    cdef vec line[PANEL_VECS]
    cdef vec by_bin, by_itself
    cdef int v
    if step.inner == RELU:
        d = call.workspace + for_rows(step, step.kept, rows)
        for r in range(first, past):
            for c in range(step.staying, step.outputs):
                at = place_in(rows, r, c)
                d[at] = 0 if d[at] <= 0 else delta[at]
    if grad_x == NULL:
        return
    return_staying(step, delta, grad_x, rows, first, past)
    for j in range(step.embedded):
        for r in range(first, past):
            t = bin_of(edges_of(step, j), bins_of(step, j), x[place_in(rows, r, embedded_columns(step)[j])])
            by_bin = by_itself = broadcast(0)
            for p in range(panels_of(step.units)):
                w = parameters + step.weights + p * step.weight_rows * PANEL
                read_units(step, d, rows, r, j, p, line)
                for v in range(PANEL_VECS):
                    by_bin = multiply_add(load(w + (row_of_bins(step, j) + t) * PANEL + v * LANES), line[v], by_bin)
                if step.has_linear:
                    read_units(step, delta, rows, r, j, p, line)
                    for v in range(PANEL_VECS):
                        by_itself = multiply_add(load(w + j * PANEL + v * LANES), line[v], by_itself)
            grad_x[place_in(rows, r, embedded_columns(step)[j])] = (
                lane_sum(by_bin) * inverses_of(step, j)[t] + lane_sum(by_itself)
            )


cdef void gradients_of_column(
    const Step* step, const real* x, const real* delta, const real* d, Py_ssize_t rows, Py_ssize_t used_rows,
    Py_ssize_t j, Py_ssize_t p, const Rule* rule,
) noexcept nogil:
    """The gradients of all weights of an embedded column, for a panel's width of its numbers."""
    cdef real* w = rule.sink + step.weights + p * step.weight_rows * PANEL
    cdef Py_ssize_t bins = bins_of(step, j), r, t, valid
    cdef vec within[MOST_BINS * PANEL_VECS]
    cdef vec above[MOST_BINS * PANEL_VECS]
    cdef vec line[PANEL_VECS]
    cdef vec of_w[PANEL_VECS]
    cdef vec of_bias[PANEL_VECS]
    cdef vec sum
    cdef real value, part, whole
    cdef int v
    for t in range(bins * PANEL_VECS):
        within[t] = above[t] = broadcast(0)
    for v in range(PANEL_VECS):
        of_w[v] = of_bias[v] = broadcast(0)
    for r in range(used_rows):
        value = x[place_in(rows, r, embedded_columns(step)[j])]
        t = bin_of(edges_of(step, j), bins, value)
        part = part_of_bin(step, j, t, value)
        whole = 1 if value == value else value  # of NaN the bins before its own are NaN too
        read_units(step, d, rows, r, j, p, line)
        for v in range(PANEL_VECS):
            within[t * PANEL_VECS + v] = multiply_add(broadcast(part), line[v], within[t * PANEL_VECS + v])
            above[t * PANEL_VECS + v] = multiply_add(broadcast(whole), line[v], above[t * PANEL_VECS + v])
        if step.has_linear and d != delta:
            read_units(step, delta, rows, r, j, p, line)
        for v in range(PANEL_VECS):
            of_w[v] = multiply_add(broadcast(value), line[v], of_w[v])
            of_bias[v] = of_bias[v] + line[v]
    for v in range(PANEL_VECS):
        valid = step.units - p * PANEL - v * LANES
        sum = broadcast(0)
        for t in range(bins - 1, -1, -1):
            within[t * PANEL_VECS + v] = valid_lanes(within[t * PANEL_VECS + v] + sum, valid, broadcast(0))
            sum = sum + above[t * PANEL_VECS + v]
        if step.has_linear:
            apply_rule(rule, w + j * PANEL + v * LANES, valid_lanes(of_w[v], valid, broadcast(0)))
        apply_rule(
            rule, w + row_of_bias(step, j) * PANEL + v * LANES, valid_lanes(of_bias[v], valid, broadcast(0))
        )
    use_gradient(rule, w + row_of_bins(step, j) * PANEL, <real*>within, bins * PANEL)


cdef void piecewise_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    """By pairs of an embedded column and a panel's width of its numbers, each of one thread: the same bits on any number."""
    cdef Py_ssize_t panels = panels_of(step.units), pairs = step.embedded * panels, pair
    cdef const real* d = delta
    if step.inner == RELU:
        d = call.workspace + for_rows(step, step.kept, rows)
    for pair in range(pairs * call.rank // call.threads, pairs * (call.rank + 1) // call.threads):
        gradients_of_column(
            step, x, delta, d, rows, used_rows(step, call), pair // panels, pair % panels, rule_of_w
        )


cdef int describe_piecewise(Step* step, tuple arguments) except -1:
    """From the columns, the edges of each, how many numbers each gives, the version and f."""
    cdef object columns, bins, units, version, activation
    cdef Py_ssize_t count = 0, j, t
    cdef double width
    columns, bins, units, version, activation = arguments
    for edges in bins:
        count += len(edges)
    describe_columns(step, columns, False, units, 2 * count)
    if len(bins) != step.embedded:
        raise ValueError(f"steps: piecewise must have bins of {step.embedded} columns, got {len(bins)}")
    if version not in ("A", "B"):
        raise ValueError(f"steps: version of piecewise must be A or B, got {version!r}")
    if activation not in ("identity", "relu"):
        raise ValueError(f"steps: activation of piecewise must be identity or relu, got {activation!r}")
    step.inner = place_of("activation", activation, ACTIVATIONS)
    step.has_linear = version == "B"
    table_starts(step)[0] = 0
    for j, edges in enumerate(bins):
        if not 2 <= len(edges) <= MOST_BINS + 1:
            raise ValueError(f"steps: bins of piecewise must be from 1 to {MOST_BINS}, got {len(edges) - 1}")
        table_starts(step)[j + 1] = table_starts(step)[j] + <Py_ssize_t>len(edges) - 1
    for j, edges in enumerate(bins):
        edges_of(step, j)[0] = <real><double>edges[0]
        for t in range(bins_of(step, j)):
            width = <double>edges[t + 1] - <double>edges[t]
            if not 1e-37 <= width < INFINITY:  # its inverse is a float32
                raise ValueError(
                    f"steps: edges of piecewise must ascend by 1e-37 at least, got {edges[t]} and {edges[t + 1]}"
                )
            edges_of(step, j)[t + 1] = <real><double>edges[t + 1]
            inverses_of(step, j)[t] = <real>(1 / width)
    step.weight_rows = row_of_bins(step, step.embedded)
    step.weight_columns = step.units
    step.kept_lines = 1 if step.inner == RELU else 0
    step.work = <double>step.embedded * (40.0 + 4.0 * step.units)
    return 0


cdef Kind piecewise_kind
piecewise_kind = Kind(
    b"piecewise", 5, 5, describe_piecewise, False, piecewise_step_forward, piecewise_step_backward,
    piecewise_step_gradient, NULL,
)

# What LayerNorm and BatchNorm share: both bring numbers x to a mean of 0 and a variance of 1, and then to a scale
# and a shift that are learned,
#
#   n = (x - mean) / sqrt(variance + epsilon),   y = gamma n + beta
#
# the one over the columns of each row, the other over the rows of each column. gamma lies where a dense step has
# W, as a matrix of one row, and beta where it has b. For the backward pass the forward keeps n, in panels like y, and
# behind it the factors 1 / sqrt(variance + epsilon), one a row or one a column.
#
# A mean is rounded. Where that is not small beside the deviation, as of numbers that are large and almost equal, the
# distances are taken from the first of them, x_0, and from the mean of those distances, the rest:
#
#   n = ((x - x_0) - rest) / sqrt(variance + epsilon)
#
# so that equal numbers give 0. Else x_0 is the mean, and the rest 0. (Chan, Golub and LeVeque 1983: shifted data.)

cdef inline real* kept_factors(const Step* step, real* kept, Py_ssize_t rows) noexcept nogil:
    return kept + panel_size(rows, step.outputs)


cdef inline vec within(const Step* step, Py_ssize_t v, vec value) noexcept nogil:
    """The v-th vector of a row, with zeros past the last column, where anything may have been."""
    return valid_lanes(value, step.outputs - v * LANES, broadcast(0))


cdef enum:
    UNCENTRED = 1 << 20  # a mean off by a thousandth of the deviation is looked at again


cdef inline bint is_centred(real mean, real square) noexcept nogil:
    """Return whether numbers of such a mean and mean square have a mean of about 0; not if that is not finite."""
    return mean == 0 or -INFINITY < mean < INFINITY and mean * mean * UNCENTRED < square


cdef inline vec inverse_root(vec variance, real epsilon) noexcept nogil:
    return broadcast(1) / square_root(variance + broadcast(epsilon))


cdef inline void sums_over_rows(
    const real* a, const real* b, Py_ssize_t rows, vec shift, vec* sum_a, vec* sum_ab
) noexcept nogil:
    """Of a vector of columns: sums of a - shift and of (a - shift) (b - shift), four at a time."""
    cdef vec sums[4]
    cdef vec products[4]
    cdef vec value
    cdef Py_ssize_t r = 0
    cdef int i
    for i in range(4):
        sums[i] = products[i] = broadcast(0)
    while r + 4 <= rows:
        for i in range(4):
            value = load(a + (r + i) * PANEL) - shift
            sums[i] = sums[i] + value
            products[i] = multiply_add(value, load(b + (r + i) * PANEL) - shift, products[i])
        r += 4
    while r < rows:
        value = load(a + r * PANEL) - shift
        sums[0] = sums[0] + value
        products[0] = multiply_add(value, load(b + r * PANEL) - shift, products[0])
        r += 1
    sum_a[0] = (sums[0] + sums[1]) + (sums[2] + sums[3])
    sum_ab[0] = (products[0] + products[1]) + (products[2] + products[3])


cdef void column_weights_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    """Compute the gradients: of gamma the sums of delta n over the rows, of beta those of delta.

    Serves any step that multiplies each column by a weight, and adds another to it if it is biased. Where nothing is
    kept, what it multiplies is its input.
    """
    cdef Py_ssize_t panels = panels_of(step.outputs), p, at
    cdef const real* kept = x
    cdef real* gamma = rule.sink + step.weights
    cdef real* beta = gamma + panel_size(1, step.outputs)
    cdef vec sum_delta, sum_product
    cdef int v
    if step.kept_lines:
        kept = call.workspace + for_rows(step, step.kept, rows)
    for p in range(panels * call.rank // call.threads, panels * (call.rank + 1) // call.threads):
        for v in range(PANEL_VECS):
            at = p * rows * PANEL + v * LANES
            sums_over_rows(delta + at, kept + at, used_rows(step, call), broadcast(0), &sum_delta, &sum_product)
            apply_rule(
                rule_of_w, gamma + p * PANEL + v * LANES, within(step, p * PANEL_VECS + v, sum_product)
            )
            if step.biased:
                apply_rule(rule, beta + p * PANEL + v * LANES, sum_delta)


cdef int describe_norm(Step* step, double epsilon) except -1:
    """Describe what both share: gamma, beta, and what the forward pass keeps."""
    if not 0 < epsilon < INFINITY:
        raise ValueError(f"steps: epsilon must be a finite number above 0, got {epsilon}")
    step.epsilon = at_least_tiny(epsilon)
    step.weight_rows = 1
    step.kept_lines = 2
    return 0

# Losses: for every row its loss times its weight, and the gradient with respect to the prediction.
# Kernels work in place: prediction becomes the probabilities it stands for. p: prediction or
# probability, t: target, w: the row's weight, n: columns.
#
#   softmax_cross_entropy          - sum_j t log p        delta = w (p sum t - t)       p = softmax(z)
#   cross_entropy                  - sum_j t log p        delta = - w t / p
#   sigmoid_binary_cross_entropy   max(z, 0) - z t + log(1 + e^-|z|), mean over j
#                                                         delta = w (p - t) / n         p = sigmoid(z)
#   binary_cross_entropy           - t log p - (1 - t) log(1 - p), mean over j
#                                                         delta = w ((1 - t) / (1 - p) - t / p) / n
#   mean_squared_error             (p - t)^2, mean over j    delta = 2 w (p - t) / n
#
# The first and third take logits: fused with the activation, neither the logarithm nor the gradient loses
# digits (Goodfellow, Bengio, Courville, Deep Learning, 6.2.2). The others keep p away from zero by REAL_TINY.

LOSSES = (
    "softmax_cross_entropy",
    "cross_entropy",
    "sigmoid_binary_cross_entropy",
    "binary_cross_entropy",
    "mean_squared_error",
)

cdef enum:  # in the order of LOSSES
    SOFTMAX_CROSS_ENTROPY
    CROSS_ENTROPY
    SIGMOID_BINARY_CROSS_ENTROPY
    BINARY_CROSS_ENTROPY
    MEAN_SQUARED_ERROR


cdef int activation_of_loss(int loss) noexcept nogil:
    """The activation that a loss applies to the logits it takes; identity for those that take predictions."""
    if loss == SOFTMAX_CROSS_ENTROPY:
        return SOFTMAX
    return SIGMOID if loss == SIGMOID_BINARY_CROSS_ENTROPY else IDENTITY


cdef inline void softmax_cross_entropy_row(
    real* z, const real* target, real* delta, real weight, Py_ssize_t rows, Py_ssize_t row,
    Py_ssize_t columns, real* total_exp, real* total_target, real* total_loss,
) noexcept nogil:
    """Probabilities and gradient of one row, and the sums that its loss is made of.

    -sum t log p is sum t * log sum e^z - sum t z, with all z shifted by the largest; where t is 0
    nothing is added.
    """
    cdef Py_ssize_t v, vecs = panels_of(columns) * PANEL_VECS
    cdef vec largest = broadcast(-INFINITY), total = broadcast(0), targets = broadcast(0)
    cdef vec losses = broadcast(0), w = broadcast(weight), value, t
    cdef real* at
    for v in range(vecs):
        value = load(line_of(z, rows, row, v))
        largest = maximum(valid_lanes(value, columns - v * LANES, broadcast(-INFINITY)), largest)
    largest = broadcast(lane_maximum(largest))
    for v in range(vecs):
        at = <real*>line_of(z, rows, row, v)
        value = load(at) - largest
        t = load(line_of(target, rows, row, v))
        losses = losses + where_equal(t, broadcast(0), broadcast(0), t * value)
        targets = targets + t
        value = valid_lanes(c_exp(value), columns - v * LANES, broadcast(0))
        store(at, value)
        total = total + value
    lane_sums(total, losses, total_exp, total_loss)
    total_target[0] = lane_sum(targets)
    total = broadcast(1) / broadcast(total_exp[0])
    targets = broadcast(total_target[0])
    for v in range(vecs):
        at = <real*>line_of(z, rows, row, v)
        value = load(at) * total
        store(at, value)
        t = load(line_of(target, rows, row, v))
        store(<real*>line_of(delta, rows, row, v), w * (value * targets - t))


cdef void softmax_cross_entropy_panel(
    real* z, const real* target, real* delta, const real* weight, double* row_losses,
    Py_ssize_t columns,
) noexcept nogil:
    """Probabilities, gradients and losses of LANES rows within one panel: by columns."""
    cdef vec shifted[PANEL]
    cdef vec p[PANEL]
    cdef vec t[PANEL]
    cdef vec w, total, losses = broadcast(0), targets = broadcast(0)
    cdef Py_ssize_t c, i
    memcpy(&w, weight, sizeof(vec))
    rows_to_columns(z, shifted)
    rows_to_columns(target, t)
    total = softmax_columns(shifted, p, columns)
    for c in range(columns):
        losses = losses + where_equal(t[c], broadcast(0), broadcast(0), t[c] * shifted[c])
        targets = targets + t[c]
    losses = w * (targets * c_log(total) - losses)
    for i in range(LANES):
        row_losses[i] = (<real*>&losses)[i]
    total = broadcast(1) / total
    for c in range(columns):
        p[c] = p[c] * total
        t[c] = w * (p[c] * targets - t[c])
    for c in range(columns, PANEL):
        p[c] = t[c] = broadcast(0)
    columns_to_rows(p, z)
    columns_to_rows(t, delta)


cdef void softmax_cross_entropy_narrow(
    real* z, const real* target, real* delta, const real* weight, double* row_losses,
    Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Rows within one panel, in groups of LANES; the last group is filled up with rows of zeros."""
    cdef vec z_left[LANES * PANEL_VECS]
    cdef vec target_left[LANES * PANEL_VECS]
    cdef vec delta_left[LANES * PANEL_VECS]
    cdef vec weight_left = broadcast(0)
    cdef double losses_left[LANES]
    cdef Py_ssize_t r = first, size
    while r + LANES <= past:
        softmax_cross_entropy_panel(
            z + r * PANEL, target + r * PANEL, delta + r * PANEL, weight + r, row_losses + r, columns
        )
        r += LANES
    if r < past:
        size = (past - r) * PANEL * sizeof(real)
        memset(z_left, 0, sizeof(z_left))
        memset(target_left, 0, sizeof(target_left))
        memcpy(z_left, z + r * PANEL, size)
        memcpy(target_left, target + r * PANEL, size)
        memcpy(&weight_left, weight + r, (past - r) * sizeof(real))
        softmax_cross_entropy_panel(
            <real*>z_left, <real*>target_left, <real*>delta_left, <real*>&weight_left, losses_left, columns
        )
        memcpy(z + r * PANEL, z_left, size)
        memcpy(delta + r * PANEL, delta_left, size)
        memcpy(row_losses + r, losses_left, (past - r) * sizeof(double))


cdef void softmax_cross_entropy_rows(
    real* z, const real* target, real* delta, const real* weight, double* row_losses,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Rows in groups of LANES, so that one vector takes the logarithms of a group."""
    cdef vec totals, targets, losses
    cdef real* total = <real*>&totals
    cdef real* total_target = <real*>&targets
    cdef real* total_loss = <real*>&losses
    cdef Py_ssize_t r = first, i, count
    while r < past:
        count = smaller(LANES, past - r)
        totals = targets = losses = broadcast(1)
        for i in range(count):
            softmax_cross_entropy_row(
                z, target, delta, weight[r + i], rows, r + i, columns,
                total + i, total_target + i, total_loss + i,
            )
        totals = c_log(totals)
        for i in range(count):
            row_losses[r + i] = <double>weight[r + i] * (
                <double>total_target[i] * total[i] - total_loss[i]
            )
        r += count


cdef inline vec loss_of(const int loss, vec* p, vec t, vec* delta) noexcept nogil:
    """One vector's losses; p becomes the probability and delta the gradient, but for w / n."""
    cdef vec one = broadcast(1), tiny = broadcast(REAL_TINY), z, q, other
    if loss == CROSS_ENTROPY:
        q = maximum(p[0], tiny)
        delta[0] = -t / q
        q = where_less(one, q, one, q)  # of a prediction above one the logarithm is that of one
        return where_equal(t, broadcast(0), broadcast(0), -t * c_log(q))
    if loss == SIGMOID_BINARY_CROSS_ENTROPY:
        z = p[0]
        p[0] = c_sigmoid(z)
        delta[0] = p[0] - t
        q = c_exp(-absolute(z))
        return maximum(z, broadcast(0)) - z * t + c_log_1p(q)
    if loss == BINARY_CROSS_ENTROPY:
        q = maximum(p[0], tiny)
        other = maximum(one - p[0], tiny)
        delta[0] = (one - t) / other - t / q
        return -t * c_log(q) - (one - t) * c_log(other)
    delta[0] = p[0] - t
    q = delta[0] * delta[0]
    delta[0] = delta[0] + delta[0]
    return q


cdef inline double loss_row(
    const int loss, real* p, const real* target, real* delta, real weight,
    Py_ssize_t rows, Py_ssize_t row, Py_ssize_t columns,
) noexcept nogil:
    cdef Py_ssize_t v, valid
    cdef real scale = 1 if loss == CROSS_ENTROPY else <real>1 / <real>columns
    cdef vec losses = broadcast(0), w = broadcast(weight * scale), value, gradient, found
    cdef real* at
    for v in range(panels_of(columns) * PANEL_VECS):
        at = <real*>line_of(p, rows, row, v)
        valid = columns - v * LANES
        value = load(at)
        found = loss_of(loss, &value, load(line_of(target, rows, row, v)), &gradient)
        store(at, value)
        losses = losses + valid_lanes(found, valid, broadcast(0))
        store(<real*>line_of(delta, rows, row, v), valid_lanes(w * gradient, valid, broadcast(0)))
    return <double>weight * (<double>scale * lane_sum(losses))


cdef void loss_rows(
    int loss, real* p, const real* target, real* delta, const real* weight, double* row_losses,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Losses and gradients of rows first to past, of panels that have `rows` rows."""
    cdef Py_ssize_t r
    if loss == SOFTMAX_CROSS_ENTROPY and 0 < columns <= PANEL:
        softmax_cross_entropy_narrow(p, target, delta, weight, row_losses, first, past, columns)
        return
    if loss == SOFTMAX_CROSS_ENTROPY:
        softmax_cross_entropy_rows(
            p, target, delta, weight, row_losses, rows, first, past, columns
        )
        return
    for r in range(first, past):
        if loss == CROSS_ENTROPY:
            row_losses[r] = loss_row(CROSS_ENTROPY, p, target, delta, weight[r], rows, r, columns)
        elif loss == SIGMOID_BINARY_CROSS_ENTROPY:
            row_losses[r] = loss_row(
                SIGMOID_BINARY_CROSS_ENTROPY, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == BINARY_CROSS_ENTROPY:
            row_losses[r] = loss_row(BINARY_CROSS_ENTROPY, p, target, delta, weight[r], rows, r, columns)
        else:
            row_losses[r] = loss_row(MEAN_SQUARED_ERROR, p, target, delta, weight[r], rows, r, columns)


cdef double loss_array(
    int loss, const real[:, :] prediction, const real[:, :] target, const real[:] weight,
    real[:, :] out, real[:, :] delta,
) except? -1.0:
    cdef str name = LOSSES[loss]
    cdef Py_ssize_t rows = prediction.shape[0], columns = prediction.shape[1], r
    cdef Py_ssize_t size = panel_size(rows, columns)
    cdef real* panels
    cdef real* row_weights
    cdef double* row_losses
    cdef double total = 0
    expect_shape(name, "target", target, rows, columns)
    expect_shape(name, "out", out, rows, columns)
    expect_shape(name, "delta", delta, rows, columns)
    expect(name, "weight", weight.shape[0] == rows, f"{weight.shape[0]} numbers", f"{rows}")
    expect_apart(name, "out", span(out), span(prediction))
    expect_apart(name, "out", span(out), span(target))
    expect_apart(name, "out", span(out), span_1d(weight))
    expect_apart(name, "out", span(out), span(delta))
    expect_apart(name, "delta", span(delta), span(prediction))
    expect_apart(name, "delta", span(delta), span(target))
    expect_apart(name, "delta", span(delta), span_1d(weight))
    panels = allocate(3 * size + 3 * rows)
    row_losses = <double*>(panels + 3 * size)
    row_weights = <real*>(row_losses + rows)
    with nogil:
        pack(prediction, panels)
        pack(target, panels + size)
        for r in range(rows):
            row_weights[r] = weight[r]
        loss_rows(
            loss, panels, panels + size, panels + 2 * size, row_weights, row_losses, rows, 0, rows, columns
        )
        unpack(panels, out)
        unpack(panels + 2 * size, delta)
        for r in range(rows):
            total += row_losses[r]
    release(panels)
    return total


def softmax_cross_entropy(
    const real[:, :] prediction, const real[:, :] target, const real[:] weight,
    real[:, :] out, real[:, :] delta,
):
    """Cross-entropy of the softmax of logits; the weighted sum over the rows."""
    return loss_array(SOFTMAX_CROSS_ENTROPY, prediction, target, weight, out, delta)


def cross_entropy(
    const real[:, :] prediction, const real[:, :] target, const real[:] weight,
    real[:, :] out, real[:, :] delta,
):
    """Cross-entropy of probabilities; the weighted sum over the rows."""
    return loss_array(CROSS_ENTROPY, prediction, target, weight, out, delta)


def sigmoid_binary_cross_entropy(
    const real[:, :] prediction, const real[:, :] target, const real[:] weight,
    real[:, :] out, real[:, :] delta,
):
    """Binary cross-entropy of the sigmoid of logits; the weighted sum over the rows."""
    return loss_array(SIGMOID_BINARY_CROSS_ENTROPY, prediction, target, weight, out, delta)


def binary_cross_entropy(
    const real[:, :] prediction, const real[:, :] target, const real[:] weight,
    real[:, :] out, real[:, :] delta,
):
    """Binary cross-entropy of probabilities; the weighted sum over the rows."""
    return loss_array(BINARY_CROSS_ENTROPY, prediction, target, weight, out, delta)


def mean_squared_error(
    const real[:, :] prediction, const real[:, :] target, const real[:] weight,
    real[:, :] out, real[:, :] delta,
):
    """Mean squared error; the weighted sum over the rows."""
    return loss_array(MEAN_SQUARED_ERROR, prediction, target, weight, out, delta)

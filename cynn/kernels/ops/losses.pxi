# Losses: for every row its loss times its weight, and the gradient with respect to the prediction.
# Kernels work in place: logits become probabilities. p: prediction or
# probability, t: target, w: the row's weight, n: columns.
#
#   softmax_cross_entropy          - sum_j t log p        delta = w (p sum t - t)       p = softmax(z)
#   cross_entropy                  - sum_j t log p        delta = - w t / p
#   sigmoid_binary_cross_entropy   max(z, 0) - z t + log(1 + e^-|z|), mean over j
#                                                         delta = w (p - t) / n         p = sigmoid(z)
#   binary_cross_entropy           - t log p - (1 - t) log(1 - p), mean over j
#                                                         delta = w ((1 - t) / (1 - p) - t / p) / n
#   mean_squared_error             (p - t)^2, mean over j    delta = 2 w (p - t) / n
#   mean_absolute_error            |e|, mean over j          delta = w sign(e) / n                e = p - t
#   huber                          c (e - c / 2), mean       delta = w c / n       c: e cut off to a threshold
#   quantile                       s e, mean                 delta = w s / n       s: -q below t, 1 - q above
#   poisson                        p - t log p, mean         delta = w (1 - t / p) / n
#   log_poisson                    e^z - t z, mean           delta = w (e^z - t) / n
#   hinge                          max(0, 1 - s p), mean     delta = - w s / n where the loss is     s = 2 t - 1
#   categorical_hinge              max(0, 1 + p_r - p_c)     delta = w at r, - w at c    r: the best of the others
#
# and scikit-learn's, each with delta = w (p - t):
#
#   log_loss                       - log p of the one class, the logarithm within bounds    p = softmax(z)
#   binary_log_loss                - t log p - (1 - t) log(1 - p), likewise, summed over j  p = sigmoid(z)
#   half_squared_error             (p - t)^2 / 2, summed over j
#   half_poisson_deviance          t log(t / p) - t + p, summed over j                      p = e^z
#
# where the bounds are those of a probability at least REAL_EPSILON away from 0 and 1.
#
# A loss may have one parameter: huber the threshold, quantile q, or a q for each column; the first four have label
# smoothing s, which replaces t by (1 - s) t + s / m, m being n or, for binary targets, 2.
#
# The first and third take logits: fused with the activation, neither the logarithm nor the gradient loses
# digits (Goodfellow, Bengio, Courville, Deep Learning, 6.2.2). The others keep p away from zero by REAL_TINY.

LOSSES = (
    "softmax_cross_entropy",
    "cross_entropy",
    "sigmoid_binary_cross_entropy",
    "binary_cross_entropy",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "quantile",
    "poisson",
    "log_poisson",
    "hinge",
    "categorical_hinge",
    "log_loss",
    "binary_log_loss",
    "half_squared_error",
    "half_poisson_deviance",
)

cdef enum:  # in the order of LOSSES
    SOFTMAX_CROSS_ENTROPY
    CROSS_ENTROPY
    SIGMOID_BINARY_CROSS_ENTROPY
    BINARY_CROSS_ENTROPY
    MEAN_SQUARED_ERROR
    MEAN_ABSOLUTE_ERROR
    HUBER
    QUANTILE
    POISSON
    LOG_POISSON
    HINGE
    CATEGORICAL_HINGE
    LOG_LOSS
    BINARY_LOG_LOSS
    HALF_SQUARED_ERROR
    HALF_POISSON_DEVIANCE
    LOSS_COUNT


cdef bint has_parameter(int loss) noexcept nogil:
    return loss <= BINARY_CROSS_ENTROPY or loss == HUBER or loss == QUANTILE


cdef real default_parameter(int loss) noexcept nogil:
    return 1 if loss == HUBER else <real>0.5 if loss == QUANTILE else 0


cdef int activation_of_loss(int loss) noexcept nogil:
    """Return the activation that a loss applies to its logits; identity for those that take predictions."""
    if loss == SOFTMAX_CROSS_ENTROPY or loss == LOG_LOSS:
        return SOFTMAX
    if loss == SIGMOID_BINARY_CROSS_ENTROPY or loss == BINARY_LOG_LOSS:
        return SIGMOID
    return IDENTITY


cdef inline bint sums_columns(const int loss) noexcept nogil:
    """Return whether a row's loss is the sum over its columns; of the others it is the mean."""
    return loss == CROSS_ENTROPY or LOG_LOSS <= loss <= HALF_POISSON_DEVIANCE


cdef void bound_log_losses(
    const real* target, const real* weight, double* row_losses, Py_ssize_t rows, Py_ssize_t first,
    Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Losses of one class each, as if its probability were at least REAL_EPSILON away from 0 and 1."""
    cdef double least = -log1p(-<double>REAL_EPSILON), most = -log(<double>REAL_EPSILON)
    cdef double share, low, high
    cdef Py_ssize_t r, c
    for r in range(first, past):
        share = 0  # 1, of one class
        for c in range(columns):
            share += target[(c // PANEL * rows + r) * PANEL + c % PANEL]
        share *= weight[r]
        low, high = share * least, share * most
        if share < 0:  # so is the loss
            low, high = high, low
        if row_losses[r] > high:
            row_losses[r] = high
        elif row_losses[r] < low:
            row_losses[r] = low


cdef inline vec within_bounds(vec loss) noexcept nogil:
    """-log(p) as if p were at least REAL_EPSILON away from 0 and 1; NaN stays."""
    cdef vec least = broadcast(<real>-log1p(-<double>REAL_EPSILON))
    cdef vec most = broadcast(<real>-log(<double>REAL_EPSILON))
    loss = where_less(loss, least, least, loss)
    return where_less(most, loss, most, loss)


cdef void smooth_targets(
    int loss, real smoothing, real* target, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past,
    Py_ssize_t columns,
) noexcept nogil:
    """Label smoothing, in place."""
    cdef bint yes_or_no = loss == SIGMOID_BINARY_CROSS_ENTROPY or loss == BINARY_CROSS_ENTROPY
    cdef vec scale = broadcast(1 - smoothing)
    cdef vec offset = broadcast(smoothing / <real>(2 if yes_or_no else columns))
    cdef vec value
    cdef Py_ssize_t r, v
    cdef real* at
    for v in range(panels_of(columns) * PANEL_VECS):
        for r in range(first, past):
            at = <real*>line_of(target, rows, r, v)
            value = multiply_add(load(at), scale, offset)
            store(at, valid_lanes(value, columns - v * LANES, broadcast(0)))


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


cdef inline vec sign_of(vec e, vec below, vec above) noexcept nogil:
    """One of two numbers by the sign of e; a zero or NaN stays what it is."""
    return where_less(e, broadcast(0), below, where_less(broadcast(0), e, above, e))


cdef inline vec loss_of(const int loss, vec parameter, vec* p, vec t, vec* delta) noexcept nogil:
    """One vector's losses; p becomes the probability and delta the gradient, but for w / n."""
    cdef vec one = broadcast(1), tiny = broadcast(REAL_TINY), zero = broadcast(0), z, q, other
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
    if loss == MEAN_SQUARED_ERROR:
        delta[0] = p[0] - t
        q = delta[0] * delta[0]
        delta[0] = delta[0] + delta[0]
        return q
    if loss == POISSON:
        q = maximum(p[0], tiny)
        delta[0] = one - t / q
        return p[0] - where_equal(t, zero, zero, t * c_log(q))
    if loss == LOG_POISSON:
        q = c_exp(p[0])
        delta[0] = q - t
        return q - where_equal(t, zero, zero, t * p[0])
    if loss == HINGE:
        q = t + t - one
        z = one - q * p[0]
        z = where_less(z, zero, zero, z)
        delta[0] = where_less(zero, z, -q, z)
        return z
    if loss == BINARY_LOG_LOSS:
        z = p[0]
        p[0] = c_sigmoid(z)
        delta[0] = p[0] - t
        q = c_log_1p(c_exp(-absolute(z)))
        other = q + maximum(zero, z)  # -log(1 - p)
        q = q + maximum(zero, -z)  # -log(p)
        return t * within_bounds(q) + (one - t) * within_bounds(other)
    if loss == HALF_POISSON_DEVIANCE:
        z = p[0]
        p[0] = c_exp(z)
        delta[0] = p[0] - t
        return delta[0] + where_equal(t, zero, zero, t * (c_log(t) - z))
    if loss == HALF_SQUARED_ERROR:
        delta[0] = p[0] - t
        return broadcast(<real>0.5) * delta[0] * delta[0]
    z = p[0] - t
    if loss == HUBER:
        delta[0] = where_less(z, -parameter, -parameter, where_less(parameter, z, parameter, z))
        return delta[0] * (z - delta[0] * broadcast(<real>0.5))
    if loss == QUANTILE:
        delta[0] = sign_of(z, -parameter, one - parameter)
        return delta[0] * z
    delta[0] = sign_of(z, -one, one)
    return absolute(z)


cdef inline double loss_row(
    const int loss, const real parameter, const real* by_column, real* p, const real* target, real* delta,
    real weight, Py_ssize_t rows, Py_ssize_t row, Py_ssize_t columns,
) noexcept nogil:
    cdef Py_ssize_t v, valid
    cdef real scale = 1 if sums_columns(loss) else <real>1 / <real>columns
    cdef vec losses = broadcast(0), w = broadcast(weight * scale), value, gradient, loss_lanes
    cdef vec number = broadcast(parameter)
    cdef real* at
    for v in range(panels_of(columns) * PANEL_VECS):
        at = <real*>line_of(p, rows, row, v)
        if by_column != NULL:
            number = load(by_column + v * LANES)
        valid = columns - v * LANES
        value = load(at)
        loss_lanes = loss_of(loss, number, &value, load(line_of(target, rows, row, v)), &gradient)
        store(at, value)
        losses = losses + valid_lanes(loss_lanes, valid, broadcast(0))
        store(<real*>line_of(delta, rows, row, v), valid_lanes(w * gradient, valid, broadcast(0)))
    return <double>weight * (<double>scale * lane_sum(losses))


cdef Py_ssize_t largest_of_row(
    const real* panels, Py_ssize_t rows, Py_ssize_t row, Py_ssize_t columns, Py_ssize_t other_than
) noexcept nogil:
    """Return the index of a row's first largest number, NaN above all, other than one index; -1: none."""
    cdef Py_ssize_t best = -1, c
    cdef real largest = 0, value
    for c in range(columns):
        value = panels[(c // PANEL * rows + row) * PANEL + c % PANEL]
        if c != other_than and largest == largest and (best < 0 or not value <= largest):
            best = c
            largest = value
    return best


cdef double categorical_hinge_row(
    const real* p, const real* target, real* delta, real weight,
    Py_ssize_t rows, Py_ssize_t row, Py_ssize_t columns,
) noexcept nogil:
    cdef Py_ssize_t label = largest_of_row(target, rows, row, columns, -1), rival, v
    cdef real lack, slope
    for v in range(panels_of(columns) * PANEL_VECS):
        store(<real*>line_of(delta, rows, row, v), broadcast(0))
    rival = largest_of_row(p, rows, row, columns, label)
    if rival < 0:
        return 0
    label = (label // PANEL * rows + row) * PANEL + label % PANEL
    rival = (rival // PANEL * rows + row) * PANEL + rival % PANEL
    lack = 1 + p[rival] - p[label]
    if lack <= 0:
        return 0
    slope = 1 if lack > 0 else lack  # NaN
    delta[label] = -weight * slope
    delta[rival] = weight * slope
    return <double>weight * lack


cdef void loss_rows(
    int loss, real parameter, const real* by_column, real* p, real* target, real* delta, const real* weight,
    double* row_losses, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Losses and gradients of rows first to past, of panels that have `rows` rows.

    `by_column` is a line of parameters in place of the one, or NULL.
    """
    cdef Py_ssize_t r
    if parameter != 0 and loss <= BINARY_CROSS_ENTROPY:
        smooth_targets(loss, parameter, target, rows, first, past, columns)
    if activation_of_loss(loss) == SOFTMAX:
        if 0 < columns <= PANEL:
            softmax_cross_entropy_narrow(p, target, delta, weight, row_losses, first, past, columns)
        else:
            softmax_cross_entropy_rows(
                p, target, delta, weight, row_losses, rows, first, past, columns
            )
        if loss == LOG_LOSS:
            bound_log_losses(target, weight, row_losses, rows, first, past, columns)
        return
    for r in range(first, past):  # each call below is compiled for its loss
        if loss == CROSS_ENTROPY:
            row_losses[r] = loss_row(CROSS_ENTROPY, 0, NULL, p, target, delta, weight[r], rows, r, columns)
        elif loss == SIGMOID_BINARY_CROSS_ENTROPY:
            row_losses[r] = loss_row(
                SIGMOID_BINARY_CROSS_ENTROPY, 0, NULL, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == BINARY_CROSS_ENTROPY:
            row_losses[r] = loss_row(
                BINARY_CROSS_ENTROPY, 0, NULL, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == MEAN_SQUARED_ERROR:
            row_losses[r] = loss_row(
                MEAN_SQUARED_ERROR, 0, NULL, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == MEAN_ABSOLUTE_ERROR:
            row_losses[r] = loss_row(
                MEAN_ABSOLUTE_ERROR, 0, NULL, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == HUBER:
            row_losses[r] = loss_row(HUBER, parameter, NULL, p, target, delta, weight[r], rows, r, columns)
        elif loss == QUANTILE:
            row_losses[r] = loss_row(
                QUANTILE, parameter, by_column, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == POISSON:
            row_losses[r] = loss_row(POISSON, 0, NULL, p, target, delta, weight[r], rows, r, columns)
        elif loss == LOG_POISSON:
            row_losses[r] = loss_row(LOG_POISSON, 0, NULL, p, target, delta, weight[r], rows, r, columns)
        elif loss == HINGE:
            row_losses[r] = loss_row(HINGE, 0, NULL, p, target, delta, weight[r], rows, r, columns)
        elif loss == BINARY_LOG_LOSS:
            row_losses[r] = loss_row(BINARY_LOG_LOSS, 0, NULL, p, target, delta, weight[r], rows, r, columns)
        elif loss == HALF_SQUARED_ERROR:
            row_losses[r] = loss_row(
                HALF_SQUARED_ERROR, 0, NULL, p, target, delta, weight[r], rows, r, columns
            )
        elif loss == HALF_POISSON_DEVIANCE:
            row_losses[r] = loss_row(
                HALF_POISSON_DEVIANCE, 0, NULL, p, target, delta, weight[r], rows, r, columns
            )
        else:
            row_losses[r] = categorical_hinge_row(p, target, delta, weight[r], rows, r, columns)

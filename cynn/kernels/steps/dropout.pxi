# Dropout (Srivastava et al. 2014), scaled in training so that it does nothing at inference:
#
#   y = x / (1 - rate), or 0 with the probability `rate`
#
# A row's numbers are dropped by 16 random bits each, four by a word, the lowest first. The words are counted along
# the row and on through the rows of the mini-batch, so that the mask depends only on the mini-batch's key, the step
# and the row's place. The rate is rounded to the nearest multiple of 2^-16. The backward pass draws again: that is
# cheaper than to store the mask.

cdef uint16_t dropout_threshold(double rate) noexcept nogil:
    """Return how many of 2^16 numbers drop."""
    cdef double steps = rate * 65536 + 0.5
    return 65535 if steps >= 65535 else <uint16_t>steps


cdef void dropout_rows(
    const Step* step, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef uint16_t dropped = step.threshold if call.dropouts == NULL else dropout_threshold(call.dropouts[step.number])
    cdef uint64_t key = random_bits(call.key, step.number), word
    cdef uint64_t words = (step.outputs + 3) // 4
    cdef uint64_t bits[4]  # for a panel of 16
    cdef vec zero = broadcast(0), threshold = broadcast(<real>dropped)
    cdef vec scale = broadcast(<real>(65536.0 / (65536 - dropped)))
    cdef const real* source
    cdef real* target
    cdef Py_ssize_t p, r
    cdef int k, v
    for p in range(panels_of(step.outputs)):
        if dropped == 0:
            memcpy(
                y + (p * rows + first) * PANEL, x + (p * rows + first) * PANEL,
                <size_t>(past - first) * PANEL * sizeof(real),
            )
            continue
        for r in range(first, past):
            word = <uint64_t>(call.place * step.members + r) * words + p * (PANEL // 4)
            for k in range(PANEL // 4):
                bits[k] = random_bits(key, word + k)
            source = x + (p * rows + r) * PANEL
            target = y + (p * rows + r) * PANEL
            for v in range(PANEL_VECS):
                store(target + v * LANES, where_less(
                    from_shorts(<const uint16_t*>bits + v * LANES), threshold,
                    zero, load(source + v * LANES) * scale,
                ))


cdef void dropout_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    dropout_rows(step, x, y, rows, first, past, call)


cdef void dropout_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        dropout_rows(step, delta, grad_x, rows, first, past, call)


cdef int describe_dropout(Step* step, tuple arguments) except -1:
    """From the rate."""
    cdef double rate = arguments[0]
    if not 0 <= rate < 1:
        raise ValueError(f"steps: rate of dropout must be at least 0 and less than 1, got {rate}")
    step.draws = True
    step.threshold = dropout_threshold(rate)
    return 0


cdef Kind dropout_kind, dropout_learning_kind
dropout_learning_kind = Kind(NULL, 0, 0, NULL, False, dropout_step_forward, dropout_step_backward, NULL, NULL)
dropout_kind = Kind(
    b"dropout", 1, 1, describe_dropout, False, activation_step_forward, activation_step_backward, NULL,
    &dropout_learning_kind,
)

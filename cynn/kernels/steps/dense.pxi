# A dense step, y = f(x W + b), whose products the threads of a training share as split.pxi says. By columns the whole
# of the product's input must be there before, and the whole of its result before the next step, which takes rows.

cdef Split split_of_forward(
    const Step* step, Py_ssize_t rows, int threads, bint gathers, int forced
) noexcept nogil:
    """Return how x W is shared, and its gradient for W."""
    if step.activation == SOFTMAX or step.members > 1:  # which needs whole rows; of members there are enough
        forced = 1
    return best_split(rows, step.inputs, step.outputs, threads, gathers, False, forced)


cdef Split split_of_input_gradient(const Step* step, Py_ssize_t rows, int threads, int forced) noexcept nogil:
    """Return how delta W^T is shared."""
    if step.members > 1:
        forced = 1
    return best_split(rows, step.outputs, step.inputs, threads, False, True, forced)


cdef Share share_of_forward(const Step* step, const real* x, Py_ssize_t rows, const Call* call) noexcept nogil:
    """This thread's share of it; only threads of a training work together."""
    cdef Split split = split_of_forward(
        step, rows, call.threads, x == call.gathered, call.forced_columns if call.together else 1
    )
    return share_of(split, call.rank, used_rows(step, call), step.outputs)


cdef inline void see_columns(const Call* call, const Share* share) noexcept nogil:
    """Note by how many parts of columns a product is shared, for those who ask afterwards."""
    if call.rank == 0 and share.by_columns > call.columns_seen[0]:
        call.columns_seen[0] = share.by_columns


cdef void dense_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef Share share = share_of_forward(step, x, rows, call)
    cdef const real* w = parameters + step.weights
    cdef const real* b = w + panel_size(step.inputs, step.outputs)
    if share.by_columns == 1:
        dense_rows(
            x, w, b, step.activation, y, step.inputs, step.outputs, rows, first, past, call.ahead, call.look
        )
        return
    see_columns(call, &share)
    if x != call.gathered:
        barrier_wait(call.meeting)
    dense_rows(
        x, w + share.first_panel * step.inputs * PANEL, b + share.first_panel * PANEL, step.activation,
        y + share.first_panel * rows * PANEL, step.inputs, columns_of(&share, step.outputs), rows,
        share.first_row, share.past_row, call.ahead, call.look,
    )
    barrier_wait(call.meeting)


cdef void dense_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* w = transposed + step.transposed
    cdef Share share
    if is_wanted(call.look):
        activate_backward(step.activation, y, delta, rows, first, past, step.outputs)
    if grad_x == NULL:
        return
    share = share_of(
        split_of_input_gradient(step, rows, call.threads, call.forced_columns if call.together else 1),
        call.rank, used_rows(step, call), step.inputs,
    )
    if share.by_columns == 1:
        dense_input_gradient(delta, w, grad_x, step.inputs, step.outputs, rows, first, past, call.look)
        return
    see_columns(call, &share)
    barrier_wait(call.meeting)
    dense_input_gradient(
        delta, w + share.first_panel * step.outputs * PANEL, grad_x + share.first_panel * rows * PANEL,
        columns_of(&share, step.inputs), step.outputs, rows, share.first_row, share.past_row, call.look,
    )
    barrier_wait(call.meeting)


cdef void dense_step_gradient(
    const Step* step, const real* x, const real* delta, real* transposed, Py_ssize_t rows,
    const Rule* rule_of_w, const Rule* rule, const Call* call,
) noexcept nogil:
    cdef Share share = share_of_forward(step, x, rows, call)
    dense_weight_gradient(
        x, delta, step.inputs, step.outputs, rows, used_rows(step, call), rule.sink + step.weights,
        bias_in(rule.sink, step), rule_of_w, rule, transposed, &share,
        NULL if rule.updates else call.look,  # an update that has begun is finished
    )


cdef int describe_dense(Step* step, tuple arguments) except -1:
    """From outputs and activation, and False after them where there is no bias."""
    step.outputs = arguments[0]
    step.weight_rows = step.inputs
    step.activation = place_of("activation", arguments[1], ACTIVATIONS)
    step.biased = arguments[2] if len(arguments) == 3 else True
    return 0


cdef Kind dense_kind
dense_kind = Kind(
    b"dense", 2, 3, describe_dense, True, dense_step_forward, dense_step_backward, dense_step_gradient, NULL
)

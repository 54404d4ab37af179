# User-defined activations and losses: Python functions over arrays (cynn/_specs/user_functions.py documents
# their arguments). Such a network is computed here, on the calling thread: the compiled steps
# without the GIL, one after the other, and between them the functions with it. An error in a function ends the call
# as any other does. All other networks use the loops of train.pxi and job.pxi and none of this.

cdef enum:
    CALLED = LOSS_COUNT  # a loss that is a function; no kernel knows it


cdef class Functions:
    """The Python functions of a call, and their data."""

    cdef list of_steps  # a function or None for each step
    cdef int first  # the first step that is a function; else one past the last
    cdef object of_loss, y, order  # None: the kernels' loss


cdef object copied_out(object function, const real* panels, Py_ssize_t rows, Py_ssize_t count, Py_ssize_t columns):
    """Return the first `count` rows as a new array, which a function may keep."""
    cdef object rows_out = function.empty_rows(count, columns, sizeof(real))
    cdef real[:, ::1] view = rows_out
    expect_shape("network", "a function's input", view, count, columns)
    scatter(panels, rows, 0, count, &view[0, 0], 0, columns)
    return rows_out


cdef int copy_in(object answer, real* panels, Py_ssize_t rows, Py_ssize_t count, Py_ssize_t columns) except -1:
    cdef const real[:, ::1] values = answer
    cdef Targets source
    expect_shape("network", "a function's answer", values, count, columns)
    memset(&source, 0, sizeof(Targets))
    source.columns = columns
    source.values = &values[0, 0]
    gather_targets(&source, NULL, 0, 0, count, panels, rows, 1)
    return 0


cdef void in_steps(
    Job* job, real* workspace, Py_ssize_t start, Py_ssize_t count, int i, const Call* call
) noexcept nogil:
    """Step i forward, or all before it where i is `job.count`."""
    cdef uint64_t mode = flush_denormals()
    cdef const Step* step = &job.steps[i]
    if i == job.count:
        forward_rows(job, workspace, start, 0, count, job.count, call)
    else:
        forward_step(job, i, workspace + step.input * job.rows, workspace, 0, count, call)
    restore_denormals(mode)


cdef int forward_calling(
    Job* job, Functions functions, real* workspace, Py_ssize_t start, Py_ssize_t count, const Call* call
) except -1:
    """`forward_rows` with functions among the steps."""
    cdef const Step* step
    cdef object x
    cdef int i, steps = job.count
    cdef Py_ssize_t k
    job.count = functions.first
    with nogil:
        in_steps(job, workspace, start, count, job.count, call)
    job.count = steps
    expect_whole(job)
    for i in range(functions.first, steps):
        step = &job.steps[i]
        if functions.of_steps[i] is None:
            with nogil:
                in_steps(job, workspace, start, count, i, call)
            expect_whole(job)
        else:
            k = step.members
            x = copied_out(
                functions.of_steps[i], workspace + step.input * job.rows, k * job.rows, k * count, step.outputs
            )
            copy_in(
                functions.of_steps[i].value(x), workspace + step.output * job.rows, k * job.rows, k * count,
                step.outputs,
            )
    return 0


cdef int loss_calling(
    Job* job, Functions functions, real* workspace, Py_ssize_t start, Py_ssize_t count, const Call* call
) except -1:
    """`loss_of_rows`, for a loss that may be a function."""
    cdef const Step* last = &job.steps[job.count - 1]
    cdef real* prediction = workspace + last.output * job.rows
    cdef real* delta = workspace + last.gradient * job.rows
    cdef const double[::1] losses
    cdef tuple answer
    cdef Py_ssize_t r, p, c
    if functions.of_loss is None:
        with nogil:
            loss_of_rows(job, workspace, start, 0, count, call)
        return 0
    if job.outputs != NULL:
        give_outputs(job, workspace, start, 0, count)
    answer = functions.of_loss.of_rows(
        functions.y, functions.order, start,
        copied_out(functions.of_loss, prediction, job.rows, count, last.outputs),
    )
    losses = answer[0]
    if losses.shape[0] != count:
        raise ValueError(f"network: a user-defined loss must return {count} losses, got {losses.shape[0]}")
    copy_in(answer[1], delta, job.rows, count, last.outputs)
    for r in range(count):
        job.row_losses[r] = job.row_weights[r] * losses[r]
        for p in range(panels_of(last.outputs)):
            for c in range(PANEL):
                delta[(p * job.rows + r) * PANEL + c] *= job.row_weights[r]
    return 0


cdef int backward_calling(
    Job* job, Functions functions, real* workspace, Py_ssize_t count, int first, real* grad_of_input,
    const Call* call,
) except -1:
    """Backward pass to step `first`, and through it to its input unless `grad_of_input` is NULL."""
    cdef const Step* step
    cdef real* delta
    cdef real* grad_x
    cdef uint64_t mode
    cdef object asked
    cdef Py_ssize_t k
    cdef int i
    for i in range(job.count - 1, first - 1, -1):
        step = &job.steps[i]
        k = step.members
        delta = workspace + step.gradient * job.rows
        grad_x = grad_of_input if i == first else workspace + job.steps[i - 1].gradient * job.rows
        asked = functions.of_steps[i]
        if asked is None:
            with nogil:
                mode = flush_denormals()
                backward_step(job, i, workspace, grad_x, 0, count, call)
                restore_denormals(mode)
            expect_whole(job)
        elif grad_x != NULL:
            copy_in(
                asked.gradient(
                    copied_out(asked, workspace + step.input * job.rows, k * job.rows, k * count, step.outputs),
                    copied_out(asked, delta, k * job.rows, k * count, step.outputs),
                ),
                grad_x, k * job.rows, k * count, step.outputs,
            )
    return 0


cdef int train_calling(Job* job, Functions functions) except -1:
    """`train`. After an error weights and running statistics are those of the previous mini-batch."""
    cdef Rule rule = job.rule
    cdef int64_t updates = job.updates
    cdef double[MOST_SCALARS] scalars
    cdef Call call = start_call(job, NULL, 0, 1)
    cdef Look look
    cdef uint64_t mode
    cdef double total, loss, penalty
    cdef Py_ssize_t start, at
    memcpy(scalars, job.scalars, sizeof(scalars))
    barrier_open(&job.meeting, 1, 1)
    begin_look(&look, &job.dropped, job.caller, 0)
    if job.looks:
        call.look = &look
    if job.n_penalty_parts:
        penalty_parts(job, 0, 1)
    while job.step < job.past_step and not job.stop:
        total = begin_batch(job, job.step, &call)
        start = job.step * job.batch
        at = 0
        loss = 0
        penalty = in_order(job.penalty_parts, job.n_penalty_parts)
        while at < call.batch_rows:
            begin_block(job, start, at, total, &call)
            try:
                forward_calling(job, functions, job.workspace, start + at, call.used_rows, &call)
                loss_calling(job, functions, job.workspace, start + at, call.used_rows, &call)
                backward_calling(job, functions, job.workspace, call.used_rows, job.first_trained, NULL, &call)
                expect_whole(job)
            except BaseException:
                drop_batch(job)
                raise
            with nogil:
                mode = flush_denormals()
                sum_losses(job, &call, &loss)
                at += call.used_rows
                if at < call.batch_rows:
                    add_gradients(job, total, at == call.used_rows, &call)
                else:
                    end_batch(job, &rule, total, loss, penalty, job.step, &updates, scalars, &look, &call)
                restore_denormals(mode)
            expect_whole(job)
    return 0


cdef int infer_calling(Job* job, Functions functions) except -1:
    """`infer`, and `reach_inputs` where the job sets it."""
    cdef double* row_losses = job.row_losses
    cdef real* gradient = NULL
    cdef Call call = start_call(job, NULL, 0, 1)
    cdef Py_ssize_t start = 0, count
    if job.input_gradients == NULL:
        call.workspace = NULL
    if job.nonzeros.width:
        place_nonzeros(&job.nonzeros, <real*>job.nonzeros.values, job.rows)
    while start < job.total:
        count = smaller(job.rows, job.total - start)
        call.used_rows = count
        forward_calling(job, functions, job.workspace, start, count, &call)
        if row_losses == NULL:
            give_outputs(job, job.workspace, start, 0, count)
        else:
            job.row_losses = row_losses + start
            if begin_from_loss(job, job.workspace, start, count):
                loss_calling(job, functions, job.workspace, start, count, &call)
        if job.input_gradients != NULL:
            gradient = job.workspace + job.input_gradient * job.rows
            backward_calling(job, functions, job.workspace, count, 0, gradient, &call)
            give_input_gradients(job, gradient, start, count)
        start += count
    job.row_losses = row_losses
    return 0

# The backward pass through the whole network to its input: how the outputs of a row change with its inputs.

cdef bint begin_from_loss(Job* job, real* workspace, Py_ssize_t start, Py_ssize_t count) noexcept nogil:
    """Prepare the loss of some rows; return False where the outputs' gradient is given, and is in its place."""
    cdef const Step* last = &job.steps[job.count - 1]
    cdef Py_ssize_t r
    if job.input_gradients == NULL or job.reached_from_loss:
        weigh_rows(job, count, start, 0, count)
        return True
    gather_targets(
        &job.y, NULL, start, 0, count, workspace + last.gradient * job.rows, last.members * job.rows, last.members
    )
    if last.members > 1:  # a prediction is their mean
        affine_rows(
            workspace + last.gradient * job.rows, workspace + last.gradient * job.rows, 1 / <real>last.members, 0,
            last.members * job.rows, 0, last.members * count, last.outputs,
        )
    for r in range(count):
        job.row_losses[r] = 0
    return False


cdef void give_input_gradients(Job* job, real* gradient, Py_ssize_t start, Py_ssize_t count) noexcept nogil:
    affine_rows(gradient, gradient, job.input_scale, 0, job.rows, 0, count, job.steps[0].inputs)
    scatter(gradient, job.rows, 0, count, job.input_gradients, start, job.steps[0].inputs)


cdef void reach_inputs(void* argument, int rank, int threads) noexcept nogil:
    """Compute, by blocks of rows as in `infer`, gradients for the inputs in place of predictions."""
    cdef Job job = (<Job*>argument)[0]
    cdef real* workspace = job.workspace + rank * job.row_size * job.rows
    cdef double* row_losses = job.row_losses
    cdef real* gradient = workspace
    cdef Py_ssize_t start, count
    cdef int i
    cdef Call call = start_call(&job, NULL, rank, threads)
    call.workspace = workspace
    job.row_weights = job.row_weights + rank * job.rows
    if job.nonzeros.width:
        place_nonzeros(&job.nonzeros, <real*>job.nonzeros.values + rank * job.nonzeros_size, job.rows)
    while True:
        start = <Py_ssize_t>counter_next(job.next_block) * job.rows
        if start >= job.total:
            return
        count = smaller(job.rows, job.total - start)
        call.used_rows = count
        forward_rows(&job, workspace, start, 0, count, job.count, &call)
        job.row_losses = row_losses + start
        if begin_from_loss(&job, workspace, start, count):
            loss_of_rows(&job, workspace, start, 0, count, &call)
        for i in range(job.count - 1, -1, -1):
            gradient = workspace + (job.steps[i - 1].gradient if i > 0 else job.input_gradient) * job.rows
            backward_step(&job, i, workspace, gradient, 0, count, &call)
        give_input_gradients(&job, gradient, start, count)

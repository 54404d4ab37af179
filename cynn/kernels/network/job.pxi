# One call of a network, as its threads know it, and the passes of rows through the network, forward and backward.
# train.pxi has the loop of a training, gradients.pxi what is done with gradients; predictions are here.
#
#   a training's workspace    for every row of a block: input, outputs of the steps, gradients of those outputs,
#                             target; then W^T of the dense steps and the rows' weights and losses

cdef struct Job:
    const Step* steps
    int count
    int first_trained  # the first step that has weights
    int first_of_members  # the first that makes several rows of one; where none does, their number
    Py_ssize_t rows_at_once  # from there on
    int loss
    real loss_parameter
    const real* loss_by_column  # its parameters, in place of the one, or NULL
    const real* parameters
    real* state
    uint64_t key  # of the epoch's random numbers
    Py_ssize_t first_step  # of the epoch, where `order` begins
    Py_ssize_t place  # of the first row in its batch
    const Augmentation* augmentation  # of images, or NULL
    real* frames  # one for each thread
    real* copies  # of the input: all of the threads' parts of columns but the first, or NULL
    int forced_columns  # of products; 0: by the count
    int columns_seen  # the most parts of columns that a product was shared by
    Py_ssize_t blocks  # that were trained on
    bint one_batch  # the blocks are parts of one mini-batch
    Rule rule
    const Optimizer* optimizer  # sets the rule in each step; NULL: it does not change
    const double* numbers
    int64_t updates  # steps that the optimizer has done
    double scalars[MOST_SCALARS]  # and its scalars kept between them
    const double* penalties  # l1 and l2 of each step; NULL: there are none
    double* penalty_parts
    Py_ssize_t n_penalty_parts
    bint penalty_of_sum  # the penalty is part of a mini-batch's summed loss, not of its mean
    const double* factors  # of the learning rate and the weight decay, of each step's W and b; NULL: all are 1
    double clip_norm
    real* gradient  # all of it, where it is needed before any is used, or NULL
    double* squares  # of its parts
    Py_ssize_t packed  # numbers of the gradient
    bint mean  # divide a mini-batch's gradient by the sum of its weights
    # by step: an array each, or NULL where it stays the same
    const double* rates
    const double* momenta
    const double* weight_decays
    const double* dropouts  # the rates of all steps that draw
    const double* loss_parameters
    int draws  # how many steps do
    Rows x
    Targets y
    const real* weights  # NULL: all are one
    const int64_t* order  # NULL: in the order of the array
    Py_ssize_t total
    Py_ssize_t batch  # rows of a mini-batch
    Py_ssize_t rows  # of a block, the whole mini-batch if it is not larger
    Py_ssize_t step
    Py_ssize_t past_step
    double deadline
    Py_ssize_t steps_between_looks  # by the clock
    real* outputs  # where predictions go, or NULL
    bint gives_logits  # predictions are the loss's inputs, not the probabilities that it computes
    real* input_gradients  # the output of `input_gradient`
    bint reached_from_loss  # they are of the loss, not of the outputs along y
    real input_scale
    Py_ssize_t input_gradient  # where they lie in a workspace
    real* workspace
    Py_ssize_t row_size  # elements of a workspace for one row
    Py_ssize_t target
    Py_ssize_t member_weights, member_losses  # where those of a row's members lie in a workspace
    real* transposed
    real* row_weights
    double* row_losses
    Nonzeros nonzeros  # of the batch, or of a thread's block; width 0: the input is dense
    real* lists  # by column, for each thread
    Py_ssize_t nonzeros_size  # elements that each of these takes
    Py_ssize_t lists_size
    double loss_sum
    double weight_sum
    int stop
    int dropped  # a signal came in the midst of a step (threads/look.pxi)
    int overflowed  # running statistics would not be finite
    bint leaves_early  # what the calling thread has seen of `dropped` where all meet after the backward pass
    bint leaves_late  # and after the gradients, where these are kept
    void* caller  # the thread of Python that looks for signals; NULL: none does
    bint looks  # also in the midst of a step
    real* state_before  # running statistics before the step
    Py_ssize_t state_size
    int* next_block  # incremented by all threads; each copies the other fields of a job
    Team* team
    int members  # of it that train on the batch that comes
    int seats  # the same, for those that wait aside
    int aside  # how many wait aside
    Py_ssize_t first_of_call  # the step
    barrier meeting


cdef void share_input(const Job* job, Call* call) noexcept nogil:
    """Set which rows of the input this thread gathers, and where to: a copy for each part of columns of the first step."""
    cdef Split split
    call.gathered = NULL
    if job.copies == NULL:
        return
    split = split_of_forward(job.steps, job.rows, call.threads, True, call.forced_columns)
    if split.by_columns > 1:
        call.share = share_of(split, call.rank, call.used_rows, job.steps[0].outputs)
        call.gathered = job.workspace
        if call.rank % split.by_columns:
            call.gathered = job.copies + (call.rank % split.by_columns - 1) * panel_size(job.rows, job.steps[0].inputs)


cdef int most_copies(const Step* step, Py_ssize_t rows, int threads, int forced) noexcept nogil:
    """Return how many copies of the input so many threads, or fewer of them, need at most."""
    cdef int most = 1
    while threads > 1:
        most = <int>larger(most, split_of_forward(step, rows, threads, True, forced).by_columns)
        threads -= 1
    return most


cdef Call start_call(Job* job, Ahead* ahead, int rank, int threads) noexcept nogil:
    cdef Call call
    memset(&call, 0, sizeof(Call))
    call.ahead = ahead
    call.parameters = job.parameters
    call.workspace = job.workspace
    call.state = job.state
    call.rank = rank
    call.threads = threads
    call.meeting = &job.meeting
    call.forced_columns = job.forced_columns
    call.columns_seen = &job.columns_seen
    call.overflowed = &job.overflowed
    call.loss_parameter = job.loss_parameter
    return call


cdef double weight_of_rows(const Job* job, Py_ssize_t start, Py_ssize_t count) noexcept nogil:
    """Return the sum of the weights of rows from `start` on."""
    cdef double total = 0
    cdef Py_ssize_t r
    if job.weights == NULL:
        return <double>count
    for r in range(start, start + count):
        total += job.weights[r if job.order == NULL else job.order[r]]
    return total


cdef void weigh_rows(
    Job* job, double total, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Set the weights for the loss of rows first to past after `start`, of a mini-batch that weighs `total`."""
    cdef double scale = 1 if not job.mean else (1 / total if total != 0 else 0)
    cdef Py_ssize_t r
    for r in range(first, past):
        job.row_weights[r] = <real>(
            scale if job.weights == NULL
            else scale * job.weights[start + r if job.order == NULL else job.order[start + r]]
        )


cdef Share share_of_sparse(const Job* job, const Call* call) noexcept nogil:
    """This thread's share of a first step whose input is sparse, as if it were dense and gathered by each."""
    cdef const Step* step = &job.steps[0]
    cdef Split split = split_of_forward(
        step, job.rows, call.threads, True, call.forced_columns if call.together else 1
    )
    return share_of(split, call.rank, call.used_rows, step.outputs)


cdef inline void forward_step(
    const Job* job, int i, const real* x, real* workspace, Py_ssize_t first, Py_ssize_t past, const Call* call
) noexcept nogil:
    """Step i forward, of rows first to past of the network: a step of members has more of them."""
    cdef const Step* step = &job.steps[i]
    cdef Py_ssize_t k = step.members
    step.kind.forward(
        step, job.parameters, x, workspace + step.output * job.rows, k * job.rows, k * first, k * past, call
    )


cdef inline void backward_step(
    const Job* job, int i, real* workspace, real* grad_x, Py_ssize_t first, Py_ssize_t past, const Call* call
) noexcept nogil:
    """Step i backward."""
    cdef const Step* step = &job.steps[i]
    cdef Py_ssize_t k = step.members
    step.kind.backward(
        step, job.parameters, job.transposed, workspace + step.output * job.rows,
        workspace + step.gradient * job.rows, grad_x, k * job.rows, k * first, k * past, call,
    )


cdef void forward_steps(
    const Job* job, int first_step, int past_step, const real* x, real* workspace,
    Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    """Forward pass of rows first to past through some steps; x is the input of the first."""
    cdef int i
    for i in range(first_step, past_step):
        forward_step(job, i, x, workspace, first, past, call)
        x = workspace + job.steps[i].output * job.rows


cdef void forward_rows(
    Job* job, real* workspace, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past, int past_step, const Call* call
) noexcept nogil:
    """Forward pass of rows first to past of a mini-batch up to a step, which prefetches the rows of the next."""
    cdef const Step* step
    cdef const real* x = workspace
    cdef real* y
    cdef Share share
    cdef Nonzeros nonzeros
    cdef Lists lists
    cdef Py_ssize_t columns
    if job.nonzeros.width:
        step = &job.steps[0]
        y = workspace + step.output * job.rows
        gather_nonzeros(&job.x, job.order, start, first, past, &job.nonzeros)
        share = share_of_sparse(job, call)
        nonzeros = job.nonzeros
        if share.by_columns == 1:
            share.first_row, share.past_row = first, past
        else:
            place_lists(&lists, job.lists + call.rank * job.lists_size, job.rows)
            nonzeros.places = lists.places  # several threads go through the same rows
            see_columns(call, &share)
            barrier_wait(call.meeting)
        columns = columns_of(&share, step.outputs)
        sparse_rows(
            &nonzeros, job.parameters + step.weights + share.first_panel * step.inputs * PANEL,
            job.parameters + step.weights + panel_size(step.inputs, step.outputs) + share.first_panel * PANEL,
            y + share.first_panel * job.rows * PANEL,
            step.inputs, columns, job.rows, share.first_row, share.past_row,
        )
        activate(
            step.activation, y + share.first_panel * job.rows * PANEL, job.rows, share.first_row, share.past_row,
            columns,
        )
        if share.by_columns > 1:
            barrier_wait(call.meeting)
        x = y
    elif call.gathered != NULL:
        gather(
            &job.x, job.order, start, call.share.first_row, call.share.past_row, <real*>call.gathered, job.rows
        )
        x = call.gathered
    else:
        gather(&job.x, job.order, start, first, past, workspace, job.rows)
        if job.augmentation != NULL:
            augment_rows(
                job.augmentation, call, job.frames + call.rank * frame_size(job.augmentation),
                &job.x, workspace, job.rows, first, past,
            )
    forward_steps(job, 1 if job.nonzeros.width else 0, past_step, x, workspace, first, past, call)


cdef void give_outputs(
    const Job* job, const real* workspace, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    """Write the predictions of rows first to past: of members their mean."""
    cdef const Step* last = &job.steps[job.count - 1]
    cdef const real* prediction = workspace + last.output * job.rows
    cdef Py_ssize_t k = last.members, r, c, m
    cdef double total
    if k == 1:
        scatter(prediction, job.rows, first, past, job.outputs, start, last.outputs)
        return
    for r in range(first, past):
        for c in range(last.outputs):
            total = 0
            for m in range(k):
                total += prediction[place_in(k * job.rows, k * r + m, c)]
            job.outputs[(start + r) * last.outputs + c] = <real>(total / k)


cdef void loss_of_rows(
    Job* job, real* workspace, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past, const Call* call
) noexcept nogil:
    cdef const Step* last = &job.steps[job.count - 1]
    cdef real* prediction = workspace + last.output * job.rows
    cdef real* target = workspace + job.target * job.rows
    cdef real* weights = job.row_weights
    cdef double* losses = job.row_losses
    cdef Py_ssize_t k = last.members, r, m
    if k > 1:  # each member counts the same
        weights = workspace + job.member_weights * job.rows
        losses = <double*>(workspace + job.member_losses * job.rows)
        for r in range(first, past):
            for m in range(k):
                weights[k * r + m] = job.row_weights[r] / <real>k
    gather_targets(&job.y, job.order, start, first, past, target, k * job.rows, k)
    if job.outputs != NULL and job.gives_logits:
        give_outputs(job, workspace, start, first, past)
    loss_rows(
        job.loss, call.loss_parameter, job.loss_by_column, prediction, target,
        workspace + last.gradient * job.rows, weights, losses, k * job.rows, k * first, k * past, last.outputs,
    )
    if k > 1:
        for r in range(first, past):
            job.row_losses[r] = 0
            for m in range(k):
                job.row_losses[r] += losses[k * r + m]
    if job.outputs != NULL and not job.gives_logits:
        give_outputs(job, workspace, start, first, past)


cdef void backward_steps(
    Job* job, int first_step, int past_step, Py_ssize_t first, Py_ssize_t past, const Call* call
) noexcept nogil:
    """Backward pass of rows first to past through some steps, the last one first; none comes before the first trained."""
    cdef int i = past_step - 1
    cdef real* grad_x
    while i >= larger(first_step, job.first_trained):
        grad_x = NULL
        if i > job.first_trained:
            grad_x = job.workspace + job.steps[i - 1].gradient * job.rows
        backward_step(job, i, job.workspace, grad_x, first, past, call)
        i -= 1


cdef void pass_rows(
    Job* job, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past, const Call* call
) noexcept nogil:
    """Forward pass, loss and backward pass of rows first to past of a mini-batch.

    From the step on that makes members of them, which are many rows that no thread shares with others, only as many
    at once as stay in its cache.
    """
    cdef int shared = job.first_of_members
    cdef Py_ssize_t r = first, next
    cdef const real* x = job.workspace
    forward_rows(job, job.workspace, start, first, past, shared, call)
    if shared > 0:
        x = job.workspace + job.steps[shared - 1].output * job.rows
    while True:
        next = smaller(past, r + job.rows_at_once)
        forward_steps(job, shared, job.count, x, job.workspace, r, next, call)
        loss_of_rows(job, job.workspace, start, r, next, call)
        backward_steps(job, shared, job.count, r, next, call)
        r = next
        if r >= past:
            break
    backward_steps(job, 0, shared, first, past, call)


cdef void infer(void* argument, int rank, int threads) noexcept nogil:
    """Compute predictions and, with targets, losses of blocks of rows; a free thread takes the next block."""
    cdef Job job = (<Job*>argument)[0]
    cdef real* workspace = job.workspace + rank * job.row_size * job.rows
    cdef bint with_loss = job.row_losses != NULL
    cdef double* row_losses = job.row_losses
    cdef Py_ssize_t start, count
    cdef Ahead ahead
    cdef Look look
    cdef Call call = start_call(&job, &ahead, rank, threads)
    if job.looks:
        begin_look(&look, &(<Job*>argument).dropped, job.caller, rank)
        call.look = &look
    call.workspace = NULL
    if with_loss:
        job.row_weights = job.row_weights + rank * job.rows
    if job.nonzeros.width:
        place_nonzeros(&job.nonzeros, <real*>job.nonzeros.values + rank * job.nonzeros_size, job.rows)
    while True:
        start = <Py_ssize_t>counter_next(job.next_block) * job.rows
        if start >= job.total:
            return
        count = smaller(job.rows, job.total - start)
        look_ahead(
            &ahead, &job.x, &job.y, job.order, start + threads * job.rows,
            smaller(start + (threads + 1) * job.rows, job.total),
        )
        forward_rows(&job, workspace, start, 0, count, job.count, &call)
        if job.looks and is_dropped(&look):
            return
        if with_loss:
            job.row_losses = row_losses + start
            weigh_rows(&job, count, start, 0, count)
            loss_of_rows(&job, workspace, start, 0, count, &call)
        else:
            give_outputs(&job, workspace, start, 0, count)

# One call of a network, on every thread: its loops over mini-batches.
#
#   one mini-batch, on every thread                         thread 0        thread 1
#     gather, forward, loss, backward: its own rows         rows 0..63      rows 64..127
#     - barrier -
#     gradient and update: its own tiles of each W          tiles 0..97     tiles 98..195
#     - barrier -
#
#   a mini-batch of more rows than a workspace has is computed in blocks, whose gradients are added up in memory; after
#   the last, each thread uses its share of the sum
#
#   and where it costs less that W stays with a thread (ops/split.pxi), before its own rows
#     gather all rows, forward of the first step            units 0..63     units 64..127
#     - barrier -
#
#   a training's workspace    for every row of a batch: input, outputs of the steps, gradients of those outputs,
#                             target; then W^T of the dense steps and the rows' weights and losses

cdef struct Job:
    const Step* steps
    int count
    int first_trained  # the first step that has weights
    int loss
    real loss_parameter
    const real* parameters
    real* state
    uint64_t key  # of the epoch's random numbers
    Py_ssize_t first_step  # of the epoch, where `order` begins
    Py_ssize_t place  # of the first row in its batch
    const Augmentation* augmentation  # of images, or NULL
    real* frames  # one for each thread
    real* copies  # of the input: all of the threads' parts of columns but the first, or NULL
    int forced_columns  # of products; 0: by the count
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
    double clip_norm
    real* gradient  # all of it, where it is needed before any is used, or NULL
    double* squares  # of its parts
    Py_ssize_t packed  # numbers of the gradient
    bint mean  # divide a mini-batch's gradient by the sum of its weights
    const double* rates
    const double* momenta
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


cdef Call start_call(Job* job, Ahead* ahead, int rank, int threads) noexcept nogil:
    cdef Call call
    memset(&call, 0, sizeof(Call))
    call.ahead = ahead
    call.workspace = job.workspace
    call.state = job.state
    call.rank = rank
    call.threads = threads
    call.meeting = &job.meeting
    call.forced_columns = job.forced_columns
    call.overflowed = &job.overflowed
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


cdef void forward_rows(
    Job* job, real* workspace, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past, const Call* call
) noexcept nogil:
    """Forward pass of rows first to past of a mini-batch, which prefetches the rows of the next."""
    cdef int i
    cdef const Step* step
    cdef const real* x = workspace
    cdef real* y
    if job.nonzeros.width:
        step = &job.steps[0]
        y = workspace + step.output * job.rows
        gather_nonzeros(&job.x, job.order, start, first, past, &job.nonzeros)
        sparse_rows(
            &job.nonzeros, job.parameters + step.weights,
            job.parameters + step.weights + panel_size(step.inputs, step.outputs), y,
            step.inputs, step.outputs, job.rows, first, past,
        )
        activate(step.activation, y, job.rows, first, past, step.outputs)
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
    for i in range(1 if job.nonzeros.width else 0, job.count):
        step = &job.steps[i]
        step.kind.forward(
            step, job.parameters, x, workspace + step.output * job.rows, job.rows, first, past,
            call,
        )
        x = workspace + step.output * job.rows


cdef void loss_of_rows(
    Job* job, real* workspace, Py_ssize_t start, Py_ssize_t first, Py_ssize_t past
) noexcept nogil:
    cdef const Step* last = &job.steps[job.count - 1]
    cdef real* prediction = workspace + last.output * job.rows
    cdef real* target = workspace + job.target * job.rows
    gather_targets(&job.y, job.order, start, first, past, target, job.rows)
    if job.outputs != NULL and job.gives_logits:
        scatter(prediction, job.rows, first, past, job.outputs, start, last.outputs)
    loss_rows(
        job.loss, job.loss_parameter, prediction, target, workspace + last.gradient * job.rows,
        job.row_weights, job.row_losses, job.rows, first, past, last.outputs,
    )
    if job.outputs != NULL and not job.gives_logits:
        scatter(prediction, job.rows, first, past, job.outputs, start, last.outputs)


cdef void backward_rows(Job* job, Py_ssize_t first, Py_ssize_t past, const Call* call) noexcept nogil:
    cdef int i = job.count - 1
    cdef const Step* step
    cdef real* grad_x
    while i >= job.first_trained:
        step = &job.steps[i]
        grad_x = NULL
        if i > job.first_trained:
            grad_x = job.workspace + job.steps[i - 1].gradient * job.rows
        step.kind.backward(
            step, job.parameters, job.transposed, job.workspace + step.output * job.rows,
            job.workspace + step.gradient * job.rows, grad_x, job.rows, first, past, call,
        )
        i -= 1


cdef inline bint is_finite(double x) noexcept nogil:
    return x - x == 0


cdef inline bint is_penalised(const Job* job, int i) noexcept nogil:
    return job.penalties != NULL and (job.penalties[2 * i] != 0 or job.penalties[2 * i + 1] != 0)


cdef void penalty_parts(Job* job, int rank, int threads) noexcept nogil:
    """This thread's share of the penalties for the weights."""
    cdef const Step* step
    cdef double* parts = job.penalty_parts
    cdef Py_ssize_t panels
    cdef int i
    for i in range(job.first_trained, job.count):
        step = &job.steps[i]
        if is_penalised(job, i):
            panels = panels_of(step.outputs)
            blocks_of_penalty(
                &job.penalties[2 * i], parts, job.parameters + step.weights, step.inputs,
                panels * rank // threads, panels * (rank + 1) // threads, 0, step.inputs,
            )
            parts += blocks_of(step.inputs, step.outputs)


cdef inline Rule rule_of_step(
    const Job* job, const Rule* rule, int i, double scale, double** parts
) noexcept nogil:
    """Return the rule for a step's W: with its penalty, where it has one; the next one's parts follow."""
    cdef Rule changed = rule[0]
    if not is_penalised(job, i) or rule.weights == NULL:
        return changed
    if rule.decays and not rule.prepares and job.penalties[2 * i] == 0:
        changed.weight_decay += <real>(2 * job.penalties[2 * i + 1] * scale)
    else:
        changed.l1 = <real>(job.penalties[2 * i] * scale)
        changed.l2 = <real>(job.penalties[2 * i + 1] * scale)
        changed.prepares = True
        changed.plain = False
    if rule.updates:
        changed.penalty = &job.penalties[2 * i]
        changed.parts = parts[0]
        parts[0] += blocks_of(job.steps[i].inputs, job.steps[i].outputs)
    return changed


cdef void use_gradients(
    Job* job, const Rule* rule, double total, const Call* call
) noexcept nogil:
    """This thread's share of the weights' gradients over a batch of weight `total`."""
    cdef double scale = 1 / total if job.penalty_of_sum else 1
    cdef double* parts = job.penalty_parts
    cdef int i
    cdef const Step* step
    cdef const real* x
    cdef real* transposed
    cdef Lists lists
    cdef Rule rule_of_w
    if job.nonzeros.width:
        step = &job.steps[0]
        rule_of_w = rule_of_step(job, rule, 0, scale, &parts)
        place_lists(&lists, job.lists + call.rank * job.lists_size, job.rows)
        sparse_weight_gradient(
            &job.nonzeros, &lists, job.workspace + step.gradient * job.rows, step.inputs, step.outputs,
            job.rows, call.used_rows, rule.sink + step.weights, bias_in(rule.sink, step), &rule_of_w, rule,
            call.rank, call.threads,
        )
    for i in range(1 if job.nonzeros.width else job.first_trained, job.count):
        step = &job.steps[i]
        if step.kind.gradient == NULL:
            continue
        x = job.workspace + (job.steps[i - 1].output * job.rows if i > 0 else 0)
        if i == 0 and call.gathered != NULL:
            x = call.gathered
        transposed = NULL
        if step.kind.multiplies and i > job.first_trained and rule.updates:
            transposed = job.transposed + step.transposed
        rule_of_w = rule_of_step(job, rule, i, scale, &parts)
        step.kind.gradient(
            step, x, job.workspace + step.gradient * job.rows, transposed, job.rows, &rule_of_w, rule, call
        )


cdef void follow_weights(Job* job, const Rule* rule, const Call* call) noexcept nogil:
    """This thread's share of what is kept in step with the weights: penalties and transposes."""
    cdef Py_ssize_t units
    cdef const Step* step
    cdef int i
    if job.n_penalty_parts:
        penalty_parts(job, call.rank, call.threads)
    for i in range(job.first_trained + 1, job.count):
        step = &job.steps[i]
        if step.kind.multiplies:
            units = transposed_units(step.inputs, step.outputs)
            transpose_units(
                rule.sink + step.weights, step.inputs, step.outputs, job.transposed + step.transposed,
                units * call.rank // call.threads, units * (call.rank + 1) // call.threads,
            )


cdef void clip_and_use_gradients(
    Job* job, const Rule* rule, double total, const Call* call
) noexcept nogil:
    """As `use_gradients`, where the norm of the whole gradient must be known before any of it is used."""
    cdef Rule kept, clipped = rule[0]
    cdef int rank = call.rank, threads = call.threads
    cdef Py_ssize_t parts = parts_of(job.packed), first, past
    cdef bint is_one_block = call.used_rows == call.batch_rows
    begin_rule(&kept, keep, job.gradient)
    kept.prepares = rule.prepares
    kept.weights = rule.weights
    kept.clip = rule.clip
    if is_one_block:
        use_gradients(job, &kept, total, call)
    else:
        add_gradients(job, total, False, call)
    if is_left(job, call, &job.leaves_late):
        return
    if not is_one_block:
        use_kept_gradients(job, &kept, total, call)
        barrier_wait(&job.meeting)
    parts_of_penalty(job.gradient, job.packed, 0, 1, job.squares, rank, threads)
    barrier_wait(&job.meeting)
    clipped.clip = <real>INFINITY
    clipped.scale = factor_of_norm(in_order(job.squares, parts), job.clip_norm)
    clipped.prepares = clipped.scale != 1
    first = parts * rank // threads * PART
    past = smaller(parts * (rank + 1) // threads * PART, job.packed)
    use_gradient(&clipped, rule.sink + first, job.gradient + first, past - first)
    barrier_wait(&job.meeting)
    follow_weights(job, rule, call)


cdef void keep_and_use_gradients(
    Job* job, const Rule* rule, double total, const Call* call
) noexcept nogil:
    """As `use_gradients`, where they take long, to the same bits, or add up over blocks.

    Until all are there the step can be dropped.
    """
    add_gradients(job, total, call.used_rows == call.batch_rows, call)
    if is_left(job, call, &job.leaves_late):
        return
    use_kept_gradients(job, rule, total, call)
    barrier_wait(&job.meeting)
    follow_weights(job, rule, call)


cdef void add_gradients(Job* job, double total, bint is_first, const Call* call) noexcept nogil:
    """Add this thread's share of a block's gradients to those of the blocks before it."""
    cdef Rule kept
    begin_rule(&kept, keep if is_first else add, job.gradient)
    use_gradients(job, &kept, total, call)


cdef void use_kept_gradients(Job* job, const Rule* rule, double total, const Call* call) noexcept nogil:
    """This thread's share of the gradients in memory."""
    cdef double scale = 1 / total if job.penalty_of_sum else 1
    cdef double* parts = job.penalty_parts
    cdef const Step* step
    cdef Py_ssize_t size
    cdef Rule rule_of_w
    cdef int i
    for i in range(job.first_trained, job.count):
        step = &job.steps[i]
        if step.kind.gradient == NULL:
            continue
        rule_of_w = rule_of_step(job, rule, i, scale, &parts)
        size = panel_size(step.weight_rows, step.outputs)
        use_kept_gradient(job, &rule_of_w, step.weights, size, call)
        if step.biased:
            use_kept_gradient(job, rule, step.weights + size, panel_size(1, step.outputs), call)


cdef void use_kept_gradient(
    Job* job, const Rule* rule, Py_ssize_t at, Py_ssize_t size, const Call* call
) noexcept nogil:
    """This thread's share of `size` numbers of the gradient."""
    cdef Py_ssize_t parts = parts_of(size)
    cdef Py_ssize_t first = parts * call.rank // call.threads * PART
    cdef Py_ssize_t past = smaller(parts * (call.rank + 1) // call.threads * PART, size)
    use_gradient(rule, rule.sink + at + first, job.gradient + at + first, past - first)


cdef bint is_left(Job* job, const Call* call, bint* leaves) noexcept nogil:
    """Wait until all threads are here; return whether the step is dropped, to all the same."""
    if call.rank == 0:
        leaves[0] = counter_get(&job.dropped) != 0
    barrier_wait(&job.meeting)
    return leaves[0]


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


cdef double begin_batch(Job* job, Py_ssize_t step, Call* call) noexcept nogil:
    """Set which mini-batch it is; return the sum of its weights."""
    cdef Py_ssize_t start = step * job.batch
    cdef double total
    call.batch_rows = smaller(job.batch, job.total - start)
    total = weight_of_rows(job, start, call.batch_rows)
    if call.rank == 0 and job.state_size:
        memcpy(job.state_before, job.state, job.state_size * sizeof(real))
    call.counts = total != 0 or not job.mean
    call.key = batch_key(job.key, job.first_step + (0 if job.one_batch else step))
    return total


cdef void begin_block(Job* job, Py_ssize_t start, Py_ssize_t at, double total, Call* call) noexcept nogil:
    """Set which rows of the mini-batch come next, those from `at` on, and the weights of this thread's."""
    cdef Py_ssize_t count = smaller(job.rows, call.batch_rows - at)
    call.used_rows = count
    call.place = job.place + (start if job.one_batch else at)
    weigh_rows(
        job, total, start + at, count * call.rank // call.threads, count * (call.rank + 1) // call.threads
    )
    share_input(job, call)


cdef void sum_losses(const Job* job, const Call* call, double* loss) noexcept nogil:
    """Add those of a block. Every thread sums them, so that none waits to know whether the sum is finite."""
    cdef Py_ssize_t r
    for r in range(call.used_rows):
        loss[0] += job.row_losses[r]


cdef void end_batch(
    Job* job, Rule* rule, double total, double loss, double penalty, Py_ssize_t step, int64_t* updates,
    double* scalars, Look* look, const Call* call,
) noexcept nogil:
    """Use this thread's share of the mini-batch's gradients; or leave all as it was.

    A loss that is not finite is the last: it changes no weight.
    """
    cdef bint counts
    if job.n_penalty_parts and call.counts:
        loss += penalty * (1 / total if job.penalty_of_sum else 1)
    counts = call.counts and (is_finite(loss) or job.optimizer == NULL)
    if counts:
        if job.optimizer != NULL:
            updates[0] += 1
            job.optimizer.set_step(
                rule, job.numbers, scalars, job.rates[step], job.momenta[step], updates[0]
            )
        if job.gradient == NULL:
            use_gradients(job, rule, total, call)
        elif job.clip_norm < INFINITY:
            clip_and_use_gradients(job, rule, total, call)
        else:
            keep_and_use_gradients(job, rule, total, call)
    if call.rank != 0:
        return
    if job.leaves_late:
        drop_batch(job)
        return
    if counts:
        job.updates = updates[0]
        memcpy(job.scalars, scalars, sizeof(job.scalars))
    job.loss_sum += loss * total if job.mean else loss
    job.weight_sum += total
    job.step = step + 1
    if job.team != NULL:
        counter_set(&job.members, next_members(job, call.threads, call.batch_rows == job.batch))
    if not is_finite(job.loss_sum) and job.optimizer != NULL:
        drop_batch(job)
    elif step % job.steps_between_looks == 0 and (monotonic_seconds() >= job.deadline or is_dropped(look)):
        job.stop = 1


cdef void drop_batch(Job* job) noexcept nogil:
    """Stop, with the running statistics as before the step; nothing else has changed."""
    job.stop = 1
    memcpy(job.state, job.state_before, job.state_size * sizeof(real))


# How many train may change from mini-batch to mini-batch, the first of the team decides. Threads that start late join;
# and where the members wait for each other longer than they work, or fewer are faster, some wait aside until there is
# room again:
#
#   rank 0    members = 1, barrier, trains alone                       members = 2, barrier of two, ...
#   rank 1                 barrier, is aside, asleep until seats > 1   goes on with the step that job names
#
# A rank is called back when all that were sent have gone: so each reads the number that is meant for it. One that comes
# late to read how many are members may find that of a later mini-batch, but none that it is among.

cdef int next_members(Job* job, int members, bint is_whole) noexcept nogil:
    """Return how many train on the next mini-batch; called by the first before the barrier, after a whole one or not."""
    cdef int most = 1 + gate_comers(&job.team.gate)
    cdef int wanted = <int>smaller(
        pace_members(&job.team.pace, &job.meeting, members, most),
        trial_members(&job.team.trial, members, most, is_whole, monotonic_seconds()),
    )
    if wanted > members and counter_get(&job.aside) < gate_members(&job.team.gate) - members:
        return members
    if wanted < members:
        counter_set(&job.seats, wanted)
    return wanted


cdef void change_members(Job* job, int members) noexcept nogil:
    """Make it so many, called by the first after the barrier."""
    barrier_resize(&job.meeting, members)
    if members > gate_members(&job.team.gate):
        gate_admit(&job.team.gate, members)
    call_back(job, members)


cdef void call_back(Job* job, int members) noexcept nogil:
    """Let go on who waits aside."""
    counter_set(&job.seats, members)
    wake_all(&job.meeting.waiters, &job.seats)


cdef int wait_aside(Job* job, int rank) noexcept nogil:
    """Wait until this rank is called back; return the number of members."""
    cdef int seats
    counter_add(&job.aside)
    while True:
        seats = counter_get(&job.seats)
        if seats > rank:
            break
        wait_while(&job.meeting.waiters, &job.seats, seats, 0)
    counter_sub(&job.aside)
    return seats


cdef int expect_whole(const Job* job) except -1:
    """Raise the error of a signal that ended a call, or that of a mini-batch that was dropped."""
    if job.dropped:
        raised_by_signal()
    if job.overflowed:
        raise FloatingPointError(
            "batch_norm must have mini-batches of which mean and variance are finite in "
            f"float{8 * sizeof(real)}, got one that is infinite or NaN: put a Normalize in front of it where inputs "
            "are large, fill values perhaps, or lower the learning rate where the training has diverged"
        )
    return 0


cdef void train(void* argument, int rank, int threads) noexcept nogil:
    """Train on mini-batches in order: the rule uses the gradients, and the transposes follow the weights.

    A thread that starts late joins at the start of a mini-batch.
    """
    cdef Job* job = <Job*>argument
    cdef Rule rule = job.rule
    cdef int64_t updates = job.updates
    cdef double[MOST_SCALARS] scalars
    cdef Ahead ahead
    cdef Look look
    cdef Call call = start_call(job, &ahead, rank, threads)
    cdef Py_ssize_t step = job.step, start, at, following, count, first, past
    cdef double total, loss, penalty = 0
    call.together = True
    begin_look(&look, &job.dropped, job.caller, rank)
    if job.looks:
        call.look = &look
    memcpy(scalars, job.scalars, sizeof(scalars))
    if job.n_penalty_parts and step == job.first_of_call:
        penalty_parts(job, rank, threads)
        barrier_wait(&job.meeting)
    while step < job.past_step:
        total = begin_batch(job, step, &call)
        start = step * job.batch
        at = 0
        loss = 0
        penalty = in_order(job.penalty_parts, job.n_penalty_parts)  # before any weight changes
        while True:
            begin_block(job, start, at, total, &call)
            count = call.used_rows
            first = count * rank // threads
            past = count * (rank + 1) // threads
            following = start + at + count
            look_ahead(
                &ahead, &job.x, &job.y, job.order, following + first, smaller(following + past, job.total)
            )
            forward_rows(job, job.workspace, start + at, first, past, &call)
            loss_of_rows(job, job.workspace, start + at, first, past)
            backward_rows(job, first, past, &call)
            if is_left(job, &call, &job.leaves_early) or counter_get(&job.overflowed):
                if rank == 0:
                    drop_batch(job)
                    call_back(job, GATE_ROOM)
                return
            sum_losses(job, &call, &loss)
            at += count
            if at == call.batch_rows:
                break
            add_gradients(job, total, at == count, &call)
            barrier_wait(&job.meeting)
        end_batch(job, &rule, total, loss, penalty, step, &updates, scalars, &look, &call)
        barrier_wait(&job.meeting)
        step += 1
        if job.stop or step == job.past_step:
            if rank == 0:
                call_back(job, GATE_ROOM)
            return
        if rank == 0 and job.members != threads:
            change_members(job, job.members)
        threads = call.threads = counter_get(&job.members)
        if rank >= threads:
            threads = call.threads = wait_aside(job, rank)
            step, updates = job.step, job.updates
            memcpy(scalars, job.scalars, sizeof(scalars))
            if job.stop or step == job.past_step:
                return


cdef void infer(void* argument, int rank, int threads) noexcept nogil:
    """Compute predictions and, with targets, losses of blocks of rows; a free thread takes the next block."""
    cdef Job job = (<Job*>argument)[0]
    cdef real* workspace = job.workspace + rank * job.row_size * job.rows
    cdef const Step* last = &job.steps[job.count - 1]
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
        forward_rows(&job, workspace, start, 0, count, &call)
        if job.looks and is_dropped(&look):
            return
        if with_loss:
            job.row_losses = row_losses + start
            weigh_rows(&job, count, start, 0, count)
            loss_of_rows(&job, workspace, start, 0, count)
        else:
            scatter(
                workspace + last.output * job.rows, job.rows, 0, count, job.outputs, start, last.outputs
            )

# A training, on every thread: its loop over mini-batches.
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

cdef double begin_batch(Job* job, Py_ssize_t step, Call* call) noexcept nogil:
    """Set which mini-batch it is; return the sum of its weights."""
    cdef Py_ssize_t start = step * job.batch
    cdef double total
    call.batch_rows = smaller(job.batch, job.total - start)
    total = weight_of_rows(job, start, call.batch_rows)
    if call.rank == 0 and job.state_size:
        memcpy(job.state_before, job.state, job.state_size * sizeof(real))
    call.counts = total != 0 or not job.mean
    if job.one_batch:
        step = 0
    call.key = batch_key(job.key, job.first_step + step)
    if job.dropouts != NULL:
        call.dropouts = job.dropouts + step * job.draws
    if job.loss_parameters != NULL:
        call.loss_parameter = <real>job.loss_parameters[step]
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
    cdef const double* weight_decay = NULL
    cdef bint counts
    if job.n_penalty_parts and call.counts:
        loss += penalty * (1 / total if job.penalty_of_sum else 1)
    counts = call.counts and (is_finite(loss) or job.optimizer == NULL)
    if counts:
        if job.optimizer != NULL:
            updates[0] += 1
            if job.weight_decays != NULL:
                weight_decay = &job.weight_decays[step]
            set_rule(
                job.optimizer, rule, job.numbers, scalars, job.rates[step], job.momenta[step], weight_decay,
                updates[0],
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
        counter_set(&job.stop, 1)


cdef void drop_batch(Job* job) noexcept nogil:
    """Stop, with the running statistics as before the step; nothing else has changed."""
    counter_set(&job.stop, 1)
    memcpy(job.state, job.state_before, job.state_size * sizeof(real))


# How many train may change from mini-batch to mini-batch, the first of the team decides. Threads that start late join;
# and where the members wait for each other longer than they work, or fewer are faster, some wait aside until there is
# room again:
#
#   rank 0    members = 1, barrier, trains alone                       members = 2, barrier of two, ...
#   rank 1                 barrier, is aside, asleep until seats > 1   goes on with the step that job names
#
# A rank is called back when all that were sent have gone: so each reads the number that is meant for it. One that comes
# late to read how many are members, or whether all stop, may find that of a later mini-batch, but not that it is a member.

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
            pass_rows(job, start + at, first, past, &call)
            if is_left(job, &call, &job.leaves_early) or counter_get(&job.overflowed):
                if rank == 0:
                    drop_batch(job)
                    call_back(job, GATE_ROOM)
                return
            sum_losses(job, &call, &loss)
            at += count
            if rank == 0:
                job.blocks += 1
            if at == call.batch_rows:
                break
            add_gradients(job, total, at == count, &call)
            barrier_wait(&job.meeting)
        end_batch(job, &rule, total, loss, penalty, step, &updates, scalars, &look, &call)
        barrier_wait(&job.meeting)
        step += 1
        if counter_get(&job.stop) or step == job.past_step:
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
            if counter_get(&job.stop) or step == job.past_step:
                return

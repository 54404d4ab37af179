# What is done with the gradients of a mini-batch's weights. Each thread has its share of them; most are used tile by tile,
# as they are computed. They are kept in memory before any is used where their norm decides, where they are added up over blocks,
# and where they take so long that a signal must be able to end the step.

cdef inline bint is_finite(double x) noexcept nogil:
    return x - x == 0


cdef inline bint is_penalised(const Job* job, int i) noexcept nogil:
    return job.penalties != NULL and (job.penalties[2 * i] != 0 or job.penalties[2 * i + 1] != 0)


cdef inline const double* factors_of(const double* factors, int i, bint of_bias) noexcept nogil:
    """Return those of a step's W, or of its b: of the learning rate and of the weight decay."""
    return &factors[4 * i + (2 if of_bias else 0)]


cdef inline bint is_frozen(const Job* job, int i) noexcept nogil:
    """Return whether none of a step's weights changes."""
    return (
        job.factors != NULL and factors_of(job.factors, i, False)[0] == 0
        and (factors_of(job.factors, i, True)[0] == 0 or not job.steps[i].biased)
    )


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


cdef inline Rule rule_of_weights(const Job* job, const Rule* rule, int i, bint of_bias) noexcept nogil:
    """Return the rule for a step's W or b, with the factors of their own, where a rule updates."""
    if job.factors == NULL or not rule.updates:
        return rule[0]
    return rule_by_factors(rule, factors_of(job.factors, i, of_bias))


cdef inline Rule rule_of_step(
    const Job* job, const Rule* rule, int i, double scale, double** parts
) noexcept nogil:
    """Return the rule for a step's W: with its factors, and its penalty, if any; the next one's parts follow."""
    cdef Rule changed = rule_of_weights(job, rule, i, False)
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
    cdef Share share
    cdef Rule rule_of_w, rule_of_b
    if job.nonzeros.width:
        rule_of_w = rule_of_step(job, rule, 0, scale, &parts)
    if job.nonzeros.width and not (rule.updates and is_frozen(job, 0)):
        step = &job.steps[0]
        rule_of_b = rule_of_weights(job, rule, 0, True)
        share = share_of_sparse(job, call)
        place_lists(&lists, job.lists + call.rank * job.lists_size, job.rows)
        sparse_weight_gradient(
            &job.nonzeros, &lists, job.workspace + step.gradient * job.rows, step.inputs, step.outputs,
            job.rows, call.used_rows, rule.sink + step.weights, bias_in(rule.sink, step), &rule_of_w, &rule_of_b,
            &share,
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
        if rule.updates and is_frozen(job, i):
            continue
        rule_of_b = rule_of_weights(job, rule, i, True)
        step.kind.gradient(
            step, x, job.workspace + step.gradient * job.rows, transposed, step.members * job.rows, &rule_of_w,
            &rule_of_b, call,
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
    cdef Py_ssize_t parts = parts_of(job.packed)
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
    parts_of_penalty(job.gradient, job.packed, 0, 1, job.squares, call.rank, call.threads)
    barrier_wait(&job.meeting)
    clipped.clip = <real>INFINITY
    clipped.scale = factor_of_norm(in_order(job.squares, parts), job.clip_norm)
    clipped.prepares = clipped.scale != 1
    use_whole_gradient(
        &clipped, job.gradient, job.packed, job.steps, job.count, job.factors, call.rank, call.threads
    )
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
    cdef Rule own
    cdef int i
    for i in range(job.first_trained, job.count):
        step = &job.steps[i]
        if step.kind.gradient == NULL:
            continue
        own = rule_of_step(job, rule, i, scale, &parts)
        size = panel_size(step.weight_rows, step.weight_columns)
        use_kept_gradient(&own, job.gradient, step.weights, size, call.rank, call.threads)
        if step.biased:
            own = rule_of_weights(job, rule, i, True)
            use_kept_gradient(
                &own, job.gradient, step.weights + size, panel_size(1, step.weight_columns), call.rank, call.threads
            )


cdef void use_whole_gradient(
    const Rule* rule, real* gradient, Py_ssize_t packed, const Step* steps, int count, const double* factors,
    int rank, int threads,
) noexcept nogil:
    """This thread's share of an update by the gradients of all weights, with the factors of each, unless NULL."""
    cdef const Step* step
    cdef Py_ssize_t size
    cdef Rule own
    cdef int i
    if factors == NULL:
        use_kept_gradient(rule, gradient, 0, packed, rank, threads)
        return
    for i in range(count):
        step = &steps[i]
        size = panel_size(step.weight_rows, step.weight_columns)
        if step.weight_rows:
            own = rule_by_factors(rule, factors_of(factors, i, False))
            use_kept_gradient(&own, gradient, step.weights, size, rank, threads)
        if step.weight_rows and step.biased:
            own = rule_by_factors(rule, factors_of(factors, i, True))
            use_kept_gradient(&own, gradient, step.weights + size, panel_size(1, step.weight_columns), rank, threads)


cdef void use_kept_gradient(
    const Rule* rule, real* gradient, Py_ssize_t at, Py_ssize_t size, int rank, int threads
) noexcept nogil:
    """This thread's share of `size` numbers of the gradient."""
    cdef Py_ssize_t parts = parts_of(size)
    cdef Py_ssize_t first = parts * rank // threads * PART
    cdef Py_ssize_t past = smaller(parts * (rank + 1) // threads * PART, size)
    use_gradient(rule, rule.sink + at + first, gradient + at + first, past - first)


cdef bint is_left(Job* job, const Call* call, bint* leaves) noexcept nogil:
    """Wait until all threads are here; return whether the step is dropped, to all the same."""
    if call.rank == 0:
        leaves[0] = counter_get(&job.dropped) != 0
    barrier_wait(&job.meeting)
    return leaves[0]

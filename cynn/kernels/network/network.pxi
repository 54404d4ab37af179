# The network: what Python enters once per call; plan.pxi has its steps, train.pxi and job.pxi the loops.

import threading as _threading

# Rows of a block that a thread predicts: whole tiles. And rows of members that it passes through the steps at once: of
# 512 columns they take 384 KB, which stay in the second-level cache from step to step, and W is read for enough of them.
cdef enum:
    LEAST_BLOCK = 24
    MOST_BLOCK = 48
    MEMBERS_AT_ONCE = 192

# Floating point operations of a step, some milliseconds, from which on it is looked into for signals (threads/look.pxi);
# and how many times as many each thread has of an update that is done in two: first all gradients, in memory for as
# many numbers as the network has, which can be interrupted, and then the update alone, which cannot.
cdef enum:
    WORK_TO_LOOK = 200000000
    LOOKS_TO_KEEP = 4 * LANES

# Rows whose gradients `gradients` sums at once, and the most that `train_epoch` does: those of a larger mini-batch are
# computed in blocks, for which there is room in a cache.
cdef enum:
    GRADIENT_BLOCK = 256
    LARGEST_BLOCK = 1024


cdef const double* by_step(str name, numbers, Py_ssize_t steps) except? NULL:
    """Return an array's numbers, one for each step."""
    cdef const double[::1] read
    if numbers is None:
        raise ValueError(f"network: {name} must be an array, got None")
    read = numbers
    expect("network", name, read.shape[0] == steps, read.shape[0], f"have {steps} numbers")
    return &read[0] if steps else NULL


@cython.binding(False)  # as its base
cdef class Network(Plan):
    """A dense network that runs a plan of steps; see the reference for the plain version."""

    cdef double loss_so_far, weight_so_far  # of the epoch, over its slices
    cdef public bint seek_zeros  # read dense rows as sparse ones
    cdef KeptTeam kept  # for calls in quick succession
    cdef int64_t work_done  # by these
    cdef public int scratch_fill  # a byte that new workspaces are filled with; negative: not filled
    cdef public double work_to_look
    cdef public Py_ssize_t largest_block
    # of the last training: its blocks, and the most parts of columns that its threads shared a product by
    cdef readonly Py_ssize_t blocks_trained
    cdef readonly int columns_shared

    def __cinit__(self):
        self.scratch_fill = -1
        self.work_to_look = WORK_TO_LOOK
        self.largest_block = LARGEST_BLOCK

    def __dealloc__(self):
        with nogil:
            end_team(&self.kept.team)

    @property
    def keeps_threads(self):
        """Whether the threads of a call stay for the next one: for the length of a fit."""
        return is_kept(&self.kept)

    @keeps_threads.setter
    def keeps_threads(self, bint given):
        self.work_done = 0
        with nogil:
            keep_team(&self.kept, given)

    cdef int threads_of_call(self, double work, double between, int threads) noexcept:
        """Return the number of threads for a call of so much work, in all and between two barriers."""
        if word_get(&shared.process):
            work = WORK_TO_START * <double>threads
        elif word_get(&self.kept.process):
            # where this is enough for all threads, how much more it is does not matter
            work = counter_sum(&self.work_done, <int64_t>(work if work < 1e12 else 1e12))
        return threads_for(work, WORK_TO_START, threads_for(between, WORK_TO_MEET, threads))

    # -- training and prediction: fill in a job, run it on a team of threads

    cdef Source read(self, x):
        cdef Source source = Source.__new__(Source)
        source.hold(x, self.n_inputs, self.scale, self.offset, self.shift, self.seek_zeros)
        if source.widest and self.steps[0].kind != &dense_kind:
            raise ValueError("x must not be sparse where the network does not begin with a dense step")
        return source

    cdef int start_job(
        self, Job* job, Source x, y, weight, real[:, ::1] outputs, Py_ssize_t total
    ) except -1:
        """Set what all jobs share. Arrays are checked here and kept alive by the caller."""
        cdef const int32_t[::1] labels
        cdef const real[:, ::1] values
        cdef const real[::1] weights
        cdef Py_ssize_t r
        memset(job, 0, sizeof(Job))
        job.steps = self.steps
        job.count = self.count
        job.first_trained = self.first_trained
        job.first_of_members = self.first_of_members
        job.rows_at_once = total
        if self.members > 1 and self.n_state == 0:  # else a step takes all rows together
            job.rows_at_once = self.rows_of_block(MEMBERS_AT_ONCE)
        job.loss = self.loss
        job.loss_parameter = self.loss_parameter
        job.loss_by_column = self.loss_parameters.block
        job.parameters = self.parameters
        job.state = self.state
        job.x = x.rows
        job.nonzeros.width = x.widest
        job.total = total
        job.target = self.target
        job.member_weights, job.member_losses = self.member_weights, self.member_losses
        job.row_size = self.row_size
        job.gives_logits = self.gives_logits
        if outputs is not None and total:
            expect_shape("network", "outputs", outputs, total, self.n_outputs)
            job.outputs = &outputs[0, 0]
        if y is None:
            return 0
        self.expect_compiled()
        job.steps = self.training_steps
        job.y.columns = self.n_outputs
        if self.loss == CALLED:  # which reads it in its own way
            expect("network", "y", len(y) == x.rows.count, len(y), f"have {x.rows.count} rows")
        elif y.ndim == 1:
            labels = y
            expect("network", "y", labels.shape[0] == x.rows.count, len(y), f"have {x.rows.count} rows")
            for r in range(labels.shape[0]):
                if labels[r] < 0 or labels[r] >= self.n_outputs:
                    raise ValueError(
                        f"network: y must hold labels from 0 to {self.n_outputs - 1}, got {labels[r]}"
                    )
            if labels.shape[0]:
                job.y.labels = &labels[0]
        else:
            values = y
            expect_shape("network", "y", values, x.rows.count, self.n_outputs)
            if values.shape[0]:
                job.y.values = &values[0, 0]
        if weight is not None:
            weights = weight
            expect(
                "network", "weight", weights.shape[0] == x.rows.count,
                weights.shape[0], f"have {x.rows.count} numbers",
            )
            if weights.shape[0]:
                job.weights = &weights[0]
        return 0

    cdef int learn(self, Job* job, tuple draw_key) except -1:
        """Set the steps as they are in training, and its seed, epoch and place."""
        cdef uint64_t seed, epoch
        seed, epoch, job.first_step, job.place = draw_key
        if job.first_step < 0 or job.place < 0:
            raise ValueError(f"network: draw_key must not be negative, got {draw_key}")
        job.steps = self.learning_steps
        job.key = random_bits(seed, epoch)
        if self.augment.height:
            if job.nonzeros.width:
                raise ValueError("x must not be sparse where images are augmented")
            job.augmentation = &self.augment
        return 0

    cdef Functions asked(self, y, order):
        """Return the Python functions of a call, or None."""
        cdef Functions of_call
        if self.functions is None and (y is None or self.loss_function is None):
            return None
        of_call = Functions.__new__(Functions)
        of_call.of_steps = self.functions or [None] * self.count
        of_call.first = 0
        while of_call.first < self.count and of_call.of_steps[of_call.first] is None:
            of_call.first += 1
        if y is not None:
            of_call.of_loss, of_call.y, of_call.order = self.loss_function, y, order
        return of_call

    cdef int run_training(self, Job* job, int threads, Functions asked) except -1:
        """Allocate the workspace of a job and run it."""
        cdef Py_ssize_t size = self.row_size * job.rows, i
        cdef const Step* step
        cdef Team passing
        cdef double patience, work = 3 * self.work * job.rows  # of one block: forward and two gradients
        cdef double whole = 3 * self.work * job.batch * (job.past_step - job.step)
        cdef Scratch sparse, gradient, doubles, frames, before, inputs
        cdef Py_ssize_t parts = 0, n_doubles = 0
        cdef int copies
        cdef Scratch scratch = scratch_of(
            size + self.transposed + panel_size(1, job.rows)
            + job.rows * <Py_ssize_t>(sizeof(double) // sizeof(real)), self.scratch_fill,
        )
        job.workspace = scratch.block
        job.transposed = scratch.block + size
        job.row_weights = job.transposed + self.transposed
        job.row_losses = <double*>(job.row_weights + panel_size(1, job.rows))
        job.steps_between_looks = 1 + <Py_ssize_t>(1e6 / (work + 1))
        for i in range(self.first_trained + 1, self.count):
            step = &self.steps[i]
            if step.kind.multiplies:
                self.transpose_weights(step, job.transposed + step.transposed)
        if job.optimizer != NULL and self.penalties != NULL:
            for i in range(self.count):
                job.penalties = self.penalties
                if is_penalised(job, <int>i):
                    parts += blocks_of(self.steps[i].inputs, self.steps[i].outputs)
            job.n_penalty_parts = parts
            job.penalty_of_sum = self.penalty_of_sum
        job.clip_norm = self.clip_norm
        job.factors = self.factors
        if job.optimizer != NULL and (self.clip_norm < INFINITY or job.rows < job.batch):
            gradient = scratch_of(self.packed, 0)
            job.gradient = gradient.block
            job.packed = self.packed
            n_doubles = parts_of(self.packed) if self.clip_norm < INFINITY else 0
        if parts + n_doubles:
            doubles = scratch_of((parts + n_doubles) * <Py_ssize_t>(sizeof(double) // sizeof(real)), -1)
            job.penalty_parts = <double*>doubles.block
            job.squares = job.penalty_parts + parts
        if job.nonzeros.width:
            work *= 0.3  # about what remains of it
            whole *= 0.3
        threads = self.threads_of_call(whole, work, threads)
        if asked is not None:
            threads = 1
        self.look_for_signals(job, whole / (job.past_step - job.step), whole)
        if (
            job.looks and job.optimizer != NULL and job.gradient == NULL
            and work >= 3.0 * LOOKS_TO_KEEP * self.work_to_look * threads
        ):
            gradient = scratch_of(self.packed, self.scratch_fill)
            job.gradient = gradient.block
        before = scratch_of(self.state_size, -1)
        job.state_before, job.state_size = before.block, self.state_size
        copies = 1
        if threads > 1 and self.steps[0].kind == &dense_kind and not job.nonzeros.width and job.augmentation == NULL:
            copies = most_copies(&self.steps[0], job.rows, threads, self.forced_columns)
        if copies > 1:
            inputs = scratch_of((copies - 1) * panel_size(job.rows, self.n_inputs), self.scratch_fill)
            job.copies = inputs.block
        job.forced_columns = self.forced_columns
        if job.augmentation != NULL:
            frames = scratch_of(threads * frame_size(job.augmentation), self.scratch_fill)
            job.frames = frames.block
        if job.nonzeros.width:
            job.nonzeros_size = nonzeros_size(job.nonzeros.width, job.rows)
            job.lists_size = lists_size(self.n_inputs, job.rows)
            sparse = scratch_of(job.nonzeros_size + threads * job.lists_size, self.scratch_fill)
            place_nonzeros(&job.nonzeros, sparse.block, job.rows)
            job.lists = sparse.block + job.nonzeros_size
        if asked is not None:
            return train_calling(job, asked)
        job.members = 1
        job.first_of_call = job.step
        # A mini-batch waits for helper threads where it takes four times as long as one to start, at 2e10 operations
        # a second.
        patience = work / 8e10
        with nogil:
            if threads == 1:
                barrier_open(&job.meeting, 1, 1)
                work_alone(train, job)
            else:
                job.team = join_team(&self.kept, &passing)
                trial_begin(&job.team.trial, work)
                work_together(job.team, train, job, &job.meeting, threads, patience)
                leave_team(&self.kept, job.team)
        self.blocks_trained, self.columns_shared = job.blocks, job.columns_seen
        return expect_whole(job)

    cdef int look_for_signals(self, Job* job, double work_of_step, double work) except -1:
        """Let the main thread of Python look for signals in a call that takes long, also within its steps."""
        if work >= self.work_to_look and _threading.get_ident() == _threading.main_thread().ident:
            job.caller = calling_thread()
            job.looks = work_of_step >= self.work_to_look
        return 0

    cdef int read_values(self, Job* job, values, Py_ssize_t steps) except -1:
        """Set what changes by step. The caller keeps the arrays alive."""
        cdef const double[:, ::1] dropouts
        cdef Py_ssize_t s
        cdef int d
        rates, momenta, weight_decays, draws, loss_parameters = (*values, None, None, None)[:5]
        job.rates = by_step("rates", rates, steps)
        job.momenta = by_step("momenta", momenta, steps)
        if weight_decays is not None:
            job.weight_decays = by_step("weight decays", weight_decays, steps)
        if loss_parameters is not None:
            if self.loss == CALLED or not has_parameter(self.loss) or self.loss_parameters.block != NULL:
                raise ValueError("network: the loss's numbers must be None for a loss without one, got some")
            job.loss_parameters = by_step("the loss's numbers", loss_parameters, steps)
        if draws is None:
            return 0
        dropouts = draws
        job.draws = self.draws
        expect(
            "network", "dropouts", dropouts.shape[0] == steps and dropouts.shape[1] == self.draws,
            (dropouts.shape[0], dropouts.shape[1]), f"have shape ({steps}, {self.draws})",
        )
        for s in range(steps):
            for d in range(self.draws):
                if not 0 <= dropouts[s, d] < 1:
                    raise ValueError(
                        f"network: dropouts must be at least 0 and less than 1, got {dropouts[s, d]}"
                    )
        if steps and self.draws:
            job.dropouts = &dropouts[0, 0]
        return 0

    def train_epoch(
        self, x, y, weight, order, values, Py_ssize_t batch_size, Py_ssize_t start, double seconds,
        real[:, ::1] outputs, int threads, tuple draw_key=(0, 0, 0, 0),
    ):
        """Train on mini-batches `start` and following, until the epoch or the time is over.

        `values` are arrays of what changes by step: learning rates and momenta, and then, each if it changes, weight
        decays, a line of the dropouts' rates, and the loss's number. `draw_key` is the place in a training, for random
        numbers: the seed, the epoch, the number of the first mini-batch in it, and 0. Return the next mini-batch, and the sums of loss and weights since the first.
        A mini-batch whose loss is not finite is the last, and changes no parameter.
        """
        cdef Source source = self.read(x)
        cdef const int64_t[::1] rows = order
        cdef Py_ssize_t total = rows.shape[0], steps, i
        cdef Job job
        self.expect_compiled()
        if batch_size < 1:
            raise ValueError(f"network: batch_size must be at least 1, got {batch_size}")
        steps = (total + batch_size - 1) // batch_size
        if not 0 <= start <= steps:
            raise ValueError(f"network: start must be from 0 to {steps}, got {start}")
        if y is None:
            raise ValueError("network: y must be targets, got None")
        for i in range(total):
            if rows[i] < 0 or rows[i] >= source.rows.count:
                raise ValueError(
                    f"network: order must hold rows from 0 to {source.rows.count - 1}, got {rows[i]}"
                )
        self.start_job(&job, source, y, weight, outputs, total)
        self.read_values(&job, values, steps)
        if start == 0:
            self.loss_so_far = self.weight_so_far = 0
        if start == steps:
            return start, self.loss_so_far, self.weight_so_far
        # The sums continue from slice to slice: where time cuts an epoch changes no bit of them.
        job.loss_sum = self.loss_so_far
        job.weight_sum = self.weight_so_far
        job.order = &rows[0]
        job.mean = True
        job.batch = smaller(batch_size, total)
        job.rows = job.batch
        if self.n_state == 0:  # else it is normalised over its rows: one block
            job.rows = smaller(job.batch, self.rows_of_block(self.largest_block))
        job.step = start
        job.past_step = steps
        job.deadline = monotonic_seconds() + seconds
        job.optimizer = self.optimizer
        job.numbers = self.numbers
        job.updates = self.updates
        self.read_scalars(job.scalars)
        self.need_slots(self.slots_for(job.momenta, steps))
        self.need_unaveraged()
        self.swap_average()
        try:
            job.parameters = self.parameters
            self.begin_update(&job.rule)
            self.learn(&job, draw_key)
            self.run_training(&job, threads, self.asked(y, order))
        finally:
            self.swap_average()
            self.updates = job.updates
            self.write_scalars(job.scalars)
            self.loss_so_far = job.loss_sum
            self.weight_so_far = job.weight_sum
        return job.step, job.loss_sum, job.weight_sum

    def gradients(
        self, x, y, weight, real[::1] out, int threads, tuple draw_key=None, real[:, ::1] outputs=None, values=None
    ):
        """Compute the gradient of the loss summed over rows, in fixed blocks; return loss sum and weight sum.

        Predictions are written to `outputs`, if given. With a `draw_key`, as for `train_epoch` but that it
        ends with the place of the first row in its mini-batch, the steps are as in training; else as in `evaluate`.
        `values` are those of `train_epoch`, of one step.
        """
        cdef Source source = self.read(x)
        cdef Job job
        cdef Scratch sums
        self.expect_flat("out", out.shape[0])
        if y is None:
            raise ValueError("network: y must be targets, got None")
        self.start_job(&job, source, y, weight, outputs, source.rows.count)
        if values is not None:
            self.read_values(&job, values, 1)
        sums = scratch_of(self.packed, 0)
        if draw_key is not None:  # a training's gradients are by the weights that the optimizer moves
            self.swap_average()
        try:
            self.run_gradients(&job, threads, self.asked(y, None), draw_key, sums.block)
        finally:
            if draw_key is not None:
                self.swap_average()
        if self.n_params:
            self.unpack_flat(sums.block, &out[0])
        return job.loss_sum, job.weight_sum

    cdef Py_ssize_t rows_of_block(self, Py_ssize_t most) noexcept:
        """Return how many rows of the network make a block of so many rows in its steps."""
        return larger(1, most // self.members)

    cdef int run_gradients(
        self, Job* job, int threads, Functions asked, tuple draw_key, real* sums
    ) except -1:
        """Add up the gradients, by the parameters as they are now."""
        job.parameters = self.parameters
        if job.total:
            begin_rule(&job.rule, add, sums)
            job.rows = smaller(self.rows_of_block(GRADIENT_BLOCK), job.total)
            if draw_key is not None:
                self.learn(job, draw_key)
                if self.n_state:
                    job.rows = job.total
            job.batch = job.rows  # the blocks are steps
            job.past_step = (job.total + job.rows - 1) // job.rows
            job.one_batch = True
            job.deadline = INFINITY
            self.run_training(job, threads, asked)
            self.add_penalty(job, sums)
        return 0

    cdef int run_inference(
        self, Job* job, int threads, bint with_loss, Functions asked, Work work=infer
    ) except -1:
        cdef Scratch scratch, sparse
        cdef Py_ssize_t size, r, least, blocks
        cdef int next_block = 0
        cdef double started, worked
        cdef Team passing
        job.next_block = &next_block
        threads = self.threads_of_call(self.work * job.total, self.work * job.total, threads)
        threads = respite_members(&calls_alone, threads)
        # About eight blocks for each thread: one that starts late finds less left to do. Threads that were kept are
        # there: few rows are divided among them too, and a few blocks are as many for each.
        least = self.rows_of_block(MEMBERS_AT_ONCE if self.members > 1 else LEAST_BLOCK)
        if threads > 1 and is_kept(&shared):
            least = smaller(least, (job.total + threads - 1) // threads)
        job.rows = smaller(
            job.total, larger(least, smaller(self.rows_of_block(MOST_BLOCK), job.total // (8 * threads)))
        )
        blocks = (job.total + job.rows - 1) // larger(1, job.rows)
        if threads < blocks < 8 * threads:
            blocks -= blocks % threads
            job.rows = (job.total + blocks - 1) // blocks
        if asked is not None:
            threads = 1
            job.rows = smaller(job.total, self.rows_of_block(GRADIENT_BLOCK))
        self.look_for_signals(job, self.work * job.rows, self.work * job.total)
        if not with_loss:
            job.row_size = self.output_size
        size = threads * job.row_size * job.rows
        scratch = scratch_of(
            size + (
                threads * panel_size(1, job.rows)
                + job.total * <Py_ssize_t>(sizeof(double) // sizeof(real)) if with_loss else 0
            ),
            self.scratch_fill,
        )
        job.workspace = scratch.block
        if with_loss:
            job.row_weights = scratch.block + size
            job.row_losses = <double*>(job.row_weights + threads * panel_size(1, job.rows))
        if job.nonzeros.width:
            job.nonzeros_size = nonzeros_size(job.nonzeros.width, job.rows)
            sparse = scratch_of(threads * job.nonzeros_size, self.scratch_fill)
            job.nonzeros.values = sparse.block
        if asked is not None:
            infer_calling(job, asked)
        with nogil:
            if asked is None and threads == 1:
                work_alone(work, job)
            elif asked is None:
                started = monotonic_seconds()
                job.team = join_team(&self.kept, &passing)
                worked = share_out(job.team, work, job, threads)
                leave_team(&self.kept, job.team)
                respite_judge(&calls_alone, monotonic_seconds() - started, worked)
            if with_loss:
                for r in range(job.total):
                    job.loss_sum += job.row_losses[r]
                    job.weight_sum += 1 if job.weights == NULL else job.weights[r]
        return expect_whole(job)

    def evaluate(self, x, y, weight, real[:, ::1] outputs, int threads):
        """Return the loss summed over rows, and the sum of their weights."""
        cdef Source source = self.read(x)
        cdef Job job
        if y is None:
            raise ValueError("network: y must be targets, got None")
        self.start_job(&job, source, y, weight, outputs, source.rows.count)
        if job.total:
            self.run_inference(&job, threads, True, self.asked(y, None))
            self.add_penalty(&job, NULL)
        return job.loss_sum, job.weight_sum

    def input_gradient(self, x, y, along, real[:, ::1] out, int threads):
        """Compute for every row the gradient for x of its loss, or of its outputs times those of `along`."""
        cdef Source source = self.read(x)
        cdef Step* step = &self.steps[self.first_trained]
        cdef Scratch transposes
        cdef Job job
        cdef int i
        if (y is None) == (along is None):
            raise ValueError("network: exactly one of y and along must be given")
        if y is None and along.ndim != 2:
            raise ValueError(f"network: along must have 2 axes, got {along.ndim}")
        expect_shape("network", "out", out, source.rows.count, self.n_inputs)
        if y is None:
            self.start_along(&job, source, along)
        else:
            self.start_job(&job, source, y, None, None, source.rows.count)
        if job.total == 0:
            return
        job.reached_from_loss = y is not None
        job.input_gradient = job.row_size
        job.row_size += panel_size(1, self.n_inputs)
        job.input_gradients = &out[0, 0]
        job.input_scale = <real>self.scale
        transposes = scratch_of(
            self.transposed
            + (
                panel_size(step.outputs, step.inputs)
                if self.first_trained < self.count and step.kind.multiplies else 0
            ),
            self.scratch_fill,
        )
        job.transposed = transposes.block
        for i in range(self.first_trained, self.count):
            step = &self.steps[i]
            if step.kind.multiplies:
                self.transpose_weights(step, job.transposed + step.transposed)
        self.run_inference(&job, threads, True, self.asked(y, None), reach_inputs)

    cdef int start_along(self, Job* job, Source x, const real[:, ::1] along) except -1:
        expect_shape("network", "along", along, x.rows.count, self.n_outputs)
        self.start_job(job, x, None, None, None, x.rows.count)
        job.y.columns = self.n_outputs
        if along.shape[0]:
            job.y.values = &along[0, 0]
        return 0

    def predict(self, x, out, int threads):
        """Write the network's outputs for every row of x to an array (rows, outputs) of the kernels' dtype."""
        cdef Source source = self.read(x)
        cdef Py_buffer buffer  # a memoryview would take as long as a small network
        cdef Job job
        self.start_job(&job, source, None, None, None, source.rows.count)
        if job.total <= FEW_ROWS and not source.widest and self.all_are_finite():
            job.steps = self.few_rows_steps
        PyObject_GetBuffer(out, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE | PyBUF_FORMAT)
        try:
            if (
                buffer.ndim != 2 or buffer.shape[0] != job.total or buffer.shape[1] != self.n_outputs
                or element_of(buffer.format) != (FLOATS if sizeof(real) == 4 else DOUBLES)
            ):
                raise ValueError(
                    f"network: out must have shape ({job.total}, {self.n_outputs}) and be contiguous"
                )
            job.outputs = <real*>buffer.buf
            if job.total:
                self.run_inference(&job, threads, False, self.asked(None, None))
        finally:
            PyBuffer_Release(&buffer)

    def is_finite(self):
        """Return whether no parameter is NaN or infinite."""
        return self.all_are_finite()

    cdef bint all_are_finite(self) noexcept:
        """Return whether all parameters are finite; several threads may compute it at once."""
        cdef int known = counter_get(&self.finite)
        if known == 0:
            known = 1 if all_finite(self.parameters, self.packed) else -1
            counter_set(&self.finite, known)
        return known > 0

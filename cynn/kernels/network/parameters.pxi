# The flat buffers of a network, packed for its life, and what the optimizer does to them.
#
#   parameters, slots of the optimizer      [W panels | b] of each step that has weights, one after the other
#
# Where an average of the weights is asked for it is the parameters, and the weights that the optimizer moves are one more
# slot, `unaveraged`; for the length of a training call the two change places (`swap_average`). Until the first step, and
# when the parameters were set, the slot is not there: both are the same.
#
#   state                                   [means | variances] of each batch_norm, a line each

cdef enum:
    UNAVERAGED = MOST_SLOTS  # the number of the slot


cdef enum:
    FILLED = 1 << 22  # numbers between two looks at signals


cdef real* allocate_filled(Py_ssize_t count, real value) except NULL:
    """Allocate numbers that are all the same."""
    cdef real* block = allocate(count)
    cdef Py_ssize_t i = 0, past
    try:
        while i < count:
            past = smaller(i + FILLED, count)
            while i < past:
                block[i] = value
                i += 1
            if i < count:
                PyErr_CheckSignals()
    except BaseException:
        release(block)
        raise
    return block


# Not bound as Python functions are: with the limited API of CPython 3.11 such a call takes a tenth of a
# microsecond more, and more code.
@cython.binding(False)
cdef class Parameters:
    """The parameters of a network, and the state of its optimizer."""

    cdef Step* steps  # for predictions
    cdef int count
    cdef Py_ssize_t packed
    cdef real* parameters
    cdef int finite  # whether all parameters are: 0 is unknown, else 1 or -1
    cdef real* slots[MOST_SLOTS + 1]
    cdef const Optimizer* optimizer
    cdef double numbers[MOST_NUMBERS]  # the optimizer's parameters
    cdef double clip_value, clip_norm  # infinite: not clipped
    cdef double average  # how much of the average of the weights a step keeps; negative: there is none
    cdef double* penalties  # l1 and l2 of each step, or NULL
    cdef double* factors  # of the learning rate and the weight decay, of each step's W and b, or NULL
    cdef real* state  # running statistics, saved and not trained
    cdef readonly Py_ssize_t n_params, n_state
    cdef readonly tuple slot_names  # what the optimizer keeps for each parameter
    cdef public dict scalars  # what the optimizer keeps, one number for all parameters, by name
    cdef public int64_t updates  # steps that the optimizer has done
    cdef public bint penalty_of_sum  # penalties belong to a mini-batch's summed loss, not to its mean

    def __dealloc__(self):
        release(self.parameters)
        release(self.state)
        self.forget_slots()
        free(self.penalties)
        free(self.factors)

    # -- packed inside, flat and row-major outside

    cdef int expect_flat(self, str name, Py_ssize_t count) except -1:
        return expect("network", name, count == self.n_params, count, f"have {self.n_params} numbers")

    cdef void pack_flat(self, const real* flat, real* packed) noexcept nogil:
        cdef const Step* step
        cdef real* to
        cdef int i
        for i in range(self.count):
            step = &self.steps[i]
            if step.weight_rows:
                to = packed + step.weights
                pack_strided(
                    <const char*>flat, step.weight_columns * sizeof(real), sizeof(real),
                    step.weight_rows, step.weight_columns, to,
                )
                flat += step.weight_rows * step.weight_columns
                if step.biased:
                    to += panel_size(step.weight_rows, step.weight_columns)
                    pack_strided(<const char*>flat, 0, sizeof(real), 1, step.weight_columns, to)
                    flat += step.weight_columns

    cdef void unpack_flat(self, const real* packed, real* flat) noexcept nogil:
        cdef const Step* step
        cdef const real* at
        cdef int i
        for i in range(self.count):
            step = &self.steps[i]
            if step.weight_rows:
                at = packed + step.weights
                unpack_strided(
                    at, <char*>flat, step.weight_columns * sizeof(real), sizeof(real),
                    step.weight_rows, step.weight_columns,
                )
                flat += step.weight_rows * step.weight_columns
                if step.biased:
                    at += panel_size(step.weight_rows, step.weight_columns)
                    unpack_strided(at, <char*>flat, 0, sizeof(real), 1, step.weight_columns)
                    flat += step.weight_columns

    cdef void pack_part(self, const real* flat, Py_ssize_t start, Py_ssize_t count, real* packed) noexcept nogil:
        """Pack `count` numbers of the flat order, from number `start` on."""
        cdef const Step* step
        cdef real* to
        cdef Py_ssize_t size
        cdef int i, which
        for i in range(self.count):
            step = &self.steps[i]
            to = packed + step.weights
            for which in range(0 if step.weight_rows == 0 else 2 if step.biased else 1):
                size = (1 if which else step.weight_rows) * step.weight_columns
                if start < size and count > 0:
                    pack_numbers(
                        flat, start, smaller(count, size - start),
                        1 if which else step.weight_rows, step.weight_columns, to,
                    )
                    flat += smaller(count, size - start)
                    count -= smaller(count, size - start)
                    start = size
                start -= size
                to += panel_size(step.weight_rows, step.weight_columns)

    cdef int transpose_weights(self, const Step* step, real* transposed) except -1:
        """Write W transposed; Ctrl-C is seen in between."""
        cdef Py_ssize_t units = transposed_units(step.inputs, step.outputs), first = 0, past
        cdef Py_ssize_t at_once = FILLED // (PANEL * PANEL * TILE_PANELS)
        while first < units:
            past = smaller(first + at_once, units)
            transpose_units(
                self.parameters + step.weights, step.inputs, step.outputs, transposed, first, past
            )
            first = past
            if first < units:
                PyErr_CheckSignals()
        return 0

    cdef void forget_slots(self) noexcept:
        cdef int s
        for s in range(MOST_SLOTS + 1):
            self.forget_slot(s)

    cdef void forget_slot(self, int s) noexcept:
        release(self.slots[s])
        self.slots[s] = NULL

    cdef int need_slots(self, int count) except -1:
        """Allocate those of the first `count` slots that do not exist yet."""
        cdef int s
        for s in range(count):
            self.need_slot(s)
        return 0

    cdef int need_slot(self, int s) except -1:
        if self.slots[s] == NULL:
            self.slots[s] = allocate_filled(self.packed, self.begins_with(s))
        return 0

    cdef int need_slots_through(self, int s) except -1:
        return self.need_slot(s) if s == UNAVERAGED else self.need_slots(s + 1)

    cdef int need_unaveraged(self) except -1:
        if self.average >= 0 and self.slots[UNAVERAGED] == NULL:
            self.need_slot(UNAVERAGED)
            memcpy(self.slots[UNAVERAGED], self.parameters, <size_t>self.packed * sizeof(real))
        return 0

    cdef void swap_average(self) noexcept:
        """Make the parameters the weights that the optimizer moves, and back; if there is an average."""
        cdef real* unaveraged = self.slots[UNAVERAGED]
        if unaveraged != NULL:
            self.slots[UNAVERAGED] = self.parameters
            self.parameters = unaveraged

    cdef real begins_with(self, int s) noexcept:
        return <real>self.numbers[self.optimizer.initial] if s == 0 and self.optimizer.initial >= 0 else 0

    cdef int slot_number(self, str name) except -1:
        if name not in self.slot_names:
            raise ValueError(f"network: slot must be one of {self.slot_names}, got {name!r}")
        return UNAVERAGED if name == "unaveraged" else <int>self.slot_names.index(name)

    cdef int slots_for(self, const double* momenta, Py_ssize_t steps) noexcept:
        """Return the number of slots that such steps need."""
        cdef Py_ssize_t i
        for i in range(steps):
            if momenta[i] != 0:
                return self.optimizer.slots
        return self.optimizer.without_momentum

    cdef int begin_update(self, Rule* rule) except -1:
        """Return the rule by which the optimizer changes the parameters, after `swap_average`."""
        begin_rule(rule, self.optimizer.sweep, self.parameters)
        memcpy(rule.slots, self.slots, sizeof(rule.slots))
        rule.average = self.slots[UNAVERAGED]  # they have changed places
        rule.average_decay = self.average
        rule.updates = True
        rule.weights = self.parameters
        rule.clip = <real>self.clip_value
        rule.prepares = self.clip_value < INFINITY
        counter_set(&self.finite, 0)
        return 0

    def get_params(self, real[::1] out):
        """Copy the parameters out: for each dense step W row by row, then b."""
        self.expect_flat("out", out.shape[0])
        if self.n_params:
            self.unpack_flat(self.parameters, &out[0])

    def set_params(self, const real[::1] flat):
        """Set the parameters from a flat array; an average of them goes on from there."""
        self.expect_flat("flat", flat.shape[0])
        self.forget_slot(UNAVERAGED)
        if self.n_params:
            counter_set(&self.finite, 0)
            self.pack_flat(&flat[0], self.parameters)

    def set_part(self, str slot, Py_ssize_t start, const real[::1] flat):
        """Set some of the parameters, or of a slot, from number `start` of the flat array on."""
        cdef Py_ssize_t end = start + flat.shape[0]
        cdef int s = 0 if slot is None else self.slot_number(slot)
        expect(
            "network", "flat", 0 <= start <= end <= self.n_params, end, f"end within {self.n_params} numbers"
        )
        if slot is not None:
            self.need_slots_through(s)
        else:
            self.forget_slot(UNAVERAGED)
            counter_set(&self.finite, 0)
        if flat.shape[0]:
            self.pack_part(
                &flat[0], start, flat.shape[0], self.parameters if slot is None else self.slots[s]
            )

    def get_state(self, real[::1] out):
        """Copy the running statistics out: for each batch_norm step the means, then the variances."""
        expect("network", "out", out.shape[0] == self.n_state, out.shape[0], f"have {self.n_state} numbers")
        self.move_state(&out[0] if self.n_state else NULL, NULL)

    def set_state(self, const real[::1] flat):
        """Set the running statistics from a flat array."""
        expect("network", "flat", flat.shape[0] == self.n_state, flat.shape[0], f"have {self.n_state} numbers")
        self.move_state(NULL, &flat[0] if self.n_state else NULL)

    cdef void move_state(self, real* out, const real* flat) noexcept nogil:
        """Copy out, or in from `flat`."""
        cdef const Step* step
        cdef real* line
        cdef int i, number
        for i in range(self.count):
            step = &self.steps[i]
            for number in range(step.state_lines):
                line = self.state + step.state + number * panel_size(1, step.outputs)
                if flat == NULL:
                    memcpy(out, line, step.outputs * sizeof(real))
                    out += step.outputs
                else:
                    memcpy(line, flat, step.outputs * sizeof(real))
                    flat += step.outputs

    def get_slot(self, str name, real[::1] out):
        """Copy a slot of the optimizer out, in the order of the parameters."""
        cdef int s = self.slot_number(name)
        cdef Py_ssize_t i
        self.expect_flat("out", out.shape[0])
        if self.slots[s] == NULL:  # not allocated: a reading call changes nothing, as others may run concurrently
            for i in range(self.n_params):
                out[i] = self.begins_with(s)
        elif self.n_params:
            self.unpack_flat(self.slots[s], &out[0])

    def set_slot(self, str name, const real[::1] flat):
        """Set a slot of the optimizer from a flat array; zeros for `unaveraged`: it is not there."""
        cdef int s = self.slot_number(name)
        cdef Py_ssize_t i
        self.expect_flat("flat", flat.shape[0])
        if s == UNAVERAGED:
            self.forget_slot(s)
            for i in range(self.n_params):
                if flat[i] != 0:
                    break
            else:
                return
        self.need_slots_through(s)
        if self.n_params:
            self.pack_flat(&flat[0], self.slots[s])

    cdef int read_scalars(self, double* values) except -1:
        cdef list held = list(self.scalars.values())
        cdef Py_ssize_t i
        for i in range(smaller(len(held), MOST_SCALARS)):
            values[i] = held[i]
        return 0

    cdef int write_scalars(self, const double* values) except -1:
        """Into a new dictionary: the first one is that of the optimizer's entry."""
        cdef list held = []
        cdef Py_ssize_t i
        for i in range(MOST_SCALARS):
            held.append(values[i])
        self.scalars = dict(zip(self.scalars, held))
        return 0

    # -- the optimizer

    def update(self, const real[::1] gradient, double learning_rate, double momentum, weight_decay=None):
        """One step of the optimizer from a flat gradient, which has the penalties in it already.

        Its own weight decay is taken where none comes.
        """
        cdef Scratch packed = scratch_of(self.packed, 0)
        cdef Rule rule
        cdef double[MOST_SCALARS] scalars
        cdef double square = 0, decay = 0 if weight_decay is None else weight_decay
        cdef Py_ssize_t k
        if self.optimizer == NULL:
            raise ValueError("network must be compiled with a loss first: call compile")
        self.expect_flat("gradient", gradient.shape[0])
        self.updates += 1
        if self.n_params == 0:
            return
        self.need_slots(self.slots_for(&momentum, 1))
        self.need_unaveraged()
        self.read_scalars(scalars)
        self.swap_average()
        self.begin_update(&rule)
        set_rule(
            self.optimizer, &rule, self.numbers, scalars, learning_rate, momentum,
            NULL if weight_decay is None else &decay, self.updates,
        )
        with nogil:
            self.pack_flat(&gradient[0], packed.block)
            if self.clip_norm < INFINITY:
                if rule.prepares:
                    prepare(&rule, self.parameters, packed.block, self.packed)
                for k in range(parts_of(self.packed)):
                    square += part_of_penalty(
                        packed.block + k * PART, smaller(PART, self.packed - k * PART), 0, 1
                    )
                rule.scale = factor_of_norm(square, self.clip_norm)
                rule.prepares = True
            use_whole_gradient(&rule, packed.block, self.packed, self.steps, self.count, self.factors, 0, 1)
        self.swap_average()
        self.write_scalars(scalars)

    # -- factors and penalties

    cdef double* read_factors(self, list factors) except? NULL:
        """Those of each step, from those of the arrays of weights in order; NULL where all are 1."""
        cdef double* read
        cdef int i, which
        cdef Py_ssize_t taken = 0
        cdef bint is_needed = False
        cdef Py_ssize_t wanted = 0
        for i in range(self.count):
            if self.steps[i].weight_rows:
                wanted += 2 if self.steps[i].biased else 1
        expect("network", "factors", len(factors) == wanted, len(factors), f"have {wanted} pairs")
        read = <double*>calloc(4 * self.count, sizeof(double))
        if read == NULL:
            raise MemoryError("no memory for the factors")
        try:
            for i in range(4 * self.count):
                read[i] = 1
            for i in range(self.count):
                for which in range(0 if self.steps[i].weight_rows == 0 else 2 if self.steps[i].biased else 1):
                    read[4 * i + 2 * which], read[4 * i + 2 * which + 1] = factors[taken]
                    if not (0 <= read[4 * i + 2 * which] < INFINITY and 0 <= read[4 * i + 2 * which + 1] < INFINITY):
                        raise ValueError(
                            f"network: factors must be finite and not negative, got {factors[taken]}"
                        )
                    is_needed = is_needed or factors[taken] != (1, 1)
                    taken += 1
        except BaseException:
            free(read)
            raise
        if not is_needed:
            free(read)
            return NULL
        return read

    cdef double* read_penalties(self, list penalties) except NULL:
        """Those of each step, from those of the dense ones in order."""
        cdef double* read = <double*>calloc(2 * self.count, sizeof(double))
        cdef int i, dense = 0
        if read == NULL:
            raise MemoryError("no memory for the penalties")
        try:
            for i in range(self.count):
                if not self.steps[i].kind.multiplies:
                    continue
                if dense < len(penalties):
                    read[2 * i], read[2 * i + 1] = penalties[dense]
                    if not (0 <= read[2 * i] < INFINITY and 0 <= read[2 * i + 1] < INFINITY):
                        raise ValueError(
                            f"network: penalties must be finite and not negative, got {penalties[dense]}"
                        )
                dense += 1
            expect("network", "penalties", len(penalties) == dense, len(penalties), f"have {dense} pairs")
        except BaseException:
            free(read)
            raise
        return read

    cdef double penalty(self) noexcept nogil:
        """That of all weights."""
        cdef const Step* step
        cdef double total = 0
        cdef Py_ssize_t size, k
        cdef int i
        if self.penalties == NULL:
            return 0
        for i in range(self.count):
            step = &self.steps[i]
            if self.penalties[2 * i] or self.penalties[2 * i + 1]:
                size = panel_size(step.inputs, step.outputs)
                for k in range(parts_of(size)):
                    total += part_of_penalty(
                        self.parameters + step.weights + k * PART, smaller(PART, size - k * PART),
                        self.penalties[2 * i], self.penalties[2 * i + 1],
                    )
        return total

    cdef void add_penalty(self, Job* job, real* gradient) noexcept:
        """Add the penalties, times the sum of the rows' weights, to a summed loss and its gradient."""
        cdef double scale = 1 if self.penalty_of_sum else job.weight_sum
        cdef const Step* step
        cdef Rule rule
        cdef int i
        if self.penalties == NULL:
            return
        job.loss_sum += scale * self.penalty()
        job.penalties = self.penalties
        begin_rule(&rule, keep, gradient)
        for i in range(self.count):
            step = &self.steps[i]
            if gradient != NULL and is_penalised(job, i):
                rule.l1 = <real>(scale * self.penalties[2 * i])
                rule.l2 = <real>(scale * self.penalties[2 * i + 1])
                prepare(
                    &rule, self.parameters + step.weights, gradient + step.weights,
                    panel_size(step.inputs, step.outputs),
                )

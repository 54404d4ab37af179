# The plan of a network: its steps, and where in the flat buffers and in a workspace each finds its numbers; its loss
# and optimizer.

cdef int read_loss(tuple description, real* parameter) except -1:
    """Return the number of a loss given as (name,), (name, its parameter) or ("function", a function).

    Of parameters by column (`line_of_numbers`) none is set.
    """
    name = description[0] if description else None
    if name == "function" and len(description) == 2:
        return CALLED
    cdef int loss = place_of("loss", name, LOSSES)
    if len(description) > (2 if has_parameter(loss) else 1):
        raise ValueError(f"loss: {name} must have fewer numbers, got {len(description) - 1}")
    if len(description) == 1:
        parameter[0] = default_parameter(loss)
    elif not is_by_column(loss, description[1]):
        parameter[0] = <real><double>description[1]
    return loss


@cython.binding(False)  # as its base
cdef class Plan(Parameters):
    """What a network is made of, and what it is trained by."""

    cdef Step* training_steps  # the same, but for an activation that the loss takes over
    cdef Step* learning_steps  # those, as they are while the weights change
    cdef Step* few_rows_steps  # for predictions of few rows and finite weights
    cdef int first_trained, first_of_members, loss
    cdef int draws  # steps that draw
    cdef bint gives_logits
    cdef real loss_parameter
    cdef Scratch loss_parameters  # by column, if it has memory
    cdef double scale, offset
    cdef double* shift  # of each column of the input, or NULL
    cdef double work  # floating point operations of a row's forward pass
    cdef Py_ssize_t transposed, output_size, row_size, target, member_weights, member_losses
    cdef Py_ssize_t members  # rows that the last step gives for each row of the network
    cdef readonly Py_ssize_t n_inputs, n_outputs
    cdef Py_ssize_t state_size
    cdef list functions  # of the steps: a Python function or None; None if no step has one
    cdef object loss_function  # None: the kernels' loss
    cdef Augmentation augment  # of images in training; height 0: none
    cdef public int forced_columns  # parts that products are shared by; 0: by a count (ops/split.pxi)

    def __cinit__(
        self, Py_ssize_t n_inputs, list steps, double scale=1.0, double offset=0.0, tuple shift=None
    ):
        cdef Py_ssize_t width = n_inputs, state_size = 0
        cdef int i
        cdef Step* step
        if n_inputs < 1 or not steps:
            raise ValueError(f"network must have inputs and steps, got {n_inputs} and {len(steps)}")
        steps = separated(steps)
        self.n_inputs = n_inputs
        self.scale, self.offset = scale, offset
        self.read_shift(shift)
        self.slot_names = ()
        self.scalars = {}
        self.loss = -1
        self.loss_parameters = Scratch.__new__(Scratch)
        self.first_trained = self.first_of_members = self.count = <int>len(steps)
        self.members = 1
        self.steps = <Step*>calloc(4 * len(steps), sizeof(Step))
        if self.steps == NULL:
            raise MemoryError("no memory for the plan")
        self.training_steps = self.steps + len(steps)
        self.learning_steps = self.training_steps + len(steps)
        self.few_rows_steps = self.learning_steps + len(steps)
        self.output_size = panel_size(1, n_inputs)
        for i in range(self.count):
            step = &self.steps[i]
            step.inputs = width
            step.members = self.members
            describe_step(step, steps[i])
            width, self.members = step.outputs, step.members
            if self.members > 1:
                self.first_of_members = <int>smaller(self.first_of_members, i)
            step.input = self.steps[i - 1].output if i > 0 else 0
            step.output = self.output_size
            if step.in_place:
                step.output = step.input
            else:
                self.output_size += self.members * panel_size(1, width)
            if step.kind.forward == NULL:
                self.functions = self.functions or [None] * self.count
                self.functions[i] = steps[i][1]
            if step.draws:
                step.number = self.draws
                self.draws += 1
            step.state = state_size
            state_size += step.state_lines * panel_size(1, width)
            self.n_state += step.state_lines * width
            if step.weight_rows:
                if step.weight_rows > (<Py_ssize_t>1 << 40) // step.weight_columns:
                    raise ValueError(
                        f"steps must have at most 2^40 weights, got {steps[i]!r} on {step.inputs} inputs"
                    )
                step.weights = self.packed
                step.transposed = self.transposed
                self.packed += (
                    panel_size(step.weight_rows, step.weight_columns) + panel_size(1, step.weight_columns)
                )
                self.n_params += (step.weight_rows + (1 if step.biased else 0)) * step.weight_columns
                self.work += self.members * (
                    step.work if step.work else 2.0 * step.weight_rows * step.weight_columns
                )
                if self.first_trained == self.count:
                    self.first_trained = i
                elif step.kind.multiplies:
                    self.transposed += panel_size(width, step.inputs)
        self.n_outputs = width
        if self.first_trained < self.count:  # only the gradient of the input needs this one
            self.steps[self.first_trained].transposed = self.transposed
        self.row_size = self.output_size
        for i in range(self.count):
            self.steps[i].gradient = self.row_size
            self.row_size += self.steps[i].members * panel_size(1, self.steps[i].outputs)
            self.steps[i].kept = self.row_size
            self.row_size += (
                self.steps[i].members * self.steps[i].kept_lines * panel_size(1, self.steps[i].outputs)
            )
        connect_forks(self.steps, self.count)
        memcpy(self.few_rows_steps, self.steps, self.count * sizeof(Step))
        for i in range(self.count):
            if self.few_rows_steps[i].kind == &dense_kind and self.steps[i].members == 1:
                self.few_rows_steps[i].kind = &few_rows_kind
        self.target = self.row_size
        self.row_size += self.members * panel_size(1, width)
        if self.members > 1:
            self.member_weights = self.row_size
            self.member_losses = self.member_weights + panel_size(1, self.members)
            self.row_size = (
                self.member_losses + <Py_ssize_t>(sizeof(double) // sizeof(real)) * panel_size(1, self.members)
            )
        self.parameters = allocate_filled(self.packed, 0)
        self.state = allocate(state_size)
        self.state_size = state_size
        self.begin_state()

    def __dealloc__(self):
        cdef int i
        if self.steps != NULL:
            for i in range(self.count):
                release(self.steps[i].constants)
        free(self.steps)
        free(self.shift)

    cdef int read_shift(self, tuple shift) except -1:
        """One number for all columns, or one for each."""
        cdef Py_ssize_t count = 0 if shift is None else len(shift), c
        if shift is None:
            return 0
        if count != 1 and count != self.n_inputs:
            raise ValueError(f"network: shift must be 1 or {self.n_inputs} numbers, got {count}")
        self.shift = <double*>calloc(self.n_inputs, sizeof(double))
        if self.shift == NULL:
            raise MemoryError("no memory for the shift")
        for c in range(self.n_inputs):
            self.shift[c] = shift[0 if count == 1 else c]
        return 0

    def splits(self, Py_ssize_t rows, int threads):
        """How threads share mini-batches of so many rows, and what a mini-batch costs each of them (ops/split.pxi).

        For each step with a matrix of weights the parts of columns forward and backward.
        """
        cdef Split split
        cdef double cost = 0
        cdef const Step* step
        cdef bint gathers
        cdef int i, forward, backward
        if rows < 1 or threads < 1:
            raise ValueError(f"network: rows and threads must be at least 1, got {rows} and {threads}")
        parts = []
        for i in range(self.count):
            step = &self.steps[i]
            if not step.kind.multiplies:
                continue
            gathers = i == 0
            split = split_of_forward(step, rows, threads, gathers, self.forced_columns)
            cost += cost_of_split(rows, step.inputs, step.outputs, split, gathers, False)
            forward, backward = split.by_columns, 0
            if i > self.first_trained:
                split = split_of_input_gradient(step, rows, threads, self.forced_columns)
                cost += cost_of_split(rows, step.outputs, step.inputs, split, False, True)
                backward = split.by_columns
            parts.append((forward, backward))
        return parts, cost

    cdef void begin_state(self) noexcept:
        """Set running statistics to their initial values."""
        cdef const Step* step
        cdef Py_ssize_t c, size
        cdef int i, line
        for i in range(self.count):
            step = &self.steps[i]
            size = panel_size(1, step.outputs)
            for line in range(step.state_lines):
                for c in range(size):
                    self.state[step.state + line * size + c] = step.state_begins[line]

    def compile(
        self, loss, tuple optimizer=("sgd", 0.0, 0.0), double clip_value=INFINITY,
        double clip_norm=INFINITY, list penalties=None, list factors=None, average=None,
    ):
        """Choose the loss and the optimizer, whose state is reset.

        Penalties are pairs (l1, l2), one for each dense step. Factors are pairs too, of the learning rate and of the
        weight decay, one for each array of weights. With an `average`, how much of it a step keeps, the parameters are
        an average over the steps; the weights that the optimizer moves are a slot.
        """
        cdef double kept = -1 if average is None else average
        cdef Step* last = &self.training_steps[self.count - 1]
        cdef double numbers[MOST_NUMBERS]
        cdef real parameter = 0
        cdef int entry = read_optimizer(optimizer, numbers), i
        cdef tuple description = (loss,) if isinstance(loss, str) else loss
        cdef int chosen = read_loss(description, &parameter)
        cdef Scratch by_column = line_of_numbers(chosen, description[len(description) - 1], self.n_outputs)
        cdef int fused = activation_of_loss(chosen), made = self.steps[self.count - 1].activation
        if not (clip_value > 0 and clip_norm > 0):
            raise ValueError(
                f"network: clip_value and clip_norm must be above 0, got {clip_value} and {clip_norm}"
            )
        if average is not None and not 0 <= kept < 1:
            raise ValueError(f"network: average must be at least 0 and less than 1, got {average}")
        if chosen == CALLED and self.members > 1:
            raise ValueError("loss must be built in for a network with members, got a user-defined one")
        if fused != IDENTITY and made != IDENTITY and made != fused:
            raise ValueError(
                f"loss: the last activation must be identity or {ACTIVATIONS[fused]} for {LOSSES[chosen]}, "
                f"got {ACTIVATIONS[made]}"
            )
        cdef double* read_factors = self.read_factors(factors) if factors else NULL
        cdef double* read
        try:
            read = self.read_penalties(penalties) if penalties else NULL
        except BaseException:
            free(read_factors)
            raise
        # Nothing fails from here on: after an error the network is unchanged.
        free(self.penalties)
        free(self.factors)
        self.penalties, self.factors = read, read_factors
        self.forget_slots()
        self.optimizer = &optimizer_entries[entry]
        self.average = kept
        self.slot_names = OPTIMIZERS[optimizer[0]][1] + (() if average is None else ("unaveraged",))
        self.scalars = dict(OPTIMIZERS[optimizer[0]][2])
        memcpy(self.numbers, numbers, sizeof(numbers))
        self.clip_value, self.clip_norm = clip_value, clip_norm
        self.updates = 0
        self.loss, self.loss_parameter, self.loss_parameters = chosen, parameter, by_column
        self.loss_function = loss[1] if chosen == CALLED else None
        memcpy(self.training_steps, self.steps, self.count * sizeof(Step))
        # A loss that takes logits does the work of the last activation, where there is one.
        self.gives_logits = made != fused
        if made == fused:
            last.activation = IDENTITY
        memcpy(self.learning_steps, self.training_steps, self.count * sizeof(Step))
        for i in range(self.count):
            if self.steps[i].kind.learning != NULL:
                self.learning_steps[i].kind = self.steps[i].kind.learning

    cdef int expect_compiled(self) except -1:
        if self.loss < 0:
            raise ValueError("network must be compiled with a loss first: call compile")
        return 0

    @property
    def augmentation(self):
        """Set the augmentation of images: height, width, shift, angle and noise, or None."""
        cdef Augmentation* of = &self.augment
        return (of.height, of.width, of.shift, of.angle, of.noise) if of.height else None

    @augmentation.setter
    def augmentation(self, given):
        cdef Augmentation settings
        if given is None:
            self.augment.height = 0
            return
        settings.height, settings.width, settings.shift, settings.angle, settings.noise = given
        if settings.height < 1 or settings.width < 1 or settings.height * settings.width != self.n_inputs:
            raise ValueError(
                f"network: augmentation must be of {self.n_inputs} pixels in all, got {given[:2]}"
            )
        if not (
            0 <= settings.shift <= 1 << 20 and 0 <= settings.angle < INFINITY and 0 <= settings.noise < INFINITY
        ):
            raise ValueError(f"network: augmentation must be finite and not negative, got {given}")
        self.augment = settings

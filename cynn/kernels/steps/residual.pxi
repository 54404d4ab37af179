# y = x + f(x): a skip connection over the steps of f. A network makes three parts of it (`separated`):
#
#   fork   passes its input on, in the same memory: nothing is copied
#   f      any steps with as many outputs as inputs
#   join   adds the fork's output
#
# In the backward pass the join passes its delta to f and leaves it where it is; the fork, to which f
# passes its own, adds it. `step.other` is the distance from the one's memory to the other's, for one row.

cdef void fork_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    pass


cdef void fork_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        add_rows(delta, delta + for_rows(step, step.other, rows), grad_x, rows, first, past, step.outputs)


cdef void join_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    add_rows(x, y + for_rows(step, step.other, rows), y, rows, first, past, step.outputs)


cdef void join_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        affine_rows(delta, grad_x, 1, 0, rows, first, past, step.outputs)


cdef void add_rows(
    const real* a, const real* b, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """y = a + b."""
    cdef Py_ssize_t p, i
    for p in range(panels_of(columns)):
        i = (p * rows + first) * PANEL
        while i < (p * rows + past) * PANEL:
            store(y + i, load(a + i) + load(b + i))
            i += LANES


cdef int describe_fork(Step* step, tuple arguments) except -1:
    step.in_place = True
    return 0


cdef Kind fork_kind, join_kind
fork_kind = Kind(b"fork", 0, 0, describe_fork, False, fork_step_forward, fork_step_backward, NULL, NULL)
join_kind = Kind(b"join", 0, 0, NULL, False, join_step_forward, join_step_backward, NULL, NULL)


cdef int connect_forks(Step* steps, int count) except -1:
    """Set for each fork and its join where the other's memory lies; inner ones lie between them."""
    cdef list open_forks = []
    cdef Step* fork
    cdef int i
    for i in range(count):
        if steps[i].kind == &fork_kind:
            open_forks.append(i)
        elif steps[i].kind == &join_kind:
            if not open_forks:
                raise ValueError("steps: a join must follow its fork: use ('residual', steps)")
            fork = &steps[<int>open_forks.pop()]
            if fork.outputs != steps[i].outputs:
                raise ValueError(
                    f"steps: the steps of a residual must make {fork.outputs} numbers, "
                    f"got {steps[i].outputs}"
                )
            if fork.members != steps[i].members:
                raise ValueError(
                    f"steps: members must be {fork.members} behind a residual as before it, got {steps[i].members}"
                )
            steps[i].other = fork.output - steps[i].output
            fork.other = steps[i].gradient - fork.gradient
    if open_forks:
        raise ValueError("steps: a fork must have its join: use ('residual', steps)")
    return 0

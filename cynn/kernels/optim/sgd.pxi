# Stochastic gradient descent with momentum, Nesterov's variant and weight decay (Sutskever et al. 2013):
#
#   g = gradient + weight_decay * w
#   v = momentum * v + g
#   w = w - learning_rate * v                   or, Nesterov,  w - learning_rate * (g + momentum * v)
#
# and scikit-learn's variant, where the velocity includes the learning rate of its steps:
#
#   v = momentum * v - learning_rate * g
#   w = w + v                                   or, Nesterov,  w + momentum * v - learning_rate * g


cdef inline vec plain_step(vec weight_decay, vec learning_rate, vec w, vec gradient) noexcept nogil:
    """SGD without momentum."""
    return w - learning_rate * multiply_add(weight_decay, w, gradient)


cdef inline void momentum_step(const Rule* rule, real* at, vec gradient) noexcept nogil:
    cdef vec w = load(at), v
    cdef real* velocity = rule.slots[0] + (at - rule.sink)
    gradient = multiply_add(broadcast(rule.weight_decay), w, gradient)
    v = multiply_add(broadcast(rule.momentum), load(velocity), gradient)
    store(velocity, v)
    gradient = multiply_add(broadcast(rule.gradient_factor), gradient, broadcast(rule.velocity_factor) * v)
    store(at, w - broadcast(rule.learning_rate) * gradient)


cdef void descend_plainly(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    cdef vec weight_decay = broadcast(rule.weight_decay), learning_rate = broadcast(rule.learning_rate)
    cdef Py_ssize_t i = 0
    while i < count:
        store(at + i, plain_step(weight_decay, learning_rate, load(at + i), load(gradient + i)))
        i += LANES


cdef void descend(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    """SGD with momentum."""
    cdef Rule copied = rule[0]  # its address is never taken: its numbers stay in registers
    cdef Py_ssize_t i = 0
    while i < count:
        momentum_step(&copied, at + i, load(gradient + i))
        i += LANES


cdef void set_sgd(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    cdef bint nesterov = numbers[0] != 0
    rule.sweep = descend_plainly if rule.slots[0] == NULL else descend
    rule.plain = rule.slots[0] == NULL and not rule.prepares and rule.average == NULL
    rule.learning_rate = <real>learning_rate
    rule.momentum = <real>momentum
    rule.gradient_factor = 1 if nesterov else 0
    rule.velocity_factor = <real>momentum if nesterov else 1
    rule.weight_decay = <real>numbers[1]
    rule.decays = True


cdef void descend_in_sklearn(
    const Rule* rule, real* at, const real* gradient, Py_ssize_t count
) noexcept nogil:
    cdef vec weight_decay = broadcast(rule.weight_decay), learning_rate = broadcast(rule.learning_rate)
    cdef vec momentum = broadcast(rule.momentum)
    cdef vec gradient_factor = broadcast(rule.gradient_factor)
    cdef vec velocity_factor = broadcast(rule.velocity_factor)
    cdef real* velocity = rule.slots[0] + (at - rule.sink)
    cdef vec w, step, v
    cdef Py_ssize_t i = 0
    while i < count:
        w = load(at + i)
        step = learning_rate * multiply_add(weight_decay, w, load(gradient + i))
        v = multiply_add(momentum, load(velocity + i), -step)
        store(velocity + i, v)
        store(at + i, w + (velocity_factor * v - gradient_factor * step))
        i += LANES


cdef void set_sgd_in_sklearn(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    set_sgd(rule, numbers, scalars, learning_rate, momentum, t)
    rule.sweep = descend_in_sklearn
    rule.plain = False


enter("sgd", ("nesterov", "weight_decay"), ("velocity",), 0, descend, set_sgd)
enter("sgd_sklearn", ("nesterov", "weight_decay"), ("velocity",), 1, descend_in_sklearn, set_sgd_in_sklearn)


def sgd(
    real[:] w,
    const real[:] grad,
    real[:] velocity,
    double learning_rate,
    double momentum,
    bint nesterov,
    double weight_decay,
):
    """One step of stochastic gradient descent, in place."""
    cdef Py_ssize_t count = w.shape[0], i, c, n
    cdef double[2] numbers
    cdef Rule rule
    cdef real* block
    expect("sgd", "grad", grad.shape[0] == count, grad.shape[0], f"have {count} numbers, as w")
    expect(
        "sgd", "velocity", velocity.shape[0] == count,
        velocity.shape[0], f"have {count} numbers, as w",
    )
    expect_apart("sgd", "w", span_1d(w), span_1d(grad))
    expect_apart("sgd", "w", span_1d(w), span_1d(velocity))
    expect_apart("sgd", "velocity", span_1d(velocity), span_1d(grad))
    block = allocate(3 * PANEL)
    begin_rule(&rule, keep, block)
    rule.slots[0] = block + PANEL
    numbers[0], numbers[1] = nesterov, weight_decay
    set_sgd(&rule, numbers, NULL, learning_rate, momentum, 1)
    with nogil:
        i = 0
        while i < count:
            n = smaller(PANEL, count - i)
            for c in range(PANEL):
                block[c] = w[i + c] if c < n else 0
                block[PANEL + c] = velocity[i + c] if c < n else 0
                block[2 * PANEL + c] = grad[i + c] if c < n else 0
            rule.sweep(&rule, block, block + 2 * PANEL, PANEL)
            for c in range(n):
                w[i + c] = block[c]
                velocity[i + c] = block[PANEL + c]
            i += PANEL
    release(block)

# Stochastic gradient descent with momentum, Nesterov's variant and weight decay (Sutskever et al. 2013):
#
#   g = gradient + weight_decay * w
#   v = momentum * v + g
#   w = w - learning_rate * v                   or, Nesterov,  w - learning_rate * (g + momentum * v)
#
# One vector at a time, so that the same lines serve the pass over a flat buffer and the end of a gradient
# tile, where the gradient never reaches memory.

cdef enum:
    KEEP  # the gradient replaces what was there
    ADD  # the gradient is added to what was there
    SGD  # the weights take a step

# What becomes of a gradient. The velocity of the number at parameters[i] is velocity[i].
cdef struct Rule:
    int kind
    real* parameters
    real* velocity  # NULL: no momentum
    real learning_rate
    real momentum
    real gradient_factor  # the step is learning_rate * (gradient_factor * g + velocity_factor * v)
    real velocity_factor
    real weight_decay


cdef inline void set_rates(Rule* rule, double learning_rate, double momentum, bint nesterov) noexcept nogil:
    rule.learning_rate = <real>learning_rate
    rule.momentum = <real>momentum
    rule.gradient_factor = 1 if nesterov else 0
    rule.velocity_factor = <real>momentum if nesterov else 1


cdef inline bint is_plain(const Rule* rule) noexcept nogil:
    return rule.kind == SGD and rule.velocity == NULL


cdef inline vec plain_step(vec weight_decay, vec learning_rate, vec w, vec gradient) noexcept nogil:
    """Descent without momentum."""
    return w - learning_rate * multiply_add(weight_decay, w, gradient)


cdef inline void apply_rule(const Rule* rule, real* at, vec gradient) noexcept nogil:
    """Use the gradient of the LANES numbers at `at`, which lie within rule.parameters."""
    cdef vec w = load(at), v
    cdef real* velocity
    if rule.kind == KEEP:
        store(at, gradient)
    elif rule.kind == ADD:
        store(at, w + gradient)
    elif rule.velocity == NULL:
        store(at, plain_step(broadcast(rule.weight_decay), broadcast(rule.learning_rate), w, gradient))
    else:
        velocity = rule.velocity + (at - rule.parameters)
        gradient = multiply_add(broadcast(rule.weight_decay), w, gradient)
        v = multiply_add(broadcast(rule.momentum), load(velocity), gradient)
        store(velocity, v)
        gradient = multiply_add(
            broadcast(rule.gradient_factor), gradient, broadcast(rule.velocity_factor) * v
        )
        store(at, w - broadcast(rule.learning_rate) * gradient)


cdef void c_sgd(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    """A step of `count` numbers, a multiple of LANES."""
    cdef Py_ssize_t i = 0
    while i < count:
        apply_rule(rule, at + i, load(gradient + i))
        i += LANES


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
    cdef Rule rule
    cdef real* block
    expect("sgd", "grad", grad.shape[0] == count, f"{grad.shape[0]} numbers", f"{count}, as w has")
    expect(
        "sgd", "velocity", velocity.shape[0] == count,
        f"{velocity.shape[0]} numbers", f"{count}, as w has",
    )
    expect_apart("sgd", "w", span_1d(w), span_1d(grad))
    expect_apart("sgd", "w", span_1d(w), span_1d(velocity))
    expect_apart("sgd", "velocity", span_1d(velocity), span_1d(grad))
    block = allocate(3 * PANEL)
    rule.kind = SGD
    rule.parameters = block
    rule.velocity = block + PANEL
    rule.weight_decay = <real>weight_decay
    set_rates(&rule, learning_rate, momentum, nesterov)
    with nogil:
        i = 0
        while i < count:
            n = smaller(PANEL, count - i)
            for c in range(PANEL):
                block[c] = w[i + c] if c < n else 0
                block[PANEL + c] = velocity[i + c] if c < n else 0
                block[2 * PANEL + c] = grad[i + c] if c < n else 0
            c_sgd(&rule, block, block + 2 * PANEL, PANEL)
            for c in range(n):
                w[i + c] = block[c]
                velocity[i + c] = block[PANEL + c]
            i += PANEL
    release(block)

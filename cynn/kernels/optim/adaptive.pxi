# Optimizers that divide each weight's gradient by the root of an average of its squares.
#
# RMSprop (Tieleman and Hinton 2012; centred: Graves 2013)
#   s = alpha * s + (1 - alpha) * g**2
#   a = alpha * a + (1 - alpha) * g             (centred; else a = 0)
#   v = momentum * v + g / (sqrt(s - a**2) + epsilon)
#   w = w - learning_rate * v
#
# Adagrad (Duchi, Hazan and Singer 2011)
#   s = s + g**2
#   w = w - learning_rate / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + epsilon)
#
# Adadelta (Zeiler 2012)
#   s = rho * s + (1 - rho) * g**2
#   d = sqrt(u + epsilon) / sqrt(s + epsilon) * g
#   u = rho * u + (1 - rho) * d**2
#   w = w - learning_rate * d
#
# In all of them  g = gradient + weight_decay * w.


cdef inline void rmsprop_run(
    const Rule* rule, real* at, const real* gradient, Py_ssize_t count, const bint centred
) noexcept nogil:
    cdef vec learning_rate = broadcast(rule.learning_rate), epsilon = broadcast(rule.epsilon)
    cdef vec weight_decay = broadcast(rule.weight_decay), momentum = broadcast(rule.momentum)
    cdef vec decay = broadcast(rule.second_decay), gain = broadcast(rule.second_gain)
    cdef real* squares = rule.slots[0] + (at - rule.sink)
    cdef real* means = rule.slots[1] + (at - rule.sink) if centred else NULL
    cdef real* velocity = rule.slots[2 if centred else 1]
    cdef vec w, g, s, a
    cdef Py_ssize_t i = 0
    if velocity != NULL:
        velocity = velocity + (at - rule.sink)
    while i < count:
        w = load(at + i)
        g = multiply_add(weight_decay, w, load(gradient + i))
        s = multiply_add(gain * g, g, decay * load(squares + i))
        store(squares + i, s)
        if centred:
            a = load(means + i)
            a = multiply_add(gain, g - a, a)
            store(means + i, a)
            s = maximum(s - a * a, broadcast(0))  # less than 0 by rounding only
        g = g / (square_root(s) + epsilon)
        if velocity != NULL:
            g = multiply_add(momentum, load(velocity + i), g)
            store(velocity + i, g)
        store(at + i, w - learning_rate * g)
        i += LANES


cdef void rmsprop(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    rmsprop_run(rule, at, gradient, count, False)


cdef void centred_rmsprop(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    rmsprop_run(rule, at, gradient, count, True)


cdef void set_rmsprop(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    rule.learning_rate = <real>learning_rate
    rule.momentum = <real>momentum
    rule.second_decay = <real>numbers[0]
    rule.second_gain = <real>(1 - numbers[0])
    rule.epsilon = at_least_tiny(numbers[1])
    rule.weight_decay = <real>numbers[2]
    rule.decays = True


cdef void adagrad(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    cdef vec learning_rate = broadcast(rule.learning_rate), epsilon = broadcast(rule.epsilon)
    cdef vec weight_decay = broadcast(rule.weight_decay)
    cdef real* squares = rule.slots[0] + (at - rule.sink)
    cdef vec w, g, s
    cdef Py_ssize_t i = 0
    while i < count:
        w = load(at + i)
        g = multiply_add(weight_decay, w, load(gradient + i))
        s = multiply_add(g, g, load(squares + i))
        store(squares + i, s)
        store(at + i, w - learning_rate * g / (square_root(s) + epsilon))
        i += LANES


cdef void set_adagrad(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    rule.learning_rate = <real>(learning_rate / (1 + <double>(t - 1) * numbers[0]))
    rule.epsilon = at_least_tiny(numbers[1])
    rule.weight_decay = <real>numbers[2]
    rule.decays = True


cdef void adadelta(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    cdef vec learning_rate = broadcast(rule.learning_rate), epsilon = broadcast(rule.epsilon)
    cdef vec weight_decay = broadcast(rule.weight_decay)
    cdef vec decay = broadcast(rule.second_decay), gain = broadcast(rule.second_gain)
    cdef real* squares = rule.slots[0] + (at - rule.sink)
    cdef real* steps = rule.slots[1] + (at - rule.sink)
    cdef vec w, g, s, u, d
    cdef Py_ssize_t i = 0
    while i < count:
        w = load(at + i)
        g = multiply_add(weight_decay, w, load(gradient + i))
        s = multiply_add(gain * g, g, decay * load(squares + i))
        u = load(steps + i)
        d = square_root(u + epsilon) / square_root(s + epsilon) * g
        store(squares + i, s)
        store(steps + i, multiply_add(gain * d, d, decay * u))
        store(at + i, w - learning_rate * d)
        i += LANES


cdef tuple of_rmsprop = ("alpha", "epsilon", "weight_decay")
enter("rmsprop", of_rmsprop, ("square_avg", "momentum_buffer"), 1, rmsprop, set_rmsprop)
enter(
    "rmsprop_centered", of_rmsprop, ("square_avg", "grad_avg", "momentum_buffer"), 2,
    centred_rmsprop, set_rmsprop,
)
enter("adagrad", ("lr_decay", "epsilon", "weight_decay", "initial"), ("sum",), 1, adagrad, set_adagrad)
enter("adadelta", ("rho", "epsilon", "weight_decay"), ("square_avg", "acc_delta"), 2, adadelta, set_rmsprop)

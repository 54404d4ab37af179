# Lion (Chen et al. 2023, Symbolic Discovery of Optimization Algorithms, algorithm 2): all weights move by the same.
#
#   c = beta1 * m + (1 - beta1) * gradient
#   w = w - learning_rate * (sign(c) + weight_decay * w)
#   m = beta2 * m + (1 - beta2) * gradient


cdef void lion(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    cdef vec learning_rate = broadcast(rule.learning_rate), shrinkage = broadcast(rule.shrinkage)
    cdef vec first_decay = broadcast(rule.first_decay), first_gain = broadcast(rule.first_gain)
    cdef vec second_decay = broadcast(rule.second_decay), second_gain = broadcast(rule.second_gain)
    cdef real* means = rule.slots[0] + (at - rule.sink)
    cdef vec w, g, m, c, zero = broadcast(0)
    cdef Py_ssize_t i = 0
    while i < count:
        w = load(at + i)
        g = load(gradient + i)
        m = load(means + i)
        c = multiply_add(first_gain, g, first_decay * m)
        store(means + i, multiply_add(second_gain, g, second_decay * m))
        # c where it has no sign: 0 and NaN
        c = where_less(c, zero, -learning_rate, where_less(zero, c, learning_rate, c))
        store(at + i, w - shrinkage * w - c)
        i += LANES


cdef void set_lion(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    rule.learning_rate = <real>learning_rate
    rule.first_decay = <real>numbers[0]
    rule.first_gain = <real>(1 - numbers[0])
    rule.second_decay = <real>numbers[1]
    rule.second_gain = <real>(1 - numbers[1])
    rule.shrinkage = <real>(learning_rate * numbers[2])


enter("lion", ("beta1", "beta2", "weight_decay"), ("exp_avg",), 1, lion, set_lion)

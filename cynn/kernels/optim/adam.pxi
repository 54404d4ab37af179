# Adam (Kingma and Ba 2015), with the decoupled weight decay of AdamW (Loshchilov and Hutter 2019) and the maximum of
# AMSGrad (Reddi, Kale and Kumar 2018):
#
#   g = gradient + weight_decay * w             (AdamW: w = w - learning_rate * weight_decay * w)
#   m = beta1 * m + (1 - beta1) * g
#   v = beta2 * v + (1 - beta2) * g**2          (AMSGrad: u = max(u, v) stands for v below)
#   w = w - learning_rate / (1 - beta1**t) * m / (sqrt(v / (1 - beta2**t)) + epsilon)
#
# With c = sqrt(1 - beta2**t) the last line is  w - learning_rate c / (1 - beta1**t) * m / (sqrt(v) + epsilon c):
# two numbers a step. In scikit-learn's variant epsilon is not multiplied by c.
#
# NAdam (Dozat 2016, as in PyTorch) looks one step ahead, with a growing momentum and the product of all so far:
#
#   mu_t = beta1 * (1 - ratio**t / 2),  P_t = mu_1 * ... * mu_t
#   mu_t+1 / (1 - P_t+1) * m + (1 - mu_t) / (1 - P_t) * g  stands for  m / (1 - beta1**t)


cdef inline void adam_run(
    const Rule* rule, real* at, const real* gradient, Py_ssize_t count, const bint greatest, const bint ahead
) noexcept nogil:
    cdef vec learning_rate = broadcast(rule.learning_rate), epsilon = broadcast(rule.epsilon)
    cdef vec weight_decay = broadcast(rule.weight_decay), shrinkage = broadcast(rule.shrinkage)
    cdef vec first_gain = broadcast(rule.first_gain), ahead_rate = broadcast(rule.ahead_rate)
    cdef vec second_decay = broadcast(rule.second_decay), second_gain = broadcast(rule.second_gain)
    cdef real* first = rule.slots[0] + (at - rule.sink)
    cdef real* second = rule.slots[1] + (at - rule.sink)
    cdef real* maxima = rule.slots[2] + (at - rule.sink) if greatest else NULL
    cdef vec w, g, m, v
    cdef Py_ssize_t i = 0
    while i < count:
        w = load(at + i)
        g = multiply_add(weight_decay, w, load(gradient + i))
        m = load(first + i)
        m = multiply_add(first_gain, g - m, m)
        v = multiply_add(second_gain * g, g, second_decay * load(second + i))
        store(first + i, m)
        store(second + i, v)
        if greatest:
            v = maximum(load(maxima + i), v)
            store(maxima + i, v)
        w = w - shrinkage * w
        m = learning_rate * m
        if ahead:
            m = multiply_add(ahead_rate, g, m)
        store(at + i, w - m / (square_root(v) + epsilon))
        i += LANES


cdef void adam(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    adam_run(rule, at, gradient, count, False, False)


cdef void amsgrad(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    adam_run(rule, at, gradient, count, True, False)


cdef void nadam(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    adam_run(rule, at, gradient, count, False, True)


cdef void set_adam(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    cdef double correction = sqrt(1 - power(numbers[1], t))
    rule.learning_rate = <real>(learning_rate * correction / (1 - power(numbers[0], t)))
    rule.first_gain = <real>(1 - numbers[0])
    rule.second_decay = <real>numbers[1]
    rule.second_gain = <real>(1 - numbers[1])
    rule.epsilon = at_least_tiny(numbers[2] * correction)
    rule.weight_decay = <real>numbers[3]
    rule.decays = True


cdef void set_adam_in_sklearn(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    set_adam(rule, numbers, scalars, learning_rate, momentum, t)
    rule.epsilon = at_least_tiny(numbers[2])


cdef void set_adamw(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    set_adam(rule, numbers, scalars, learning_rate, momentum, t)
    rule.weight_decay = 0
    rule.shrinkage = <real>(learning_rate * numbers[3])


cdef void set_nadam(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    cdef double ratio = power(numbers[4], t)
    cdef double now = numbers[0] * (1 - 0.5 * ratio), following = numbers[0] * (1 - 0.5 * ratio * numbers[4])
    cdef double rate = learning_rate * sqrt(1 - power(numbers[1], t))
    set_adam(rule, numbers, scalars, learning_rate, momentum, t)
    scalars[0] *= now
    rule.learning_rate = <real>(rate * following / (1 - scalars[0] * following))
    rule.ahead_rate = <real>(rate * (1 - now) / (1 - scalars[0]))


cdef void set_nadamw(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil:
    set_nadam(rule, numbers, scalars, learning_rate, momentum, t)
    rule.weight_decay = 0
    rule.shrinkage = <real>(learning_rate * numbers[3])


cdef tuple betas = ("beta1", "beta2", "epsilon", "weight_decay")
cdef tuple moments = ("exp_avg", "exp_avg_sq")
cdef tuple with_maxima = (*moments, "max_exp_avg_sq")
enter("adam", betas, moments, 2, adam, set_adam)
enter("adam_sklearn", betas, moments, 2, adam, set_adam_in_sklearn)
enter("adamw", betas, moments, 2, adam, set_adamw)
enter("amsgrad", betas, with_maxima, 3, amsgrad, set_adam)
enter("amsgradw", betas, with_maxima, 3, amsgrad, set_adamw)
enter("nadam", (*betas, "momentum_ratio"), moments, 2, nadam, set_nadam, {"mu_product": 1.0})
enter("nadamw", (*betas, "momentum_ratio"), moments, 2, nadam, set_nadamw, {"mu_product": 1.0})

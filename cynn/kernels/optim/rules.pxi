# A rule is how a gradient is used. It acts on runs of numbers, so that the same lines serve the pass over a
# flat buffer and the end of a gradient tile, where the gradient never reaches memory:
#
#   gradient (a run of it) -> prepared, where it has to be -> swept into the sink
#
#   prepared   g = clip(g + l1 sign(w) + 2 l2 w) * scale          a layer's penalty, then gradient clipping
#   swept      kept or added to what is there, or used by an optimizer on the weights there and its slots
#   averaged   average = average + average_gain * (w - average)   where an average of the weights is asked for
#
# A slot is a buffer with a number for each weight, which an optimizer keeps from step to step.

cdef enum:
    MOST_SLOTS = 3

cdef struct Rule

# Use the gradient of `count` numbers at `at`, which lie within rule.sink; a multiple of LANES.
ctypedef void (*Sweep)(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil

cdef struct Rule:
    Sweep sweep
    bint updates  # the sink are the weights
    bint plain  # SGD without momentum or average on the plain gradient: tiles do it themselves
    bint prepares
    bint decays  # the sweep adds weight_decay * w to the gradient first, as l2 does
    real* sink
    real* slots[MOST_SLOTS]  # that of the number at sink[i] is at slots[s][i]; NULL: not used
    # how a gradient is prepared
    const real* weights
    real l1, l2, clip, scale
    # of a layer with a penalty: its l1 and l2, and where the penalty's parts are kept in step; NULL: nowhere
    const double* penalty
    double* parts
    # what an optimizer sets for a step; see `rule_by_factors` for the first line
    real learning_rate, ahead_rate, weight_decay, shrinkage
    real momentum, gradient_factor, velocity_factor
    real first_decay, first_gain, second_decay, second_gain
    real epsilon
    # an average of the weights, which follows each step; NULL: none
    real* average  # that of the number at sink[i] is at average[i]
    double average_decay  # how much of it is kept
    real average_gain  # how far the step takes it


cdef void begin_rule(Rule* rule, Sweep sweep, real* sink) noexcept nogil:
    memset(rule, 0, sizeof(Rule))
    rule.sweep = sweep
    rule.sink = sink
    rule.clip = <real>INFINITY
    rule.scale = 1


cdef void rest(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    """Nothing changes: of weights that are frozen."""
    pass


cdef Rule rule_by_factors(const Rule* rule, const double* factors) noexcept nogil:
    """Return an optimizer's rule with its learning rate and its weight decay times these factors.

    In the rule of every optimizer two numbers have the learning rate for a factor, one the weight decay, one both.
    """
    cdef Rule changed = rule[0]
    if factors[0] == 0:
        changed.sweep = rest
        changed.plain = False
        changed.average = NULL
    changed.learning_rate *= <real>factors[0]
    changed.ahead_rate *= <real>factors[0]
    changed.weight_decay *= <real>factors[1]
    changed.shrinkage *= <real>(factors[0] * factors[1])
    return changed


cdef void keep(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    """The gradient replaces what was there."""
    memcpy(at, gradient, <size_t>count * sizeof(real))


cdef void add(const Rule* rule, real* at, const real* gradient, Py_ssize_t count) noexcept nogil:
    """The gradient is added to what was there."""
    cdef Py_ssize_t i = 0
    while i < count:
        store(at + i, load(at + i) + load(gradient + i))
        i += LANES


cdef void prepare(const Rule* rule, const real* w, real* gradient, Py_ssize_t count) noexcept nogil:
    cdef vec l1 = broadcast(rule.l1), l2 = broadcast(2 * rule.l2), scale = broadcast(rule.scale)
    cdef vec clip = broadcast(rule.clip), zero = broadcast(0)
    cdef bint penalised = rule.l1 != 0 or rule.l2 != 0
    cdef vec at, g
    cdef Py_ssize_t i = 0
    while i < count:
        g = load(gradient + i)
        if penalised:
            at = load(w + i)
            g = g + where_equal(at, zero, zero, copy_sign(l1, at))
            g = multiply_add(l2, at, g)
        g = where_less(g, -clip, -clip, g)
        g = where_less(clip, g, clip, g)
        store(gradient + i, g * scale)
        i += LANES


cdef void average_weights(const Rule* rule, const real* at, Py_ssize_t count) noexcept nogil:
    """Follow weights that a step has changed."""
    cdef real* average = rule.average + (at - rule.sink)
    cdef vec gain = broadcast(rule.average_gain), a
    cdef Py_ssize_t i = 0
    if rule.average_gain == 1:  # the first step: by the sum below it would differ by roundings
        memcpy(average, at, <size_t>count * sizeof(real))
        return
    while i < count:
        a = load(average + i)
        store(average + i, multiply_add(gain, load(at + i) - a, a))
        i += LANES


cdef void use_gradient(const Rule* rule, real* at, real* gradient, Py_ssize_t count) noexcept nogil:
    """Apply a rule to a run; the gradient is used up."""
    if rule.prepares:
        prepare(rule, rule.weights + (at - rule.sink), gradient, count)
    rule.sweep(rule, at, gradient, count)
    if rule.average != NULL:
        average_weights(rule, at, count)


cdef inline void apply_rule(const Rule* rule, real* at, vec gradient) noexcept nogil:
    """Apply a rule to one vector; the plain one without a call."""
    cdef vec one
    if rule.plain:
        store(at, plain_step(broadcast(rule.weight_decay), broadcast(rule.learning_rate), load(at), gradient))
    else:
        store(<real*>&one, gradient)
        use_gradient(rule, at, <real*>&one, LANES)

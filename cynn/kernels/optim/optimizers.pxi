# The optimizers by name. One is one entry here: the numbers that it is given (in the tuple after its name), its
# slots, the sweep that does a step, and what is computed once a step, outside of it.
#
# t counts the steps from 1. Slots beyond `without_momentum` are needed only where there is momentum.

ctypedef void (*SetStep)(
    Rule* rule, const double* numbers, double learning_rate, double momentum, int64_t t
) noexcept nogil

cdef struct Optimizer:
    Sweep sweep
    SetStep set_step
    int slots
    int without_momentum
    int initial  # which of the numbers the first slot begins with; -1: 0

cdef enum:
    MOST_OPTIMIZERS = 16
    MOST_NUMBERS = 5

cdef Optimizer optimizer_entries[MOST_OPTIMIZERS]

OPTIMIZERS = {}  # by name: the names of its numbers, and of its slots


cdef int enter(
    str name, tuple numbers, tuple slots, int without_momentum, Sweep sweep, SetStep set_step
) except -1:
    cdef Optimizer* entry = &optimizer_entries[len(OPTIMIZERS)]
    entry.sweep = sweep
    entry.set_step = set_step
    entry.slots = <int>len(slots)
    entry.without_momentum = without_momentum
    entry.initial = <int>numbers.index("initial") if "initial" in numbers else -1
    OPTIMIZERS[name] = numbers, slots
    return 0


cdef tuple betas = ("beta1", "beta2", "epsilon", "weight_decay")
cdef tuple moments = ("exp_avg", "exp_avg_sq")
cdef tuple with_maxima = (*moments, "max_exp_avg_sq")
cdef tuple of_rmsprop = ("alpha", "epsilon", "weight_decay")
enter("sgd", ("nesterov", "weight_decay"), ("velocity",), 0, descend, set_sgd)
enter("sgd_sklearn", ("nesterov", "weight_decay"), ("velocity",), 1, descend_in_sklearn, set_sgd_in_sklearn)
enter("adam", betas, moments, 2, adam, set_adam)
enter("adam_sklearn", betas, moments, 2, adam, set_adam_in_sklearn)
enter("adamw", betas, moments, 2, adam, set_adamw)
enter("amsgrad", betas, with_maxima, 3, amsgrad, set_adam)
enter("amsgradw", betas, with_maxima, 3, amsgrad, set_adamw)
enter("rmsprop", of_rmsprop, ("square_avg", "momentum_buffer"), 1, rmsprop, set_rmsprop)
enter(
    "rmsprop_centered", of_rmsprop, ("square_avg", "grad_avg", "momentum_buffer"), 2,
    centred_rmsprop, set_rmsprop,
)
enter("adagrad", ("lr_decay", "epsilon", "weight_decay", "initial"), ("sum",), 1, adagrad, set_adagrad)
enter("adadelta", ("rho", "epsilon", "weight_decay"), ("square_avg", "acc_delta"), 2, adadelta, set_rmsprop)
enter("lion", ("beta1", "beta2", "weight_decay"), ("exp_avg",), 1, lion, set_lion)


cdef int read_optimizer(tuple given, double* numbers) except -1:
    """The place of an optimizer among the entries; its numbers are written down."""
    cdef int i
    name = given[0] if given else None
    if name not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {name!r}")
    wanted = OPTIMIZERS[name][0]
    if len(given) != 1 + len(wanted):
        raise ValueError(f"optimizer: {name} must have the numbers {', '.join(wanted)}, got {len(given) - 1}")
    for i in range(<int>len(wanted)):
        numbers[i] = given[1 + i]
    return list(OPTIMIZERS).index(name)


cdef double power(double base, int64_t n) noexcept nogil:
    """base**n for n >= 0, by squaring."""
    cdef double result = 1
    while n > 0:
        if n & 1:
            result *= base
        base *= base
        n >>= 1
    return result


cdef real at_least_tiny(double epsilon) noexcept nogil:
    """Above zero in this precision too: weights that fill up a panel have gradients of zero."""
    return <real>epsilon if epsilon > REAL_TINY else REAL_TINY


def optimizer_step(
    real[:] w, const real[:] grad, real[:, :] slots, tuple optimizer, double learning_rate,
    double momentum, int64_t t,
):
    """One step of an optimizer, in place; slots has a row for each of its slots."""
    cdef double numbers[MOST_NUMBERS]
    cdef int entry = read_optimizer(optimizer, numbers), count = optimizer_entries[entry].slots, s
    cdef Py_ssize_t size = w.shape[0], i = 0, c, n
    cdef Rule rule
    cdef real* block
    expect("optimizer_step", "grad", grad.shape[0] == size, grad.shape[0], f"have {size} numbers, as w")
    expect_shape("optimizer_step", "slots", slots, count, size)
    expect("optimizer_step", "t", t >= 1, t, "be at least 1")
    expect_apart("optimizer_step", "w", span_1d(w), span_1d(grad))
    expect_apart("optimizer_step", "w", span_1d(w), span(slots))
    expect_apart("optimizer_step", "slots", span(slots), span_1d(grad))
    block = allocate((2 + MOST_SLOTS) * PANEL)
    begin_rule(&rule, optimizer_entries[entry].sweep, block)
    for s in range(count):
        rule.slots[s] = block + (2 + s) * PANEL
    optimizer_entries[entry].set_step(&rule, numbers, learning_rate, momentum, t)
    with nogil:
        while i < size:
            n = smaller(PANEL, size - i)
            memset(block, 0, (2 + MOST_SLOTS) * PANEL * sizeof(real))
            for c in range(n):
                block[c] = w[i + c]
                block[PANEL + c] = grad[i + c]
                for s in range(count):
                    rule.slots[s][c] = slots[s, i + c]
            rule.sweep(&rule, block, block + PANEL, PANEL)
            for c in range(n):
                w[i + c] = block[c]
                for s in range(count):
                    slots[s, i + c] = rule.slots[s][c]
            i += PANEL
    release(block)

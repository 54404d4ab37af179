# The optimizers by name. Each file of update rules enters its own: an optimizer's parameters (in the tuple
# after its name), its slots, the sweep that does a step, and what is computed once a step, outside of it.
#
# t counts the steps from 1. Slots beyond `without_momentum` are needed only where there is momentum. Scalars are
# numbers that an optimizer keeps between steps, as slots are, but one for all weights; what is
# computed once a step may change them, on every thread alike.

ctypedef void (*SetStep)(
    Rule* rule, const double* numbers, double* scalars, double learning_rate, double momentum, int64_t t
) noexcept nogil

cdef struct Optimizer:
    Sweep sweep
    SetStep set_step
    int slots
    int scalars
    int without_momentum
    int weight_decay  # which of the numbers it is; -1: there is none
    int initial  # which of the numbers the first slot begins with; -1: 0

cdef enum:
    MOST_OPTIMIZERS = 32
    MOST_NUMBERS = 5
    MOST_SCALARS = 1

cdef Optimizer optimizer_entries[MOST_OPTIMIZERS]

OPTIMIZERS = {}  # by name: the names of its numbers and of its slots, and its scalars with what they begin with


cdef int enter(
    str name, tuple numbers, tuple slots, int without_momentum, Sweep sweep, SetStep set_step, dict scalars={}
) except -1:
    cdef Optimizer* entry = &optimizer_entries[len(OPTIMIZERS)]
    if (
        len(OPTIMIZERS) == MOST_OPTIMIZERS or len(numbers) > MOST_NUMBERS or len(slots) > MOST_SLOTS
        or len(scalars) > MOST_SCALARS
    ):
        raise IndexError(name)  # a limit above is too low
    entry.sweep = sweep
    entry.set_step = set_step
    entry.slots = <int>len(slots)
    entry.scalars = <int>len(scalars)
    entry.without_momentum = without_momentum
    entry.weight_decay = <int>numbers.index("weight_decay") if "weight_decay" in numbers else -1
    entry.initial = <int>numbers.index("initial") if "initial" in numbers else -1
    OPTIMIZERS[name] = numbers, slots, scalars
    return 0


cdef int read_optimizer(tuple given, double* numbers) except -1:
    """Return the index of an optimizer among the entries; its parameters are written down."""
    name = given[0] if given else None
    cdef int i, place = place_of("optimizer", name, OPTIMIZERS)
    wanted = OPTIMIZERS[name][0]
    if len(given) != 1 + len(wanted):
        raise ValueError(f"optimizer: {name} must have the numbers {', '.join(wanted)}, got {len(given) - 1}")
    for i in range(<int>len(wanted)):
        numbers[i] = given[1 + i]
    return place


cdef void set_rule(
    const Optimizer* optimizer, Rule* rule, const double* numbers, double* scalars, double learning_rate,
    double momentum, const double* weight_decay, int64_t t,
) noexcept nogil:
    """Set what an optimizer computes once a step, with a weight decay of the step's own unless it is NULL."""
    cdef double[MOST_NUMBERS] changed
    if rule.average != NULL:
        # Divided by what is missing, as Adam's moments are: the mean of all weights so far, by their age, and nothing of
        # those before the first step.
        rule.average_gain = <real>((1 - rule.average_decay) / (1 - power(rule.average_decay, t)))
    if weight_decay == NULL:
        optimizer.set_step(rule, numbers, scalars, learning_rate, momentum, t)
        return
    memcpy(changed, numbers, sizeof(changed))
    changed[optimizer.weight_decay] = weight_decay[0]
    optimizer.set_step(rule, changed, scalars, learning_rate, momentum, t)


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
    double momentum, int64_t t, list scalars=None,
):
    """One step of an optimizer, in place; slots has a row for each of its slots, scalars a number for each of these."""
    cdef double numbers[MOST_NUMBERS]
    cdef double held[MOST_SCALARS]
    cdef int entry = read_optimizer(optimizer, numbers), count = optimizer_entries[entry].slots, s
    cdef int kept = optimizer_entries[entry].scalars, came = 0 if scalars is None else <int>len(scalars)
    cdef Py_ssize_t size = w.shape[0], i = 0, c, n
    cdef Rule rule
    cdef real* block
    expect("optimizer_step", "grad", grad.shape[0] == size, grad.shape[0], f"have {size} numbers, as w")
    expect_shape("optimizer_step", "slots", slots, count, size)
    expect("optimizer_step", "t", t >= 1, t, "be at least 1")
    expect("optimizer_step", "scalars", came == kept, f"{came} numbers", f"{kept}")
    for s in range(kept):
        held[s] = scalars[s]
    expect_apart("optimizer_step", "w", span_1d(w), span_1d(grad))
    expect_apart("optimizer_step", "w", span_1d(w), span(slots))
    expect_apart("optimizer_step", "slots", span(slots), span_1d(grad))
    block = allocate((2 + MOST_SLOTS) * PANEL)
    begin_rule(&rule, optimizer_entries[entry].sweep, block)
    for s in range(count):
        rule.slots[s] = block + (2 + s) * PANEL
    optimizer_entries[entry].set_step(&rule, numbers, held, learning_rate, momentum, t)
    for s in range(kept):
        scalars[s] = held[s]
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

# Activations and their gradients, in place over panels. The gradient is computed from the stored output y, so that
# the input need not be kept:
#
#   identity      y = x                            1
#   relu          y = max(x, 0)                    1 where y > 0, else 0
#   leaky_relu    y = max(x, 0.01 x)               1 where y > 0, else 0.01
#   sigmoid       y = 1 / (1 + e^-x)               y (1 - y)
#   tanh          y = tanh x                       1 - y^2
#   softmax       y = e^x / sum e^x                the row's Jacobian: y (g - sum g y)
#   elu           y = x, or e^x - 1 below 0        1 where y > 0, else y + 1
#   selu          y = s x, or s a (e^x - 1)        s where y > 0, else y + s a
#   softplus      y = log(1 + e^x)                 1 - e^-y
#   hard_sigmoid  y = x / 6 + 1 / 2, in [0, 1]     1 / 6 where 0 < y < 1, else 0
#   exponential   y = e^x                          y
#
# Those that are not monotonic have one y for two inputs, so their gradient takes x in place of y. A network
# makes each of them a separate step, whose input it keeps as the output of the step before (steps.pxi).
#
#   silu          y = x sigmoid(x)                 s + x s (1 - s)
#   gelu          y = x Phi(x)                     Phi(x) + x phi(x)
#   gelu_tanh     y = x sigmoid(2 u), with u = sqrt(2 / pi) (x + 0.044715 x^3), as 1 + tanh u = 2 sigmoid(2 u)
#   mish          y = x t, with t = tanh(log(1 + e^x))   t + x (1 - t^2) sigmoid(x)

ACTIVATIONS = (
    "identity", "relu", "leaky_relu", "sigmoid", "tanh", "softmax",
    "elu", "selu", "softplus", "hard_sigmoid", "silu", "gelu", "gelu_tanh", "mish",
    "exponential",
)

FROM_INPUT = ("silu", "gelu", "gelu_tanh", "mish")  # the gradient takes x

cdef enum:  # in the order of ACTIVATIONS
    IDENTITY
    RELU
    LEAKY_RELU
    SIGMOID
    TANH
    SOFTMAX
    ELU
    SELU
    SOFTPLUS
    HARD_SIGMOID
    SILU
    GELU
    GELU_TANH
    MISH
    EXPONENTIAL

LEAKY_SLOPE = 0.01
cdef real leaky_slope = LEAKY_SLOPE

cdef extern from * nogil:
    """
    /* Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks (2017), equation 14 */
    #define SELU_SCALE ((real)1.05070098735548049342)
    #define SELU_BOTTOM ((real)1.75809934084737685994)  /* the scale times alpha */
    #define GELU_SLOPE ((real)1.59576912160573071176)   /* 2 sqrt(2 / pi) */
    #define GELU_CUBIC ((real)0.044715)
    """
    const real SELU_SCALE, SELU_BOTTOM, GELU_SLOPE, GELU_CUBIC


cdef inline vec clipped(vec x, real limit) noexcept nogil:
    """Return x clipped to the limit in magnitude; NaN stays NaN."""
    x = where_less(x, broadcast(-limit), broadcast(-limit), x)
    return where_less(broadcast(limit), x, broadcast(limit), x)


cdef inline vec mish_gate(vec x, vec* e, vec* rest) noexcept nogil:
    """t = tanh(log(1 + e^x)) by e = exp(-|x|), which cannot overflow; `rest` is 1 - t, without its rounding.

    t = ((1 + e^x)^2 - 1) / ((1 + e^x)^2 + 1)  is  (2 e + e^2) / (2 e + e^2 + 2)  below zero and, where e^x = 1 / e,
    (2 e + 1) / (2 e + 1 + 2 e^2).
    """
    cdef vec zero = broadcast(0), one = broadcast(1), two = broadcast(2), square, top
    e[0] = c_exp(-absolute(x))
    square = e[0] * e[0]
    top = multiply_add(two, e[0], where_less(x, zero, square, one))
    square = two * where_less(x, zero, one, square)
    rest[0] = square / (top + square)
    return top / (top + square)


cdef inline vec activated(const int activation, vec x) noexcept nogil:
    cdef vec zero = broadcast(0), one = broadcast(1), unused
    if activation == RELU:  # written so that NaN stays NaN
        return where_less(x, zero, zero, x)
    if activation == LEAKY_RELU:
        return where_less(x, zero, x * broadcast(leaky_slope), x)
    if activation == SIGMOID:
        return c_sigmoid(x)
    if activation == TANH:
        return c_tanh(x)
    if activation == ELU:
        return where_less(x, zero, c_expm1(x), x)
    if activation == SELU:
        return where_less(x, zero, broadcast(SELU_BOTTOM) * c_expm1(x), broadcast(SELU_SCALE) * x)
    if activation == SOFTPLUS:  # by the exponential that cannot overflow
        return where_less(x, zero, zero, x) + c_log_1p(c_exp(-absolute(x)))
    if activation == EXPONENTIAL:
        return c_exp(x)
    if activation == HARD_SIGMOID:
        x = multiply_add(x, broadcast(<real>(1.0 / 6)), broadcast(<real>0.5))
        return where_less(x, zero, zero, where_less(one, x, one, x))
    # minus infinity has the limit zero: so it is made finite before it is multiplied by zero
    x = where_less(x, broadcast(-REAL_HUGE), broadcast(-REAL_HUGE), x)
    if activation == SILU:
        return x * c_sigmoid(x)
    if activation == GELU:
        return x * c_normal(x, &unused)
    if activation == MISH:
        return x * mish_gate(x, &unused, &unused)
    return x * c_sigmoid(
        broadcast(GELU_SLOPE) * x * multiply_add(x * x, broadcast(GELU_CUBIC), one)
    )


cdef inline vec slope_from_input(const int activation, vec x) noexcept nogil:
    """The derivative of those that need x; far out it is 0 or 1, and nothing is infinite."""
    cdef vec one = broadcast(1), s, density, t, e, rest
    if activation == SILU:
        x = clipped(x, REAL_HUGE)
        s = c_sigmoid(x)
        return multiply_add(x * s, one - s, s)
    if activation == GELU:
        x = clipped(x, REAL_HUGE)
        s = c_normal(x, &density)
        return multiply_add(x, density, s)
    if activation == MISH:
        x = clipped(x, REAL_HUGE)
        t = mish_gate(x, &e, &rest)
        s = where_less(x, broadcast(0), e, one) / (one + e)
        return multiply_add(x, s * (rest * (one + t)), t)
    x = clipped(x, 64)
    s = c_sigmoid(broadcast(GELU_SLOPE) * x * multiply_add(x * x, broadcast(GELU_CUBIC), one))
    return multiply_add(
        x * s * (one - s),
        broadcast(GELU_SLOPE) * multiply_add(x * x, broadcast(3 * GELU_CUBIC), one), s,
    )


cdef inline vec activated_backward(const int activation, vec kept, vec delta) noexcept nogil:
    """delta times the derivative, from the output or, for those that need it, from the input."""
    cdef vec zero = broadcast(0), one = broadcast(1)
    if activation == RELU:
        return where_less_equal(kept, zero, zero, delta)
    if activation == LEAKY_RELU:
        return where_less_equal(kept, zero, delta * broadcast(leaky_slope), delta)
    if activation == SIGMOID:
        return delta * (kept * (one - kept))
    if activation == TANH:
        return delta * (one - kept * kept)
    if activation == ELU:
        return where_less_equal(kept, zero, delta * (kept + one), delta)
    if activation == SELU:
        return delta * where_less_equal(
            kept, zero, kept + broadcast(SELU_BOTTOM), broadcast(SELU_SCALE)
        )
    if activation == SOFTPLUS:
        return -delta * c_expm1(-kept)
    if activation == EXPONENTIAL:
        return delta * kept
    if activation == HARD_SIGMOID:
        delta = where_less_equal(one, kept, zero, delta * broadcast(<real>(1.0 / 6)))
        return where_less_equal(kept, zero, zero, delta)
    return delta * slope_from_input(activation, kept)


cdef inline void each(
    const int activation, const bint forward, const real* kept, real* at, Py_ssize_t count
) noexcept nogil:
    """In the forward pass `at` is x and becomes y; in the backward pass dL/dy becomes dL/dx."""
    cdef Py_ssize_t i = 0
    while i < count:
        if forward:
            store(at + i, activated(activation, load(at + i)))
        else:
            store(at + i, activated_backward(activation, load(kept + i), load(at + i)))
        i += LANES


cdef inline void each_of(
    int activation, const bint forward, const real* kept, real* at, Py_ssize_t count
) noexcept nogil:
    """Each activation has its own loop: the choice is made outside."""
    if activation == RELU:
        each(RELU, forward, kept, at, count)
    elif activation == LEAKY_RELU:
        each(LEAKY_RELU, forward, kept, at, count)
    elif activation == SIGMOID:
        each(SIGMOID, forward, kept, at, count)
    elif activation == TANH:
        each(TANH, forward, kept, at, count)
    elif activation == ELU:
        each(ELU, forward, kept, at, count)
    elif activation == SELU:
        each(SELU, forward, kept, at, count)
    elif activation == SOFTPLUS:
        each(SOFTPLUS, forward, kept, at, count)
    elif activation == HARD_SIGMOID:
        each(HARD_SIGMOID, forward, kept, at, count)
    elif activation == SILU:
        each(SILU, forward, kept, at, count)
    elif activation == GELU:
        each(GELU, forward, kept, at, count)
    elif activation == GELU_TANH:
        each(GELU_TANH, forward, kept, at, count)
    elif activation == MISH:
        each(MISH, forward, kept, at, count)
    else:
        each(EXPONENTIAL, forward, kept, at, count)


cdef void activate(
    int activation, real* x, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns
) noexcept nogil:
    """Apply an activation to rows first to past of panels that have `rows` rows, in place."""
    cdef Py_ssize_t p, count = (past - first) * PANEL
    if activation == SOFTMAX:
        softmax_rows(x, rows, first, past, columns)
        return
    if activation == IDENTITY:
        return
    for p in range(panels_of(columns)):
        each_of(activation, True, NULL, x + (p * rows + first) * PANEL, count)


cdef void activate_backward(
    int activation, const real* kept, real* delta,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Turn the gradient of the output into that of the input, in place; kept is the output, or the input."""
    cdef Py_ssize_t p, r, offset, count = (past - first) * PANEL
    if activation == SOFTMAX:
        for r in range(first, past):
            softmax_row_backward(kept, delta, rows, r, columns)
        return
    if activation == IDENTITY:
        return
    for p in range(panels_of(columns)):
        offset = (p * rows + first) * PANEL
        each_of(activation, False, kept + offset, delta + offset, count)

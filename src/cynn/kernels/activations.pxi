# Activations and their gradients, in place over panels. The gradient is found from the stored output y,
# so that the input need not be kept:
#
#   identity    y = x                 1
#   relu        y = max(x, 0)         1 where y > 0, else 0
#   leaky_relu  y = max(x, 0.01 x)    1 where y > 0, else 0.01
#   sigmoid     y = 1 / (1 + e^-x)    y (1 - y)
#   tanh        y = tanh x            1 - y^2
#   softmax     y = e^x / sum e^x     the row's Jacobian: y (g - sum g y)

ACTIVATIONS = ("identity", "relu", "leaky_relu", "sigmoid", "tanh", "softmax")

cdef enum:  # in the order of ACTIVATIONS
    IDENTITY
    RELU
    LEAKY_RELU
    SIGMOID
    TANH
    SOFTMAX

LEAKY_SLOPE = 0.01
cdef real leaky_slope = LEAKY_SLOPE


cdef inline vec activated(const int activation, vec x) noexcept nogil:
    if activation == RELU:  # written so that not-a-number stays what it is
        return where_less(x, broadcast(0), broadcast(0), x)
    if activation == LEAKY_RELU:
        return where_less(x, broadcast(0), x * broadcast(leaky_slope), x)
    if activation == SIGMOID:
        return c_sigmoid(x)
    return c_tanh(x)


cdef inline vec activated_backward(const int activation, vec y, vec delta) noexcept nogil:
    if activation == RELU:
        return where_less_equal(y, broadcast(0), broadcast(0), delta)
    if activation == LEAKY_RELU:
        return where_less_equal(y, broadcast(0), delta * broadcast(leaky_slope), delta)
    if activation == SIGMOID:
        return delta * (y * (broadcast(1) - y))
    return delta * (broadcast(1) - y * y)


cdef inline void each(const int activation, real* x, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i < count:
        store(x + i, activated(activation, load(x + i)))
        i += LANES


cdef inline void each_backward(
    const int activation, const real* y, real* delta, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i < count:
        store(delta + i, activated_backward(activation, load(y + i), load(delta + i)))
        i += LANES


cdef void activate(
    int activation, real* x, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns
) noexcept nogil:
    """Apply an activation to rows first to past of panels that have `rows` rows, in place."""
    cdef Py_ssize_t p, count = (past - first) * PANEL
    cdef real* at
    if activation == SOFTMAX:
        softmax_rows(x, rows, first, past, columns)
        return
    if activation == IDENTITY:
        return
    for p in range(panels_of(columns)):
        at = x + (p * rows + first) * PANEL
        if activation == RELU:  # each with its own loop: the choice is made outside
            each(RELU, at, count)
        elif activation == LEAKY_RELU:
            each(LEAKY_RELU, at, count)
        elif activation == SIGMOID:
            each(SIGMOID, at, count)
        else:
            each(TANH, at, count)


cdef void activate_backward(
    int activation, const real* y, real* delta,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Py_ssize_t columns,
) noexcept nogil:
    """Turn the gradient of the output y into that of the input, in place."""
    cdef Py_ssize_t p, r, offset, count = (past - first) * PANEL
    if activation == SOFTMAX:
        for r in range(first, past):
            softmax_row_backward(y, delta, rows, r, columns)
        return
    if activation == IDENTITY:
        return
    for p in range(panels_of(columns)):
        offset = (p * rows + first) * PANEL
        if activation == RELU:
            each_backward(RELU, y + offset, delta + offset, count)
        elif activation == LEAKY_RELU:
            each_backward(LEAKY_RELU, y + offset, delta + offset, count)
        elif activation == SIGMOID:
            each_backward(SIGMOID, y + offset, delta + offset, count)
        else:
            each_backward(TANH, y + offset, delta + offset, count)


cdef int activation_number(object name) except -1:
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: {name!r} is unknown, wanted one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS.index(name)


cdef int activate_array(int activation, const real[:, :] x, real[:, :] out) except -1:
    cdef str name = ACTIVATIONS[activation]
    cdef Py_ssize_t rows = x.shape[0], columns = x.shape[1]
    cdef real* panels
    expect_shape(name, "out", out, rows, columns)
    expect_apart(name, "out", span(out), span(x))
    panels = allocate(panel_size(rows, columns))
    with nogil:
        pack(x, panels)
        activate(activation, panels, rows, 0, rows, columns)
        unpack(panels, out)
    release(panels)
    return 0


cdef int activate_array_backward(
    int activation, const real[:, :] y, const real[:, :] grad_y, real[:, :] out
) except -1:
    cdef str name = ACTIVATIONS[activation] + "_backward"
    cdef Py_ssize_t rows = y.shape[0], columns = y.shape[1], size = panel_size(rows, columns)
    cdef real* panels
    expect_shape(name, "grad_y", grad_y, rows, columns)
    expect_shape(name, "out", out, rows, columns)
    expect_apart(name, "out", span(out), span(y))
    expect_apart(name, "out", span(out), span(grad_y))
    panels = allocate(2 * size)
    with nogil:
        pack(y, panels)
        pack(grad_y, panels + size)
        activate_backward(activation, panels, panels + size, rows, 0, rows, columns)
        unpack(panels + size, out)
    release(panels)
    return 0


def identity(const real[:, :] x, real[:, :] out):
    """out = x."""
    activate_array(IDENTITY, x, out)


def identity_backward(const real[:, :] y, const real[:, :] grad_y, real[:, :] out):
    """out = grad_y."""
    activate_array_backward(IDENTITY, y, grad_y, out)


def relu(const real[:, :] x, real[:, :] out):
    """out = max(x, 0)."""
    activate_array(RELU, x, out)


def relu_backward(const real[:, :] y, const real[:, :] grad_y, real[:, :] out):
    """out = grad_y where y > 0, else 0."""
    activate_array_backward(RELU, y, grad_y, out)


def leaky_relu(const real[:, :] x, real[:, :] out):
    """out = x where x > 0, else 0.01 x."""
    activate_array(LEAKY_RELU, x, out)


def leaky_relu_backward(const real[:, :] y, const real[:, :] grad_y, real[:, :] out):
    """out = grad_y where y > 0, else 0.01 grad_y."""
    activate_array_backward(LEAKY_RELU, y, grad_y, out)


def sigmoid(const real[:, :] x, real[:, :] out):
    """out = 1 / (1 + exp(-x))."""
    activate_array(SIGMOID, x, out)


def sigmoid_backward(const real[:, :] y, const real[:, :] grad_y, real[:, :] out):
    """out = grad_y * y * (1 - y)."""
    activate_array_backward(SIGMOID, y, grad_y, out)


def tanh(const real[:, :] x, real[:, :] out):
    """out = tanh(x)."""
    activate_array(TANH, x, out)


def tanh_backward(const real[:, :] y, const real[:, :] grad_y, real[:, :] out):
    """out = grad_y * (1 - y^2)."""
    activate_array_backward(TANH, y, grad_y, out)


def softmax(const real[:, :] x, real[:, :] out):
    """out = exp(x) / the row's sum of exp(x)."""
    activate_array(SOFTMAX, x, out)


def softmax_backward(const real[:, :] y, const real[:, :] grad_y, real[:, :] out):
    """out = y * (grad_y - the row's sum of grad_y * y)."""
    activate_array_backward(SOFTMAX, y, grad_y, out)

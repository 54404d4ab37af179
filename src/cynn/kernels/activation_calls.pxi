# The activations for Python, over row-major matrices.

cdef int activation_number(object name) except -1:
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: {name!r} is unknown, wanted one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS.index(name)


# Arguments become views here, once for all: a view costs every function that takes it three kilobytes.

cdef int activate_array(int activation, object x_array, object out_array) except -1:
    cdef const real[:, :] x = x_array
    cdef real[:, :] out = out_array
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
    int activation, object kept_array, object grad_y_array, object out_array
) except -1:
    cdef const real[:, :] kept = kept_array
    cdef const real[:, :] grad_y = grad_y_array
    cdef real[:, :] out = out_array
    cdef str name = ACTIVATIONS[activation] + "_backward"
    cdef Py_ssize_t rows = kept.shape[0], columns = kept.shape[1], size = panel_size(rows, columns)
    cdef real* panels
    expect_shape(name, "grad_y", grad_y, rows, columns)
    expect_shape(name, "out", out, rows, columns)
    expect_apart(name, "out", span(out), span(kept))
    expect_apart(name, "out", span(out), span(grad_y))
    panels = allocate(2 * size)
    with nogil:
        pack(kept, panels)
        pack(grad_y, panels + size)
        activate_backward(activation, panels, panels + size, rows, 0, rows, columns)
        unpack(panels + size, out)
    release(panels)
    return 0


def identity(x, out):
    """out = x."""
    activate_array(IDENTITY, x, out)


def identity_backward(y, grad_y, out):
    """out = grad_y."""
    activate_array_backward(IDENTITY, y, grad_y, out)


def relu(x, out):
    """out = max(x, 0)."""
    activate_array(RELU, x, out)


def relu_backward(y, grad_y, out):
    """out = grad_y where y > 0, else 0."""
    activate_array_backward(RELU, y, grad_y, out)


def leaky_relu(x, out):
    """out = x where x > 0, else 0.01 x."""
    activate_array(LEAKY_RELU, x, out)


def leaky_relu_backward(y, grad_y, out):
    """out = grad_y where y > 0, else 0.01 grad_y."""
    activate_array_backward(LEAKY_RELU, y, grad_y, out)


def sigmoid(x, out):
    """out = 1 / (1 + exp(-x))."""
    activate_array(SIGMOID, x, out)


def sigmoid_backward(y, grad_y, out):
    """out = grad_y * y * (1 - y)."""
    activate_array_backward(SIGMOID, y, grad_y, out)


def tanh(x, out):
    """out = tanh(x)."""
    activate_array(TANH, x, out)


def tanh_backward(y, grad_y, out):
    """out = grad_y * (1 - y^2)."""
    activate_array_backward(TANH, y, grad_y, out)


def softmax(x, out):
    """out = exp(x) / the row's sum of exp(x)."""
    activate_array(SOFTMAX, x, out)


def softmax_backward(y, grad_y, out):
    """out = y * (grad_y - the row's sum of grad_y * y)."""
    activate_array_backward(SOFTMAX, y, grad_y, out)


def elu(x, out):
    """out = x where x > 0, else exp(x) - 1."""
    activate_array(ELU, x, out)


def elu_backward(y, grad_y, out):
    """out = grad_y where y > 0, else grad_y * (y + 1)."""
    activate_array_backward(ELU, y, grad_y, out)


def selu(x, out):
    """out = 1.0507 x where x > 0, else 1.7581 (exp(x) - 1)."""
    activate_array(SELU, x, out)


def selu_backward(y, grad_y, out):
    """out = 1.0507 grad_y where y > 0, else grad_y * (y + 1.7581)."""
    activate_array_backward(SELU, y, grad_y, out)


def softplus(x, out):
    """out = log(1 + exp(x))."""
    activate_array(SOFTPLUS, x, out)


def softplus_backward(y, grad_y, out):
    """out = grad_y * (1 - exp(-y))."""
    activate_array_backward(SOFTPLUS, y, grad_y, out)


def hard_sigmoid(x, out):
    """out = x / 6 + 1 / 2, brought into [0, 1]."""
    activate_array(HARD_SIGMOID, x, out)


def hard_sigmoid_backward(y, grad_y, out):
    """out = grad_y / 6 where 0 < y < 1, else 0."""
    activate_array_backward(HARD_SIGMOID, y, grad_y, out)


def silu(x, out):
    """out = x * sigmoid(x)."""
    activate_array(SILU, x, out)


def silu_backward(x, grad_y, out):
    """out = grad_y * (s + x s (1 - s)) with s = sigmoid(x)."""
    activate_array_backward(SILU, x, grad_y, out)


def gelu(x, out):
    """out = x * Phi(x), Phi the normal distribution."""
    activate_array(GELU, x, out)


def gelu_backward(x, grad_y, out):
    """out = grad_y * (Phi(x) + x phi(x))."""
    activate_array_backward(GELU, x, grad_y, out)


def gelu_tanh(x, out):
    """out = x * (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    activate_array(GELU_TANH, x, out)


def gelu_tanh_backward(x, grad_y, out):
    """out = grad_y * the derivative at x."""
    activate_array_backward(GELU_TANH, x, grad_y, out)

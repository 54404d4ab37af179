# The activations for Python, over row-major matrices.

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


# The functions themselves are made of three: one for the forward pass, two for the kinds of backward pass.
# Written out, they would be a tenth of a module.

def _forward(int number):
    def activation(x, out):
        """out = f(x), for the activation of this name."""
        activate_array(number, x, out)
    return activation


def _backward(int number):
    def backward(y, grad_y, out):
        """out = grad_y f'(x), where y = f(x)."""
        activate_array_backward(number, y, grad_y, out)
    return backward


def _backward_from_input(int number):
    def backward(x, grad_y, out):
        """out = grad_y f'(x)."""
        activate_array_backward(number, x, grad_y, out)
    return backward


def _named(function, str name):
    function.__name__ = function.__qualname__ = name
    return function


for number, name in enumerate(ACTIVATIONS):
    globals()[name] = _named(_forward(number), name)
    backward_kind = _backward_from_input if name in FROM_INPUT else _backward
    globals()[f"{name}_backward"] = _named(backward_kind(number), f"{name}_backward")
del number, name, backward_kind

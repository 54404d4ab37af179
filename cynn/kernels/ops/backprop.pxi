# A dense layer, forward and backward, over panels:
#
#   forward      y = f(x W + b)
#   backward     delta = dL/dy * f'(y)         the gradient with respect to x W + b
#                dL/dx = delta W^T             from a copy of W^T that the update keeps in step with W
#                dL/dW = x^T delta,  dL/db = column sums of delta        summed over the rows of the mini-batch
#
# Forward pass and delta are computed row by row, so that threads that share the rows of a mini-batch need not wait
# for each other; the gradients of the weights sum over all rows and are divided among threads by tiles of W.
# split.pxi tells when they share a product by its columns in place of its rows.

cdef void dense_rows(
    const real* x, const real* w, const real* b, int activation, real* y,
    Py_ssize_t inputs, Py_ssize_t outputs, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Ahead* ahead,
    Look* look,
) noexcept nogil:
    """y = f(x W + b) for rows first to past, of panels that have `rows` rows."""
    c_matmul(
        x + first * PANEL, rows, past - first, inputs, w, outputs, b, y + first * PANEL, rows,
        ahead, look,
    )
    if is_wanted(look):  # or fresh memory would be filled, which takes long
        activate(activation, y, rows, first, past, outputs)


cdef void dense_input_gradient(
    const real* delta, const real* transposed_w, real* grad_x,
    Py_ssize_t inputs, Py_ssize_t outputs, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, Look* look,
) noexcept nogil:
    c_matmul(
        delta + first * PANEL, rows, past - first, outputs, transposed_w, inputs, NULL,
        grad_x + first * PANEL, rows, NULL, look,
    )


cdef void dense_weight_gradient(
    const real* x, const real* delta, Py_ssize_t inputs, Py_ssize_t outputs,
    Py_ssize_t rows, Py_ssize_t used_rows, real* w, real* b, const Rule* rule, const Rule* bias_rule,
    real* transposed_w, const Share* share, Look* look,
) noexcept nogil:
    """A share of it: the rules are applied to its tiles of W, and to its panels of b."""
    cdef Py_ssize_t panels = share.past_panel - share.first_panel
    c_matmul_tn(
        x, rows, inputs, delta, rows, outputs, used_rows, w, rule, share, transposed_w, look,
    )
    column_sums(
        delta, rows, used_rows, share.first_panel + panels * share.part // share.parts,
        share.first_panel + panels * (share.part + 1) // share.parts, b, bias_rule,
    )


def dense_forward(
    const real[:, :] x, const real[:, :] w, const real[:] b, str activation, real[:, :] out
):
    """out = f(x w + b)."""
    cdef Py_ssize_t rows = x.shape[0], inputs = x.shape[1], outputs = w.shape[1], c
    cdef Py_ssize_t x_size = panel_size(rows, inputs), w_size = panel_size(inputs, outputs)
    cdef int number = place_of("activation", activation, ACTIVATIONS)
    cdef real* block
    cdef real* bias
    expect_shape("dense_forward", "w", w, inputs, outputs)
    expect("dense_forward", "b", b.shape[0] == outputs, b.shape[0], f"have {outputs} numbers")
    expect_shape("dense_forward", "out", out, rows, outputs)
    expect_apart("dense_forward", "out", span(out), span(x))
    expect_apart("dense_forward", "out", span(out), span(w))
    expect_apart("dense_forward", "out", span(out), span_1d(b))
    block = allocate(x_size + w_size + panel_size(1, outputs) + panel_size(rows, outputs))
    bias = block + x_size + w_size
    with nogil:
        pack(x, block)
        pack(w, block + x_size)
        memset(bias, 0, panel_size(1, outputs) * sizeof(real))
        for c in range(outputs):
            bias[c] = b[c]
        dense_rows(
            block, block + x_size, bias, number, bias + panel_size(1, outputs),
            inputs, outputs, rows, 0, rows, NULL, NULL,
        )
        unpack(bias + panel_size(1, outputs), out)
    release(block)


def dense_backward(
    const real[:, :] x, const real[:, :] w, const real[:, :] delta,
    real[:, :] grad_x, real[:, :] grad_w, real[:] grad_b,
):
    """grad_x = delta w^T, grad_w = x^T delta, grad_b = column sums of delta."""
    cdef Py_ssize_t rows = x.shape[0], inputs = x.shape[1], outputs = w.shape[1], c
    cdef Py_ssize_t x_size = panel_size(rows, inputs), w_size = panel_size(inputs, outputs)
    cdef Py_ssize_t delta_size = panel_size(rows, outputs), b_size = panel_size(1, outputs)
    cdef Rule rule
    cdef Share whole = share_of_one(rows, outputs)
    cdef real* x_panels
    cdef real* w_panels
    cdef real* transposed
    cdef real* delta_panels
    cdef real* grad_w_panels
    cdef real* bias
    expect_shape("dense_backward", "w", w, inputs, outputs)
    expect_shape("dense_backward", "delta", delta, rows, outputs)
    expect_shape("dense_backward", "grad_x", grad_x, rows, inputs)
    expect_shape("dense_backward", "grad_w", grad_w, inputs, outputs)
    expect(
        "dense_backward", "grad_b", grad_b.shape[0] == outputs, grad_b.shape[0], f"have {outputs} numbers"
    )
    for other in (span(x), span(w), span(delta)):
        expect_apart("dense_backward", "grad_x", span(grad_x), other)
        expect_apart("dense_backward", "grad_w", span(grad_w), other)
        expect_apart("dense_backward", "grad_b", span_1d(grad_b), other)
    expect_apart("dense_backward", "grad_x", span(grad_x), span(grad_w))
    expect_apart("dense_backward", "grad_x", span(grad_x), span_1d(grad_b))
    expect_apart("dense_backward", "grad_w", span(grad_w), span_1d(grad_b))
    x_panels = allocate(
        2 * x_size + 2 * w_size + panel_size(outputs, inputs) + delta_size + b_size
    )
    w_panels = x_panels + 2 * x_size
    grad_w_panels = w_panels + w_size
    transposed = grad_w_panels + w_size
    delta_panels = transposed + panel_size(outputs, inputs)
    bias = delta_panels + delta_size
    begin_rule(&rule, keep, grad_w_panels)
    with nogil:
        pack(x, x_panels)
        pack(w, w_panels)
        pack(delta, delta_panels)
        transpose(w_panels, inputs, outputs, transposed)
        dense_input_gradient(
            delta_panels, transposed, x_panels + x_size, inputs, outputs, rows, 0, rows, NULL
        )
        dense_weight_gradient(
            x_panels, delta_panels, inputs, outputs, rows, rows, grad_w_panels, bias,
            &rule, &rule, NULL, &whole, NULL,
        )
        unpack(x_panels + x_size, grad_x)
        unpack(grad_w_panels, grad_w)
        for c in range(outputs):
            grad_b[c] = bias[c]
    release(x_panels)

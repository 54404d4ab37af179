# The losses for Python, over row-major matrices.

# Arguments become views here, once for all, as in activation_calls.pxi.

cdef bint is_by_column(int loss, object number):
    """Whether a loss is given a number for each column; only quantile takes them."""
    return loss == QUANTILE and isinstance(number, tuple)


cdef Scratch line_of_numbers(int loss, object number, Py_ssize_t columns):
    """Return the numbers of a loss by column as a line of a panel; no memory where one number is for all."""
    cdef Scratch line = Scratch.__new__(Scratch)
    cdef Py_ssize_t c
    if is_by_column(loss, number):
        if len(number) != columns:
            raise ValueError(
                f"loss: {LOSSES[loss]} must have {columns} numbers, one for each output, got {len(number)}"
            )
        line = scratch_of(panel_size(1, columns), 0)
        for c in range(columns):
            line.block[c] = <real><double>number[c]
    return line


cdef double loss_array(
    int loss, object parameter, object prediction_array, object target_array, object weight_array,
    object out_array, object delta_array,
) except? -1.0:
    cdef const real[:, :] prediction = prediction_array
    cdef const real[:, :] target = target_array
    cdef const real[:] weight = weight_array
    cdef real[:, :] out = out_array
    cdef real[:, :] delta = delta_array
    cdef str name = LOSSES[loss]
    cdef Py_ssize_t rows = prediction.shape[0], columns = prediction.shape[1], r
    cdef Py_ssize_t size = panel_size(rows, columns)
    cdef real* panels
    cdef real* row_weights
    cdef double* row_losses
    cdef double total = 0
    cdef Scratch by_column = line_of_numbers(loss, parameter, columns)
    cdef real number = 0 if is_by_column(loss, parameter) else <real><double>parameter
    expect_shape(name, "target", target, rows, columns)
    expect_shape(name, "out", out, rows, columns)
    expect_shape(name, "delta", delta, rows, columns)
    expect(name, "weight", weight.shape[0] == rows, weight.shape[0], f"have {rows} numbers")
    expect_apart(name, "out", span(out), span(prediction))
    expect_apart(name, "out", span(out), span(target))
    expect_apart(name, "out", span(out), span_1d(weight))
    expect_apart(name, "out", span(out), span(delta))
    expect_apart(name, "delta", span(delta), span(prediction))
    expect_apart(name, "delta", span(delta), span(target))
    expect_apart(name, "delta", span(delta), span_1d(weight))
    panels = allocate(3 * size + 3 * rows)
    row_losses = <double*>(panels + 3 * size)
    row_weights = <real*>(row_losses + rows)
    with nogil:
        pack(prediction, panels)
        pack(target, panels + size)
        for r in range(rows):
            row_weights[r] = weight[r]
        loss_rows(
            loss, number, by_column.block, panels, panels + size, panels + 2 * size, row_weights,
            row_losses, rows, 0, rows, columns,
        )
        unpack(panels, out)
        unpack(panels + 2 * size, delta)
        for r in range(rows):
            total += row_losses[r]
    release(panels)
    return total


# The functions themselves are made of four, one for each kind of parameter.

def _plain(int number):
    def loss(prediction, target, weight, out, delta):
        """Return the weighted sum over the rows of the loss of this name."""
        return loss_array(number, 0, prediction, target, weight, out, delta)
    return loss


def _smoothed(int number):
    def loss(prediction, target, weight, out, delta, double label_smoothing=0.0):
        """Return the weighted sum over the rows of the loss of this name."""
        return loss_array(number, label_smoothing, prediction, target, weight, out, delta)
    return loss


def huber(prediction, target, weight, out, delta, double threshold=1.0):
    """Return Huber's loss: the weighted sum over the rows."""
    return loss_array(HUBER, threshold, prediction, target, weight, out, delta)


def quantile(prediction, target, weight, out, delta, q=0.5):
    """Return the quantile loss: the weighted sum over the rows."""
    return loss_array(QUANTILE, q, prediction, target, weight, out, delta)


for number, name in enumerate(LOSSES):
    if number not in (HUBER, QUANTILE):
        loss_kind = _smoothed if number <= BINARY_CROSS_ENTROPY else _plain
        globals()[name] = _named(loss_kind(number), name)
del number, name, loss_kind

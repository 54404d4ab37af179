# y = (x - mean) / std, for each column. The difference comes first: where the mean is large, what is left
# of it has all its digits.
#
#   step.constants   [mean | 1 / std], each as panels of one row; the network frees them

cdef void normalize_step_forward(
    const Step* step, const real* parameters, const real* x, real* y,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    cdef const real* mean = step.constants
    cdef const real* scale = mean + panel_size(1, step.outputs)
    cdef Py_ssize_t p, r, at
    cdef int v
    for p in range(panels_of(step.outputs)):
        for r in range(first, past):
            for v in range(PANEL_VECS):
                at = (p * rows + r) * PANEL + v * LANES
                store(
                    y + at,
                    (load(x + at) - load(mean + p * PANEL + v * LANES))
                    * load(scale + p * PANEL + v * LANES),
                )


cdef void normalize_step_backward(
    const Step* step, const real* parameters, const real* transposed, const real* y, real* delta, real* grad_x,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t past, const Call* call,
) noexcept nogil:
    if grad_x != NULL:
        scale_columns(
            step.constants + panel_size(1, step.outputs), delta, grad_x, rows, first, past, step.outputs
        )


cdef int describe_normalize(Step* step, tuple arguments) except -1:
    """From means and standard deviations."""
    cdef object mean = arguments[0], std = arguments[1]
    cdef Py_ssize_t size = panel_size(1, step.inputs), c
    if not len(mean) == len(std) == step.inputs:
        raise ValueError(
            f"steps: normalize must have {step.inputs} means and deviations, got {len(mean)} and {len(std)}"
        )
    step.constants = allocate(2 * size)
    memset(step.constants, 0, 2 * size * sizeof(real))
    for c in range(step.inputs):
        step.constants[c] = <real><double>mean[c]
        step.constants[size + c] = <real>(1 / <double>std[c])
    return 0


cdef Kind normalize_kind
normalize_kind = Kind(
    b"normalize", 2, 2, describe_normalize, False, normalize_step_forward, normalize_step_backward, NULL, NULL
)

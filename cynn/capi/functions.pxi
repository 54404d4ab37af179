# What float32 and float64 give, over their own `real`. Matrices are row-major, their rows one after the other,
# at any address. Nothing here needs the interpreter, but for `network`; all of it may run on any
# number of threads at once.
#
# What gives an int gives 0, or -1 where nothing was done: memory could not be had, a size is negative, or there
# is no such activation or loss. An array that is written may be one that is read, but not in predict.
#
# docs/cimport.md says what is promised of names, signatures and numbers; Cython holds a module to the
# signatures when it is imported.

cdef enum:  # activations
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
    SILU  # the gradient takes x
    GELU  # the gradient takes x
    GELU_TANH  # the gradient takes x
    MISH  # the gradient takes x
    EXPONENTIAL

cdef enum:  # losses
    SOFTMAX_CROSS_ENTROPY
    CROSS_ENTROPY
    SIGMOID_BINARY_CROSS_ENTROPY
    BINARY_CROSS_ENTROPY
    MEAN_SQUARED_ERROR
    MEAN_ABSOLUTE_ERROR
    HUBER
    QUANTILE
    POISSON
    LOG_POISSON
    HINGE
    CATEGORICAL_HINGE
    LOG_LOSS
    BINARY_LOG_LOSS
    HALF_SQUARED_ERROR
    HALF_POISSON_DEVIANCE

# out[m, n] = sum over k of   matmul: a[m, k] b[k, n]   _nt: a[m, k] b[n, k]   _tn: a[k, m] b[k, n]
cdef int matmul(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k
) noexcept nogil
cdef int matmul_nt(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k
) noexcept nogil
cdef int matmul_tn(
    const real* a, const real* b, real* out, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k
) noexcept nogil

# out = f(x), row by row; and from y = f(x) and the gradient for y the gradient for x. For those marked in the list
# the second takes x in the place of y.
cdef int activate(
    int activation, const real* x, real* out, Py_ssize_t rows, Py_ssize_t columns
) noexcept nogil
cdef int activate_backward(
    int activation, const real* y, const real* grad_y, real* out, Py_ssize_t rows, Py_ssize_t columns
) noexcept nogil

# The loss of each row times its weight: total[0] becomes the sum, delta the gradient for the prediction, out the
# probabilities that the prediction stands for. weight is NULL where all are one.
# Huber's threshold is 1, the quantile the median; labels are not smoothed.
cdef int loss(
    int loss, const real* prediction, const real* target, const real* weight, real* out, real* delta,
    double* total, Py_ssize_t rows, Py_ssize_t columns
) noexcept nogil

# out[rows, outputs] = f(x[rows, inputs] w[inputs, outputs] + b[outputs])
cdef int dense_forward(
    const real* x, const real* w, const real* b, int activation, real* out,
    Py_ssize_t rows, Py_ssize_t inputs, Py_ssize_t outputs
) noexcept nogil
# The gradients for x, w and b from delta[rows, outputs], that for x w + b; grad_x is NULL where none is wanted.
cdef int dense_backward(
    const real* x, const real* w, const real* delta, real* grad_x, real* grad_w, real* grad_b,
    Py_ssize_t rows, Py_ssize_t inputs, Py_ssize_t outputs
) noexcept nogil

# One step of stochastic gradient descent, in place. velocity is NULL where momentum is 0 and none is kept.
cdef int sgd(
    real* w, const real* grad, real* velocity, double learning_rate, double momentum, bint nesterov,
    double weight_decay, Py_ssize_t count
) noexcept nogil

# A whole network, from cynn.capi.predictor(model): the pointer is good while that object lives. predict turns
# x[rows, n_inputs] into out[rows, n_outputs], on the calling thread.
cdef const void* network(object predictor) except NULL
cdef int predict(const void* network, const real* x, real* out, Py_ssize_t rows) noexcept nogil

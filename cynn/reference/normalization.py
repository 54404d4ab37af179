"""Normalisation: numbers brought to mean 0 and variance 1, then to a scale and shift learned.

``n = (x - mean) / sqrt(variance + epsilon)`` and ``y = gamma * n + beta``. In the flat parameters
gamma comes first, then beta.
"""

import math

from .arrays import Flat, Rows
from .call import Call, Place
from .step import Step


class LayerNorm(Step):
    """Each row by its own mean and variance; described by ``("layer_norm", epsilon)``.

    Ba, Kiros and Hinton, *Layer normalization*, 2016.
    """

    def __init__(self, n_in: int, place: Place, epsilon: float) -> None:
        self.epsilon = _positive(epsilon)
        self.n_out, self.n_params, self.first = n_in, 2 * n_in, place.params

    def arrays(self) -> list[int]:
        """Return how many numbers gamma and beta have."""
        return [self.n_out] * 2

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``gamma * n + beta``."""
        n = [normal(row, self.epsilon)[0] for row in x]
        return _scaled(n, params, self.first)

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the scale, and through each row's mean and variance."""
        normalized = [normal(row, self.epsilon) for row in x]
        g = _to_parameters([n for n, _ in normalized], grad_y, params, gradient, self.first)
        return [normal_backward(row, *kept) for row, kept in zip(g, normalized, strict=True)]


class BatchNorm(Step):
    """Each column by the batch's, or by running ones; ``("batch_norm", momentum, epsilon)``.

    Ioffe and Szegedy, *Batch normalization*, 2015. In training the mean and the variance are those
    of the batch, over all its rows alike, whatever their weights; and the running ones become
    ``momentum * running + (1 - momentum) * batch``. Elsewhere the running ones are used. They are
    the step's state: the means, then the variances. A batch by which they would become infinite or
    NaN is an error.
    """

    def __init__(self, n_in: int, place: Place, momentum: float, epsilon: float) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(f"steps: momentum of batch_norm must be from 0 to 1, got {momentum}")
        self.momentum, self.epsilon = momentum, _positive(epsilon)
        self.n_out, self.n_params, self.first = n_in, 2 * n_in, place.params
        self.n_state, self.first_state = 2 * n_in, place.state

    def arrays(self) -> list[int]:
        """Return how many numbers gamma and beta have."""
        return [self.n_out] * 2

    def initial_state(self) -> Flat:
        """Return means of 0 and variances of 1."""
        return [0.0] * self.n_out + [1.0] * self.n_out

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``gamma * n + beta``; in training move the running statistics."""
        if call.key is not None and call.counts:
            for c, column in enumerate(zip(*x, strict=True)):
                mean, variance = moments(list(column))
                for at, value in ((c, mean), (self.n_out + c, variance)):
                    old = call.state[self.first_state + at]
                    moved = value + self.momentum * (old - value)
                    if not math.isfinite(moved):
                        raise FloatingPointError(
                            "batch_norm must have mini-batches of which mean and variance are "
                            f"finite, got {value} in column {c}"
                        )
                    call.state[self.first_state + at] = moved
        return _scaled(_transposed([n for n, _ in self._columns(x, call)]), params, self.first)

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the scale, and in training through each column's mean and variance."""
        normalized = self._columns(x, call)
        n = _transposed([column for column, _ in normalized])
        g = _transposed(_to_parameters(n, grad_y, params, gradient, self.first))
        if call.key is None:
            back = [[f * v for v in column] for column, (_, f) in zip(g, normalized, strict=True)]
        else:
            back = [
                normal_backward(column, *kept) for column, kept in zip(g, normalized, strict=True)
            ]
        return _transposed(back)

    def _columns(self, x: Rows, call: Call) -> list[tuple[Flat, float]]:
        """Return each column's n and factor."""
        columns = _transposed(x)
        if call.key is not None:
            return [normal(column, self.epsilon) for column in columns]
        normalized = []
        for c, column in enumerate(columns):
            at = self.first_state + c
            mean, variance = call.state[at], call.state[at + self.n_out]
            factor = 1 / math.sqrt(variance + self.epsilon)
            normalized.append(([(value - mean) * factor for value in column], factor))
        return normalized


def moments(values: Flat) -> tuple[float, float]:
    """Return the mean, and the mean square of the distances from it.

    Examples
    --------
    >>> moments([1.0, 3.0])
    (2.0, 1.0)
    >>> moments([0.1] * 3)
    (0.1, 0.0)
    """
    distances = _distances(values)
    return values[0] - distances[0], sum(d * d for d in distances) / len(values)


def _distances(values: Flat) -> Flat:
    """Return the distances from the mean.

    They are taken from the first number, and from the mean of what is left: so the rounding of the
    mean of numbers that are large and almost equal does not count, and equal ones give 0.
    """
    from_first = [value - values[0] for value in values]
    rest = sum(from_first) / len(values)
    return [value - rest for value in from_first]


def normal(values: Flat, epsilon: float) -> tuple[Flat, float]:
    """Return ``n = (x - mean) * factor`` and the factor, ``1 / sqrt(variance + epsilon)``.

    Examples
    --------
    >>> normal([1.0, 3.0], 3.0)
    ([-0.5, 0.5], 0.5)
    """
    factor = 1 / math.sqrt(moments(values)[1] + epsilon)
    return [distance * factor for distance in _distances(values)], factor


def normal_backward(grad_n: Flat, n: Flat, factor: float) -> Flat:
    """Return the gradient for x from that for n: every x moves the mean and the variance too.

    Examples
    --------
    >>> normal_backward([1.0, 1.0], [-0.5, 0.5], 0.5)
    [0.0, 0.0]
    """
    mean = sum(grad_n) / len(n)
    product = sum(g * v for g, v in zip(grad_n, n, strict=True)) / len(n)
    return [factor * (g - mean - v * product) for g, v in zip(grad_n, n, strict=True)]


def _scaled(n: Rows, params: Flat, first: int) -> Rows:
    width = len(n[0]) if n else 0
    gamma, beta = params[first : first + width], params[first + width : first + 2 * width]
    return [[g * v + b for g, v, b in zip(gamma, row, beta, strict=True)] for row in n]


def _to_parameters(n: Rows, grad_y: Rows, params: Flat, gradient: Flat, first: int) -> Rows:
    """Write the gradients of gamma and beta; give that for n."""
    width = len(grad_y[0]) if grad_y else 0
    for c in range(width):
        gradient[first + c] = sum(g[c] * v[c] for g, v in zip(grad_y, n, strict=True))
        gradient[first + width + c] = sum(g[c] for g in grad_y)
    return [[params[first + c] * g for c, g in enumerate(row)] for row in grad_y]


def _transposed(x: Rows) -> Rows:
    return [list(column) for column in zip(*x, strict=True)]


def _positive(epsilon: float) -> float:
    if not 0 < epsilon < math.inf:
        raise ValueError(f"steps: epsilon must be a finite number above 0, got {epsilon}")
    return epsilon

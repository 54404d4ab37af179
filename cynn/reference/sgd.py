"""Stochastic gradient descent: a small step against the gradient, again and again."""

from .arrays import MutableVector, Vector, numbers
from .checks import require_apart, require_shape, shape


def sgd(
    w: MutableVector,
    grad: Vector,
    velocity: MutableVector,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> None:
    """Change the weights by one step of gradient descent, in place.

    ::

        g = grad + weight_decay * w
        velocity = momentum * velocity + g
        w = w - learning_rate * velocity                        without `nesterov`
        w = w - learning_rate * (g + momentum * velocity)       with `nesterov`

    The gradient points to where the loss grows fastest, so the step goes the other way. Momentum
    keeps part of the previous steps: what they agree on adds up, what they disagree on cancels.
    Weight decay pulls every weight towards zero.

    The rule is PyTorch's ``torch.optim.SGD``; Sutskever et al., *On the importance of
    initialization and momentum in deep learning* (2013), for `nesterov`.

    Parameters
    ----------
    w : vector (n,)
        Weights, changed.
    grad : vector (n,)
        Gradient of the loss with respect to `w`.
    velocity : vector (n,)
        What is left of the previous steps, changed; zeros before the first.
    learning_rate : float
        Length of the step.
    momentum : float
        How much of the previous steps is kept; 0 for plain gradient descent.
    nesterov : bool
        Whether to look ahead by one step of momentum.
    weight_decay : float
        Strength of the pull towards zero; 0 for none.

    Raises
    ------
    ValueError
        If the lengths differ, or two of the vectors share memory.

    Examples
    --------
    >>> w, velocity = [1.0], [0.0]
    >>> sgd(w, [0.5], velocity, 0.5, 0.5, False, 0.0)
    >>> w, velocity
    ([0.75], [0.5])
    >>> sgd(w, [0.5], velocity, 0.5, 0.5, False, 0.0)
    >>> w, velocity
    ([0.375], [0.75])
    """
    lengths = shape("sgd", "w", w, 1)
    require_shape("sgd", "grad", grad, lengths)
    require_shape("sgd", "velocity", velocity, lengths)
    require_apart("sgd", {"w": w, "velocity": velocity}, grad=grad)
    old = zip(numbers(w), numbers(grad), numbers(velocity), strict=True)
    for i, (w_i, g, v) in enumerate(old):
        g = g + weight_decay * w_i
        v = momentum * v + g
        velocity[i] = v
        w[i] = w_i - learning_rate * (g + momentum * v if nesterov else v)

"""Stochastic gradient descent."""

from .._specs.validation import flag
from ..schedules import Schedule
from ._optimizer import Optimizer, part

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov's look ahead, and weight decay.

    For each weight w, its gradient g and its velocity v, which starts at 0::

        g = g + weight_decay * w
        v = momentum * v + g
        w = w - learning_rate * (g + momentum * v if nesterov else v)

    This is PyTorch's form: the learning rate multiplies the velocity and is not part of it, so
    that a rate that changes acts at once. Weight decay is added to every weight's gradient, biases
    included.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        At least 0; a schedule gives one rate a step.
    momentum : float, default 0.0
        At least 0 and less than 1; 0 is plain descent.
    nesterov : bool, default False
        Step from where the velocity leads; needs momentum.
    weight_decay : float or Schedule, default 0.0
        The factor of the L2 penalty ``weight_decay / 2 * sum(w**2)``, at least 0.

    clip_value : float, optional
        The largest size of a number in the gradient; larger ones are brought down to it.
    clip_norm : float, optional
        The largest Euclidean norm of the gradient of all weights together; a longer one is
        shortened to it. Needs the whole gradient before its first use, and so some time.
    average : float, optional
        At least 0 and less than 1, such as 0.99: the model's weights are then an exponential
        average of those that the optimizer moves, of which each step keeps so much, in validation,
        predictions and files too. Those that it moves are in its state. Running statistics are not
        averaged.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Adam : A step of its own size for each weight; needs less tuning.
    cynn.schedules : Learning rates that change from step to step.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep
    learning, ICML 2013 (momentum and Nesterov's form of it, equations 1 to 4). Polyak, Some
    methods of speeding up the convergence of iteration methods, 1964 (momentum). Polyak and
    Juditsky, Acceleration of stochastic approximation by averaging, 1992 (averages of the weights).

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(0.1, 0.9)
    >>> SGD(0.1, clip_norm=1.0).clips()
    (inf, 1.0)
    >>> from cynn.schedules import Cosine
    >>> SGD(Cosine(0.1), 0.9, nesterov=True)
    SGD(Cosine(0.1), 0.9, nesterov=True)
    >>> SGD(0.1, nesterov=True)
    Traceback (most recent call last):
    ValueError: momentum must be above 0 for nesterov=True, got 0.0
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float | Schedule = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        average: float | None = None,
    ) -> None:
        self._common(learning_rate, weight_decay, clip_value, clip_norm, average)
        self.momentum = part("momentum", momentum)
        self.nesterov = flag("nesterov", nesterov)
        if self.nesterov and self.momentum == 0:
            raise ValueError("momentum must be above 0 for nesterov=True, got 0.0")

    def kernel(self) -> tuple[str | float, ...]:
        """Return ``("sgd", nesterov, weight_decay)``; see `Optimizer.kernel`."""
        return ("sgd", float(self.nesterov), self._decay)

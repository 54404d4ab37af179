"""The optimizers beside plain descent: each remembers something of the gradients before.

What one remembers for each weight lies in its slots, vectors as long as the weights; what it
remembers for all of them together in its scalars, numbers that change once a step. To add an
optimizer, write its rule for one weight here and name it in `_ENTRIES`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .arrays import Flat, MutableVector, Vector, numbers
from .checks import require_apart, require_shape, shape


class UpdateStep(NamedTuple):
    """What all weights share in one step: the learning rate, the momentum, the steps so far.

    `scalars` are those of the optimizer.
    """

    learning_rate: float
    momentum: float
    t: int
    scalars: Flat


Rule = Callable[[float, float, Flat, UpdateStep, Flat], float]
"""Takes a weight, its gradient, what its slots hold (changed in place), the step and the numbers
of the optimizer; gives the weight's new value."""

Advance = Callable[[UpdateStep, Flat], None]
"""Takes the step and the numbers of the optimizer, and changes the step's scalars, before any rule
of that step."""


class Optimizer(NamedTuple):
    """An optimizer: the names of its numbers and slots, its rule, and its scalars, if any.

    `scalars` has what each begins with.
    """

    numbers: tuple[str, ...]
    slots: tuple[str, ...]
    rule: Rule
    scalars: Mapping[str, float] = MappingProxyType({})
    advance: Advance | None = None


def sgd_rule(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """See `sgd`."""
    nesterov, weight_decay = settings
    g += weight_decay * w
    slots[0] = step.momentum * slots[0] + g
    return w - step.learning_rate * (g + step.momentum * slots[0] if nesterov else slots[0])


def sgd_sklearn(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Descend as scikit-learn does: the velocity carries the learning rates of its steps."""
    nesterov, weight_decay = settings
    pull = step.learning_rate * (g + weight_decay * w)
    slots[0] = step.momentum * slots[0] - pull
    return w + (step.momentum * slots[0] - pull if nesterov else slots[0])


def adam(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Kingma and Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1.

    Both means begin at 0 and so are too small at first; they are divided by what is missing. With
    a third slot, AMSGrad: the greatest mean square so far (Reddi, Kale and Kumar, *On the
    convergence of Adam and beyond*, 2018).
    """
    beta1, beta2, epsilon, weight_decay = settings
    root = _moments(g + weight_decay * w, slots, beta1, beta2)
    mean = slots[0] / (1 - beta1**step.t)
    return w - step.learning_rate * mean / (root / math.sqrt(1 - beta2**step.t) + epsilon)


def adam_sklearn(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Adam as scikit-learn has it, the end of the paper's section 2: epsilon is not corrected."""
    beta1, beta2, epsilon, weight_decay = settings
    root = _moments(g + weight_decay * w, slots, beta1, beta2)
    rate = step.learning_rate * math.sqrt(1 - beta2**step.t) / (1 - beta1**step.t)
    return w - rate * slots[0] / (root + epsilon)


def adamw(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Loshchilov and Hutter, *Decoupled weight decay regularization* (2019), algorithm 2."""
    beta1, beta2, epsilon, weight_decay = settings
    w -= step.learning_rate * weight_decay * w
    return adam(w, g, slots, step, [beta1, beta2, epsilon, 0.0])


def nadam(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Dozat, *Incorporating Nesterov momentum into Adam* (2016), as PyTorch has it.

    The mean of the gradients is looked at one step ahead, and the momentum grows with the steps:
    each mean is divided by what is missing, which is the product of all momenta so far.
    """
    beta1, beta2, epsilon, weight_decay, ratio = settings
    g += weight_decay * w
    root = _moments(g, slots, beta1, beta2) / math.sqrt(1 - beta2**step.t)
    now, following = _momentum(beta1, ratio, step.t), _momentum(beta1, ratio, step.t + 1)
    product = step.scalars[0]
    ahead = following * slots[0] / (1 - product * following) + (1 - now) * g / (1 - product)
    return w - step.learning_rate * ahead / (root + epsilon)


def nadamw(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """`nadam` with the decoupled weight decay of `adamw`."""
    beta1, beta2, epsilon, weight_decay, ratio = settings
    w -= step.learning_rate * weight_decay * w
    return nadam(w, g, slots, step, [beta1, beta2, epsilon, 0.0, ratio])


def multiply_momenta(step: UpdateStep, settings: Flat) -> None:
    """Go on with the product of the momenta of `nadam`."""
    step.scalars[0] *= _momentum(settings[0], settings[4], step.t)


def _momentum(beta1: float, ratio: float, t: int) -> float:
    return beta1 * (1 - 0.5 * ratio**t)


def rmsprop(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Tieleman and Hinton, *Neural networks for machine learning*, lecture 6.5 (2012).

    The last slot is the momentum's. With three, the variance stands for the mean square (Graves,
    *Generating sequences with recurrent neural networks*, 2013).
    """
    alpha, epsilon, weight_decay = settings
    g += weight_decay * w
    slots[0] = alpha * slots[0] + (1 - alpha) * g * g
    square = slots[0]
    if len(slots) == 3:
        slots[1] += (1 - alpha) * (g - slots[1])
        square = max(square - slots[1] ** 2, 0.0)
    slots[-1] = step.momentum * slots[-1] + g / (math.sqrt(square) + epsilon)
    return w - step.learning_rate * slots[-1]


def adagrad(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Duchi, Hazan and Singer, *Adaptive subgradient methods* (2011); the rate may decline."""
    lr_decay, epsilon, weight_decay, _ = settings
    g += weight_decay * w
    slots[0] += g * g
    rate = step.learning_rate / (1 + (step.t - 1) * lr_decay)
    return w - rate * g / (math.sqrt(slots[0]) + epsilon)


def adadelta(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Zeiler, *ADADELTA: an adaptive learning rate method* (2012), algorithm 1."""
    rho, epsilon, weight_decay = settings
    g += weight_decay * w
    slots[0] = rho * slots[0] + (1 - rho) * g * g
    change = math.sqrt(slots[1] + epsilon) / math.sqrt(slots[0] + epsilon) * g
    slots[1] = rho * slots[1] + (1 - rho) * change * change
    return w - step.learning_rate * change


def lion(w: float, g: float, slots: Flat, step: UpdateStep, settings: Flat) -> float:
    """Chen et al., *Symbolic discovery of optimization algorithms* (2023), algorithm 2."""
    beta1, beta2, weight_decay = settings
    c = beta1 * slots[0] + (1 - beta1) * g
    slots[0] = beta2 * slots[0] + (1 - beta2) * g
    sign = int(c > 0) - int(c < 0)
    return w - step.learning_rate * (sign + weight_decay * w)


def _moments(g: float, slots: Flat, beta1: float, beta2: float) -> float:
    """Follow the means of the gradient and of its square; give the root of the second."""
    slots[0] += (1 - beta1) * (g - slots[0])
    slots[1] = beta2 * slots[1] + (1 - beta2) * g * g
    if len(slots) == 3:
        slots[2] = max(slots[2], slots[1])
    return math.sqrt(slots[-1])


_SGD = ("nesterov", "weight_decay")
_ADAM = ("beta1", "beta2", "epsilon", "weight_decay")
_MOMENTS = ("exp_avg", "exp_avg_sq")
_MAXIMA = (*_MOMENTS, "max_exp_avg_sq")
_NADAM = (*_ADAM, "momentum_ratio")
_PRODUCT = {"mu_product": 1.0}
_RMSPROP = ("alpha", "epsilon", "weight_decay")

_ENTRIES: dict[str, Optimizer] = {
    "sgd": Optimizer(_SGD, ("velocity",), sgd_rule),
    "sgd_sklearn": Optimizer(_SGD, ("velocity",), sgd_sklearn),
    "adam": Optimizer(_ADAM, _MOMENTS, adam),
    "adam_sklearn": Optimizer(_ADAM, _MOMENTS, adam_sklearn),
    "adamw": Optimizer(_ADAM, _MOMENTS, adamw),
    "amsgrad": Optimizer(_ADAM, _MAXIMA, adam),
    "amsgradw": Optimizer(_ADAM, _MAXIMA, adamw),
    "nadam": Optimizer(_NADAM, _MOMENTS, nadam, _PRODUCT, multiply_momenta),
    "nadamw": Optimizer(_NADAM, _MOMENTS, nadamw, _PRODUCT, multiply_momenta),
    "rmsprop": Optimizer(_RMSPROP, ("square_avg", "momentum_buffer"), rmsprop),
    "rmsprop_centered": Optimizer(_RMSPROP, ("square_avg", "grad_avg", "momentum_buffer"), rmsprop),
    "adagrad": Optimizer(("lr_decay", "epsilon", "weight_decay", "initial"), ("sum",), adagrad),
    "adadelta": Optimizer(
        ("rho", "epsilon", "weight_decay"), ("square_avg", "acc_delta"), adadelta
    ),
    "lion": Optimizer(("beta1", "beta2", "weight_decay"), ("exp_avg",), lion),
}

OPTIMIZERS = {
    name: (entry.numbers, entry.slots, dict(entry.scalars)) for name, entry in _ENTRIES.items()
}
"""Of each optimizer the names of its numbers and slots, and its scalars with their first values."""


def read_optimizer(optimizer: tuple[Any, ...]) -> list[float]:
    """Return the numbers of an optimizer that a tuple describes, or refuse it.

    Raises
    ------
    ValueError
        If there is none of that name, or it takes another count of numbers.
    """
    name, *settings = optimizer
    if name not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {name!r}")
    names = OPTIMIZERS[name][0]
    if len(settings) != len(names):
        raise ValueError(
            f"optimizer: {name} must have the numbers {', '.join(names)}, got {len(settings)}"
        )
    return [float(number) for number in settings]


def decaying(optimizer: tuple[Any, ...], weight_decay: float | None) -> tuple[Any, ...]:
    """Return an optimizer with another weight decay; the same if that is None."""
    if weight_decay is None:
        return optimizer
    name, *settings = optimizer
    settings[OPTIMIZERS[name][0].index("weight_decay")] = weight_decay
    return (name, *settings)


def clip_gradient(gradient: Flat, value: float, norm: float) -> Flat:
    """Return a gradient whose numbers, and then its norm, are within these limits."""
    clipped = [-value if g < -value else value if g > value else g for g in gradient]
    if norm < math.inf:
        factor = norm / (math.sqrt(sum(g * g for g in clipped)) + 1e-6)
        clipped = [g * min(factor, 1.0) for g in clipped]
    return clipped


def change_weights(
    w: MutableVector,
    grad: Vector,
    slots: Sequence[MutableVector],
    optimizer: tuple[Any, ...],
    step: UpdateStep,
    factors: Sequence[tuple[float, float]] | None = None,
) -> None:
    """Do what `optimizer_step` does, with factors of each weight's own.

    They are of the learning rate and of the weight decay. Where the first is 0 the weight is
    frozen: nothing of it changes.
    """
    settings = read_optimizer(optimizer)
    entry = _ENTRIES[optimizer[0]]
    if entry.advance is not None:
        entry.advance(step, settings)
    decay = entry.numbers.index("weight_decay")
    for i, (w_i, g) in enumerate(zip(numbers(w), numbers(grad), strict=True)):
        own_step, own = step, settings
        if factors is not None:
            if factors[i][0] == 0:
                continue
            own_step = step._replace(learning_rate=step.learning_rate * factors[i][0])
            own = [*settings[:decay], settings[decay] * factors[i][1], *settings[decay + 1 :]]
        slot_values = [float(slot[i]) for slot in slots]
        w[i] = entry.rule(w_i, g, slot_values, own_step, own)
        for slot, value in zip(slots, slot_values, strict=True):
            slot[i] = value


def follow_weights(average: Flat, w: Flat, kept: float, t: int) -> None:
    """Move an average of the weights along after step `t`, in place.

    ``kept * average + (1 - kept) * w`` from zeros on, divided by what is missing, ``1 - kept**t``:
    after the first step it is `w`.

    Polyak and Juditsky, *Acceleration of stochastic approximation by averaging* (1992); with the
    weights of older steps declining and the division as in Kingma and Ba, *Adam* (2015), section
    7.2.

    Examples
    --------
    >>> average = [0.0]
    >>> for t, w in enumerate([4.0, 1.0], 1):
    ...     follow_weights(average, [w], 0.5, t)
    ...     print(average)
    [4.0]
    [2.0]
    """
    gain = (1 - kept) / (1 - kept**t)
    for i, w_i in enumerate(w):
        average[i] = w_i if gain == 1 else average[i] + gain * (w_i - average[i])


def optimizer_step(
    w: MutableVector,
    grad: Vector,
    slots: Sequence[MutableVector],
    optimizer: tuple[Any, ...],
    learning_rate: float,
    momentum: float,
    t: int,
    scalars: list[float] | None = None,
) -> None:
    """Change the weights by one step of an optimizer, in place.

    Parameters
    ----------
    w : vector (n,)
        Weights, changed.
    grad : vector (n,)
        Gradient of the loss with respect to `w`.
    slots : matrix (slots, n)
        What the optimizer remembers, a row for each of its slots, changed.
    optimizer : tuple
        A name in `OPTIMIZERS`, then its numbers.
    learning_rate, momentum : float
        Those of the step.
    t : int
        Which step it is, from 1 on.
    scalars : list of float, optional
        What the optimizer remembers for all weights together, changed; left out where it has none.

    Raises
    ------
    ValueError
        If there is no such optimizer, the lengths differ, or vectors share memory.

    Examples
    --------
    Adam's first step is as long as the learning rate, whatever the gradient's size:

    >>> w, slots = [1.0, 1.0], [[0.0, 0.0], [0.0, 0.0]]
    >>> optimizer_step(w, [1.0, -100.0], slots, ("adam", 0.9, 0.999, 1e-8, 0.0), 0.25, 0.0, 1)
    >>> [round(number, 6) for number in w]
    [0.75, 1.25]
    """
    read_optimizer(optimizer)
    entry = _ENTRIES[optimizer[0]]
    (n,) = shape("optimizer_step", "w", w, 1)
    require_shape("optimizer_step", "grad", grad, (n,))
    require_shape("optimizer_step", "slots", slots, (len(entry.slots), n))
    if t < 1:
        raise ValueError(f"optimizer_step: t must be at least 1, got {t}")
    shared_scalars = [] if scalars is None else scalars
    require_shape("optimizer_step", "scalars", shared_scalars, (len(entry.scalars),))
    require_apart("optimizer_step", {"w": w, "slots": slots}, grad=grad)
    step = UpdateStep(learning_rate, momentum, t, shared_scalars)
    change_weights(w, grad, slots, optimizer, step)

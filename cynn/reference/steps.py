"""The kinds of steps that a network is made of, each with its forward and its backward.

A step keeps no weights. Those of all steps lie end to end in one flat list, the parameters, so
that an optimizer sees one vector; a step knows where in it its own begin. To add a kind of step,
write its class here, or in a file of its own, and name it in `STEPS`.
"""

import inspect
from dataclasses import replace
from typing import Any

from .arrays import Flat, Rows, zeros
from .backprop import dense_backward, dense_forward
from .by_name import BACKWARD, FORWARD, FROM_INPUT, known
from .call import Call, Place
from .clip import Clip
from .dropout import Dropout
from .embeddings import Embedding, Periodic, Piecewise
from .members import MemberAffine, MemberDense, Members
from .normalization import BatchNorm, LayerNorm
from .parametric import Parametric
from .step import Step
from .user_functions import Function


class Dense(Step):
    """``y = f(x @ W + b)``, described by ``("dense", n_out, activation)``.

    W comes first in the parameters, row by row, then b. With False after the activation there is
    no b.
    """

    def __init__(
        self, n_in: int, place: Place, n_out: int, activation: str, use_bias: bool = True
    ) -> None:
        if n_out < 1:
            raise ValueError(f"steps: outputs of dense must be at least 1, got {n_out}")
        self.n_in, self.n_out, self.place, self.first = n_in, n_out, place, place.params
        self.activation = known(activation)
        self.use_bias = use_bias
        self.n_params = n_in * n_out + (n_out if use_bias else 0)

    def without_activation(self) -> "Dense":
        """Return the same step with the activation `identity`."""
        return Dense(self.n_in, self.place, self.n_out, "identity", self.use_bias)

    def matrices(self) -> list[range]:
        """Return where W lies."""
        return [range(self.first, self.first + self.n_in * self.n_out)]

    def arrays(self) -> list[int]:
        """Return how many numbers W and b have."""
        return [self.n_in * self.n_out, self.n_out][: 2 if self.use_bias else 1]

    def weights(self, flat: Flat) -> tuple[Rows, Flat]:
        """Cut W and b out of a flat list."""
        end_of_w = self.first + self.n_in * self.n_out
        starts = range(self.first, end_of_w, self.n_out)
        b = flat[end_of_w : end_of_w + self.n_out] if self.use_bias else [0.0] * self.n_out
        return [flat[i : i + self.n_out] for i in starts], b

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``f(x @ W + b)``."""
        w, b = self.weights(params)
        y = zeros(len(x), self.n_out)
        dense_forward(x, w, b, self.activation, y)
        return y

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the activation, then through the weights."""
        w, _ = self.weights(params)
        delta = zeros(len(x), self.n_out)
        BACKWARD[self.activation](y, grad_y, delta)
        grad_x, grad_w = zeros(len(x), self.n_in), zeros(self.n_in, self.n_out)
        grad_b = [0.0] * self.n_out
        dense_backward(x, w, delta, grad_x, grad_w, grad_b)
        flat = [value for row in grad_w for value in row] + (grad_b if self.use_bias else [])
        gradient[self.first : self.first + self.n_params] = flat
        return grad_x


class Activation(Step):
    """``y = f(x)``, described by ``("activation", name)``."""

    def __init__(self, n_in: int, place: Place, activation: str) -> None:
        self.n_out, self.place = n_in, place
        self.activation = known(activation)

    def without_activation(self) -> "Activation":
        """Return a step that changes nothing."""
        return Activation(self.n_out, self.place, "identity")

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``f(x)``."""
        y = zeros(len(x), self.n_out)
        FORWARD[self.activation](x, y)
        return y

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the activation."""
        grad_x = zeros(len(x), self.n_out)
        saved = x if self.activation in FROM_INPUT else y
        BACKWARD[self.activation](saved, grad_y, grad_x)
        return grad_x


class Rescale(Step):
    """``y = scale * x + offset``, described by ``("rescale", scale, offset)``."""

    def __init__(self, n_in: int, place: Place, scale: float, offset: float) -> None:
        self.n_out, self.scale, self.offset = n_in, float(scale), float(offset)

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``scale * x + offset``."""
        return [[self.scale * value + self.offset for value in row] for row in x]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return ``scale * grad_y``."""
        return [[self.scale * value for value in row] for row in grad_y]


class Normalize(Step):
    """``y = (x - mean) / std`` for each column, described by ``("normalize", mean, std)``."""

    def __init__(self, n_in: int, place: Place, mean: Flat, std: Flat) -> None:
        if not len(mean) == len(std) == n_in:
            raise ValueError(
                f"steps: normalize must have {n_in} means and deviations, got {len(mean)} and "
                f"{len(std)}"
            )
        self.n_out, self.mean, self.scale = n_in, mean, [1.0 / value for value in std]

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``(x - mean) / std``."""
        return [
            [(value - m) * s for value, m, s in zip(row, self.mean, self.scale, strict=True)]
            for row in x
        ]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return ``grad_y / std``."""
        return [[g * s for g, s in zip(row, self.scale, strict=True)] for row in grad_y]


class Scale(Step):
    """``y = s * x``, s a learned factor for each column; described by ``("scale",)``."""

    def __init__(self, n_in: int, place: Place) -> None:
        self.n_out, self.n_params, self.first = n_in, n_in, place.params

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``s * x``."""
        s = params[self.first : self.first + self.n_out]
        return [[factor * value for factor, value in zip(s, row, strict=True)] for row in x]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return ``s * grad_y``; the gradient of s is ``x * grad_y``, summed over the rows."""
        for c in range(self.n_out):
            pairs = zip(x, grad_y, strict=True)
            gradient[self.first + c] = sum(row[c] * g[c] for row, g in pairs)
        return self.forward(grad_y, params, call)


class Residual(Step):
    """``y = x + f(x)``, f being steps in a row: described by ``("residual", steps)``.

    He, Zhang, Ren & Sun, *Deep residual learning for image recognition* (2016). The gradient for x
    is the sum of that on the short way, ``grad_y`` as it is, and that through the steps.
    """

    def __init__(self, n_in: int, place: Place, steps: list[tuple[Any, ...]]) -> None:
        self.steps: list[Step] = []
        self.n_out, width, past = n_in, n_in, place
        for description in separated(steps):
            step = make_step(description, width, past)
            self.steps.append(step)
            width, past = step.n_out, past.past(step)
        self.n_params, self.n_state, self.n_draws, more = (
            after - before for after, before in zip(past, place, strict=True)
        )
        if more:
            raise ValueError(
                f"steps: members must be {place.members} behind a residual as before it, got "
                f"{past.members}"
            )
        if width != n_in:
            raise ValueError(
                f"steps: the steps of a residual must make {n_in} numbers, got {width}"
            )

    def initial_state(self) -> Flat:
        """Return those of the steps."""
        return [value for step in self.steps for value in step.initial_state()]

    def matrices(self) -> list[range]:
        """Return those of the steps."""
        return [place for step in self.steps for place in step.matrices()]

    def arrays(self) -> list[int]:
        """Return those of the steps."""
        return [size for step in self.steps for size in step.arrays()]

    def _activations(self, x: Rows, params: Flat, call: Call) -> list[Rows]:
        activations = [x]
        for step in self.steps:
            activations.append(step.forward(activations[-1], params, call))
        return activations

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``x + f(x)``."""
        return _sum(x, self._activations(x, params, call)[-1])

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the steps, and add what came along the short way."""
        second_call = replace(call, counts=False)  # running statistics move on the way forward
        activations, delta = self._activations(x, params, second_call), grad_y
        for i in reversed(range(len(self.steps))):
            step = self.steps[i]
            delta = step.backward(activations[i], activations[i + 1], delta, params, gradient, call)
        return _sum(grad_y, delta)


def _sum(a: Rows, b: Rows) -> Rows:
    return [[v + w for v, w in zip(*pair, strict=True)] for pair in zip(a, b, strict=True)]


STEPS: dict[str, Any] = {
    "dense": Dense,
    "activation": Activation,
    "rescale": Rescale,
    "normalize": Normalize,
    "residual": Residual,
    "dropout": Dropout,
    "layer_norm": LayerNorm,
    "batch_norm": BatchNorm,
    "scale": Scale,
    "parametric": Parametric,
    "clip": Clip,
    "embedding": Embedding,
    "periodic": Periodic,
    "piecewise": Piecewise,
    "members": Members,
    "member_affine": MemberAffine,
    "member_dense": MemberDense,
    "function": Function,
}
"""The kind of step of each name."""


def make_step(description: tuple[Any, ...], n_in: int, place: Place) -> Step:
    """Make the step that a tuple describes.

    Parameters
    ----------
    description : tuple
        The kind's name, then what the kind's class takes.
    n_in : int
        How many numbers the step sees in a row.
    place : Place
        Where it stands.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    ValueError
        If the kind, a number of arguments, an activation or a size is not one there is.

    Examples
    --------
    >>> make_step(("dense", 2, "relu"), 3, Place()).n_params
    8
    """
    kind, *arguments = description
    if kind not in STEPS:
        raise ValueError(f"steps: kind must be one of {tuple(STEPS)}, got {kind!r}")
    try:
        inspect.signature(STEPS[kind]).bind(n_in, place, *arguments)
    except TypeError:
        message = f"steps: {kind} must have other arguments, got {description}"
        raise ValueError(message) from None
    step: Step = STEPS[kind](n_in, place, *arguments)
    return step


def separated(steps: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return an activation whose way back takes its input a step of its own, which sees that input.

    One that is no name is a function of Python, and has a step of its own too.

    Examples
    --------
    >>> separated([("dense", 2, "gelu"), ("dense", 1, "tanh")])
    [('dense', 2, 'identity'), ('activation', 'gelu'), ('dense', 1, 'tanh')]
    """
    separate: list[tuple[Any, ...]] = []
    for step in steps:
        if step[0] in ("dense", "member_affine") and len(step) > 2 and is_apart(step[2]):
            separate += [(*step[:2], "identity", *step[3:]), *separated([("activation", step[2])])]
        elif step[0] == "activation" and not all(isinstance(part, str) for part in step):
            separate.append(("function", *step[1:]))
        else:
            separate.append(step)
    return separate


def is_apart(activation: Any) -> bool:
    """Return whether an activation is a step of its own."""
    return not isinstance(activation, str) or activation in FROM_INPUT

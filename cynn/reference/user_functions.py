"""Where a network asks Python: activations and a loss given as functions over arrays.

What they are asked, `value`, `gradient` and `of_rows`, is what `cynn.activations.Custom` and
`cynn.losses.Custom` answer.
"""

from collections.abc import Callable
from typing import Any

from .arrays import Flat, Matrix, Rows, Vector, numbers, rows
from .call import Call, Place
from .step import Step


class Function(Step):
    """``y = f(x)``, f being a function of Python: described by ``("function", what is asked)``."""

    def __init__(self, n_in: int, place: Place, function: Any) -> None:
        if not hasattr(function, "value"):
            raise ValueError(f"steps: activation must be a name or a function, got {function!r}")
        self.n_out, self.function = n_in, function

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``f(x)``."""
        return rows(self.function.value(x)) if x else []

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the function."""
        return rows(self.function.gradient(x, grad_y)) if x else []


def loss_of(function: Any) -> Callable[..., float]:
    """Return a loss, as those in `cynn.reference.losses` are, that asks a function of Python."""

    def loss(prediction: Matrix, target: Any, weight: Vector, out: Matrix, delta: Matrix) -> float:
        if len(prediction) == 0:
            return 0.0
        losses, gradient = function.of_rows(target, None, 0, prediction)
        total = 0.0
        for r, w in enumerate(numbers(weight)):
            total += w * float(losses[r])
            for j, slope in enumerate(gradient[r].tolist()):
                out[r][j] = prediction[r][j]
                delta[r][j] = w * slope
        return total

    return loss

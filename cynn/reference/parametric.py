"""An activation of which each column learns how much it needs."""

from .arrays import Flat, Rows, zeros
from .by_name import BACKWARD, FORWARD, FROM_INPUT, known
from .call import Call, Place
from .step import Step


class Parametric(Step):
    """``y = x + a * (f(x) - x)``, a learned for each column; ``("parametric", activation)``.

    Holzmüller, Grinsztajn and Steinwart, *Better by default*, 2024. With a = 1 it is the activation
    f, with a = 0 nothing.
    """

    def __init__(self, n_in: int, place: Place, activation: str) -> None:
        self.n_out, self.n_params, self.first = n_in, n_in, place.params
        self.inner = known(activation)

    def _activated(self, x: Rows) -> Rows:
        y = zeros(len(x), self.n_out)
        FORWARD[self.inner](x, y)
        return y

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``x + a * (f(x) - x)``."""
        a = params[self.first : self.first + self.n_out]
        return [
            [v + share * (w - v) for share, v, w in zip(a, *pair, strict=True)]
            for pair in zip(x, self._activated(x), strict=True)
        ]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the activation and beside it.

        The gradient of a is ``(f(x) - x) * grad_y``, summed over the rows.
        """
        a, activated = params[self.first : self.first + self.n_out], self._activated(x)
        for c in range(self.n_out):
            parts = zip(x, activated, grad_y, strict=True)
            gradient[self.first + c] = sum((f[c] - v[c]) * g[c] for v, f, g in parts)
        through = [[share * g for share, g in zip(a, row, strict=True)] for row in grad_y]
        grad_x = zeros(len(x), self.n_out)
        BACKWARD[self.inner](x if self.inner in FROM_INPUT else activated, through, grad_x)
        return [
            [back + (1 - share) * g for share, back, g in zip(a, *pair, strict=True)]
            for pair in zip(grad_x, grad_y, strict=True)
        ]

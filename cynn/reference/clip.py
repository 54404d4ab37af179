"""Limits of what a network gives."""

from .arrays import Flat, Rows
from .call import Call, Place
from .step import Step


class Clip(Step):
    """``y = min(max(x, low), high)``, in training ``y = x``; ``("clip", low, high)``.

    The limits are numbers, or lists with one for each column. So a number beyond them is brought
    back by its whole gradient while the network learns. NaN stays NaN.
    """

    def __init__(self, n_in: int, place: Place, low: float | Flat, high: float | Flat) -> None:
        limits = [
            list(limit) if isinstance(limit, tuple | list) else [limit] * n_in
            for limit in (low, high)
        ]
        for limit in limits:
            if len(limit) != n_in:
                raise ValueError(f"steps: clip must have {n_in} limits, got {len(limit)}")
        self.n_out, self.limits = n_in, list(zip(*limits, strict=True))
        if not all(low <= high for low, high in self.limits):
            raise ValueError(f"steps: clip must have a low of at most high, got {(low, high)}")

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``min(max(x, low), high)``, or x in training."""
        if call.key is not None:
            return [list(row) for row in x]
        return [
            [low if v < low else high if v > high else v for v, (low, high) in pairs]
            for pairs in (zip(row, self.limits, strict=True) for row in x)
        ]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return the gradient as it is; in use 0 for what lies beyond the limits."""
        if call.key is not None:
            return [list(row) for row in grad_y]
        return [
            [0.0 if v < low or v > high else g for v, g, (low, high) in parts]
            for parts in (
                zip(row, grads, self.limits, strict=True)
                for row, grads in zip(x, grad_y, strict=True)
            )
        ]

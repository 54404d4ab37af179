"""Dropout: in training a part of the numbers becomes 0, drawn anew for each row and batch."""

from .arrays import Flat, Rows
from .call import Call, Place
from .random import random_bits
from .step import Step


class Dropout(Step):
    """``y = x / (1 - rate)``, or 0 with probability `rate`; described by ``("dropout", rate)``.

    Where nothing is trained it changes nothing (Srivastava, Hinton, Krizhevsky, Sutskever and
    Salakhutdinov, *Dropout*, 2014; scaled in training, so that predictions need no scale).

    A number is dropped if its 16 random bits are below a threshold, so that the rate is a multiple
    of 2^-16; a step of a training may have a rate of its own. Four numbers of a row share a word of
    64 bits, the first the lowest 16; the words are counted along a row, and on through the rows of
    the batch.
    """

    n_draws = 1

    def __init__(self, n_in: int, place: Place, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(
                f"steps: rate of dropout must be at least 0 and less than 1, got {rate}"
            )
        self.n_out, self.number, self.members = n_in, place.draws, place.members
        self.rate = rate

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Drop and scale, in training."""
        rate = self.rate if call.dropouts is None else call.dropouts[self.number]
        threshold = min(int(rate * 65536 + 0.5), 65535)
        if call.key is None or threshold == 0:
            return [list(row) for row in x]
        scale = 65536 / (65536 - threshold)
        key, words = random_bits(call.key, self.number), -(-self.n_out // 4)
        y = []
        for r, row in enumerate(x):
            first = (call.place * self.members + r) * words
            bits = [random_bits(key, first + word) for word in range(words)]
            kept = [bits[c // 4] >> 16 * (c % 4) & 65535 >= threshold for c in range(len(row))]
            pairs = zip(row, kept, strict=True)
            y.append([scale * value if keep else 0.0 for value, keep in pairs])
        return y

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Drop and scale the same numbers of the gradient."""
        return self.forward(grad_y, params, call)

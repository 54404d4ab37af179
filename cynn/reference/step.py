"""What a network asks of a step, and what most steps answer."""

from typing import Self

from .arrays import Flat, Rows
from .call import Call


class Step:
    """Base of the kinds of step: what is said here is of one without parameters and activation.

    A subclass takes ``(n_in, place, *arguments)``: how many numbers of a row it sees, where it
    stands, and what follows its name in a description. It sets `n_out`, and writes `forward` and
    `backward`.

    Attributes
    ----------
    n_out : int
        Numbers that it makes of a row.
    n_params, n_state, n_draws : int
        How many parameters, running statistics and streams of random numbers it has.
    n_members : int
        How many rows it makes of one.
    activation : str
        The activation that it ends with.
    """

    n_out: int
    n_params = n_state = n_draws = 0
    n_members = 1
    activation = "identity"

    def without_activation(self) -> Self:
        """Return the same step ending before its activation, for a loss that is fused with it."""
        return self

    def initial_state(self) -> Flat:
        """Return the running statistics to begin with."""
        return []

    def matrices(self) -> list[range]:
        """Return where each matrix W lies in the parameters, for the penalties."""
        return []

    def arrays(self) -> list[int]:
        """Return how many numbers each of its arrays of weights has, in order: W, then b."""
        return [self.n_params] if self.n_params else []

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return the step's output."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return the gradient for x, and write that of the step's own parameters."""
        raise NotImplementedError(f"{type(self).__name__} must define backward")

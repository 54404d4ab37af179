"""Members: k networks in one, which share every matrix of weights.

Wen, Tran and Ba, *BatchEnsemble* (ICLR 2020); Gorishniy, Kotelnikov and Babenko, *TabM* (ICLR
2025). What is a member's own are vectors, and its head. The first step makes k rows of each row,
which stand side by side::

    rows of the network     of the steps, k = 2
      x[0]                    x[0, 0], x[0, 1]
      x[1]                    x[1, 0], x[1, 1]

The steps that follow see nothing but more rows. The loss of a row is the mean of its members'
losses, and a prediction is the mean of their outputs.
"""

from .arrays import Flat, Rows, zeros
from .by_name import BACKWARD, FORWARD, known
from .call import Call, Place
from .step import Step


def repeated(rows: Rows, members: int) -> Rows:
    """Return each row as many times as there are members.

    Examples
    --------
    >>> repeated([[1.0], [2.0]], 2)
    [[1.0], [1.0], [2.0], [2.0]]
    """
    return [list(row) for row in rows for _ in range(members)]


def mean_of_members(rows: Rows, members: int) -> Rows:
    """Return the mean of each row's members.

    Examples
    --------
    >>> mean_of_members([[1.0], [2.0], [3.0], [5.0]], 2)
    [[1.5], [4.0]]
    """
    if members == 1:
        return rows
    groups = (rows[i : i + members] for i in range(0, len(rows), members))
    return [[sum(column) / members for column in zip(*group, strict=True)] for group in groups]


class OfMembers(Step):
    """Base of the steps that have a line of weights for each member.

    Parameters
    ----------
    n_in : int
        Numbers in a row of x.
    place : Place
        Where it stands.
    members : int
        How many there are, as many as the first step made.

    Raises
    ------
    ValueError
        If they are not as many.
    """

    def __init__(self, n_in: int, place: Place, members: int) -> None:
        if members != place.members:
            raise ValueError(f"steps: members must be {place.members} as before it, got {members}")
        self.n_out, self.members, self.first = n_in, members, place.params
        self.n_params = members * n_in

    def line(self, flat: Flat, row: int) -> Flat:
        """Cut the line of a row's member out of a flat list."""
        start = self.first + row % self.members * self.n_out
        return flat[start : start + self.n_out]

    def add(self, flat: Flat, row: int, values: Flat, after: int = 0) -> None:
        """Add to the line of a row's member, so many numbers after the first lines."""
        start = self.first + after + row % self.members * self.n_out
        for c, value in enumerate(values):
            flat[start + c] += value


class Members(OfMembers):
    """``y[i, m] = r[m] * x[i]``: a row for each member; described by ``("members", members)``."""

    def __init__(self, n_in: int, place: Place, members: int) -> None:
        if place.members != 1:
            raise ValueError(f"steps: members must come once, got {members} after {place.members}")
        if not 1 <= members <= 1 << 16:
            raise ValueError(f"steps: members must be from 1 to 2^16, got {members}")
        super().__init__(n_in, place._replace(members=members), members)
        self.n_members = members

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``r[m] * x[i]``."""
        more = repeated(x, self.members)
        return [_product(self.line(params, r), row) for r, row in enumerate(more)]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return the sum of ``r[m] * grad_y`` over the members; that of r[m] is ``x * grad_y``."""
        grad_x = zeros(len(x), self.n_out)
        for r, grad in enumerate(grad_y):
            i = r // self.members
            self.add(gradient, r, _product(x[i], grad))
            products = _product(self.line(params, r), grad)
            grad_x[i] = [v + w for v, w in zip(grad_x[i], products, strict=True)]
        return grad_x


class MemberAffine(OfMembers):
    """``y[i, m] = f(s[m] * x[i, m] + b[m])``, s and b learned.

    Described by ``("member_affine", members, activation, has_s, has_b)``; s comes first in the
    parameters, a line for each member, then b.
    """

    def __init__(
        self, n_in: int, place: Place, members: int, activation: str, has_s: bool, has_b: bool
    ) -> None:
        super().__init__(n_in, place, members)
        if not (has_s or has_b):
            raise ValueError("steps: member_affine must have s or b, got neither")
        self.place, self.has_s, self.has_b = place, has_s, has_b
        self.activation = known(activation)
        self.size = members * n_in
        self.n_params = self.size * (has_s + has_b)

    def without_activation(self) -> "MemberAffine":
        """Return the same step with the activation `identity`."""
        return MemberAffine(
            self.n_out, self.place, self.members, "identity", self.has_s, self.has_b
        )

    def _scaled(self, rows: Rows, params: Flat) -> Rows:
        if not self.has_s:
            return [list(row) for row in rows]
        return [_product(self.line(params, r), row) for r, row in enumerate(rows)]

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``f(s[m] * x[i, m] + b[m])``."""
        y = self._scaled(x, params)
        if self.has_b:
            biases = params[self.size :] if self.has_s else params
            y = [
                [v + b for v, b in zip(row, self.line(biases, r), strict=True)]
                for r, row in enumerate(y)
            ]
        out = zeros(len(x), self.n_out)
        FORWARD[self.activation](y, out)
        return out

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through f; the gradient of s[m] is then ``x * delta``, that of b[m] `delta`."""
        deltas = zeros(len(x), self.n_out)
        BACKWARD[self.activation](y, grad_y, deltas)
        for r, (row, delta) in enumerate(zip(x, deltas, strict=True)):
            if self.has_s:
                self.add(gradient, r, _product(row, delta))
            if self.has_b:
                self.add(gradient, r, delta, self.size if self.has_s else 0)
        return self._scaled(deltas, params)


class MemberDense(OfMembers):
    """``y[i, m] = W[m] @ x[i, m]``, described by ``("member_dense", members, n_out)``.

    A matrix for each member, as the heads of TabM have it, without a bias. W comes in the
    parameters member by member, output by output: the weights of one output stand side by side.
    """

    def __init__(self, n_in: int, place: Place, members: int, n_out: int) -> None:
        super().__init__(n_in, place, members)
        if not 1 <= n_out <= 1 << 24:
            raise ValueError(f"steps: outputs of member_dense must be from 1 to 2^24, got {n_out}")
        self.n_in, self.n_out = n_in, n_out
        self.n_params = members * n_out * n_in

    def _matrix(self, flat: Flat, row: int) -> Rows:
        """Cut W of a row's member out of a flat list, an output a row."""
        start = self._start(row)
        return [
            flat[start + u * self.n_in : start + (u + 1) * self.n_in] for u in range(self.n_out)
        ]

    def _start(self, row: int) -> int:
        return self.first + row % self.members * self.n_out * self.n_in

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Return ``W[m] @ x[i, m]``."""
        return [
            [sum(_product(weights, row)) for weights in self._matrix(params, r)]
            for r, row in enumerate(x)
        ]

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Return ``grad_y @ W[m]``; the gradient of ``W[m, u]`` is the sum of ``grad_y[u] * x``."""
        grad_x = zeros(len(x), self.n_in)
        for r, (row, grad) in enumerate(zip(x, grad_y, strict=True)):
            for u, weights in enumerate(self._matrix(params, r)):
                start = self._start(r) + u * self.n_in
                for c in range(self.n_in):
                    grad_x[r][c] += grad[u] * weights[c]
                    gradient[start + c] += grad[u] * row[c]
        return grad_x


def _product(a: Flat, b: Flat) -> Flat:
    return [v * w for v, w in zip(a, b, strict=True)]

"""Members: k networks in one, which share their dense layers."""

from __future__ import annotations  # naming numpy.random would load it

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import activations
from .._specs.validation import choice, flag, integer, number, real_dtype, shown
from ._layer import Layer, one_axis

__all__ = ["MemberAffine", "MemberDense", "Members"]

MOST_MEMBERS = 1 << 16

DRAWS = ("signs", "normal", "ones")


def checked_members(k: Any) -> int:
    """Return a number of members.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    """
    members = integer("k", k)
    if members > MOST_MEMBERS:
        raise ValueError(f"k must be at most {MOST_MEMBERS}, got {members}")
    return members


class Members(Layer):
    """Make k networks of the layers that follow: each row goes through them k times.

    ``y[m] = r[m] * x``, with r a learned factor of each member for each column: what makes the
    members see different rows. Every `Dense` that follows is shared by all members. In training the
    loss is the mean of the members' losses, each of its own prediction; a prediction of the model
    is the mean of the members' outputs: with softmax at the end, of their probabilities.

    Parameters
    ----------
    k : int, default 32
        How many members there are, at most 65,536.
    initializer : {"signs", "normal", "ones"}, default "signs"
        What r begins with: 1 or -1 at random, normally distributed numbers, or 1.
    groups : sequence of int, optional
        How many columns in a row belong together, such as those of one embedding or one category:
        a member draws one number for all of them. By default each is drawn for itself.
    learning_rate_factor, weight_decay_factor : float or mapping of str to float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by here: one number for
        all weights, or numbers by the names of `weight_names`. Finite, at least 0; weights whose
        learning rate is multiplied by 0 are frozen.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    MemberAffine : Give each member its own factors and biases.
    MemberDense : Give each member a dense layer of its own, such as its head.

    Notes
    -----
    A model has it once at most, and not within `Residual`. Behind it a mini-batch of B rows is one
    of k B rows: dropout draws for each of these, and `BatchNorm` takes the mean over all.

    References
    ----------
    Wen, Tran and Ba, BatchEnsemble: an alternative approach to efficient ensemble and lifelong
    learning, ICLR 2020. Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning
    with parameter-efficient ensembling, ICLR 2025.

    Examples
    --------
    A batch ensemble of four networks, with a head for each:

    >>> from cynn import Model
    >>> from cynn.layers import Dense, Dropout
    >>> model = Model([
    ...     Members(4),
    ...     Dense(16, use_bias=False),
    ...     MemberAffine(4, "relu"),
    ...     Dropout(0.1),
    ...     MemberDense(3, 4),
    ...     MemberAffine(4, "softmax", use_scale=False),
    ... ], seed=0)
    >>> model.build(8)
    >>> [w.shape for w in model.get_weights()]
    [(4, 8), (8, 16), (2, 4, 16), (4, 3, 16), (1, 4, 3)]
    >>> model.predict(np.zeros((5, 8))).shape
    (5, 3)
    """

    def __init__(
        self,
        k: int = 32,
        initializer: str = "signs",
        *,
        groups: Sequence[int] | None = None,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.k = checked_members(k)
        self.initializer = choice("initializer", initializer, DRAWS, "initializer")
        if groups is not None:
            if not isinstance(groups, tuple | list) or not groups:
                raise TypeError(f"groups must be a list of whole numbers, got {shown(groups)}")
            groups = tuple(integer(f"groups[{i}]", each) for i, each in enumerate(groups))
        self.groups = groups
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of one axis: that of each member; see `Layer.output_shape`."""
        sizes = one_axis(self, input_shape)
        if self.groups is not None and sum(self.groups) != sizes[0]:
            raise ValueError(
                f"groups must have as many columns as a row, {sizes[0]}, got {sum(self.groups)}"
            )
        return sizes

    def members(self, before: int) -> int:
        """Return k times as many; see `Layer.members`."""
        if before != 1:
            raise ValueError(
                f"a model must have Members once, got {self!r} behind {before} members"
            )
        return self.k

    def _of_member(self, weights: list[NDArray[Any]], m: int) -> tuple[Layer, list[NDArray[Any]]]:
        return self.replace(k=1), [weights[0][m : m + 1]]

    def step(self) -> tuple[Any, ...]:
        """Return ``("members", k)``; see `Layer.step`."""
        return ("members", self.k)

    def weight_names(self) -> list[str]:
        """Return ``["scale"]``: r; see `Layer.weight_names`."""
        return ["scale"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shape of r: ``[(k, n_inputs)]``; see `Layer.weight_shapes`."""
        return [(self.k, integer("n_inputs", n_inputs))]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw r; see `Layer.initial_weights`."""
        groups = [1] * n_inputs if self.groups is None else self.groups
        size = (self.k, len(groups))
        drawn: NDArray[Any]
        if self.initializer == "ones":
            drawn = np.ones(size)
        elif self.initializer == "normal":
            drawn = rng.normal(size=size)
        else:
            drawn = 2.0 * rng.integers(0, 2, size) - 1
        return [np.repeat(drawn, groups, axis=1).astype(real_dtype(dtype))]


class _OfMembers(Layer):
    """A layer behind `Members`, with weights for each."""

    k: int

    def members(self, before: int) -> int:
        """Return as many as there are, if these are k; see `Layer.members`."""
        if before != self.k:
            raise ValueError(
                f"k of {self!r} must be the number of members, {before}, got {self.k}: put "
                "Members(k) before it, with the same k"
            )
        return before

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, of one axis; see `Layer.output_shape`."""
        return one_axis(self, input_shape)


class MemberAffine(_OfMembers):
    """Factors and biases of each member's own: ``y[m] = f(s[m] * x[m] + b[m])``.

    Behind a `Dense` without a bias, which all members share, it makes what each of them sees of it.

    Parameters
    ----------
    k : int
        The number of members, that of the `Members` before it.
    activation : str or cynn.activations.Custom, default "identity"
        What f is; None counts as "identity".
    use_scale, use_bias : bool, default True
        Whether there is s, and b; not neither.
    limit : float, default 0.0
        The numbers that b begins with are drawn uniformly from ±limit, the same for all members; s
        begins with 1. In TabM it is 1 / sqrt(n) of the n inputs of the layer before.
    learning_rate_factor, weight_decay_factor : float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by here: finite, at
        least 0; weights whose learning rate is multiplied by 0 are frozen.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Members : Make the members, with an example of all.

    References
    ----------
    Wen, Tran and Ba, BatchEnsemble, ICLR 2020 (there s and the biases).

    Examples
    --------
    >>> layer = MemberAffine(4, "relu")
    >>> layer.step(), layer.weight_names(), layer.weight_shapes(16)
    (('member_affine', 4, 'relu', True, True), ['weight'], [(2, 4, 16)])
    """

    _has_one_array = True

    def __init__(
        self,
        k: int,
        activation: str | activations.Custom | None = "identity",
        *,
        use_scale: bool = True,
        use_bias: bool = True,
        limit: float = 0.0,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.k = checked_members(k)
        self.activation = activations.checked("activation", activation)
        self.use_scale = flag("use_scale", use_scale)
        self.use_bias = flag("use_bias", use_bias)
        if not (self.use_scale or self.use_bias):
            raise ValueError("use_scale or use_bias must be True, got False for both")
        self.limit = number("limit", limit, "a finite number of at least 0", lambda x: x >= 0)
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def _of_member(self, weights: list[NDArray[Any]], m: int) -> tuple[Layer, list[NDArray[Any]]]:
        return self.replace(k=1), [weights[0][:, m : m + 1]]

    def step(self) -> tuple[Any, ...]:
        """Return ``("member_affine", k, activation, use_scale, use_bias)``; see `Layer.step`."""
        return ("member_affine", self.k, self.activation, self.use_scale, self.use_bias)

    def weight_names(self) -> list[str]:
        """Return ``["weight"]``: s, then b; see `Layer.weight_names`."""
        return ["weight"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shape of s and b together: ``[(2, k, n_inputs)]``, or 1 in the place of 2.

        See `Layer.weight_shapes`.
        """
        return [(self.use_scale + self.use_bias, self.k, integer("n_inputs", n_inputs))]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Return s of ones, and draw b; see `Layer.initial_weights`."""
        weights = np.ones(self.weight_shapes(n_inputs)[0], real_dtype(dtype))
        if self.use_bias:
            weights[-1] = rng.uniform(-self.limit, self.limit, n_inputs) if self.limit else 0
        return [weights]


class MemberDense(_OfMembers):
    """A dense layer for each member, as their heads have it: ``y[m] = W[m] @ x[m]``.

    It has no bias and no activation: `MemberAffine` behind it has both.

    Parameters
    ----------
    units : int
        Numbers in a row of the output of each member, at least 1.
    k : int
        The number of members, that of the `Members` before it.
    learning_rate_factor, weight_decay_factor : float or mapping of str to float, default 1.0
        What the optimizer's learning rate and weight decay are multiplied by here: one number for
        all weights, or numbers by the names of `weight_names`. Finite, at least 0; weights whose
        learning rate is multiplied by 0 are frozen.
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    Dense : One that all members share.
    Members : Make the members, with an example of all.

    Notes
    -----
    W begins with numbers drawn uniformly from ±1 / sqrt(n) of n inputs, as in TabM's code.

    Examples
    --------
    >>> layer = MemberDense(3, 4)
    >>> layer.output_shape((16,)), layer.step(), layer.weight_shapes(16)
    ((3,), ('member_dense', 4, 3), [(4, 3, 16)])
    """

    def __init__(
        self,
        units: int,
        k: int,
        *,
        learning_rate_factor: float | Mapping[str, float] = 1.0,
        weight_decay_factor: float | Mapping[str, float] = 1.0,
        name: str | None = None,
    ) -> None:
        self.units = integer("units", units)
        if self.units > 1 << 24:
            raise ValueError(f"units must be at most 2^24, got {self.units}")
        self.k = checked_members(k)
        self._learn(learning_rate_factor, weight_decay_factor)
        super().__init__(name=name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(units,)`` for ``(n,)``; see `Layer.output_shape`."""
        super().output_shape(input_shape)
        return (self.units,)

    def _of_member(self, weights: list[NDArray[Any]], m: int) -> tuple[Layer, list[NDArray[Any]]]:
        return self.replace(k=1), [weights[0][m : m + 1]]

    def step(self) -> tuple[Any, ...]:
        """Return ``("member_dense", k, units)``; see `Layer.step`."""
        return ("member_dense", self.k, self.units)

    def weight_names(self) -> list[str]:
        """Return ``["weight"]``; see `Layer.weight_names`."""
        return ["weight"]

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shape of W: ``[(k, units, n_inputs)]``; see `Layer.weight_shapes`."""
        return [(self.k, self.units, integer("n_inputs", n_inputs))]

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw W; see `Layer.initial_weights`."""
        limit = 1 / math.sqrt(n_inputs)
        size = self.weight_shapes(n_inputs)[0]
        return [rng.uniform(-limit, limit, size).astype(real_dtype(dtype))]

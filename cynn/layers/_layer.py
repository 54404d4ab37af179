"""What all layers are."""

from __future__ import annotations  # naming numpy.random would load it

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._specs import spec
from .._specs.factors import checked_factor, factor_of
from .._specs.names import missing_attribute
from .._specs.validation import shape, shown
from ..schedules import Schedule

__all__ = ["Layer"]


class Layer(spec.Spec):
    """Base of the layers; the methods here are those of a layer without weights.

    Parameters
    ----------
    name : str, optional
        A name of your own for it.

    Raises
    ------
    TypeError
        If `name` is not a string, or is empty.

    Examples
    --------
    A layer of a subclass says what comes out of it and which step of the network it is:

    >>> class Double(Layer):
    ...     def step(self):
    ...         return ("rescale", 2.0, 0.0)
    >>> Double(name="twice").output_shape((28, 28)), Double().weight_names()
    ((28, 28), [])
    """

    _has_one_array: ClassVar[bool] = False
    """Whether the network keeps all weights in one array, whose factors are then the same."""

    def __init__(self, *, name: str | None = None) -> None:
        if not (name is None or isinstance(name, str) and name):
            raise TypeError(f"name must be a string that is not empty, or None, got {shown(name)}")
        self.name = name

    def _learn(
        self,
        learning_rate_factor: float | Mapping[str, float],
        weight_decay_factor: float | Mapping[str, float],
    ) -> None:
        """Check and keep the factors of a layer with weights, once `weight_names` knows them."""
        names = [] if self._has_one_array else self.weight_names()
        self.learning_rate_factor = checked_factor(
            "learning_rate_factor", learning_rate_factor, names
        )
        self.weight_decay_factor = checked_factor("weight_decay_factor", weight_decay_factor, names)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what an attribute is here that another library's layers have."""
            if name.startswith("_"):  # copies and pickles ask for many of these
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise missing_attribute(self, name)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that comes out for the shape that goes in.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one row.

        Returns
        -------
        tuple of int
            The shape of one row of the output.

        Raises
        ------
        ValueError
            If the layer cannot take that shape.
        """
        return shape("input_shape", input_shape)

    def members(self, before: int) -> int:
        """Return how many rows the layer gives for each row of the model: one for each member.

        Parameters
        ----------
        before : int
            How many it takes.

        Returns
        -------
        int
            As many, except of `Members`.

        Raises
        ------
        ValueError
            If the layer is for another number of members.
        """
        return before

    def _of_member(self, weights: list[NDArray[Any]], m: int) -> tuple[Layer, list[NDArray[Any]]]:
        """Return the layer as member m has it, and of these weights its own.

        By default they are shared.
        """
        return self, weights

    def step(self) -> tuple[Any, ...] | None:
        """Return the step of the network's plan, or None if the layer computes nothing.

        Returns
        -------
        tuple or None
            The kind of the step, then its numbers, such as ``("dense", 128, "relu")``.
        """
        return None

    def weight_names(self) -> list[str]:
        """Return the names of the layer's weights, in the order of `weight_shapes`.

        Returns
        -------
        list of str
            Such as ``["weight", "bias"]``; empty for a layer without weights.
        """
        return []

    def factors(self) -> list[tuple[float, float]]:
        """Return what the learning rate and the weight decay of each weight are multiplied by.

        Returns
        -------
        list of (float, float)
            In the order of `weight_names`, 1 where nothing else was said; a single pair where the
            network keeps all of them in one array.
        """
        rate = vars(self).get("learning_rate_factor", 1.0)
        decay = vars(self).get("weight_decay_factor", 1.0)
        pairs = [(factor_of(rate, name), factor_of(decay, name)) for name in self.weight_names()]
        return pairs[:1] if self._has_one_array else pairs

    def dropouts(self) -> list[float | Schedule]:
        """Return the rate of each step in this layer that drops numbers in training.

        Returns
        -------
        list of float and Schedule
            In the order of the steps; empty where nothing is dropped.
        """
        return []

    def penalties(self) -> list[tuple[float, float]]:
        """Return l1 and l2 of each dense layer in this one.

        Returns
        -------
        list of (float, float)
            In the order of the weights; empty where there is no dense layer.
        """
        return []

    def state_names(self) -> list[str]:
        """Return the names of the layer's running statistics, in the order of `state_shapes`.

        Returns
        -------
        list of str
            Such as ``["moving_mean", "moving_variance"]``; empty for a layer without them.
        """
        return []

    def state_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of what the layer keeps beside its weights, saved and not trained.

        Parameters
        ----------
        n_inputs : int
            The numbers in one row of the input, at least 1.

        Returns
        -------
        list of tuple of int
            In the order of `state_names`.

        Raises
        ------
        TypeError, ValueError
            If `n_inputs` is not such a number.
        """
        return []

    def weight_shapes(self, n_inputs: int) -> list[tuple[int, ...]]:
        """Return the shapes of the layer's weights for that many inputs.

        Parameters
        ----------
        n_inputs : int
            The numbers in one row of the input, at least 1.

        Returns
        -------
        list of tuple of int
            In the order of `weight_names`.

        Raises
        ------
        TypeError, ValueError
            If `n_inputs` is not such a number.
        """
        return []

    def initial_weights(
        self, n_inputs: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> list[NDArray[Any]]:
        """Draw the layer's first weights.

        Parameters
        ----------
        n_inputs : int
            The numbers in one row of the input, at least 1.
        rng : numpy.random.Generator
            The generator that the weights are drawn from.
        dtype : dtype, default float32
            The type of the weights: float32 or float64.

        Returns
        -------
        list of ndarray of dtype
            In the order of `weight_shapes`.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        """
        return []


def one_axis(layer: Layer, input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape, or refuse one that is not that of a row of numbers.

    Raises
    ------
    ValueError
        If it is not.
    """
    sizes = shape("input_shape", input_shape)
    if len(sizes) != 1:
        raise ValueError(f"rows for {layer!r} must be flat, got {sizes}: put Flatten() before it")
    return sizes

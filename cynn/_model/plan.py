"""What a network is told of the layers: its steps, and what its loss finds at their end."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .. import layers, losses, optimizers


def checked_layers(value: Any) -> tuple[layers.Layer, ...]:
    """Return the layers of a model.

    Raises
    ------
    TypeError, ValueError
        If it is no list of them, or an empty one.
    """
    if isinstance(value, layers.Layer) or not isinstance(value, Iterable):
        raise TypeError(f"layers must be a list of layers, got {value!r}")
    checked = tuple(value)
    if not checked:
        raise ValueError("layers must hold at least one layer, got none")
    for i, layer in enumerate(checked):
        if not isinstance(layer, layers.Layer):
            raise TypeError(f"layers[{i}] must be a layer such as Dense(10), got {layer!r}")
    return checked


class Plan(NamedTuple):
    """What a network is told of the layers, whatever its rows are.

    A network takes the size of a row and the first three.

    Attributes
    ----------
    steps : list of tuple
        The network's steps.
    scale, offset : float
        What its input is multiplied by, and what is added to it then, on the way in.
    last_activation : str
        The activation in front of the loss; identity for a user-defined one.
    ends_in_function : bool
        Whether it is unknown what kind of numbers the last layer gives.
    takes_any_shape : bool
        Whether a row may have any shape with as many numbers.
    skips_zeros : bool
        Whether a zero in x is a zero in front of a dense layer, so that sparse rows can be read.
    """

    steps: list[tuple[Any, ...]]
    scale: float
    offset: float
    last_activation: str
    ends_in_function: bool
    takes_any_shape: bool
    skips_zeros: bool


def plan_of(parts: Sequence[layers.Layer]) -> Plan:
    """Return what a network is told of the layers."""
    steps = [step for layer in parts if (step := layer.step()) is not None]
    scale, offset = 1.0, 0.0
    # A rescaling at the head costs nothing: the rows are converted on the way in anyhow.
    while steps and steps[0][0] == "rescale":
        _, factor, shift = steps.pop(0)
        scale, offset = scale * factor, offset * factor + shift
    steps = steps or [("activation", "identity")]
    return Plan(
        steps,
        scale,
        offset,
        last_activation=_last_activation(parts),
        ends_in_function=not isinstance(getattr(parts[-1], "activation", ""), str),
        takes_any_shape=isinstance(parts[0], layers.Flatten),
        skips_zeros=offset == 0 and steps[0][0] == "dense",
    )


def _last_activation(parts: Sequence[layers.Layer]) -> str:
    for layer in reversed(parts):
        if isinstance(layer, layers.Dense | layers.Activation):
            return layer.activation if isinstance(layer.activation, str) else "identity"
        if layer.step() is not None:
            break
    return "identity"


class ParameterValues(NamedTuple):
    """What the weights of one dense layer have of their own: a line of the table by parameter.

    Attributes
    ----------
    l1, l2 : float
        ``l1 * sum(abs(W)) + l2 * sum(W**2)`` is added to the loss.
    """

    l1: float = 0.0
    l2: float = 0.0


class CompileSettings(NamedTuple):
    """What a network makes small, and how: what its `compile` is given.

    Attributes
    ----------
    loss, rule : str or tuple
        The kernels' loss and update rule, each with its numbers.
    clip_value, clip_norm : float
        The limits of a gradient's numbers and of its norm, infinite for none.
    parameters : list of ParameterValues
        What differs by parameter, a line for each dense layer.
    """

    loss: losses.Kernel
    rule: tuple[str | float, ...]
    clip_value: float
    clip_norm: float
    parameters: list[tuple[float, float]]


def compile_settings(
    parts: Sequence[layers.Layer], plan: Plan, optimizer: optimizers.Optimizer, loss: losses.Loss
) -> CompileSettings:
    """Return what a network of these layers is to make small, and how.

    Raises
    ------
    ValueError
        If the loss cannot take what the last activation gives.
    """
    table: list[tuple[float, float]] = [
        ParameterValues(*pair) for layer in parts for pair in layer.penalties()
    ]
    kernel = loss.kernel(plan.last_activation)
    return CompileSettings(kernel, optimizer.kernel(), *optimizer.clips(), table)
